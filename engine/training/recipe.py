"""How a preset is trained: every number of a run in one frozen, printable place."""

import math
from dataclasses import dataclass, fields, replace

from engine.diffusion import NoiseDistribution
from engine.errors import DataError
from engine.model import FITConfig

CHOICES = {"optimizer": ("lamb", "adamw", "muon"), "loss": ("paper", "unit")}
# Of numbers: those at most 1, above 0, and of either sign; all others are from 0 on.
SHARES = {"share", "self_conditioning", "decay_share", "final_lr", "label_dropout", "image_share",
          "known_share", "free_wording", "newcomer_share"}
POSITIVE = {"share", "batch", "frames", "steps", "lr", "clip_norm", "noise_std", "corruption_power",
            "subject_weight"}
SIGNED = {"noise_mean"}


def _check_settings(config) -> None:
    """Raise ValueError naming a setting that is of the wrong kind or out of range."""
    for spec in fields(config):
        name, value = spec.name, getattr(config, spec.name)
        if name in CHOICES and value not in CHOICES[name]:
            raise ValueError(f"{name} must be one of {', '.join(CHOICES[name])}, not {value!r}")
        if spec.type in (int, float, float | None) and not _is_allowed(name, value, spec.type):
            kind = "a whole number" if spec.type is int else "a number"
            limits = "" if name in SIGNED else \
                f" {'above' if name in POSITIVE else 'from'} 0{' to 1' if name in SHARES else ''}"
            raise ValueError(f"{name} must be {kind}{limits}, not {value!r}")


def _is_allowed(name: str, value: object, kind: type) -> bool:
    if value is None:
        return kind == float | None
    if type(value) not in ((int,) if kind is int else (int, float)) or not math.isfinite(value):
        return False
    return name in SIGNED or (
        (value > 0 if name in POSITIVE else value >= 0) and (name not in SHARES or value <= 1))


@dataclass(frozen=True)
class Phase:
    """A stretch of training: share of the steps, clips a step, frames a clip.

    frames below the network's: that many of the clip's frames, drawn anew each step, and only
    their tokens are computed. self_conditioning: share of the clips whose first pass is kept.
    noise_mean: instead of the recipe's.
    Differs from the paper: a short run can begin with few frames and without the first pass,
    which cost most and teach what only a network that knows its pictures can use.
    """

    share: float
    batch: int
    frames: int
    self_conditioning: float = 0.9
    noise_mean: float | None = None

    def __post_init__(self) -> None:
        _check_settings(self)


@dataclass(frozen=True)
class Recipe:
    """Settings of a training run.

    lr: peak rate; warmup_steps linear, then constant, then cosine to `final_lr` of the peak over
    the last `decay_share` of the steps (1 for the paper's plain cosine).
    loss: "paper" weights the error of F by w, "unit" does not (v-prediction loss).
    subject_weight: how much more errors count where the subject is, if the source knows where.
    noise_mean, noise_std: of ln sigma. crop_groups: rows and columns of groups a clip is cropped
    to, (0, 0) for the whole frame. truth_weight: of a truth head's loss (truth.py). known_share:
    of the clips some of whose frames are given (known.py). corruption_power: of the uniform draw of
    how much an upsampler's low-resolution clip is corrupted, above 1 for little corruption more
    often; grain: highest deviation of draft-like noise on it, of which the network is not told.
    lessons: scenes a step that teach what words mean without being painted, where there is a truth
    head. free_wording: share of the storybook's captions in other words than the usual ones.
    learns: parts of the network that learn, as its weights are named ("refiner.coarser"), so that
    what is grown onto a trained network may catch up with it; all of it if none is named.
    newcomers: of its subjects, those that a model that was trained before has yet to meet;
    newcomer_share: of the scenes that show one of them, beside their part of all the others.
    """

    steps: int = 550_000
    phases: tuple[Phase, ...] = (Phase(1.0, 4096, 16),)
    optimizer: str = "lamb"
    lr: float = 5e-3
    weight_decay: float = 0.01
    warmup_steps: int = 10_000
    decay_share: float = 1.0
    final_lr: float = 0.0
    clip_norm: float = 1.0
    ema_half_life: float = 6000
    loss: str = "paper"
    subject_weight: float = 1.0
    noise_mean: float = -1.2
    noise_std: float = 1.2
    label_dropout: float = 0.1
    image_share: float = 0.5
    crop_groups: tuple[int, int] = (0, 0)
    truth_weight: float = 0.0
    known_share: float = 0.0
    corruption_power: float = 1.0
    grain: float = 0.0
    lessons: int = 0
    free_wording: float = 0.0
    learns: tuple[str, ...] = ()
    newcomers: tuple[str, ...] = ()
    newcomer_share: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        _check_settings(self)
        if not math.isclose(sum(phase.share for phase in self.phases), 1.0):
            raise ValueError("phases must have shares that add to one, not "
                             f"{[phase.share for phase in self.phases]}")
        crop = self.crop_groups
        if not isinstance(crop, list | tuple) or len(crop) != 2 \
                or any(type(side) is not int or side < 0 for side in crop) \
                or (0 in crop and any(crop)):
            raise ValueError("crop_groups must be how many rows and columns of groups a crop has, "
                             f"or [0, 0] for none, not {crop!r}")
        object.__setattr__(self, "crop_groups", tuple(crop))
        for setting in ("learns", "newcomers"):
            names = getattr(self, setting)
            if not isinstance(names, list | tuple) or any(type(name) is not str for name in names):
                raise ValueError(f"{setting} must be a list of names, not {names!r}")
            object.__setattr__(self, setting, tuple(names))
        if self.newcomer_share and not self.newcomers:
            raise ValueError("newcomer_share must be 0 where newcomers names nobody")

    def learning_rate(self, step: int) -> float:
        """Rate of a step, counted from 0."""
        warm = min(1.0, (step + 1) / max(1, self.warmup_steps))
        start = self.steps * (1 - self.decay_share)
        progress = min(1.0, max(0.0, (step - start) / max(1.0, self.steps - start)))
        cosine = (1 + math.cos(math.pi * progress)) / 2
        return self.lr * warm * (self.final_lr + (1 - self.final_lr) * cosine)

    def noise(self, phase: Phase) -> NoiseDistribution:
        """How the noise levels of a phase are drawn."""
        mean = self.noise_mean if phase.noise_mean is None else phase.noise_mean
        return NoiseDistribution(mean, self.noise_std)

    def phase_spans(self) -> list[tuple[int, int, Phase]]:
        """First step, step after the last, and the phase itself, in order."""
        spans, start, share = [], 0, 0.0
        for phase in self.phases:
            share += phase.share
            end = round(share * self.steps)
            spans.append((start, end, phase))
            start = end
        return spans

    def phase(self, step: int) -> Phase:
        """The phase a step, counted from 0, belongs to."""
        return next((p for _, end, p in self.phase_spans() if step < end), self.phases[-1])

    def clips_before(self, step: int) -> int:
        """Clips trained on before a step, counted from 0."""
        return sum(max(0, min(step, end) - start) * p.batch
                   for start, end, p in self.phase_spans())


def check_fits(recipe: Recipe, network: FITConfig) -> None:
    """Raise DataError for a recipe that asks of a network what it cannot do."""
    mistakes = {
        "known_share must be 0 for a network that is not shown known frames":
            recipe.known_share and not network.known_frames,
        "truth_weight must be 0 for an upsampler":
            recipe.truth_weight and network.augmented,
        "crop_groups must be [0, 0] for a network whose groups do not share positions":
            any(recipe.crop_groups) and not network.shared_positions,
        f"crop_groups must be at most {list(network.group_grid)}":
            any(n > most for n, most in zip(recipe.crop_groups, network.group_grid, strict=True)),
    }
    for sentence, is_made in mistakes.items():
        if is_made:
            raise DataError(f"The recipe does not fit the preset: {sentence}.")


# The decay keeps matrices small enough to go on learning: orthogonal steps have a fixed size, and
# beside weights that have grown for thousands of steps they change little.
_STORYBOOK = Recipe(
    steps=3200, phases=(Phase(0.3, 64, 1, 0.0), Phase(0.3, 16, 4, 0.0, noise_mean=0.7),
                        Phase(0.4, 8, 16, 0.5)),
    optimizer="muon", lr=0.02, weight_decay=0.1, warmup_steps=50, decay_share=0.8,
    ema_half_life=100, loss="unit", subject_weight=3.0, noise_mean=-0.4, noise_std=1.6,
    image_share=0.1, truth_weight=0.2, known_share=0.2, lessons=32, free_wording=0.5)

RECIPES = {
    "paper_500m": Recipe(),
    "paper_3b9": Recipe(),
    "paper_3b9_upsampler": Recipe(steps=370_000, phases=(Phase(1.0, 320, 16),)),
    "storybook_base": _STORYBOOK,
    # From storybook_base's weights: single frames and pairs bring subjects that those have not met,
    # then clips bring back the ways.
    "storybook_forty": replace(
        _STORYBOOK, steps=2950, phases=(
            Phase(0.14, 64, 1, 0.0), Phase(0.2, 32, 2, 0.0), Phase(0.34, 16, 8, 0.0),
            Phase(0.17, 8, 16, 0.3), Phase(0.15, 8, 16, 0.3, noise_mean=-0.4)),
        lr=0.013, decay_share=0.6, noise_mean=0.0, noise_std=1.5),
    # One group at all times a crop; noise where the low-resolution clip leaves something open.
    "storybook_upsampler": replace(
        _STORYBOOK, steps=1600, phases=(Phase(0.75, 32, 4, 0.0), Phase(0.25, 8, 16, 0.0)),
        subject_weight=1.0, noise_mean=-1.0, noise_std=1.2, ema_half_life=60, crop_groups=(1, 1),
        truth_weight=0.0, known_share=0.0, lessons=0, corruption_power=3.0, grain=0.1),
    "tiny": replace(_STORYBOOK, steps=100, phases=(Phase(0.5, 4, 2), Phase(0.5, 4, 4)),
                    warmup_steps=5),
}
