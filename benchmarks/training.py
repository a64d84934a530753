"""Training of storybook_base by its recipe: clips a second, and where the seconds go."""

import argparse
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from unittest.mock import patch

import torch

from benchmarks.report import Report, Row
from benchmarks.timing import MatrixProducts, median_seconds
from engine.presets import PRESETS
from engine.stage import Stage
from engine.text import TextEncoder
from engine.training import loop
from engine.training.data import Batches
from engine.training.loop import Trainer
from engine.training.recipe import RECIPES, Phase, Recipe
from engine.training.storybook import StorybookSource

PRESET = "storybook_base"
PARTS = ("render", "text", "forward", "backward", "optimizer")


class Clock:
    """Adds up the seconds spent in named functions."""

    def __init__(self):
        self.seconds: defaultdict[str, float] = defaultdict(float)

    def timed(self, name: str, function: Callable) -> Callable:
        """Return the function with its time counted under a name."""
        def counted(*args, **kwargs):
            begun = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                self.seconds[name] += time.perf_counter() - begun

        return counted


@dataclass(frozen=True)
class Setting:
    """A way to train. is_short: in bfloat16 where that is fast. together: see TextEncoder."""

    name: str
    recipe: Recipe
    is_short: bool
    together: bool


@dataclass(frozen=True)
class Cost:
    """What a step of a phase takes: seconds, those of each part, and matrix products."""

    phase: Phase
    seconds: float
    parts: dict[str, float]
    flops: int

    @property
    def clips_per_second(self) -> float:
        """Clips learned from in a second."""
        return self.phase.batch / self.seconds


NOW = Setting("now", RECIPES[PRESET], is_short=True, together=True)
# Four frames, then sixteen, a first pass for half of the clips, captions alone and one at a time.
FIRST = Setting("first trainer", replace(
    RECIPES[PRESET], phases=(Phase(0.3, 16, 4, 0.5), Phase(0.5, 32, 4, 0.5),
                             Phase(0.2, 16, 16, 0.5)),
    truth_weight=0.0, known_share=0.0, lessons=0, free_wording=0.0), is_short=False, together=False)


def measure(options: argparse.Namespace) -> Report:
    """Run some steps of every phase of both recipes; nothing is saved."""
    rate = gemm_rate()
    with tempfile.TemporaryDirectory() as folder:
        asked = options.sprites, Path(folder), options.repeats
        first = costs_of(FIRST, *asked)
        return report(first, costs_of(NOW, *asked), rate)


def report(first: Sequence[Cost], now: Sequence[Cost], rate: float) -> Report:
    """Say what both ways cost. rate: floating-point operations a second of matrix products."""
    rows = [row for setting, costs in ((FIRST, first), (NOW, now))
            for cost in costs for row in rows_of(setting.name, cost, rate)]
    rows.append(Row("whole clips a second, now against the first",    # both end with them
                    now[-1].clips_per_second / first[-1].clips_per_second, "x", ">= 3x"))
    return Report("training", rows, [
        f"the same network, {torch.get_num_threads()} threads of one process, "
        f"{rate / 1e9:.0f} GFLOP/s in large float32 products",
        "forward includes the self-conditioning pass, text only prompts not met before, "
        "optimizer the averaging and clipping"])


def rows_of(name: str, cost: Cost, rate: float) -> list[Row]:
    """Say what a phase costs."""
    phase = cost.phase
    frames = "frame" if phase.frames == 1 else "frames"
    return [Row(f"{name}: {phase.batch} clips of {phase.frames} {frames}",
                cost.clips_per_second, "clips/s"), Row("  a step", cost.seconds, "s"),
            Row("  share of the machine's rate", cost.flops / cost.seconds / rate, ""),
            *(Row(f"  {part}", cost.parts[part], "s") for part in PARTS)]


def costs_of(setting: Setting, sprites: Path, folder: Path, repeats: int) -> list[Cost]:
    """Time every phase of a setting."""
    trainer = trainer_of(setting, sprites, folder)
    return [cost_of(trainer, start, repeats) for start, _, _ in setting.recipe.phase_spans()]


def trainer_of(setting: Setting, sprites: Path, folder: Path) -> Trainer:
    """Put a trainer together that writes nothing but its sprites, into a folder."""
    config, recipe = PRESETS[PRESET], setting.recipe
    torch.manual_seed(recipe.seed)
    source = StorybookSource(sprites, "core12", recipe, cache=folder)
    encoder = TextEncoder(config.text_encoder, config.text_length, together=setting.together)
    return Trainer(Stage(config, is_short=setting.is_short),
                   Batches(source, config, encoder), recipe, folder)


def cost_of(trainer: Trainer, start: int, repeats: int) -> Cost:
    """Time the phase that begins with a step."""
    clock, seconds = timed_steps(trainer, start, repeats)
    with MatrixProducts() as products:
        trainer.train_step()
    return Cost(trainer.recipe.phase(start), seconds,
                {part: clock.seconds[part] / repeats for part in PARTS},
                products.flops)


def gemm_rate() -> float:
    """Floating-point operations a second of large matrix products in float32."""
    side = 1024
    left, right = torch.randn(2, side, side)
    return 2 * side**3 / median_seconds(lambda: left @ right, 20)


def timed_steps(trainer: Trainer, start: int, count: int) -> tuple[Clock, float]:
    """Time the steps after the first of a phase. Returns: the parts, and seconds a step."""
    trainer.step = start
    trainer.train_step()
    clock, batches = Clock(), trainer.batches
    with patch.object(batches.source, "example", clock.timed("render", batches.source.example)), \
            patch.object(batches.encoder, "encode", clock.timed("text", batches.encoder.encode)), \
            patch.object(loop, "errors_of", clock.timed("forward", loop.errors_of)), \
            patch.object(torch.Tensor, "backward",
                         clock.timed("backward", torch.Tensor.backward)), \
            patch.object(trainer, "_update", clock.timed("optimizer", trainer._update)), \
            patch.object(trainer.ema, "update", clock.timed("optimizer", trainer.ema.update)):
        begun = time.perf_counter()
        for _ in range(count):
            trainer.train_step()
        return clock, (time.perf_counter() - begun) / count
