"""Pixels <-> patch tokens in groups: stem, head and the group-major order between them.

Tokens stay in the order (group row, group column | t, h, w), so that reading and writing a group
is a view, never a copy (PAPER.md 1.1). Every group spans all frames.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from engine.model.modulation import LAYER_NORM_EPS, AdaptiveNorm


@dataclass(frozen=True)
class Layout:
    """How one clip's patch tokens lie: frames, and rows and columns of groups and inside them."""

    frames: int
    group_rows: int
    group_columns: int
    rows: int
    columns: int

    @property
    def groups(self) -> int:
        """Number of groups in the clip."""
        return self.group_rows * self.group_columns

    def to_groups(self, grid: Tensor) -> Tensor:
        """(b, t, h, w, d) over the whole frame -> (b, g, n, d)."""
        return rearrange(grid, "b t (i h) (j w) d -> b (i j) (t h w) d",
                         i=self.group_rows, j=self.group_columns)

    def to_grid(self, tokens: Tensor) -> Tensor:
        """(b, g, n, d) -> (b, t, h, w, d) over the whole frame."""
        return rearrange(tokens, "b (i j) (t h w) d -> b t (i h) (j w) d", i=self.group_rows,
                         t=self.frames, h=self.rows, w=self.columns)


def pad_rows(video: Tensor, multiple: int) -> Tensor:
    """Pad (b, c, t, h, w) with zero rows at the bottom up to a multiple of whole groups."""
    return F.pad(video, (0, 0, 0, -video.shape[3] % multiple))


class Stem(nn.Module):
    """Pixels -> patch tokens: one linear map a patch, then LayerNorm (position comes after).

    Differs from the paper: with `overlap` > 0 a patch also sees that many pixels around it.
    """

    def __init__(self, channels: int, width: int, patch: int, overlap: int):
        super().__init__()
        kernel = patch + 2 * overlap
        self.to_tokens = nn.Conv2d(channels, width, kernel, stride=patch, padding=overlap)
        self.norm = nn.LayerNorm(width, eps=LAYER_NORM_EPS)

    def forward(self, video: Tensor) -> Tensor:
        """(b, c, t, h, w) -> (b, t, h/p, w/p, d)."""
        frames = rearrange(video, "b c t h w -> (b t) c h w")
        tokens = self.to_tokens(frames.contiguous(memory_format=torch.channels_last))
        return self.norm(rearrange(tokens, "(b t) d h w -> b t h w d", t=video.shape[2]))


class Head(nn.Module):
    """Patch tokens -> pixels: LayerNorm, one linear map a patch, patches laid side by side.

    Differs from the paper: with `overlap` > 0 each patch also adds to the pixels around it, so
    neighbours agree at their border.
    """

    def __init__(self, width: int, channels: int, patch: int, overlap: int,
                 description_width: int):
        super().__init__()
        self.norm = AdaptiveNorm(width, description_width)
        self.to_pixels = nn.ConvTranspose2d(
            width, channels, patch + 2 * overlap, stride=patch, padding=overlap)

    def forward(self, grid: Tensor, description: Tensor | None) -> Tensor:
        """(b, t, h/p, w/p, d), description (b, k) -> (b, c, t, h, w)."""
        tokens = rearrange(self.norm(grid, description), "b t h w d -> (b t) d h w")
        return rearrange(self.to_pixels(tokens), "(b t) c h w -> b c t h w", t=grid.shape[1])


class PixelSkip(nn.Module):
    """What each patch lets through of its input pixels: one learned factor a patch and picture.

    Pictures are the noisy clip and, in an upsampler, the low-resolution one.
    Differs from the paper: wherever the clip is smooth, F is mostly the noise of the input and the
    low-resolution pixels. Passing both by leaves narrow tokens room for what they cannot give.
    """

    def __init__(self, width: int, patch: int, pictures: int, description_width: int):
        super().__init__()
        self.patch, self.pictures = patch, pictures
        self.norm = AdaptiveNorm(width, description_width)
        self.factor = nn.Linear(width, pictures)
        nn.init.zeros_(self.factor.weight)
        nn.init.zeros_(self.factor.bias)

    def forward(self, grid: Tensor, video: Tensor, description: Tensor | None) -> Tensor:
        """grid: (b, t, h/p, w/p, d); video: (b, pictures c, t, h, w); description: (b, k).

        Returns: (b, c, t, h, w).
        """
        factor = self.factor(self.norm(grid, description))                    # (b, t, h, w, k)
        factor = rearrange(factor, "b t h w k -> b k 1 t h 1 w 1")
        pixels = rearrange(video, "b (k c) t (h p) (w q) -> b k c t h p w q",
                           k=self.pictures, p=self.patch, q=self.patch)
        return rearrange((factor * pixels).sum(dim=1), "b c t h p w q -> b c t (h p) (w q)")


class LocalMixing(nn.Module):
    """Each patch looks at its neighbours in its frame, across group borders, without the residual.

    Differs from the paper, which has no local layers (the original FIT attends inside groups): a
    depthwise convolution costs 1% of the network here and removes the seams between patches.
    """

    def __init__(self, width: int, kernel: int, apart: int, description_width: int):
        """apart: how far from each other the neighbours are that a patch looks at."""
        super().__init__()
        self.apart = apart
        self.norm = AdaptiveNorm(width, description_width)
        self.mix = nn.Conv2d(width, width, kernel, padding=kernel // 2, groups=width)

    def forward(self, tokens: Tensor, layout: Layout, description: Tensor | None) -> Tensor:
        """tokens: (b, g, n, d). Returns the same shape."""
        grid = layout.to_grid(self.norm(tokens, description))                 # (b, t, h, w, d)
        # Every apart-th row and column as a picture of its own: dilation, which is slow to
        # differentiate on a CPU.
        pictures = rearrange(grid, "b t (h p) (w q) d -> (b t p q) d h w",
                             p=self.apart, q=self.apart)
        return layout.to_groups(rearrange(
            self.mix(pictures), "(b t p q) d h w -> b t (h p) (w q) d", t=layout.frames,
            p=self.apart, q=self.apart))
