"""The loss of one batch: noise, self-conditioning, label dropout, error of F (PAPER.md 2, 7)."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from engine.diffusion import add_noise, broadcast, output_error, vp_corrupt
from engine.model import Carry, Conditions
from engine.stage import Stage, known_channels
from engine.training.data import Batch
from engine.training.known import known_masks
from engine.training.recipe import Phase, Recipe
from engine.video import upscale

ENLARGED = 8  # sides of an upsampler's clip in those of its low-resolution clip


@dataclass(frozen=True)
class Draws:
    """All randomness of a step, drawn before either pass so that both see the same.

    sigma: (b,), of what is denoised; noise: like the clips; kept: (b,) bool, rows whose latents
    are carried over; beside: what the network sees beside the noisy clip (Stage.output).
    """

    sigma: Tensor
    noise: Tensor
    kept: Tensor
    conditions: Conditions
    beside: Tensor | None


def draw(batch: Batch, recipe: Recipe, phase: Phase, generator: torch.Generator) -> Draws:
    """Draw noise levels, noise, which texts are dropped, which frames are known, and how the
    low-resolution input is corrupted.
    """
    b = len(batch.clips)
    sigma = recipe.noise(phase).sample(b, generator)
    noise = torch.randn(batch.clips.shape, generator=generator)
    kept = torch.rand(b, generator=generator) < phase.self_conditioning
    text_kept = torch.rand(b, generator=generator) >= recipe.label_dropout
    conditions, beside = replace(batch.conditions, text_kept=text_kept), None
    if recipe.known_share:
        beside = known_channels(batch.clips, known_masks(
            b, batch.clips.shape[2], recipe.known_share, generator))
    if batch.low is not None:
        level = torch.rand(b, generator=generator) ** recipe.corruption_power
        conditions = replace(conditions, augmentation=level)
        low = batch.low + grain(batch.low, recipe.grain, generator)
        beside = vp_corrupt(low, level, torch.randn(low.shape, generator=generator))
    return Draws(sigma, noise, kept, conditions, beside)


def grain(low: Tensor, highest: float, generator: torch.Generator) -> Tensor:
    """Draw what drafts have and true small clips have not: noise of their own pixels' size.

    low: enlarged clips (b, c, t, h, w). highest: deviation; each clip draws its own below it.
    """
    if not highest:
        return torch.zeros(())
    *_, height, width = low.shape
    coarse = torch.randn(*low.shape[:3], height // ENLARGED, width // ENLARGED, generator=generator)
    level = highest * torch.rand(len(low), generator=generator)
    return broadcast(level, coarse) * upscale(coarse, height, width)


def error(stage: Stage, batch: Batch, draws: Draws) -> Tensor:
    """Return the unweighted error of F per clip, (b,), after the self-conditioning pass.

    The first pass runs without gradient, on the rows that keep its latents only.
    """
    anchor = stage.anchor(draws.beside, draws.conditions)
    clips = batch.clips if anchor is None else anchor.detail(batch.clips)
    noisy = add_noise(clips, draws.sigma, draws.noise, stage.preconditioning.sigma_in)
    carry = None
    rows = draws.kept.nonzero()[:, 0]
    if len(rows):
        def chosen(tensor: Tensor | None) -> Tensor | None:
            return None if tensor is None else tensor[rows]

        with torch.no_grad():
            part = replace(batch.part, groups=chosen(batch.part.groups))
            _, latents = stage.output(
                noisy[rows], draws.sigma[rows], draws.conditions.map(chosen),
                chosen(draws.beside), part=part)
        everyone = latents.new_zeros(len(noisy), *latents.shape[1:])
        everyone[rows] = latents
        carry = Carry(everyone, draws.kept)
    output, _ = stage.output(
        noisy, draws.sigma, draws.conditions, draws.beside, carry, batch.part)
    return output_error(output, clips, draws.noise, draws.sigma, stage.preconditioning)


def loss(stage: Stage, errors: Tensor, sigma: Tensor, kind: str) -> Tensor:
    """Return the mean loss: the errors as they are ("unit") or weighted by w ("paper")."""
    if kind == "unit":
        return errors.mean()
    return (stage.preconditioning.loss_weight_output(sigma) * errors).mean()
