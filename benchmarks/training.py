"""Training of storybook_base by its recipe: clips a second, and where the seconds go."""

import argparse
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import torch

from benchmarks.report import Report, Row
from engine.presets import PRESETS
from engine.stage import Stage
from engine.text import TextEncoder
from engine.training import loop
from engine.training.data import Batches, StorybookSource
from engine.training.loop import Trainer
from engine.training.recipe import RECIPES

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


def measure(options: argparse.Namespace) -> Report:
    """Run some steps of every phase of the recipe; nothing is saved."""
    recipe, config = RECIPES[PRESET], PRESETS[PRESET]
    torch.manual_seed(recipe.seed)
    with tempfile.TemporaryDirectory() as folder:
        source = StorybookSource(options.sprites, "core12", cache=Path(folder))
        encoder = TextEncoder(config.text_encoder, config.text_length, together=True)
        batches = Batches(source, config, encoder, recipe.crop_groups)
        trainer = Trainer(Stage(config), batches, recipe, Path(folder))
        rows = []
        for number, (start, _, phase) in enumerate(recipe.phase_spans(), 1):
            clock, seconds = timed_steps(trainer, start, options.repeats)
            label = f"phase {number}: {phase.batch} clips of {phase.frames} frames"
            rows.append(Row(label, phase.batch / seconds, "clips/s"))
            rows.append(Row("  a step", seconds, "s"))
            rows += [Row(f"  {part}", clock.seconds[part] / options.repeats, "s")
                     for part in PARTS]
    return Report("training", rows, [
        f"{torch.get_num_threads()} threads; forward includes the self-conditioning pass, "
        "text only prompts not met before, optimizer the averaging and clipping"])


def timed_steps(trainer: Trainer, start: int, count: int) -> tuple[Clock, float]:
    """Time the steps after the first of a phase. Returns: the parts, and seconds a step."""
    trainer.step = start
    trainer.train_step()
    clock, batches = Clock(), trainer.batches
    with patch.object(batches.source, "example", clock.timed("render", batches.source.example)), \
            patch.object(batches.encoder, "encode", clock.timed("text", batches.encoder.encode)), \
            patch.object(loop, "error", clock.timed("forward", loop.error)), \
            patch.object(torch.Tensor, "backward",
                         clock.timed("backward", torch.Tensor.backward)), \
            patch.object(trainer, "_update", clock.timed("optimizer", trainer._update)), \
            patch.object(trainer.ema, "update", clock.timed("optimizer", trainer.ema.update)):
        begun = time.perf_counter()
        for _ in range(count):
            trainer.train_step()
        return clock, (time.perf_counter() - begun) / count
