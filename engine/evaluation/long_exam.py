"""Longer clips of test-split captions: the painted world's own, and a model's beside them.

Scenes are drawn for their whole length, so that the subject of a true clip is there to the end.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from engine.cascade import Cascade
from engine.drift import Measures, measure
from engine.evaluation.eta import Eta, Say
from engine.evaluation.exam import Cast
from engine.evaluation.judge import HEIGHT, WIDTH
from engine.evaluation.upsampling import shrunk
from engine.extension.plan import seams
from engine.extension.request import ExtensionRequest
from engine.extension.run import make
from engine.request import GenerationRequest
from engine.storybook.captions import canonical_caption
from engine.storybook.world import Scene, render, sample_scene

FPS = 12.0


@dataclass(frozen=True)
class LongExam:
    """What is asked and what is true.

    scenes, captions: n. frames: the scenes painted at FPS, uint8 (n, t, h, w, 3).
    """

    seconds: float
    scenes: tuple[Scene, ...]
    captions: tuple[str, ...]
    frames: np.ndarray

    @property
    def subjects(self) -> tuple[str, ...]:
        """Subject of each caption."""
        return self.asked("subject")

    def asked(self, attribute: str) -> tuple[str, ...]:
        """What each caption asks for: its subject, place or travel."""
        return tuple(getattr(scene, attribute) for scene in self.scenes)


@dataclass(frozen=True)
class Large:
    """A made clip after the upsampler; its own frames are not kept, for many would fill the memory.

    frames: shrunk to the size of a draft, uint8 (t, h, w, 3). measures: at its own size. seams: the
    frames at which a window of the upsampler begins.
    """

    frames: np.ndarray
    measures: Measures
    seams: tuple[int, ...]


@dataclass(frozen=True)
class LongAnswer:
    """One made clip.

    frames: of the draft, uint8 (t, h, w, 3). seams: those at which a window begins. first_frames:
    how many the first window made in one piece. large: the same after the upsampler, if asked for.
    """

    frames: np.ndarray
    seams: tuple[int, ...]
    first_frames: int
    large: Large | None = None


LongMaker = Callable[[str, int, float], LongAnswer]    # a caption, a seed, seconds


def set_long_exam(cast: Cast, samples: int, seconds: float, tell: Say, seed: int = 0) -> LongExam:
    """Draw captions and paint them for a length; the same arguments give the same exam."""
    rng = np.random.default_rng((seed, 4, round(1000 * seconds)))
    scenes = tuple(sample_scene(rng, cast, split="test", clip_seconds=seconds)
                   for _ in range(samples))
    times = np.arange(round(seconds * FPS)) / FPS
    eta = Eta(f"Painting true clips of {seconds:g} s", samples, tell)
    frames = np.empty((samples, len(times), HEIGHT, WIDTH, 3), np.uint8)
    for clip, scene in zip(frames, scenes, strict=True):
        clip[:] = render(scene, cast, times, HEIGHT, WIDTH)
        eta.advance()
    captions = tuple(canonical_caption(scene, cast) for scene in scenes)
    return LongExam(seconds, scenes, captions, frames)


def clips_of(cascade: Cascade, clip: GenerationRequest, known_weight: float | None = None, *,
             is_loop: bool = False) -> LongMaker:
    """Make longer clips with a cascade.

    clip: how they are sampled and whether they are made large; its prompt and seed do not matter.
    """
    def make_one(caption: str, seed: int, seconds: float) -> LongAnswer:
        request = replace(clip, prompt=caption, seed=seed, fps=FPS)
        made = make(cascade, ExtensionRequest(request, seconds, is_loop=is_loop,
                                              known_weight=known_weight))
        layout = made.plan.layout
        large = Large(shrunk(made.frames), measure(made.frames), seams(made.plan.upsampler)) \
            if clip.upscale else None
        return LongAnswer(made.draft_frames, seams(made.plan.base),
                          min(layout.frames, layout.window * layout.coarsest), large)

    return make_one


def answers_to(exam: LongExam, make_one: LongMaker, tell: Say) -> Sequence[LongAnswer]:
    """Let a maker answer each caption once."""
    eta = Eta(f"Making clips of {exam.seconds:g} s", len(exam.captions), tell)
    answers = []
    for number, caption in enumerate(exam.captions):
        answers.append(make_one(caption, number, exam.seconds))
        eta.advance()
    return answers
