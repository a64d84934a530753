"""The errors that training learns from (paper Eq. 7; PAPER.md 3)."""

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
