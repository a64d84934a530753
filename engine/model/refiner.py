"""Convolutions finer than patches, beside the network's input and its patch tokens.

Differs from the paper, whose patches meet pixels in one linear map: with 48 values of a patch in
128 channels, noise that any small picture denoiser removes stayed in every subject (a fifth of its
power at the lowest levels). A U-Net's finest layers around a transformer, as in simple diffusion
(arXiv 2301.11093); off in the paper's presets.
"""

import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from engine.model.modulation import AdaptiveNorm
from engine.model.patching import ToPixels

CELL = 2  # pixels on the side of what the convolutions see as one place


class Refiner(nn.Module):
    """Add to the output what pictures of the input show once patches say what they belong to.

    It works frame by frame, and adds nothing at first.
    """

    def __init__(self, token_width: int, channels: tuple[int, int], patch: int, width: int,
                 blocks: int, description_width: int):
        """channels: of the pictures and of the output. width, blocks: of the convolutions.
        description_width: 0 if patches are told nothing.
        """
        super().__init__()
        self.side = patch // CELL
        self.from_pixels = nn.Conv2d(channels[0], width, 2 * CELL, CELL, CELL // 2)
        self.norm = AdaptiveNorm(token_width, description_width)
        self.from_tokens = nn.Linear(token_width, self.side**2 * width)
        self.blocks = nn.ModuleList(
            ConvolutionBlock(width, description_width) for _ in range(blocks))
        self.to_pixels = ToPixels(width, channels[1], CELL, CELL // 2)
        nn.init.zeros_(self.to_pixels.weight)
        nn.init.zeros_(self.to_pixels.bias)

    def forward(self, grid: Tensor, pictures: Tensor, description: Tensor | None) -> Tensor:
        """grid: (b, t, h/p, w/p, d); pictures: (b, k, t, h, w); description: (b, k).

        Returns: (b, c, t, h, w).
        """
        frames = rearrange(pictures, "b k t h w -> (b t) h w k").permute(0, 3, 1, 2)
        cells = rearrange(self.from_pixels(frames), "(b t) d h w -> b t h w d", b=len(grid))
        cells = cells + rearrange(
            self.from_tokens(self.norm(grid, description)),
            "b t h w (y x d) -> b t (h y) (w x) d", y=self.side, x=self.side)
        for block in self.blocks:
            cells = cells + block(cells, description)                     # (b, t, h/2, w/2, d)
        pixels = self.to_pixels(_as_frames(cells))
        return rearrange(pixels, "(b t) c h w -> b c t h w", b=len(grid))


class ConvolutionBlock(nn.Module):
    """Layer norm and two convolutions with a GELU between, without the residual."""

    def __init__(self, width: int, description_width: int):
        super().__init__()
        self.norm = AdaptiveNorm(width, description_width)
        self.expand, self.contract = (nn.Conv2d(width, width, 3, padding=1) for _ in range(2))

    def forward(self, cells: Tensor, description: Tensor | None) -> Tensor:
        """cells: (b, t, h, w, d). Returns the same shape."""
        frames = _as_frames(self.norm(cells, description))
        return rearrange(self.contract(F.gelu(self.expand(frames))),
                         "(b t) d h w -> b t h w d", b=len(cells))


def _as_frames(cells: Tensor) -> Tensor:
    """(b, t, h, w, d) -> (b t, d, h, w), channels last in memory, where convolutions are quick."""
    return cells.flatten(0, 1).permute(0, 3, 1, 2)
