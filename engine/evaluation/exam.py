"""The questions: test-split captions, and true clips that answer them as often as there are seeds.

Every caption is a (subject, place, travel) triple no model was trained on. A model answers each
with one clip a seed; the world answers with as many scenes of the same triple, drawn anew.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from engine.evaluation.eta import Eta, Say
from engine.evaluation.judge import FRAMES, HEIGHT, WIDTH, size_class
from engine.storybook.captions import canonical_caption
from engine.storybook.motion import pose, zoom
from engine.storybook.sprites import Sprite
from engine.storybook.world import Scene, render, sample_scene

FPS = (6.0, 12.0, 24.0)
Cast = Mapping[str, Sprite]


class Asked(Protocol):
    """What a question is about; a scene is one answer to it."""

    @property
    def subject(self) -> str: ...

    @property
    def place(self) -> str: ...

    @property
    def travel(self) -> str: ...


@dataclass(frozen=True)
class Exam:
    """What is asked and what is true.

    scenes: one row a seed of n scenes; a column shares its subject, place and travel. captions,
    fps: n. true: uint8 (seeds, n, t, h, w, 3), the scenes painted.
    """

    scenes: tuple[tuple[Scene, ...], ...]
    captions: tuple[str, ...]
    fps: tuple[float, ...]
    true: np.ndarray

    @property
    def subjects(self) -> tuple[str, ...]:
        """Subject of each caption."""
        return tuple(scene.subject for scene in self.scenes[0])

    def asked(self, attribute: str) -> tuple[str, ...]:
        """What each caption asks for: its subject, place or travel."""
        return tuple(getattr(scene, attribute) for scene in self.scenes[0])

    def noise_seeds(self, row: int) -> list[int]:
        """Seeds of one row of made clips, all different."""
        return [row * 100_000 + column for column in range(len(self.captions))]


def set_exam(cast: Cast, samples: int, seeds: int, tell: Say, seed: int = 0) -> Exam:
    """Draw the questions and paint their true answers; the same arguments give the same exam."""
    rng = np.random.default_rng((seed, 1))
    fps = _rates(samples)
    first = [drawn(rng, cast, rate, split="test") for rate in fps]
    rows = [first] + [_all_again(rng, first, cast, fps) for _ in range(seeds - 1)]
    return _painted(rows, fps, cast, tell)


def set_exam_on(asked: Sequence[Asked], cast: Cast, tell: Say, seed: int = 0) -> Exam:
    """Set questions that are known already, and paint their true answers, one a question."""
    fps = _rates(len(asked))
    rng = np.random.default_rng((seed, 3))
    return _painted([_all_again(rng, asked, cast, fps)], fps, cast, tell)


def _rates(count: int) -> tuple[float, ...]:
    return tuple(FPS[index % len(FPS)] for index in range(count))


def _all_again(rng: np.random.Generator, asked: Sequence[Asked], cast: Cast,
               fps: Sequence[float]) -> list[Scene]:
    return [again(rng, one, cast, rate) for one, rate in zip(asked, fps, strict=True)]


def _painted(rows: Sequence[Sequence[Scene]], fps: tuple[float, ...], cast: Cast,
             tell: Say) -> Exam:
    eta = Eta("Painting true clips", len(fps) * len(rows), tell)
    true = np.stack([paint_all(row, fps, cast, eta) for row in rows])
    captions = tuple(canonical_caption(scene, cast) for scene in rows[0])
    return Exam(tuple(tuple(row) for row in rows), captions, fps, true)


def reference_clips(cast: Cast, count: int, tell: Say, seed: int = 0) -> np.ndarray:
    """Paint many other test-split clips, the set that storybook-FVD measures from."""
    rng = np.random.default_rng((seed, 2))
    fps = [FPS[index % len(FPS)] for index in range(count)]
    scenes = [drawn(rng, cast, rate, split="test") for rate in fps]
    return paint_all(scenes, fps, cast, Eta("Painting reference clips", count, tell))


def drawn(rng: np.random.Generator, cast: Cast, fps: float, split: str | None = None) -> Scene:
    """Draw a scene that suits a clip of the judge's length at a frame rate."""
    return sample_scene(rng, cast, split=split, clip_seconds=FRAMES / fps)


def again(rng: np.random.Generator, asked: Asked, cast: Cast, fps: float) -> Scene:
    """Draw another scene with the same subject, place and travel."""
    alone = {asked.subject: cast[asked.subject]}
    while True:
        other = drawn(rng, alone, fps)
        if (other.place, other.travel) == (asked.place, asked.travel):
            return other


def paint_all(scenes: Sequence[Scene], fps: Sequence[float], cast: Cast, eta: Eta) -> np.ndarray:
    """Render scenes at the judge's size: uint8 (n, t, h, w, 3)."""
    clips = np.empty((len(scenes), FRAMES, HEIGHT, WIDTH, 3), np.uint8)
    for index, (scene, rate) in enumerate(zip(scenes, fps, strict=True)):
        clips[index] = render(scene, cast, np.arange(FRAMES) / rate, HEIGHT, WIDTH)
        eta.advance()
    return clips


def true_words(scene: Scene, fps: float, cast: Cast) -> dict[str, str]:
    """Answer every question about a scene."""
    times = np.arange(FRAMES) / fps
    heights = pose(scene, cast[scene.subject], times, WIDTH / HEIGHT).size * zoom(scene, times)
    return {"subject": scene.subject, "place": scene.place, "travel": scene.travel,
            "size": size_class(float(heights.mean()))}
