"""The loss of some clips: noise, self-conditioning, error of F (PAPER.md 2, 7)."""

from dataclasses import replace

import torch
from torch import Tensor

from engine.diffusion import add_noise, output_error
from engine.model import Carry
from engine.stage import Stage
from engine.training.data import Batch
from engine.training.draws import Draws


def error(stage: Stage, batch: Batch, draws: Draws) -> Tensor:
    """Return the unweighted error of F per clip, (b,), after the self-conditioning pass.

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
    return output_error(output, clips, draws.noise, draws.sigma, stage.preconditioning)


def loss(stage: Stage, errors: Tensor, sigma: Tensor, kind: str) -> Tensor:
    """Return the mean loss: the errors as they are ("unit") or weighted by w ("paper")."""
    if kind == "unit":
        return errors.mean()
    return (stage.preconditioning.loss_weight_output(sigma) * errors).mean()
