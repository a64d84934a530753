"""Convolutions finer than patches, beside the network's input and its patch tokens.

Differs from the paper, whose patches meet pixels in one linear map: with 48 values of a patch in
128 channels, noise that any small picture denoiser removes stayed in every subject (a fifth of its
power at the lowest levels). A U-Net's finest layers around a transformer, as in simple diffusion
(arXiv 2301.11093); off in the paper's presets.
"""

from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor, nn

from engine.model.convolution import ConvolutionBlock, as_frames
from engine.model.modulation import AdaptiveNorm
from engine.model.patching import ToPixels

CELL = 2  # pixels on the side of what the convolutions see as one place


@dataclass(frozen=True)
class Shape:
    """Channels of the finest convolutions, blocks of a level a way, and coarser levels.

    before: finest blocks more, whose cells patch tokens are told of: with those after the tokens, a
    U-Net around the transformer.
    """

    width: int
    blocks: int
    levels: int = 0
    before: int = 0


@dataclass(frozen=True)
class Channels:
    """Of the pictures, of what the network sees beside the noisy clip, and of the output."""

    pictures: int
    beside: int
    output: int


class Refiner(nn.Module):
    """Add to the output what pictures of the input show once patches say what they belong to.

    It works frame by frame, and adds nothing to tokens and output at first.
    """

    def __init__(self, token_width: int, channels: Channels, patch: int, shape: Shape,
                 description_width: int):
        """shape: of the convolutions; those before patches see what is beside the clip, too.
        description_width: 0 if patches are told nothing.
        """
        super().__init__()
        width = shape.width
        self.side = patch // CELL
        seen = channels.pictures + (channels.beside if shape.before else 0)
        self.from_pixels = nn.Conv2d(seen, width, 2 * CELL, CELL, CELL // 2)
        self.before = nn.ModuleList(
            ConvolutionBlock(width, description_width) for _ in range(shape.before))
        self.to_tokens = nn.Linear(self.side**2 * width, token_width) if shape.before else None
        if self.to_tokens is not None:
            nn.init.zeros_(self.to_tokens.weight)
            nn.init.zeros_(self.to_tokens.bias)
        self.norm = AdaptiveNorm(token_width, description_width)
        self.from_tokens = nn.Linear(token_width, self.side**2 * width)
        self.blocks = nn.ModuleList(
            ConvolutionBlock(width, description_width) for _ in range(shape.blocks))
        self.coarser = Coarser(shape, description_width) if shape.levels else None
        self.to_pixels = ToPixels(width, channels.output, CELL, CELL // 2)
        nn.init.zeros_(self.to_pixels.weight)
        nn.init.zeros_(self.to_pixels.bias)

    def look(self, pictures: Tensor, beside: Tensor, description: Tensor | None) -> Tensor:
        """pictures, beside: (b, k, t, h, w); description: (b, k).

        Returns: cells (b, t, h/2, w/2, d).
        """
        seen = torch.cat((pictures, beside), dim=1) if self.before else pictures
        frames = rearrange(seen, "b k t h w -> (b t) h w k").permute(0, 3, 1, 2)
        cells = rearrange(self.from_pixels(frames), "(b t) d h w -> b t h w d", b=len(seen))
        for block in self.before:
            cells = cells + block(cells, description)
        return cells

    def tell(self, grid: Tensor, cells: Tensor) -> Tensor:
        """Add to patch tokens (b, t, h/p, w/p, d) what their cells saw before them, if any did."""
        if self.to_tokens is None:
            return grid
        return grid + self.to_tokens(rearrange(
            cells, "b t (h y) (w x) d -> b t h w (y x d)", y=self.side, x=self.side))

    def forward(self, grid: Tensor, cells: Tensor, description: Tensor | None) -> Tensor:
        """grid: (b, t, h/p, w/p, d); cells: of `look`; description: (b, k).

        Returns: (b, c, t, h, w).
        """
        cells = cells + rearrange(
            self.from_tokens(self.norm(grid, description)),
            "b t h w (y x d) -> b t (h y) (w x) d", y=self.side, x=self.side)
        for number, block in enumerate(self.blocks):
            if self.coarser is not None and number == len(self.blocks) // 2:
                cells = cells + self.coarser(cells, description)
            cells = cells + block(cells, description)                     # (b, t, h/2, w/2, d)
        pixels = self.to_pixels(as_frames(cells))
        return rearrange(pixels, "(b t) c h w -> b c t h w", b=len(grid))


class Coarser(nn.Module):
    """What convolutions on cells half as fine, twice as wide, add to finer ones; nothing at first.

    A level of a U-Net, with the coarser ones inside it.
    """

    def __init__(self, shape: Shape, description_width: int):
        """shape: of the level above; it counts the levels from here on."""
        super().__init__()
        width = 2 * shape.width

        def blocks() -> nn.ModuleList:
            return nn.ModuleList(
                ConvolutionBlock(width, description_width) for _ in range(shape.blocks))

        self.down = nn.Linear(4 * shape.width, width)
        self.before = blocks()
        self.inner = self.after = None
        if shape.levels > 1:
            self.inner = Coarser(Shape(width, shape.blocks, shape.levels - 1), description_width)
            self.after = blocks()
        self.up = nn.Linear(width, 4 * shape.width)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def forward(self, cells: Tensor, description: Tensor | None) -> Tensor:
        """cells: (b, t, h, w, d), even sides. Returns the same shape."""
        coarse = self.down(rearrange(cells, "b t (h y) (w x) d -> b t h w (y x d)", y=2, x=2))
        for block in self.before:
            coarse = coarse + block(coarse, description)                  # (b, t, h/2, w/2, 2 d)
        if self.inner is not None:
            coarse = coarse + self.inner(coarse, description)
            for block in self.after:
                coarse = coarse + block(coarse, description)
        return rearrange(self.up(coarse), "b t h w (y x d) -> b t (h y) (w x) d", y=2, x=2)
