"""The base stage: a forward pass against its own matrix products, and a guided draft."""

import argparse

import torch

from benchmarks.report import Report, Row
from benchmarks.stages import conditions, stage
from benchmarks.timing import MatrixProducts, median_seconds, peak_gibibytes
from engine.backends import AUTO
from engine.cascade import Cascade, Prompts
from engine.stage import SampleSettings, unit_noise
from engine.text import TextEncoder

STEPS = 24


@torch.no_grad()
def measure(options: argparse.Namespace) -> Report:
    """Time a draft first, so that its peak memory is nobody else's, then one evaluation."""
    fast, source = stage(options.model, "base", backend=AUTO)
    cascade = Cascade(fast, None, TextEncoder(fast.config.text_encoder, fast.config.text_length))
    prompts = Prompts(["a dog walking to the left in the meadow"], [1], [12.0])
    settings = SampleSettings(STEPS, guidance=3.0)
    draft = median_seconds(lambda: cascade.draft(prompts, settings), min(3, options.repeats))
    memory = peak_gibibytes()

    base, _ = stage(options.model, "base")
    told, noise, sigma = conditions(base), unit_noise([1], base.clip_shape), torch.ones(1)
    with MatrixProducts() as products:
        base.output(noise, sigma, told)
    alone = products.alone()
    forward = median_seconds(lambda: base.output(noise, sigma, told), 4 * options.repeats, 3)
    matrices = median_seconds(alone, 4 * options.repeats, 3)
    pair, two = conditions(base, 2), noise.repeat(2, 1, 1, 1, 1)
    guided = [median_seconds(lambda which=which: which.output(two, torch.ones(2), pair),
                             4 * options.repeats) for which in (base, fast)]
    return Report("base", [
        Row("forward pass, one clip", forward * 1e3, "ms"),
        Row("its matrix products alone", matrices * 1e3, "ms"),
        Row("ratio", forward / matrices, "x", "<= 3x"),
        Row("matrix products", products.flops / 1e9, "GFLOP"),
        Row("this machine's rate on them", products.flops / matrices / 1e9, "GFLOP/s"),
        Row(f"guided evaluation (two clips), {base.backend}", guided[0] * 1e3, "ms"),
        Row(f"guided evaluation, {fast.backend}", guided[1] * 1e3, "ms"),
        Row(f"guided draft, {STEPS} steps", draft, "s", "< 3 s"),
        Row("peak memory", memory, "GiB", "< 2 GiB"),
    ], [source, f"{torch.get_num_threads()} threads; draft and memory include the text encoder"])
