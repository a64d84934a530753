"""The forward process scaled for video: x_s = x / sigma_in + sigma * eps (paper Sec. 3.2)."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor


def input_scale(scale: float, frames: int) -> float:
    """Return sigma_in = scale * sqrt(T): how much a clip is dimmed before noise is added.

    scale: factor per axis that the resolution grew over 64 px images (1 base, 8 upsampler).
    Source: paper Sec. 3.2; 4 for the base stage of 16 frames, 32 for the upsampler.
    """
    return scale * math.sqrt(frames)


def broadcast(sigma: Tensor, like: Tensor) -> Tensor:
    """Reshape (b,) or () so that it multiplies (b, ...)."""
    return sigma.reshape(sigma.shape + (1,) * (like.ndim - sigma.ndim)) if sigma.ndim else sigma


def add_noise(clip: Tensor, sigma: Tensor, noise: Tensor, sigma_in: float) -> Tensor:
    """Return the noisy clip x_s. clip, noise: (b, c, t, h, w) in [-1, 1]; sigma: (b,)."""
    return clip / sigma_in + broadcast(sigma, clip) * noise


@dataclass(frozen=True)
class NoiseDistribution:
    """Training noise levels: ln(sigma) ~ N(mean, std^2). Source: EDM; the paper keeps it."""

    mean: float = -1.2
    std: float = 1.2

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Return n noise levels, (n,) float32 on the CPU, one in each n-th of the distribution.

        Differs from the paper: stratified, so that a small batch covers all levels.
        """
        uniform = (torch.arange(n) + torch.rand(n, generator=generator)) / n
        normal = torch.special.ndtri(uniform.clamp(1e-6, 1 - 1e-6))
        return (self.mean + self.std * normal).exp()


def vp_corrupt(clip: Tensor, level: Tensor, noise: Tensor) -> Tensor:
    """Corrupt the low-resolution input: sqrt(1 - a^2) y + a eps. level: (b,) in [0, 1]."""
    level = broadcast(level, clip)
    return (1 - level**2).sqrt() * clip + level * noise
