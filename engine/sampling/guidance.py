"""Guidance wraps a denoiser: two branches in one batch, weighted apart; thresholds follow it.

The branches keep separate self-conditioning (PAPER.md 2, 4): their carries travel in the double
batch and are never mixed. Weights are listed per network evaluation, so oscillation is a list.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from engine.sampling.samplers import Denoise

Threshold = Callable[[Tensor, Tensor], Tensor]    # of an estimate and its noise level


@dataclass(frozen=True)
class GuidanceCarry:
    """Evaluations done so far and the carry of the doubled batch, or of its first half alone."""

    evaluation: int
    inner: Any


def constant_weights(weight: float, steps: int, evaluations_per_step: int) -> list[float]:
    """Return the same weight for every evaluation."""
    return [weight] * (steps * evaluations_per_step)


def oscillating_weights(weight: float, steps: int, evaluations_per_step: int) -> list[float]:
    """Return high weights for the first tenth of the steps, then low and high in turn.

    High is twice the constant weight, low half of one. A step keeps one weight for all its
    evaluations, else Heun's corrector fights its predictor.
    Source: Imagen Video; the paper names no values (PAPER.md 4).
    """
    opening = max(1, steps // 10)
    per_step = [2 * weight if i < opening or (i - opening) % 2 else min(0.5, weight)
                for i in range(steps)]
    return [w for w in per_step for _ in range(evaluations_per_step)]


def dynamic_threshold(denoised: Tensor, percentile: float = 0.995) -> Tensor:
    """Pull a clip whose extremes left [-1, 1] back into it (Imagen Sec. 2.3), clip by clip.

    denoised: (b, ...) in data units. kthvalue, not quantile, which refuses 2^24 values.
    """
    def one(clip: Tensor) -> Tensor:
        rank = max(1, round(percentile * clip.numel()))
        limit = clip.abs().flatten().kthvalue(rank).values.clamp(min=1)
        return clip.clamp(-limit, limit) / limit

    return torch.stack([one(clip) for clip in denoised])


def threshold_above(lowest: float) -> Threshold:
    """Threshold dynamically from a noise level on; below it cut off what left [-1, 1].

    Where nothing is guided only grain leaves the range, and to make room for it would grey the
    whole clip.
    """
    def threshold(denoised: Tensor, sigma: Tensor) -> Tensor:
        return dynamic_threshold(denoised) if sigma >= lowest else denoised.clamp(-1, 1)

    return threshold


def thresholded(denoise: Denoise, threshold: Threshold) -> Denoise:
    """Wrap a denoiser whose estimates are to be thresholded."""
    def wrapped(x: Tensor, sigma: Tensor, carry: Any) -> tuple[Tensor, Any]:
        denoised, carry = denoise(x, sigma, carry)
        return threshold(denoised, sigma), carry

    return wrapped


def guided(denoise_pair: Denoise, weights: Sequence[float]) -> Denoise:
    """Wrap a denoiser of doubled batches: D = D_u + (1 + w) (D_c - D_u).

    denoise_pair: evaluates (2 b, ...) whose first half is conditional, second unconditional (or
    the negative prompt). weights: w for each evaluation in order; 0 is no guidance.
    """
    def denoise(x: Tensor, sigma: Tensor, carry: GuidanceCarry | None) -> tuple[Tensor, Any]:
        carry = carry or GuidanceCarry(0, None)
        pair, inner = denoise_pair(torch.cat((x, x)), sigma, carry.inner)
        conditional, unconditional = pair.chunk(2)
        weight = weights[carry.evaluation]
        mixed = unconditional + (1 + weight) * (conditional - unconditional)
        return mixed, GuidanceCarry(carry.evaluation + 1, inner)

    return denoise


def guided_above(lowest: float, guide: Denoise, alone: Denoise) -> Denoise:
    """Ask a guided denoiser from a noise level on, below it the conditional branch alone.

    There the two branches differ in texture, which guidance would sharpen into grain, and one costs
    half as much. alone: evaluates (b, ...), the first half of what `guide` doubles.
    Source: Kynkaanniemi et al., Applying Guidance in a Limited Interval (arXiv 2404.07724).
    """
    def denoise(x: Tensor, sigma: Tensor, carry: GuidanceCarry | None) -> tuple[Tensor, Any]:
        if sigma >= lowest:
            return guide(x, sigma, carry)
        carry = carry or GuidanceCarry(0, None)
        denoised, inner = alone(x, sigma, None if carry.inner is None else carry.inner[:len(x)])
        return denoised, GuidanceCarry(carry.evaluation + 1, inner)

    return denoise
