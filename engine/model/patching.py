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


class ToPixels(nn.ConvTranspose2d):
    """Tokens -> squares of pixels that reach `overlap` pixels into their neighbours.

    The transposed convolution, evaluated as the plain one over a token and its eight neighbours
    that makes the same sums: less than half the time on a CPU.
    """

    def __init__(self, width: int, channels: int, patch: int, overlap: int):
        super().__init__(width, channels, patch + 2 * overlap, stride=patch, padding=overlap)

    def forward(self, tokens: Tensor) -> Tensor:
        """tokens: (b, d, h, w). Returns: (b, c, h p, w p)."""
        patch, overlap = self.stride[0], self.padding[0]
        if not overlap:    # neighbours add nothing
            return super().forward(tokens)
        weight = F.pad(self.weight, (patch - overlap,) * 4)                   # (d, c, 3 p, 3 p)
        weight = rearrange(weight, "d c (r p) (s q) -> (c p q) d r s", p=patch, q=patch).flip(2, 3)
        bias = self.bias.repeat_interleave(patch**2)
        return F.pixel_shuffle(F.conv2d(tokens, weight, bias, padding=1), patch)


class Head(nn.Module):
    """Patch tokens -> pixels: LayerNorm, one linear map a patch, patches laid side by side.

    Differs from the paper: with `overlap` > 0 each patch also adds to the pixels around it, so
    neighbours agree at their border.
    """

    def __init__(self, width: int, channels: int, patch: int, overlap: int,
                 description_width: int):
        super().__init__()
        self.norm = AdaptiveNorm(width, description_width)
        self.to_pixels = ToPixels(width, channels, patch, overlap)

    def forward(self, grid: Tensor, description: Tensor | None) -> Tensor:
        """(b, t, h/p, w/p, d), description (b, k) -> (b, c, t, h, w)."""
        tokens = rearrange(self.norm(grid, description), "b t h w d -> (b t) d h w")
        return rearrange(self.to_pixels(tokens), "(b t) c h w -> b c t h w", t=grid.shape[1])


class PixelSkip(nn.Module):
    """What each patch passes by of pictures of its input: one learned factor a patch and picture.

    The pictures are the noisy clip as it is, its mean over time, a soft copy of it, that copy's
    mean over time, and in an upsampler the low-resolution clip and a soft copy of it.
    Differs from the paper: wherever the clip is smooth or still, F is the noise of the input, which
    these give. Passing them by leaves narrow tokens room for what they cannot (kernel-predicting
    denoisers work so, Bako et al. 2017).
    """

    VIEWS = 4

    def __init__(self, width: int, patch: int, conditions: int, description_width: int):
        super().__init__()
        self.patch = patch
        self.norm = AdaptiveNorm(width, description_width)
        self.views = self.VIEWS + 2 * conditions
        self.factor = nn.Linear(width, self.views)
        nn.init.zeros_(self.factor.weight)
        nn.init.zeros_(self.factor.bias)

    def pictures(self, video: Tensor, channels: int) -> Tensor:
        """(b, k, t, h, w), noisy clip first -> (b, pictures channels, t, h, w)."""
        noisy = video[:, :channels]
        soft = _softened(noisy, 3)
        still, soft_still = (one.mean(dim=2, keepdim=True).expand_as(one) for one in (noisy, soft))
        conditions = (self.views - self.VIEWS) // 2 * channels
        beside = video[:, channels:channels + conditions]
        beside = (beside, _softened(beside, 5)) if conditions else ()
        return torch.cat((noisy, still, soft, soft_still, *beside), dim=1)

    def forward(self, grid: Tensor, pictures: Tensor, description: Tensor | None) -> Tensor:
        """grid: (b, t, h/p, w/p, d); pictures: as above, padded; description: (b, k).

        Returns: (b, c, t, h, w).
        """
        factor = self.factor(self.norm(grid, description))                    # (b, t, h, w, k)
        factor = rearrange(factor, "b t h w k -> b k 1 t h w")
        for axis in (4, 5):
            factor = factor.repeat_interleave(self.patch, axis)               # (b, k, 1, t, h, w)
        return (factor * pictures.unflatten(1, (self.views, -1))).sum(dim=1)


def _softened(clip: Tensor, side: int) -> Tensor:
    """Return means over squares of pixels, frame by frame; an odd side."""
    return F.avg_pool3d(clip, (1, side, side), 1, (0, side // 2, side // 2),
                        count_include_pad=False)


class OutputGain(nn.Module):
    """How large the output is, as its description says; unchanged at first.

    Differs from the paper: at little noise, F is the small difference between input and clip, many
    times enlarged. A gain learns that in its logarithm.
    """

    def __init__(self, description_width: int):
        super().__init__()
        self.log_gain = nn.Linear(description_width, 1)
        nn.init.zeros_(self.log_gain.weight)
        nn.init.zeros_(self.log_gain.bias)

    def forward(self, output: Tensor, description: Tensor) -> Tensor:
        """output: (b, c, t, h, w); description: (b, k). Returns: like output."""
        gain = self.log_gain(description).float().exp()               # (b, 1)
        return output * gain[:, :, None, None, None]


def known_channels(clip: Tensor, mask: Tensor) -> Tensor:
    """Return what a network that takes known frames sees of them, (b, c + 1, t, h, w).

    clip: (b, c, t, h, w) in [-1, 1]. mask: (t,) or (b, t), true where a frame is known; the
    others are zero, and the last channel says which are which.
    """
    shown = mask.to(clip).reshape(-1, 1, mask.shape[-1], 1, 1)                # (b or 1, 1, t, 1, 1)
    return torch.cat((clip * shown, shown.expand_as(clip[:, :1])), dim=1)
