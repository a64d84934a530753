"""One FIT block: context read, group read, global layers, group write (paper Fig. 3b)."""

from dataclasses import dataclass

from einops import rearrange
from torch import Tensor, nn

from engine.model.attention import LAYER_NORM_EPS, CrossAttention, SelfAttention
from engine.model.patching import Layout, LocalMixing


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

    def __init__(self, width: int, multiple: int = 4, dropout: float = 0.0):
        super().__init__()
        self.norm = nn.LayerNorm(width, eps=LAYER_NORM_EPS)
        self.expand = nn.Linear(width, multiple * width)
        self.activation = nn.GELU()
        self.dropout = nn.Dropout(dropout)
        self.contract = nn.Linear(multiple * width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """tokens: (..., width). Returns the same shape."""
        return self.contract(self.dropout(self.activation(self.expand(self.norm(tokens)))))


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


class FITBlock(nn.Module):
    """Exchange between conditioning, patch tokens and latents; blocks share no weights."""

    def __init__(self, widths: Widths, n_global_layers: int, dropout: float,
                 local: tuple[int, int] = (0, 0), n_waves: int = 0):
        """local: how many patches and how many frames wide a patch looks; (0, 0) for not at all.

        n_waves: features that say where a patch is; 0 for none.
        """
        super().__init__()
        self.local = LocalMixing(widths.patch, *local) if local[0] else None
        self.context_read = CrossAttention(widths.latent, widths.context, widths.cross_head)
        self.context_feed_forward = FeedForward(widths.latent)
        self.read = CrossAttention(widths.latent, widths.patch, widths.cross_head)
        self.read_feed_forward = FeedForward(widths.latent)
        self.global_layers = nn.ModuleList(
            GlobalLayer(widths.latent, widths.self_head, dropout) for _ in range(n_global_layers))
        self.write = CrossAttention(widths.patch, widths.latent, widths.cross_head)
        self.write_feed_forward = FeedForward(widths.patch)
        self.read_place = self.write_place = None
        if n_waves:
            inner = min(widths.patch, widths.latent)
            self.read_place = _zero_linear(n_waves, inner)
            self.write_place = _zero_linear(n_waves, inner)

    def forward(self, patch_tokens: Tensor, latents: Tensor, context: tuple[Tensor, Tensor],
                layout: Layout, place: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Run one block.

        patch_tokens: (b, g, n, d); latents: (b, g m, e); context: tokens (b, l, k), mask (b, l).
        place: (g, n, n_waves), where the patches are.
        Returns: patch tokens and latents of the same shapes.
        """
        g = layout.groups
        if self.local is not None:
            patch_tokens = patch_tokens + self.local(patch_tokens, layout)

        # context read: all latents, ungrouped
        latents = latents + self.context_read(latents, *context)              # (b, g m, e)
        latents = latents + self.context_feed_forward(latents)                # (b, g m, e)

        # group read: latents of a group from its own patches
        group = rearrange(latents, "b (g m) e -> (b g) m e", g=g)             # (b g, m, e)
        patches = patch_tokens.flatten(0, 1)                                  # (b g, n, d)
        keys = _placed(self.read_place, place, patch_tokens)                  # (b g, n, inner)
        group = group + self.read(group, patches, more_k=keys)                # (b g, m, e)
        group = group + self.read_feed_forward(group)                         # (b g, m, e)

        # global layers: all latents of the clip
        latents = rearrange(group, "(b g) m e -> b (g m) e", g=g)             # (b, g m, e)
        for layer in self.global_layers:
            latents = layer(latents)                                          # (b, g m, e)

        # group write: patches of a group from its own latents
        group = rearrange(latents, "b (g m) e -> (b g) m e", g=g)             # (b g, m, e)
        queries = _placed(self.write_place, place, patch_tokens)              # (b g, n, inner)
        patches = patches + self.write(patches, group, more_q=queries)        # (b g, n, d)
        patches = patches + self.write_feed_forward(patches)                  # (b g, n, d)
        return patches.view_as(patch_tokens), latents


def _zero_linear(n_in: int, n_out: int) -> nn.Linear:
    """A linear map that starts as nothing, so that a network trained without it goes on."""
    linear = nn.Linear(n_in, n_out, bias=False)
    nn.init.zeros_(linear.weight)
    return linear


def _placed(linear: nn.Linear | None, place: Tensor | None, like: Tensor) -> Tensor | None:
    """Map where patches are, (g, n, n_waves), and repeat it for each clip: (b g, n, inner)."""
    return None if linear is None else linear(place).repeat(like.shape[0], 1, 1)
