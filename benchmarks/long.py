"""Long clips: seconds and peak memory by duration, each in a process of its own.

Cost is to grow linearly with the duration, memory not at all but for the finished frames.
"""

import argparse
import multiprocessing
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.report import Report, Row
from benchmarks.stages import stage
from benchmarks.timing import peak_gibibytes
from engine.backends import AUTO
from engine.cascade import Cascade
from engine.errors import RequestError
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
    """Make a clip of each duration, one after another. Raises: RequestError."""
    if options.upscale and options.preset:
        raise RequestError("--preset names one stage alone: leave it out, or leave out --upscale.")
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        made = [pool.apply(clip_of, (options.model, options.preset, duration, options.upscale))
                for duration in sorted(options.seconds)]
    return report(made, is_upscaled=options.upscale)


def clip_of(model: Path, preset: str, duration_seconds: float, upscale: bool) -> Made:
    """Make a clip after a short one that is not counted.

    model: folder of the weights. preset: name of one whose random weights are taken instead.
    upscale: whether it is made large too.
    """
    base, source = stage(model, "base", preset, AUTO)
    upsampler = stage(model, "upsampler", backend=AUTO)[0] if upscale else None
    cascade = Cascade(base, upsampler,
                      TextEncoder(base.config.text_encoder, base.config.text_length))
    request = replace(CLIP, upscale=upscale)
    make(cascade, ExtensionRequest(request, 1 / CLIP.fps))
    begun = time.perf_counter()
    clip = make(cascade, ExtensionRequest(request, duration_seconds))
    return Made(duration_seconds, len(clip.plan.base) + len(clip.plan.upsampler),
                time.perf_counter() - begun, peak_gibibytes(), source)


def report(made: Sequence[Made], *, is_upscaled: bool = False) -> Report:
    """Compare clips, the shortest first."""
    shortest, longest = made[0], made[-1]
    rows = [row for one in made for row in (
        Row(f"{one.duration_seconds:g} s, {one.windows} windows", one.seconds, "s"),
        Row(f"{one.duration_seconds:g} s, peak memory", one.gibibytes, "GiB"))]
    last = f"made large in {CLIP.upscale_steps} steps" if is_upscaled \
        else "drafts, without an upsampler"
    return Report("long_upscaled" if is_upscaled else "long", [
        *rows,
        Row("a second of the longest against the shortest",
            (longest.seconds / longest.duration_seconds)
            / (shortest.seconds / shortest.duration_seconds), "x", "<= 1.1x"),
        Row("memory of the longest against the shortest",
            longest.gibibytes / shortest.gibibytes, "x", "<= 1.1x"),
    ], [made[0].weights, f"{CLIP.fps:g} frames per second, {CLIP.steps} steps, guidance "
                         f"{CLIP.guidance:g}; {last}"])
