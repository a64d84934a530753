"""The training loss in its two equal forms (paper Eq. 7; PAPER.md 3)."""

from torch import Tensor

from engine.diffusion.noise import broadcast
from engine.diffusion.preconditioning import Preconditioning


def output_errors(output: Tensor, clip: Tensor, noise: Tensor, sigma: Tensor,
                  preconditioning: Preconditioning) -> Tensor:
    """Return (F - c_nrm F_tgt)^2, (b, c, t, h, w), whose mean is the v-prediction loss.

    output, clip, noise: (b, c, t, h, w); sigma: (b,).
    """
    target = preconditioning.target(clip, noise, broadcast(sigma, clip))
    return (output - target).square()


def output_loss(output: Tensor, clip: Tensor, noise: Tensor, sigma: Tensor,
                preconditioning: Preconditioning) -> Tensor:
    """Return w |F - c_nrm F_tgt|^2 per clip, (b,): the paper's loss."""
    weight = preconditioning.loss_weight_output(sigma)
    return weight * output_errors(output, clip, noise, sigma, preconditioning).flatten(1).mean(1)


def denoised_loss(denoised: Tensor, clip: Tensor, sigma: Tensor,
                  preconditioning: Preconditioning) -> Tensor:
    """Return lambda |D - x|^2 per clip, (b,): equal to `output_loss`."""
    weight = preconditioning.loss_weight_denoised(sigma)
    return weight * (denoised - clip).square().flatten(1).mean(1)
