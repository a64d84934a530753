"""A training run: steps, log, checkpoints; resumable to the same bits.

Everything random in a step follows from (seed, step), so the state is weights, average,
optimizers and the step number.
"""

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from engine import checkpoint
from engine.errors import DataError
from engine.stage import Stage
from engine.training.data import Batches
from engine.training.ema import EMA
from engine.training.optimizer import build_optimizers
from engine.training.recipe import Recipe
from engine.training.step import draw, error, loss

STATE_NAME = "state.pt"
LOG_NAME = "log.jsonl"
SAVE_SECONDS = 240
LOG_STEPS = 20
SIGMA_EDGES = (0.05, 0.15, 0.4, 1.0, 2.5)


@dataclass(frozen=True)
class Progress:
    """What a step reports: steps done, mean loss since the last report, clips a second."""

    step: int
    loss: float
    clips_per_second: float
    seconds_left: float


class Trainer:
    """Holds what a run changes. Writes only inside `folder`."""

    def __init__(self, stage: Stage, batches: Batches, recipe: Recipe, folder: Path):
        self.stage, self.batches, self.recipe, self.folder = stage, batches, recipe, folder
        self.optimizers = build_optimizers(
            stage.network, recipe.optimizer, recipe.lr, recipe.weight_decay)
        self.peak_rates = [[g["lr"] for g in o.param_groups] for o in self.optimizers]
        self.ema = EMA(stage.network, recipe.ema_half_life)
        self.step = 0
        self.buckets = SigmaBuckets()

    def train_step(self) -> float:
        """Run one step and return its mean unweighted error."""
        recipe, step = self.recipe, self.step
        rng = np.random.default_rng((recipe.seed, step))
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        phase = recipe.phase(step)
        batch = self.batches.draw(rng, phase.batch, phase.frames, recipe.image_share)
        torch.manual_seed(int(rng.integers(2**62)))  # dropout
        self.stage.network.train()
        draws = draw(batch, recipe, generator)
        errors = error(self.stage, batch, draws)
        loss(self.stage, errors, draws.sigma, recipe.loss).backward()
        self._update(recipe.learning_rate(step) / recipe.lr)
        self.step += 1
        self.ema.update(self.stage.network, self.step)
        self.buckets.add(draws.sigma, errors.detach())
        return errors.mean().item()

    def _update(self, rate: float) -> None:
        nn.utils.clip_grad_norm_(self.stage.network.parameters(), self.recipe.clip_norm)
        for optimizer, peaks in zip(self.optimizers, self.peak_rates, strict=True):
            for group, peak in zip(optimizer.param_groups, peaks, strict=True):
                group["lr"] = peak * rate
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

    def run(self, seconds: float, on_progress=None) -> None:
        """Train until the recipe's last step or the time is over; save at the end and between."""
        started = saved = reported = time.monotonic()
        losses: list[float] = []
        clips = self.recipe.clips_before(self.step)
        try:
            while self.step < self.recipe.steps and time.monotonic() - started < seconds:
                losses.append(self.train_step())
                now = time.monotonic()
                if now - saved > SAVE_SECONDS:
                    self.save()
                    saved = now
                if self.step % LOG_STEPS == 0:
                    done = self.recipe.clips_before(self.step)
                    rate = (done - clips) / (now - reported)
                    left = (self.recipe.clips_before(self.recipe.steps) - done) / rate
                    self._log(Progress(self.step, sum(losses) / len(losses), rate, left),
                              on_progress)
                    losses, clips, reported = [], done, now
        finally:
            self.save()

    def _log(self, progress: Progress, on_progress) -> None:
        record = {"step": progress.step, "clips": self.recipe.clips_before(progress.step),
                  "loss": round(progress.loss, 5),
                  "clips_per_second": round(progress.clips_per_second, 2),
                  "by_sigma": self.buckets.means()}
        with (self.folder / LOG_NAME).open("a") as log:
            log.write(json.dumps(record) + "\n")
        self.buckets = SigmaBuckets()
        if on_progress is not None:
            on_progress(progress)

    def save(self) -> None:
        """Write the whole state and the averaged weights, each whole or not at all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        state = {"step": self.step, "network": self.stage.network.state_dict(),
                 "ema": self.ema.tensors, "optimizers": [o.state_dict() for o in self.optimizers]}
        temporary = self.folder / (STATE_NAME + ".tmp")
        torch.save(state, temporary)
        os.replace(temporary, self.folder / STATE_NAME)
        checkpoint.write_config(self.stage.config, self.folder / checkpoint.CONFIG_NAME)
        checkpoint.save_weights({k: v.half() for k, v in self.ema.tensors.items()},
                                self.folder / checkpoint.WEIGHTS_NAME)

    def resume(self) -> bool:
        """Load the folder's state. Returns: whether there was one. Raises: DataError."""
        path = self.folder / STATE_NAME
        if not path.is_file():
            return False
        try:
            state = torch.load(path, weights_only=True)
            self.stage.network.load_state_dict(state["network"])
        except (RuntimeError, KeyError, OSError) as error:
            raise DataError(f"{path} does not belong to this preset or is damaged: "
                            "choose another --out folder.") from error
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        for name, tensor in state["ema"].items():
            self.ema.tensors[name].copy_(tensor)
        self.step = state["step"]
        return True


class SigmaBuckets:
    """Mean error by noise level: where the network has something left to learn."""

    def __init__(self):
        self.edges = torch.tensor(SIGMA_EDGES)
        self.sums = torch.zeros(len(SIGMA_EDGES) + 1)
        self.counts = torch.zeros(len(SIGMA_EDGES) + 1)

    def add(self, sigma: torch.Tensor, errors: torch.Tensor) -> None:
        """Count the errors (b,) at noise levels (b,)."""
        bucket = torch.bucketize(sigma, self.edges)
        self.sums.index_add_(0, bucket, errors)
        self.counts.index_add_(0, bucket, torch.ones_like(errors))

    def means(self) -> dict[str, float]:
        """Return the mean by upper edge of the bucket."""
        names = [f"<{edge}" for edge in SIGMA_EDGES] + [f">={SIGMA_EDGES[-1]}"]
        return {name: round((s / n).item(), 5)
                for name, s, n in zip(names, self.sums, self.counts, strict=True) if n}
