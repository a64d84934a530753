"""The randomness of a step: drawn once for all its clips, dealt to one piece of them after another.

What a step learns does not depend on how many pieces its batch is split into. All of it comes from
one generator on the CPU, whatever the device.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from engine.diffusion import broadcast, vp_corrupt
from engine.model import Conditions, known_channels
from engine.training.data import Batch
from engine.training.known import known_masks
from engine.training.recipe import Phase, Recipe
from engine.video import upscale

ENLARGED = 8  # sides of an upsampler's clip in those of its low-resolution clip


class Noise:
    """Unit noise of a step's clips, made clip by clip when it is asked for.

    So it need not be in memory all at once. The generator goes on as if it had been drawn already.
    """

    def __init__(self, count: int, shape: Sequence[int], generator: torch.Generator):
        self.shape = tuple(shape)
        self._generator = torch.Generator().set_state(generator.get_state())
        for _ in range(count):
            torch.randn(self.shape, generator=generator)

    def next(self, count: int) -> Tensor:
        """Return the noise of the next `count` clips, (count, *shape)."""
        return torch.stack([torch.randn(self.shape, generator=self._generator)
                            for _ in range(count)])


@dataclass(frozen=True)
class Corruption:
    """How the low-resolution input is corrupted: by noise of a known level, and before by grain.

    level: (b,), which the network is told. coarse: unit noise of the small clips' pixels, and
    deviation (b,): its size, of which the network is not told; None for no grain.
    """

    level: Tensor
    coarse: Noise | None
    deviation: Tensor | None
    noise: Noise

    def deal(self, rows: slice, low: Tensor) -> Tensor:
        """Corrupt the clips (n, c, t, h, w) of the next rows."""
        if self.coarse is not None:
            low = low + grain(self.coarse.next(len(low)), self.deviation[rows]).to(low)
        return vp_corrupt(low, self.level[rows].to(low), self.noise.next(len(low)).to(low))


@dataclass(frozen=True)
class StepDraws:
    """What is drawn for the b clips of a step.

    sigma: (b,), of what is denoised. kept: (b,) bool, rows whose latents are carried over.
    text_kept: (b,) bool. known: (b, t) bool, the frames that are given; None in a recipe without.
    """

    sigma: Tensor
    noise: Noise
    kept: Tensor
    text_kept: Tensor
    known: Tensor | None
    corruption: Corruption | None

    def deal(self, rows: slice, batch: Batch) -> "Draws":
        """Deal the next rows, those of this batch. Every row is dealt once, in order."""
        device, beside = batch.clips.device, None
        conditions = replace(batch.conditions, text_kept=self.text_kept[rows].to(device))
        if self.known is not None:
            beside = known_channels(batch.clips, self.known[rows])
        if self.corruption is not None:
            conditions = replace(conditions, augmentation=self.corruption.level[rows].to(device))
            beside = self.corruption.deal(rows, batch.low)
        return Draws(self.sigma[rows].to(device), self.noise.next(len(batch.clips)).to(device),
                     self.kept[rows], conditions, beside)


@dataclass(frozen=True)
class Draws:
    """The randomness of some clips, drawn before either pass so that both see the same.

    sigma: (b,), of what is denoised; noise: like the clips; kept: (b,) bool on the CPU, rows whose
    latents are carried over; beside: what the network sees beside the noisy clip (Stage.output).
    """

    sigma: Tensor
    noise: Tensor
    kept: Tensor
    conditions: Conditions
    beside: Tensor | None


def draw(shape: Sequence[int], recipe: Recipe, phase: Phase, generator: torch.Generator, *,
         augmented: bool = False) -> StepDraws:
    """Draw noise levels, noise, which texts are dropped, which frames are known, and how the
    low-resolution input is corrupted.

    shape: (b, c, t, h, w) of the step's clips. augmented: whether there is such an input.
    """
    b, *clip = shape
    return StepDraws(
        sigma=recipe.noise(phase).sample(b, generator),
        noise=Noise(b, clip, generator),
        kept=torch.rand(b, generator=generator) < phase.self_conditioning,
        text_kept=torch.rand(b, generator=generator) >= recipe.label_dropout,
        known=known_masks(b, shape[2], recipe.known_share, generator)
        if recipe.known_share else None,
        corruption=_corruption(shape, recipe, generator) if augmented else None)


def _corruption(shape: Sequence[int], recipe: Recipe, generator: torch.Generator) -> Corruption:
    b, *clip = shape
    *of_clip, height, width = clip
    level = torch.rand(b, generator=generator) ** recipe.corruption_power
    coarse = deviation = None
    if recipe.grain:
        coarse = Noise(b, (*of_clip, height // ENLARGED, width // ENLARGED), generator)
        deviation = recipe.grain * torch.rand(b, generator=generator)
    return Corruption(level, coarse, deviation, Noise(b, clip, generator))


def grain(coarse: Tensor, deviation: Tensor) -> Tensor:
    """Return what drafts have and true small clips have not: noise of their own pixels' size.

    coarse: unit noise of small clips (b, c, t, h, w). deviation: (b,), of each clip's grain.
    Returns: grain of enlarged clips.
    """
    height, width = coarse.shape[3:]
    return broadcast(deviation, coarse) * upscale(coarse, ENLARGED * height, ENLARGED * width)
