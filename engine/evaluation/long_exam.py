"""Longer clips of test-split captions: the painted world's own, and a model's beside them.

Scenes are drawn for their whole length, so that the subject of a true clip is there to the end.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from engine.cascade import Cascade
from engine.evaluation.eta import Eta, Say
from engine.evaluation.exam import Cast
from engine.evaluation.judge import HEIGHT, WIDTH
from engine.extension.plan import seams
from engine.extension.request import KNOWN_WEIGHT, ExtensionRequest
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
class LongAnswer:
    """One made clip, uint8 (t, h, w, 3), and the frames at which a window of it begins."""

    frames: np.ndarray
    seams: tuple[int, ...]


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


def clips_of(cascade: Cascade, clip: GenerationRequest, known_weight: float = KNOWN_WEIGHT, *,
             is_loop: bool = False) -> LongMaker:
    """Make longer drafts with a cascade. clip: how it samples, whatever its prompt and seed."""
    def make_one(caption: str, seed: int, seconds: float) -> LongAnswer:
        request = GenerationRequest(caption, seed=seed, fps=FPS, steps=clip.steps,
                                    guidance=clip.guidance, sampler=clip.sampler)
        made = make(cascade, ExtensionRequest(request, seconds, is_loop=is_loop,
                                              known_weight=known_weight))
        return LongAnswer(made.frames, seams(made.plan))

    return make_one


def answers_to(exam: LongExam, make_one: LongMaker, tell: Say) -> Sequence[LongAnswer]:
    """Let a maker answer each caption once."""
    eta = Eta(f"Making clips of {exam.seconds:g} s", len(exam.captions), tell)
    answers = []
    for number, caption in enumerate(exam.captions):
        answers.append(make_one(caption, number, exam.seconds))
        eta.advance()
    return answers
