"""Dense convolutions over the places of a frame, frame by frame; ours, off in the paper's presets.

Differs from the paper: a pattern is learned once for all places, and most of the time goes into
products, at which processors are quickest.
"""

import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from engine.model.modulation import AdaptiveNorm


class ConvolutionBlock(nn.Module):
    """Layer norm and two convolutions with a GELU between, without the residual; nothing at first.

    So a trained network that is given more of them starts from what it knew.
    """

    def __init__(self, width: int, description_width: int):
        super().__init__()
        self.norm = AdaptiveNorm(width, description_width)
        self.expand, self.contract = (nn.Conv2d(width, width, 3, padding=1) for _ in range(2))
        nn.init.zeros_(self.contract.weight)
        nn.init.zeros_(self.contract.bias)

    def forward(self, cells: Tensor, description: Tensor | None) -> Tensor:
        """cells: (b, t, h, w, d). Returns the same shape."""
        frames = as_frames(self.norm(cells, description))
        return rearrange(self.contract(F.gelu(self.expand(frames))),
                         "(b t) d h w -> b t h w d", b=len(cells))


def as_frames(cells: Tensor) -> Tensor:
    """(b, t, h, w, d) -> (b t, d, h, w), channels last in memory, where convolutions are quick."""
    return cells.flatten(0, 1).permute(0, 3, 1, 2)
