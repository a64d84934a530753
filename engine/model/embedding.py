"""Conditioning tokens: text, noise level, frame rate, resolution; all width k (PAPER.md 1.4)."""

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

IMAGE_FPS = math.inf
N_FREQUENCIES = 8


@dataclass(frozen=True)
class Conditions:
    """What a network evaluation is told besides the noisy clip, one row a clip.

    text_tokens: (b, l, text_width) float states of the text encoder.
    text_mask: (b, l) bool, true for real tokens.
    text_kept: (b,) bool, false where the text is dropped (label dropout, unconditional branch).
    fps: (b,) frames per second, infinite for an image repeated over time.
    resolution: (b, 2) height and width of the source before resizing, in pixels.
    augmentation: (b,) noise level of the low-resolution input in [0, 1]; upsampler only.
    """

    text_tokens: Tensor
    text_mask: Tensor
    text_kept: Tensor
    fps: Tensor
    resolution: Tensor
    augmentation: Tensor | None = None

    def without_text(self) -> "Conditions":
        """Return the same conditions with every text dropped."""
        return replace(self, text_kept=torch.zeros_like(self.text_kept))

    def corrupted_by(self, noise_level: float) -> "Conditions":
        """Return the same conditions for an upsampler whose input has this noise level."""
        return replace(self, augmentation=torch.full_like(self.fps, noise_level))

    def map(self, function) -> "Conditions":
        """Apply a tensor function to every field that is set."""
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return Conditions(**{k: None if v is None else function(v) for k, v in values.items()})

    @staticmethod
    def cat(first: "Conditions", second: "Conditions") -> "Conditions":
        """Stack two batches of conditions along b."""
        pairs = {name: (getattr(first, name), getattr(second, name))
                 for name in Conditions.__dataclass_fields__}
        return Conditions(**{k: None if a is None else torch.cat((a, b))
                             for k, (a, b) in pairs.items()})


class ScalarToken(nn.Module):
    """One number -> one context token: learned sinusoids and the number itself, then an MLP."""

    def __init__(self, hidden: int, context_width: int):
        super().__init__()
        self.frequencies = nn.Parameter(torch.randn(N_FREQUENCIES))
        self.mlp = nn.Sequential(
            nn.Linear(2 * N_FREQUENCIES + 1, hidden), nn.GELU(), nn.Linear(hidden, context_width))

    def forward(self, value: Tensor) -> Tensor:
        """value: (b,), about unit range. Returns: (b, 1, k)."""
        angle = 2 * math.pi * value[:, None] * self.frequencies
        features = torch.cat((angle.sin(), angle.cos(), value[:, None]), dim=1)
        return self.mlp(features)[:, None]


class PooledText(nn.Module):
    """The mean of the text's states -> a vector of each clip, nothing at first.

    Differs from the paper: the mean holds every word of a short caption, and a linear map reads
    "left" from it in a few steps. Attention that has settled on the words for subject and place
    does not find that word for thousands.
    """

    def __init__(self, text_width: int, width: int):
        super().__init__()
        self.norm = nn.LayerNorm(text_width)
        self.out = nn.Linear(text_width, width, bias=False)
        nn.init.zeros_(self.out.weight)

    def forward(self, conditions: Conditions) -> Tensor:
        """Return (b, 1, width), zero where the text is dropped."""
        mask = conditions.text_mask & conditions.text_kept[:, None]               # (b, l)
        states = self.norm(conditions.text_tokens) * mask[..., None]
        pooled = states.sum(dim=1) / mask.sum(dim=1, keepdim=True).clamp(min=1)   # (b, text_width)
        return self.out(pooled)[:, None]


class ContextEmbedding(nn.Module):
    """Conditions and noise level -> the one context sequence every block reads.

    Differs from the paper: the text states may pass a LayerNorm first (`text_norm`), since the
    small encoder's tokens have norm 8; an image's frame rate is 1/fps = 0 (the paper gives none).
    """

    def __init__(self, text_width: int, width: int, hidden: int, *, text_norm: bool,
                 augmented: bool):
        super().__init__()
        self.text_norm = nn.LayerNorm(text_width) if text_norm else nn.Identity()
        self.text = nn.Linear(text_width, width, bias=False)
        self.noise = ScalarToken(hidden, width)
        self.frame_period = ScalarToken(hidden, width)
        self.resolution = nn.Sequential(
            nn.Linear(2, hidden), nn.GELU(), nn.Linear(hidden, width))
        self.augmentation = ScalarToken(hidden, width) if augmented else None

    def forward(self, c_noise: Tensor, conditions: Conditions) -> tuple[Tensor, Tensor]:
        """c_noise: (b,). Returns: tokens (b, l + scalars, k) and their mask, bool."""
        kept = conditions.text_kept[:, None]                                      # (b, 1)
        text = self.text(self.text_norm(conditions.text_tokens)) * kept[..., None]
        # Dropped text looks the same whatever its length was: all zero tokens, all visible.
        mask = conditions.text_mask | ~kept                                       # (b, l)
        tokens = [text, self.noise(c_noise), self.frame_period(6 / conditions.fps),
                  self.resolution(torch.log2(conditions.resolution / 64))[:, None]]
        if self.augmentation is not None:
            tokens.append(self.augmentation(conditions.augmentation))
        visible = mask.new_ones(mask.shape[0], len(tokens) - 1)
        return torch.cat(tokens, dim=1), torch.cat((mask, visible), dim=1)        # (b, l+3, k)
