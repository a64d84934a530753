"""One FIT block: context read, group read, global layers, group write (paper Fig. 3b)."""

from dataclasses import dataclass

from einops import rearrange
from torch import Tensor, nn

from engine.model.among_patches import FrameAttention, LocalMixing, PlaceAttention
from engine.model.attention import CrossAttention, SelfAttention
from engine.model.convolution import ConvolutionBlock
from engine.model.modulation import AdaptiveNorm
from engine.model.patching import Layout
from engine.model.positions import WaveMap


@dataclass(frozen=True)
class Widths:
    """Widths of the three token sets, and of the heads that attend among and between them."""

    patch: int
    latent: int
    context: int
    self_head: int
    cross_head: int


class FeedForward(nn.Module):
    """Pre-norm two-layer network with exact GELU, without the residual (PAPER.md 1.2)."""

    def __init__(self, width: int, multiple: int = 4, dropout: float = 0.0,
                 description_width: int = 0):
        super().__init__()
        self.norm = AdaptiveNorm(width, description_width)
        self.expand = nn.Linear(width, multiple * width)
        self.activation = nn.GELU()
        self.dropout = nn.Dropout(dropout)
        self.contract = nn.Linear(multiple * width, width)

    def forward(self, tokens: Tensor, description: Tensor | None = None) -> Tensor:
        """tokens: (b, ..., width). Returns the same shape."""
        hidden = self.activation(self.expand(self.norm(tokens, description)))
        return self.contract(self.dropout(hidden))


class GlobalLayer(nn.Module):
    """Self-attention and feed-forward over all latents of the clip; the only dropout."""

    def __init__(self, width: int, head_width: int, dropout: float):
        super().__init__()
        self.attention = SelfAttention(width, head_width)
        self.feed_forward = FeedForward(width, dropout=dropout)

    def forward(self, latents: Tensor) -> Tensor:
        """latents: (b, g m, e). Returns the same shape."""
        latents = latents + self.attention(latents)
        return latents + self.feed_forward(latents)


@dataclass(frozen=True)
class PatchLayers:
    """What a block does among patches besides reading and writing; ours, nothing in the paper.

    kernel: patches a patch looks at in its frame, on a side, each `apart` from the next. frames:
    of a clip, where a patch looks along time. grid: rows and columns of patches of a frame, where
    a patch looks at all of it. convolutions: blocks of dense ones over the patches of a frame.
    waves: over frames, rows and columns that say where a patch is. description: width of what
    patches are told of their clip. Each but `apart` may be nothing.
    """

    kernel: int = 0
    apart: int = 1
    frames: int = 0
    grid: tuple[int, int] | None = None
    convolutions: int = 0
    waves: tuple[int, int, int] | None = None
    description: int = 0


@dataclass(frozen=True)
class Surroundings:
    """What every block of an evaluation is given besides the tokens it changes.

    context: tokens (b, l, k); context_mask: (b, l) bool. frame_index: (t,) long.
    place: waves along each axis, (t, a), (h, b), (w, c), where patches are. description: (b, k),
    what the clip is; heard: (b, k), the words of it alone, at unit size.
    """

    context: Tensor
    context_mask: Tensor
    layout: Layout
    frame_index: Tensor
    place: tuple[Tensor, ...] | None = None
    description: Tensor | None = None
    heard: Tensor | None = None


class FITBlock(nn.Module):
    """Exchange between conditioning, patch tokens and latents; blocks share no weights."""

    def __init__(self, widths: Widths, n_global_layers: int, dropout: float,
                 among: PatchLayers = PatchLayers()):
        super().__init__()
        self.local = self.frame_attention = self.place_attention = None
        self.convolutions = nn.ModuleList(
            ConvolutionBlock(widths.patch, among.description) for _ in range(among.convolutions))
        if among.kernel:
            self.local = LocalMixing(
                widths.patch, among.kernel, among.apart, among.description)
        if among.frames:
            self.frame_attention = FrameAttention(
                widths.patch, widths.cross_head, among.frames, among.description)
        if among.grid is not None:
            self.place_attention = PlaceAttention(
                widths.patch, widths.cross_head, among.grid, among.description)
        self.context_read = CrossAttention(widths.latent, widths.context, widths.cross_head)
        self.context_feed_forward = FeedForward(widths.latent)
        self.read = CrossAttention(widths.latent, widths.patch, widths.cross_head)
        self.read_feed_forward = FeedForward(widths.latent)
        self.global_layers = nn.ModuleList(
            GlobalLayer(widths.latent, widths.self_head, dropout) for _ in range(n_global_layers))
        self.write = CrossAttention(widths.patch, widths.latent, widths.cross_head)
        self.write_feed_forward = FeedForward(widths.patch, description_width=among.description)
        self.read_place = self.write_place = None
        if among.waves:
            inner = min(widths.patch, widths.latent)
            self.read_place = WaveMap(among.waves, inner)
            self.write_place = WaveMap(among.waves, inner)

    def forward(self, patch_tokens: Tensor, latents: Tensor,
                around: Surroundings) -> tuple[Tensor, Tensor]:
        """Run one block.

        patch_tokens: (b, g, n, d); latents: (b, g m, e).
        Returns: patch tokens and latents of the same shapes.
        """
        g = around.layout.groups
        description = around.description

        # among patches: neighbours, then the same place in other frames, then the whole frame,
        # then convolutions over it
        if self.local is not None:
            patch_tokens = patch_tokens + self.local(patch_tokens, around.layout, description)
        if self.frame_attention is not None:
            patch_tokens = patch_tokens + self.frame_attention(
                patch_tokens, around.frame_index, description)                # (b, g, n, d)
        if self.place_attention is not None:
            patch_tokens = patch_tokens + self.place_attention(
                patch_tokens, around.layout, description)                     # (b, g, n, d)
        patch_tokens = self._convolved(patch_tokens, around)                  # (b, g, n, d)

        # context read: all latents, ungrouped
        latents = latents + self.context_read(latents, around.context, around.context_mask)
        latents = latents + self.context_feed_forward(latents)                # (b, g m, e)

        # group read: latents of a group from its own patches
        group = rearrange(latents, "b (g m) e -> (b g) m e", g=g)             # (b g, m, e)
        patches = patch_tokens.flatten(0, 1)                                  # (b g, n, d)
        keys = _placed(self.read_place, around, len(latents))                 # (b g, n, inner)
        group = group + self.read(group, patches, more_k=keys)                # (b g, m, e)
        group = group + self.read_feed_forward(group)                         # (b g, m, e)

        # global layers: all latents of the clip
        latents = rearrange(group, "(b g) m e -> b (g m) e", g=g)             # (b, g m, e)
        for layer in self.global_layers:
            latents = layer(latents)                                          # (b, g m, e)

        # group write: patches of a group from its own latents
        group = rearrange(latents, "b (g m) e -> (b g) m e", g=g)             # (b g, m, e)
        queries = _placed(self.write_place, around, len(latents))             # (b g, n, inner)
        patches = patches + self.write(patches, group, more_q=queries)        # (b g, n, d)
        patch_tokens = patches.view_as(patch_tokens)                          # (b, g, n, d)
        patch_tokens = patch_tokens + self.write_feed_forward(patch_tokens, description)
        return patch_tokens, latents

    def _convolved(self, patch_tokens: Tensor, around: Surroundings) -> Tensor:
        if not len(self.convolutions):
            return patch_tokens
        grid = around.layout.to_grid(patch_tokens)                            # (b, t, h, w, d)
        for block in self.convolutions:
            grid = grid + block(grid, around.description)
        return around.layout.to_groups(grid)


def _placed(wave_map: WaveMap | None, around: Surroundings, batch: int) -> Tensor | None:
    """Map where patches are to their keys or queries, the same for each clip: (b g, n, inner)."""
    if wave_map is None:
        return None
    return around.layout.to_groups(wave_map(around.place)[None])[0].repeat(batch, 1, 1)
