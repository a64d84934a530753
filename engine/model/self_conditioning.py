"""Latents of one evaluation that start the next (self-conditioning, paper Sec. 3.3)."""

from dataclasses import dataclass

from torch import Tensor, nn

from engine.model.block import FeedForward
from engine.model.modulation import LAYER_NORM_EPS


class LatentSelfConditioning(nn.Module):
    """P(z_prev) = LN0(z_prev + FF(LN z_prev)), exactly zero at the start (PAPER.md 2)."""

    def __init__(self, width: int):
        super().__init__()
        self.feed_forward = FeedForward(width)
        self.gate = nn.LayerNorm(width, eps=LAYER_NORM_EPS)
        nn.init.zeros_(self.gate.weight)
        nn.init.zeros_(self.gate.bias)

    def forward(self, latents: Tensor, kept: Tensor) -> Tensor:
        """latents: (b, m, e) of an earlier evaluation; kept: (b,) bool, false adds exact zero."""
        projected = self.gate(latents + self.feed_forward(latents))
        return projected * kept[:, None, None]


@dataclass(frozen=True)
class Carry:
    """Latents of an earlier evaluation (b, g m, e), and which rows keep them, (b,) bool."""

    latents: Tensor
    kept: Tensor
