"""What patches do among themselves, without latents: attention over frames, attention over places,
and a look at neighbours.

Differs from the paper, which has no layers among patches (the original FIT attends inside groups):
its upsampler's 147,456 patches forbid it. In a small network few latents stand for many patches:
frames that only they join flicker, and patches paint the subject's parts without agreeing where
they are. All three are off in the paper's presets.
"""

import torch
from einops import rearrange
from torch import Tensor, nn

from engine.model.attention import attend
from engine.model.modulation import AdaptiveNorm
from engine.model.patching import Layout


class LineAttention(nn.Module):
    """Self-attention inside each of many short sequences, with a score for every pair of places."""

    def __init__(self, width: int, head_width: int):
        super().__init__()
        if width % head_width:
            raise ValueError(f"head width {head_width} does not divide width {width}")
        self.heads = width // head_width
        self.to_qkv = nn.Linear(width, 3 * width, bias=False)
        self.to_out = nn.Linear(width, width, bias=False)

    def forward(self, lines: Tensor, bias: Tensor) -> Tensor:
        """lines: (b, n, d); bias: (heads, n, n). Returns: like lines."""
        q, k, v = rearrange(self.to_qkv(lines), "b n (three h c) -> three b n h c", three=3,
                            h=self.heads)
        return self.to_out(rearrange(attend(q, k, v, bias=bias), "b n h c -> b n (h c)"))


class FrameAttention(nn.Module):
    """Each patch attends to the same place in every frame, without the residual.

    It starts near a mean over time, the best estimate of whatever does not move. bias: a learned
    score for how far apart two frames are.
    """

    def __init__(self, width: int, head_width: int, frames: int, description_width: int):
        super().__init__()
        self.norm = AdaptiveNorm(width, description_width)
        self.attention = LineAttention(width, head_width)
        self.bias = nn.Parameter(torch.zeros(self.attention.heads, 2 * frames - 1))

    def forward(self, tokens: Tensor, frame_index: Tensor,
                description: Tensor | None = None) -> Tensor:
        """tokens: (b, g, n, d), n = (t s); frame_index: (t,) long. Returns the same shape."""
        g, t = tokens.shape[1], len(frame_index)
        apart = frame_index[:, None] - frame_index + self.bias.shape[1] // 2      # (t, t)
        lines = rearrange(self.norm(tokens, description), "b g (t s) d -> (b g s) t d", t=t)
        return rearrange(self.attention(lines, self.bias[:, apart]), "(b g s) t d -> b g (t s) d",
                         g=g, s=tokens.shape[2] // t)


class PlaceAttention(nn.Module):
    """Each patch attends to its whole frame, across groups, without the residual; nothing at first.

    bias: a learned score for how many rows and columns lie between two patches.
    """

    def __init__(self, width: int, head_width: int, grid: tuple[int, int], description_width: int):
        super().__init__()
        self.norm = AdaptiveNorm(width, description_width)
        self.attention = LineAttention(width, head_width)
        nn.init.zeros_(self.attention.to_out.weight)
        rows, columns = grid
        self.bias = nn.Parameter(
            torch.zeros(self.attention.heads, 2 * rows - 1, 2 * columns - 1))

    def forward(self, tokens: Tensor, layout: Layout, description: Tensor | None = None) -> Tensor:
        """tokens: (b, g, n, d) of whole frames. Returns the same shape."""
        grid = layout.to_grid(self.norm(tokens, description))                     # (b, t, h, w, d)
        b, t, h, w, _ = grid.shape
        row = torch.arange(h, device=tokens.device).repeat_interleave(w)          # (h w,)
        column = torch.arange(w, device=tokens.device).repeat(h)
        bias = self.bias[:, row[:, None] - row + self.bias.shape[1] // 2,
                         column[:, None] - column + self.bias.shape[2] // 2]      # (heads, hw, hw)
        lines = self.attention(rearrange(grid, "b t h w d -> (b t) (h w) d"), bias)
        return layout.to_groups(
            rearrange(lines, "(b t) (h w) d -> b t h w d", b=b, t=t, h=h, w=w))


class LocalMixing(nn.Module):
    """Each patch looks at its neighbours in its frame, across group borders, without the residual.

    A depthwise convolution: 1% of the network's cost, and it removes the seams between patches.
    """

    def __init__(self, width: int, kernel: int, apart: int, description_width: int):
        """apart: how far from each other the neighbours are that a patch looks at."""
        super().__init__()
        self.apart = apart
        self.norm = AdaptiveNorm(width, description_width)
        self.mix = nn.Conv2d(width, width, kernel, padding=kernel // 2, groups=width)

    def forward(self, tokens: Tensor, layout: Layout, description: Tensor | None) -> Tensor:
        """tokens: (b, g, n, d). Returns the same shape."""
        grid = layout.to_grid(self.norm(tokens, description))                     # (b, t, h, w, d)
        # Every apart-th row and column as a picture of its own: dilation, which is slow to
        # differentiate on a CPU.
        pictures = rearrange(grid, "b t (h p) (w q) d -> (b t p q) d h w",
                             p=self.apart, q=self.apart)
        return layout.to_groups(rearrange(
            self.mix(pictures), "(b t p q) d h w -> b t (h p) (w q) d", t=layout.frames,
            p=self.apart, q=self.apart))
