"""Long clips: seconds and peak memory by duration, each in a process of its own.

Cost is to grow linearly with the duration, memory not at all but for the finished frames.
"""

import argparse
import multiprocessing
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.report import Report, Row
from benchmarks.stages import stage
from benchmarks.timing import peak_gibibytes
from engine.cascade import Cascade
from engine.extension.request import ExtensionRequest
from engine.extension.run import make
from engine.request import GenerationRequest
from engine.text import TextEncoder

CLIP = GenerationRequest("a dog walking to the left in the meadow", seed=1)


@dataclass(frozen=True)
class Made:
    """What a clip took. gibibytes: most memory its process has held. weights: what made it."""

    duration_seconds: float
    windows: int
    seconds: float
    gibibytes: float
    weights: str


def measure(options: argparse.Namespace) -> Report:
    """Make a clip of each duration, one after another."""
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        made = [pool.apply(clip_of, (options.model, options.preset, duration))
                for duration in sorted(options.seconds)]
    return report(made)


def clip_of(model: Path, preset: str, duration_seconds: float) -> Made:
    """Make a clip after a short one that is not counted.

    model: folder of the weights. preset: name of one whose random weights are taken instead.
    """
    base, source = stage(model, "base", preset)
    cascade = Cascade(base, None, TextEncoder(base.config.text_encoder, base.config.text_length))
    make(cascade, ExtensionRequest(CLIP, 1 / CLIP.fps))
    begun = time.perf_counter()
    clip = make(cascade, ExtensionRequest(CLIP, duration_seconds))
    return Made(duration_seconds, len(clip.plan.base), time.perf_counter() - begun,
                peak_gibibytes(), source)


def report(made: Sequence[Made]) -> Report:
    """Compare clips, the shortest first."""
    shortest, longest = made[0], made[-1]
    rows = [row for one in made for row in (
        Row(f"{one.duration_seconds:g} s, {one.windows} windows", one.seconds, "s"),
        Row(f"{one.duration_seconds:g} s, peak memory", one.gibibytes, "GiB"))]
    return Report("long", [
        *rows,
        Row("a second of the longest against the shortest",
            (longest.seconds / longest.duration_seconds)
            / (shortest.seconds / shortest.duration_seconds), "x", "<= 1.1x"),
        Row("memory of the longest against the shortest",
            longest.gibibytes / shortest.gibibytes, "x", "<= 1.1x"),
    ], [made[0].weights, f"{CLIP.fps:g} frames per second, {CLIP.steps} steps, guidance "
                         f"{CLIP.guidance:g}; drafts, without an upsampler"])
