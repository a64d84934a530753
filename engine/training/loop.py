"""A training run: steps, log, checkpoints; resumable to the same bits.

Everything random in a step follows from (seed, step, rank), so the state is weights, average,
optimizers and the step number.
"""

import json
import math
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from pickle import UnpicklingError

import numpy as np
import torch
from safetensors import SafetensorError
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from engine import checkpoint
from engine.errors import DataError
from engine.stage import Stage
from engine.training.data import Batch, Batches, Drawn
from engine.training.draws import StepDraws, draw
from engine.training.ema import EMA
from engine.training.optimizer import build_optimizers
from engine.training.recipe import Recipe
from engine.training.recipe_file import RECIPE_NAME
from engine.training.step import errors_of, loss, stressed
from engine.training.team import ALONE, Team
from engine.training.truth import LEARNING_RATE, PartsHead, heads_of
from engine.vocabulary import VOCABULARY_NAME, Vocabulary

STATE_NAME = "state.pt"
LOG_NAME = "log.jsonl"
SAVE_SECONDS = 240
LOG_STEPS = 20
UNREADABLE_STATE = (RuntimeError, KeyError, ValueError, TypeError, OSError, EOFError,
                    UnpicklingError)
UNWRITABLE = (OSError, RuntimeError, SafetensorError)
SIGMA_EDGES = (0.05, 0.15, 0.4, 1.0, 2.5)


@dataclass(frozen=True)
class Progress:
    """What a step reports: steps done, mean loss since the last report, clips a second."""

    step: int
    loss: float
    clips_per_second: float
    seconds_left: float


class Trainer:
    """Holds what a run changes, on the stage's device. Writes only inside `folder`.

    micro_batch: clips that are learned from together; a step's gradients add up over so many at a
    time, which bounds its memory and changes nothing else but roundings and dropout. None: all.
    """

    def __init__(self, stage: Stage, batches: Batches, recipe: Recipe, folder: Path, *,
                 team: Team = ALONE, micro_batch: int | None = None):
        if any(phase.batch % team.size for phase in recipe.phases):
            raise DataError(f"{team.size} processes cannot share batches of "
                            f"{[phase.batch for phase in recipe.phases]} clips evenly: "
                            "start another number of them.")
        if 0 < recipe.lessons < team.size:
            raise DataError(f"{team.size} processes cannot share {recipe.lessons} lessons a step: "
                            "start fewer of them.")
        self.stage, self.batches, self.recipe, self.folder = stage, batches, recipe, folder
        self.team, self.micro_batch = team, micro_batch
        self.heads = nn.ModuleDict()
        self.parameters = _learning(stage.network, recipe.learns)
        self.optimizers = build_optimizers(
            stage.network, recipe.optimizer, recipe.lr, recipe.weight_decay, team)
        if recipe.truth_weight:
            source = batches.source
            self.heads = heads_of(
                stage.network, source.truth_sizes, source.part_count).to(stage.device)
        if len(self.heads):
            self.parameters += self.heads.parameters()
            self.optimizers.append(AdamW(self.heads.parameters(), LEARNING_RATE))
        self.peak_rates = [[g["lr"] for g in o.param_groups] for o in self.optimizers]
        self.ema = EMA(stage.network, recipe.ema_half_life)
        self.step = 0
        self.wants_stop = self.stopped = False
        self.buckets = SigmaBuckets()
        self.head_losses: dict[str, list[float]] = {name: [] for name in self.heads}

    def stop(self) -> None:
        """Ask the run to end. It does at the end of the next step that begins or averages, which
        is the same for all of a team: one that ended alone would leave the others waiting.
        """
        self.wants_stop = True

    def train_step(self) -> float:
        """Run one step and return its mean unweighted error, here and not over the team."""
        recipe, step = self.recipe, self.step
        rng = np.random.default_rng((recipe.seed, step, self.team.rank))
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        phase = recipe.phase(step)
        drawn = self.batches.draw(
            rng, phase.batch // self.team.size, phase.frames, recipe.image_share)
        torch.manual_seed(int(rng.integers(2**62)))  # dropout
        self.stage.network.train()
        draws = draw((len(drawn), *self.batches.clip_shape(phase.frames)), recipe, phase, generator,
                     augmented=self.batches.network.augmented)
        errors = self._learn(drawn, draws)
        if recipe.lessons and {"told", "expected"} <= self.heads.keys():
            (recipe.truth_weight * self._rehearsed(rng, generator)).backward()
        self.stopped = self.team.average(self.parameters, self.wants_stop)
        self._update(recipe.learning_rate(step) / recipe.lr)
        self.step += 1
        self.ema.update(self.stage.network, self.step)
        self.buckets.add(draws.sigma, errors)
        return errors.mean().item()

    def _learn(self, drawn: Drawn, draws: StepDraws) -> Tensor:
        """Add up the gradients of a step's clips, piece by piece. Returns: their errors (b,)."""
        size, errors = self.micro_batch or len(drawn), []
        answers = self._answers(drawn, draws.text_kept)
        head_losses = dict.fromkeys(self.heads, 0.0)
        for start in range(0, len(drawn), size):
            rows = slice(start, start + size)
            batch = self.batches.batch(drawn[rows]).to(self.stage.device)
            dealt = draws.deal(rows, batch)
            own = errors_of(self.stage, batch, dealt)
            share = len(own) / len(drawn)
            learnt = stressed(own, batch.parts, self.recipe.subject_weight)
            total = share * loss(self.stage, learnt, dealt.sigma, self.recipe.loss)
            for name, count in self._answers(drawn[rows], draws.text_kept[rows]).items():
                head = self.heads[name]
                one = head.loss(*_asked(head, batch, dealt.conditions.text_kept))
                one = count / max(1, answers[name]) * one
                head_losses[name] += one.item()
                total = total + self.recipe.truth_weight * one
            total.backward()
            errors.append(own.detach().flatten(1).mean(1).cpu())
        for name, one in head_losses.items():
            self.head_losses[name].append(one)
        return torch.cat(errors)

    def _answers(self, drawn: Drawn, told: Tensor) -> dict[str, int]:
        """Return over how many answers the loss of each head is a mean."""
        return {name: int(head.asked(*_asked(head, drawn, told)))
                for name, head in self.heads.items()}

    def _rehearsed(self, rng: np.random.Generator, generator: torch.Generator) -> Tensor:
        """Return the loss of the heads that ask for words alone, on scenes nobody painted."""
        device = self.stage.device
        lessons = self.batches.lessons(rng, self.recipe.lessons // self.team.size).to(device)
        count, conditions = len(lessons.truth), lessons.conditions
        noise = self.recipe.noise(self.recipe.phase(self.step))
        sigma = noise.sample(count, generator).to(device)
        self.stage.network.expect(self.stage.preconditioning.c_noise(sigma), conditions,
                                  lessons.frame_index)
        losses = {"told": self.heads["told"].loss(lessons.truth, conditions.text_kept),
                  "expected": self.heads["expected"].loss(lessons.parts)}
        for name, one in losses.items():
            self.head_losses[name].append(one.item())
        return sum(losses.values())

    def _update(self, rate: float) -> None:
        norm = nn.utils.clip_grad_norm_(self.parameters, self.recipe.clip_norm)
        if not math.isfinite(norm.item()):
            raise DataError(
                f"Step {self.step + 1} has no finite gradient and was left out. Go on with "
                "--resume and another --seed; if it comes again, start anew with a lower --lr.")
        for optimizer, peaks in zip(self.optimizers, self.peak_rates, strict=True):
            for group, peak in zip(optimizer.param_groups, peaks, strict=True):
                group["lr"] = peak * rate
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

    def run(self, seconds: float, on_progress=None) -> None:
        """Train until the last step, `stop` or the end of the time; save at the end and between."""
        started = saved = reported = time.monotonic()
        losses: list[float] = []
        try:
            self._forget_lost_steps()
            while self.step < self.recipe.steps and not self.stopped:
                losses.append(self.train_step())
                now = time.monotonic()
                if now - started > seconds:
                    self.stop()
                if now - saved > SAVE_SECONDS:
                    self.save()
                    saved = now
                if self.step % LOG_STEPS == 0:
                    self._report(losses, now - reported, on_progress)
                    losses, reported = [], now
            if losses:
                self._report(losses, time.monotonic() - reported, on_progress)
        finally:
            self.save()

    def _report(self, losses: list[float], seconds: float, on_progress) -> None:
        """Log and tell the steps since the last report, of these losses, which took so long."""
        if not self.team.leads:
            return
        done = self.recipe.clips_before(self.step)
        rate = (done - self.recipe.clips_before(self.step - len(losses))) / seconds
        left = (self.recipe.clips_before(self.recipe.steps) - done) / rate
        progress = Progress(self.step, sum(losses) / len(losses), rate, left)
        self._log(progress)
        if on_progress is not None:
            on_progress(progress)

    def _log(self, progress: Progress) -> None:
        record = {"step": progress.step, "clips": self.recipe.clips_before(progress.step),
                  "loss": round(progress.loss, 5),
                  "clips_per_second": round(progress.clips_per_second, 2),
                  "by_sigma": self.buckets.means()}
        record |= {name: round(sum(values) / len(values), 4)
                   for name, values in self.head_losses.items()}
        with (self.folder / LOG_NAME).open("a") as log:
            log.write(json.dumps(record) + "\n")
        self.buckets = SigmaBuckets()
        self.head_losses = {name: [] for name in self.heads}

    def _forget_lost_steps(self) -> None:
        """Take out of the log what a run that was killed had done since its last save."""
        path = self.folder / LOG_NAME
        if not self.team.leads or not path.is_file():
            return
        kept = []
        with suppress(ValueError):    # half a line, where it was killed
            for line in path.read_text().splitlines(keepends=True):
                if json.loads(line)["step"] <= self.step:
                    kept.append(line)
        with checkpoint.whole(path) as unfinished:
            unfinished.write_text("".join(kept))

    def save(self) -> None:
        """Write the whole state and the averaged weights, each whole or not at all.

        The processes of a team hold the same; one of them writes.

        Raises: DataError when the folder cannot be written; what it held is still there.
        """
        if not self.team.leads:
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._write()
        except UNWRITABLE as error:
            raise DataError(f"The run cannot be saved in {self.folder} ({error}): free some space "
                            "or allow writing, then go on with --resume.") from error

    def _write(self) -> None:
        state = {"step": self.step, "network": self.stage.network.state_dict(),
                 "ema": self.ema.tensors, "heads": self.heads.state_dict(),
                 "optimizer": self.recipe.optimizer,
                 "optimizers": [o.state_dict() for o in self.optimizers]}
        with checkpoint.whole(self.folder / STATE_NAME) as unfinished:
            torch.save(state, unfinished)
        checkpoint.write_config(self.stage.config, self.folder / checkpoint.CONFIG_NAME)
        checkpoint.write_config(self.recipe, self.folder / RECIPE_NAME)
        checkpoint.write_config(self._vocabulary, self.folder / VOCABULARY_NAME)
        checkpoint.save_weights({k: v.half() for k, v in self.ema.tensors.items()},
                                self.folder / checkpoint.WEIGHTS_NAME)

    @cached_property
    def _vocabulary(self) -> Vocabulary:
        return self.batches.source.vocabulary()

    def resume(self) -> bool:
        """Load the folder's state. Returns: whether there was one. Raises: DataError."""
        path = self.folder / STATE_NAME
        if not path.is_file():
            return False
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
            # Not all optimizers refuse what another has gathered; an older state has no name.
            if state.get("optimizer", self.recipe.optimizer) != self.recipe.optimizer:
                raise ValueError(f"state of {state['optimizer']}")
            self.stage.network.load_state_dict(state["network"])
            self.heads.load_state_dict(state["heads"])
            for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
                _load(optimizer, saved)
            for name, tensor in state["ema"].items():
                self.ema.tensors[name].copy_(tensor)
        except UNREADABLE_STATE as error:
            raise DataError(f"{path} does not belong to this preset or is damaged, or the subjects "
                            "or the optimizer were others: give the same ones, or choose another "
                            "--out folder.") from error
        self.step = state["step"]
        return True


def _learning(network: nn.Module, parts: Sequence[str]) -> list[nn.Parameter]:
    """Freeze all but the named parts of a network. Returns: what learns. Raises: DataError."""
    if not parts:
        return list(network.parameters())
    names = [name for name, _ in network.named_parameters()]
    missing = [part for part in parts if not any(name.startswith(part) for name in names)]
    if missing:
        raise DataError(f"learns names {', '.join(missing)}, which the network lacks: its parts "
                        f"are {', '.join(name for name, _ in network.named_children())}.")
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(name.startswith(tuple(parts)))
    return [p for p in network.parameters() if p.requires_grad]


def _load(optimizer: Optimizer, saved: dict) -> None:
    """Load what an optimizer has gathered; its settings stay those of this run's recipe."""
    settings = [{name: value for name, value in group.items() if name != "params"}
                for group in optimizer.param_groups]
    optimizer.load_state_dict(saved)
    for group, own in zip(optimizer.param_groups, settings, strict=True):
        group.update(own)


def _asked(head: nn.Module, clips: Drawn | Batch, told: Tensor) -> tuple[Tensor, ...]:
    """What a head is asked of clips, of which some were told their text, (b,) bool."""
    return (clips.parts,) if isinstance(head, PartsHead) else (clips.truth, told)


class SigmaBuckets:
    """Mean error by noise level: where the network has something left to learn."""

    def __init__(self):
        self.edges = torch.tensor(SIGMA_EDGES)
        self.sums = torch.zeros(len(SIGMA_EDGES) + 1)
        self.counts = torch.zeros(len(SIGMA_EDGES) + 1)

    def add(self, sigma: Tensor, errors: torch.Tensor) -> None:
        """Count the errors (b,) at noise levels (b,)."""
        bucket = torch.bucketize(sigma, self.edges)
        self.sums.index_add_(0, bucket, errors)
        self.counts.index_add_(0, bucket, torch.ones_like(errors))

    def means(self) -> dict[str, float]:
        """Return the mean by upper edge of the bucket."""
        names = [f"<{edge}" for edge in SIGMA_EDGES] + [f">={SIGMA_EDGES[-1]}"]
        return {name: round((s / n).item(), 5)
                for name, s, n in zip(names, self.sums, self.counts, strict=True) if n}
