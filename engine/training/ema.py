"""Exponential moving average of the weights, by half-life in steps, with EDM's ramp."""

import torch
from torch import Tensor, nn

RAMP = 0.05


def half_life_beta(step: int, half_life: float) -> float:
    """Return the decay of one step: 0.5^(1/h), h = min(half_life, RAMP * step) (PAPER.md 8)."""
    h = min(half_life, RAMP * step)
    return 0.5 ** (1 / h) if h > 0 else 0.0


class EMA:
    """A float32 copy of a network's state that follows it."""

    def __init__(self, network: nn.Module, half_life: float):
        self.half_life = half_life
        self.tensors: dict[str, Tensor] = {k: v.detach().clone()
                                           for k, v in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Follow the network after its step-th update (1-based)."""
        beta = half_life_beta(step, self.half_life)
        now = network.state_dict()
        torch._foreach_lerp_(list(self.tensors.values()),
                             [now[name] for name in self.tensors], 1 - beta)
