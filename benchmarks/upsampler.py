"""The upsampler: a whole 288x512 clip, and its cost by the number of groups."""

import argparse
import time
from dataclasses import replace

import torch

from benchmarks.report import Report, Row
from benchmarks.stages import conditions, stage
from benchmarks.timing import median_seconds, peak_gibibytes
from engine.backends import AUTO
from engine.model import Part
from engine.request import GenerationRequest
from engine.stage import Given, SampleSettings, Stage, unit_noise

# Rows and columns of groups in a crop: 4, 8, 16 and all 32 groups.
CROPS = ((2, 2), (2, 4), (4, 4), (4, 8))


@torch.no_grad()
def measure(options: argparse.Namespace) -> Report:
    """Time one clip with the settings a request has by default, then crops of whole groups."""
    fast, source = stage(options.model, "upsampler", backend=AUTO)
    request = GenerationRequest(prompt="a dog")
    settings = SampleSettings(request.upscale_steps, guidance=0.0)
    told, noise = conditions(fast), unit_noise([1], fast.clip_shape)
    low = torch.rand_like(noise) * 2 - 1
    fast.sample(noise, told, replace(settings, steps=1), given=Given(low))    # compiles it
    begun = time.perf_counter()
    fast.sample(noise, told, settings, given=Given(low))
    clip = time.perf_counter() - begun
    memory = peak_gibibytes()

    upsampler, _ = stage(options.model, "upsampler")
    rows = [Row(f"clip of {noise.shape[-2]}x{noise.shape[-1]}, {settings.steps} steps", clip, "s",
                "< 40 s"), Row("peak memory", memory, "GiB")]
    # Round by round, so that a machine whose speed wavers is as slow for one size as for another.
    rounds = [{down * across: crop_seconds(upsampler, (down, across), 1) for down, across in CROPS}
              for _ in range(options.repeats)]
    seconds = {groups: min(one[groups] for one in rounds) for groups in rounds[0]}
    whole = seconds[max(seconds)] / max(seconds)
    for groups, taken in seconds.items():
        rows.append(Row(f"evaluation of {groups} groups", taken * 1e3, "ms"))
        rows.append(Row("  its cost a group, all groups' = 1", taken / groups / whole, "x",
                        "0.9 to 1.1"))
    return Report("upsampler", rows, [
        source, f"{torch.get_num_threads()} threads", f"the clip: {fast.backend}; its parts: "
        f"{upsampler.backend}"])


def crop_seconds(upsampler: Stage, crop: tuple[int, int], repeats: int) -> float:
    """Time one evaluation of the groups in the top left corner."""
    net = upsampler.config.network
    down, across = crop
    high, wide = net.group_pixels
    part = Part(groups=torch.tensor([[i * net.group_grid[1] + j for i in range(down)
                                      for j in range(across)]]))
    clip = torch.randn(1, net.channels, net.frames, down * high, across * wide)
    told = conditions(upsampler)
    return median_seconds(
        lambda: upsampler.output(clip, torch.ones(1), told, clip, part=part), repeats)
