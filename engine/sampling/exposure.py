"""Sampling meets clips that training never showed: they hold the errors of earlier estimates.

Differs from the paper, whose sampler tells the network its own noise level at every step.
"""

from typing import Any

from torch import Tensor

from engine.sampling.samplers import Denoise


def overstated(denoise: Denoise, factor: float, below: float) -> Denoise:
    """Tell a denoiser of `factor` times the noise the sampler counts, below a noise level.

    What earlier estimates got wrong is noise too, though no sampler counts it (exposure bias, arXiv
    2308.15321): a network that hears of the sampler's own noise alone leaves it in as grain.
    """
    def wrapped(x: Tensor, sigma: Tensor, carry: Any) -> tuple[Tensor, Any]:
        return denoise(x, factor * sigma if sigma < below else sigma, carry)

    return wrapped
