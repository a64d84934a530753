"""How the judge learns: once, on painted clips of both splits, seeded, and kept on disk.

Its lessons are softened and made noisy at random, so that it judges what a clip shows and not
how cleanly it is drawn. The cache is named after every setting and a fingerprint of the world.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from engine import checkpoint
from engine.evaluation.eta import Eta, Say
from engine.evaluation.exam import FPS, Cast, drawn, paint_all, true_words
from engine.evaluation.judge import ATTRIBUTES, FRAMES, Judge, JudgeConfig, to_input
from engine.storybook.scene import TRAVELS

CLIPS_A_SUBJECT = 256
MOST_CLIPS = 16_384  # 1.8 GB of pictures
_PROBES = 24
_LOOKS = 3
# What a travel becomes in a mirror.
_MIRRORED = [TRAVELS.index({"left": "right", "right": "left"}.get(t, t)) for t in TRAVELS]


@dataclass(frozen=True)
class Teaching:
    """How much and how fast a judge learns. softened, noise: the strongest augmentation."""

    clips: int = 4096
    epochs: int = 5
    batch: int = 32
    lr: float = 3e-3
    softened: float = 0.9
    noise: float = 0.12
    seed: int = 0


def teaching_of(subjects: int) -> Teaching:
    """How a judge is taught to tell so many subjects apart: the more of them, the more clips."""
    clips = min(MOST_CLIPS, max(Teaching.clips, CLIPS_A_SUBJECT * subjects))
    return Teaching(clips=clips)


@dataclass(frozen=True)
class Lessons:
    """Painted clips uint8 (n, t, h, w, 3) and the number of each attribute's answer, (n,)."""

    frames: np.ndarray
    answers: dict[str, Tensor]


def trained_judge(folder: Path, cast: Cast, tell: Say, teaching: Teaching | None = None) -> Judge:
    """Load the judge of this cast from `folder`, or teach one and keep it there.

    folder: where judges are kept, one subfolder each. cast: sprites by name.
    """
    teaching = teaching or teaching_of(len(cast))
    config = JudgeConfig(tuple(sorted(cast)))
    home = folder / judge_hash(config, teaching, cast)
    judge = Judge(config)
    if (home / checkpoint.WEIGHTS_NAME).is_file():
        checkpoint.load_weights(judge, home / checkpoint.WEIGHTS_NAME)
        return judge.eval()
    tell(f"Teaching a judge for {len(cast)} subjects; it is kept in {home}.")
    judge = teach(config, cast, tell, teaching)
    home.mkdir(parents=True, exist_ok=True)
    about = {"judge": asdict(config), "teaching": asdict(teaching)}
    (home / checkpoint.CONFIG_NAME).write_text(json.dumps(about, indent=2) + "\n")
    checkpoint.save_weights(judge.state_dict(), home / checkpoint.WEIGHTS_NAME)
    return judge


def judge_hash(config: JudgeConfig, teaching: Teaching, cast: Cast) -> str:
    """Name a judge by its settings and by what the world looks like today."""
    digest = hashlib.sha256(json.dumps([asdict(config), asdict(teaching)]).encode())
    probes = draw_lessons(np.random.default_rng(0), cast, config, _PROBES, lambda _: None)
    digest.update(probes.frames.tobytes())
    return digest.hexdigest()[:12]


def draw_lessons(rng: np.random.Generator, cast: Cast, config: JudgeConfig, count: int,
                 tell: Say) -> Lessons:
    """Paint scenes of both splits with their answers."""
    fps = rng.choice(FPS, size=count).tolist()
    scenes = [drawn(rng, cast, rate) for rate in fps]
    frames = paint_all(scenes, fps, cast, Eta("Painting lessons", count, tell))
    words = [true_words(scene, rate, cast) for scene, rate in zip(scenes, fps, strict=True)]
    answers = {name: torch.tensor([config.words(name).index(word[name]) for word in words])
               for name in ATTRIBUTES}
    return Lessons(frames, answers)


def teach(config: JudgeConfig, cast: Cast, tell: Say, teaching: Teaching) -> Judge:
    """Train a judge from nothing; the same settings give the same judge."""
    lessons = draw_lessons(np.random.default_rng((teaching.seed, 3)), cast, config,
                           teaching.clips, tell)
    generator = torch.Generator().manual_seed(teaching.seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(teaching.seed)
        judge = Judge(config)
    steps = teaching.epochs * (teaching.clips // teaching.batch)
    optimizer = torch.optim.AdamW(judge.parameters(), lr=teaching.lr, weight_decay=0.02)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, teaching.lr, steps, pct_start=0.15)
    eta = Eta("Teaching the judge", steps, tell)
    judge.train()
    for _ in range(teaching.epochs):
        order = torch.randperm(teaching.clips, generator=generator)
        for rows in order.split(teaching.batch)[:teaching.clips // teaching.batch]:
            loss = _lesson_loss(judge, lessons, rows, teaching, generator)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            rate.step()
            eta.advance(note=f"loss {loss.item():.2f}")
    return judge.eval()


def _lesson_loss(judge: Judge, lessons: Lessons, rows: Tensor, teaching: Teaching,
                 generator: torch.Generator) -> Tensor:
    clips = to_input(lessons.frames[rows.numpy()])
    answers = {name: answer[rows] for name, answer in lessons.answers.items()}
    mirrored = torch.rand(len(rows), generator=generator) < 0.5
    clips[mirrored] = clips[mirrored].flip(-1)
    answers["travel"] = torch.where(mirrored, torch.tensor(_MIRRORED)[answers["travel"]],
                                    answers["travel"])
    looks = torch.randperm(FRAMES, generator=generator)[:_LOOKS].tolist()
    scores = judge(spoil(clips, teaching, generator), looks)
    return sum(F.cross_entropy(scores[name], answers[name]) for name in ATTRIBUTES)


def spoil(clips: Tensor, teaching: Teaching, generator: torch.Generator) -> Tensor:
    """Soften a random half of the clips (b, t, c, h, w) and add some noise to all of them."""
    one_each = (len(clips), 1, 1, 1, 1)
    some = torch.rand(len(clips), generator=generator) < 0.5
    sharp = clips[some]
    soft = F.avg_pool2d(sharp.flatten(0, 1), 3, 1, 1, count_include_pad=False).view_as(sharp)
    amount = torch.rand(one_each, generator=generator)[some] * teaching.softened
    clips = clips.clone()
    clips[some] = sharp + amount * (soft - sharp)
    level = torch.rand(one_each, generator=generator) * teaching.noise
    return clips + level * torch.randn(clips.shape, generator=generator)
