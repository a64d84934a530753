"""What answers an exam: any function from prompts to clips, and the cascade as such a function."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from engine.cascade import Cascade, Prompts
from engine.evaluation.eta import Eta, Say
from engine.evaluation.exam import Exam
from engine.request import GenerationRequest
from engine.stage import SampleSettings
from engine.video import to_clips, to_frames

# (prompts, seeds, fps) -> uint8 (b, t, h, w, 3)
Maker = Callable[[Sequence[str], Sequence[int], Sequence[float]], np.ndarray]
# (drafts uint8 (b, t, h, w, 3), prompts, seeds, fps) -> uint8, larger
Enlarger = Callable[[np.ndarray, Sequence[str], Sequence[int], Sequence[float]], np.ndarray]


@dataclass(frozen=True)
class UpscaleSettings:
    """How drafts are enlarged. noise: corruption of the draft, 0 to 1."""

    steps: int = GenerationRequest.upscale_steps
    noise: float = GenerationRequest.upscale_noise


def drafts_of(cascade: Cascade, settings: SampleSettings) -> Maker:
    """Make small clips with a cascade's base stage."""
    def make(prompts: Sequence[str], seeds: Sequence[int], fps: Sequence[float]) -> np.ndarray:
        return to_frames(cascade.draft(Prompts(prompts, seeds, fps), settings))

    return make


def enlargements_of(cascade: Cascade, settings: UpscaleSettings) -> Enlarger:
    """Enlarge small clips with a cascade's upsampler."""
    sampling = SampleSettings(settings.steps, guidance=0.0)

    def enlarge(drafts: np.ndarray, prompts: Sequence[str], seeds: Sequence[int],
                fps: Sequence[float]) -> np.ndarray:
        large = cascade.upscale(to_clips(drafts), Prompts(prompts, seeds, fps), sampling,
                                settings.noise)
        return to_frames(large)

    return enlarge


def answer(exam: Exam, make: Maker, batch: int, tell: Say) -> np.ndarray:
    """Let a maker answer an exam, once a seed: uint8 (seeds, n, t, h, w, 3)."""
    n = len(exam.captions)
    eta = Eta("Making clips", n * len(exam.scenes), tell)
    rows = []
    for row in range(len(exam.scenes)):
        seeds, clips = exam.noise_seeds(row), []
        for start in range(0, n, batch):
            part = slice(start, start + batch)
            clips.append(make(exam.captions[part], seeds[part], exam.fps[part]))
            eta.advance(len(clips[-1]))
        rows.append(np.concatenate(clips))
    return np.stack(rows)
