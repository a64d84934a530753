"""The loss of some clips: noise, self-conditioning, errors of F (PAPER.md 2, 7)."""

from dataclasses import replace

import torch
from torch import Tensor

from engine.diffusion import add_noise, output_errors
from engine.model import Carry
from engine.stage import Stage
from engine.training.data import Batch
from engine.training.draws import Draws


def errors_of(stage: Stage, batch: Batch, draws: Draws) -> Tensor:
    """Return the squared errors of F, (b, c, t, h, w), after the self-conditioning pass.

    The first pass runs without gradient, on the rows that keep its latents only.
    """
    anchor = stage.anchor(draws.beside, draws.conditions)
    clips = batch.clips if anchor is None else anchor.detail(batch.clips)
    noisy = add_noise(clips, draws.sigma, draws.noise, stage.preconditioning.sigma_in)
    carry = None
    rows = draws.kept.nonzero()[:, 0].to(noisy.device)
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
        carry = Carry(everyone, draws.kept.to(noisy.device))
    output, _ = stage.output(
        noisy, draws.sigma, draws.conditions, draws.beside, carry, batch.part)
    return output_errors(output, clips, draws.noise, draws.sigma, stage.preconditioning)


def stressed(errors: Tensor, parts: Tensor | None, weight: float) -> Tensor:
    """Return each clip's mean error, (b,), in which what shows the subject counts `weight` times.

    errors: (b, c, t, h, w). parts: (b, t, rows, columns), above 0 where a patch shows some of it;
    None if nobody knows. Each pixel's best estimate is the same under any weight; a subject is a
    fifth of a frame, and most of what is looked at.
    """
    if parts is not None and weight != 1:
        side = errors.shape[-1] // parts.shape[-1]
        shown = (parts > 0).repeat_interleave(side, 2).repeat_interleave(side, 3)  # (b, t, h, w)
        errors = errors * torch.where(shown, weight, 1.0)[:, None]
    return errors.flatten(1).mean(1)


def loss(stage: Stage, errors: Tensor, sigma: Tensor, kind: str) -> Tensor:
    """Return the mean loss: the errors as they are ("unit") or weighted by w ("paper")."""
    if kind == "unit":
        return errors.mean()
    return (stage.preconditioning.loss_weight_output(sigma) * errors).mean()
