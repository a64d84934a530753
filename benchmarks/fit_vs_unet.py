"""FIT 500M against the paper's 284M U-Net on one 16x40x64 clip: forward, and with backward.

Differs from the paper: float32 on a CPU instead of half precision on an A100, so the ratio is
nearer that of the operations themselves.
"""

import argparse
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn

from benchmarks.report import Report, Row
from benchmarks.stages import conditions
from benchmarks.timing import MatrixProducts, median_seconds, peak_gibibytes
from engine.errors import DataError
from engine.presets import PRESETS
from engine.stage import Stage
from engine.stage_config import StageConfig

HEIGHT = 40
PAPER_FORWARD, PAPER_BOTH = 4.49, 3.31


def measure(options: argparse.Namespace) -> Report:
    """Time one network after the other; only one is in memory at a time."""
    scale = options.scale or 1.0
    rows, seconds, flops = [], {}, {}
    for name, build in (("FIT", fit), ("U-Net", unet)):
        network, run = build(scale)
        size = sum(p.numel() for p in network.parameters()) / 1e6
        with torch.no_grad(), MatrixProducts() as products:
            run()
        flops[name] = products.flops
        seconds[name] = forward_and_both(network, run, options.repeats)
        rows += [Row(f"{name}, parameters", size, "M", _size(name, scale)),
                 Row(f"{name}, operations forward", flops[name] / 1e9, "GFLOP"),
                 Row(f"{name}, forward", seconds[name][0], "s"),
                 Row(f"{name}, forward and backward", seconds[name][1], "s")]
        del network, run
    ratios = [slow / fast for fast, slow in zip(seconds["FIT"], seconds["U-Net"], strict=True)]
    rows += [Row("U-Net over FIT, forward", ratios[0], "x", f"paper: {PAPER_FORWARD}x"),
             Row("U-Net over FIT, forward and backward", ratios[1], "x", f"paper: {PAPER_BOTH}x"),
             Row("U-Net over FIT, operations", flops["U-Net"] / flops["FIT"], "x"),
             Row("peak memory", peak_gibibytes(), "GiB")]
    notes = [f"{torch.get_num_threads()} threads, float32, one 16x40x64 clip"]
    if scale != 1:
        notes.append(f"widths of both networks scaled by {scale:g}")
    return Report("fit_vs_unet", rows, notes)


def fit(scale: float) -> tuple[nn.Module, Callable[[], Tensor]]:
    """Return the paper's FIT 500M and a function that evaluates it."""
    net = PRESETS["paper_500m"].network
    wide = {name: round(scale * getattr(net, name))
            for name in ("patch_width", "latent_width", "context_width")}
    try:
        config: StageConfig = replace(PRESETS["paper_500m"],
                                      network=replace(net, height=HEIGHT, **wide))
        stage = Stage(config)
    except ValueError as error:
        raise DataError(f"--scale {scale:g} does not fit the heads ({error}): "
                        "try 0.5.") from error
    told, clip = conditions(stage), torch.randn(1, *stage.clip_shape)
    return stage.network, lambda: stage.output(clip, torch.ones(1), told)[0]


def unet(scale: float) -> tuple[nn.Module, Callable[[], Tensor]]:
    """Return the U-Net and a function that evaluates it."""
    try:
        from benchmarks.unet import WIDTH, VideoUNet
    except ImportError as error:
        raise DataError("The U-Net is made of diffusers' blocks: run "
                        "pip install -r requirements-dev.txt.") from error
    net = PRESETS["paper_500m"].network
    width = round(scale * WIDTH)
    if width % 32:
        raise DataError(f"--scale {scale:g} gives the U-Net width {width}, which is not a "
                        "multiple of 32: try 0.5.")
    network = VideoUNet(width, net.text_width, net.channels)
    clip = torch.randn(1, net.channels, net.frames, HEIGHT, net.width)
    text = torch.randn(1, PRESETS["paper_500m"].text_length, net.text_width)
    return network, lambda: network(clip, torch.zeros(1), text)


def forward_and_both(network: nn.Module, run: Callable[[], Tensor],
                     repeats: int) -> tuple[float, float]:
    """Time an evaluation without gradient, and one with the gradient of its mean square."""
    def both() -> None:
        network.zero_grad(set_to_none=True)
        run().square().mean().backward()

    network.eval()
    with torch.no_grad():
        forward = median_seconds(run, repeats)
    network.train()
    return forward, median_seconds(both, repeats)


def _size(name: str, scale: float) -> str:
    return {"FIT": "500 M", "U-Net": "284 M"}[name] if scale == 1 else ""
