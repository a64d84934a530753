"""A layer norm that can be told of the whole clip: its text and its noise level.

Differs from the paper, whose patches hear of both through the latents alone. That is so narrow a
way that a small network spends most of its clips on learning to pass the subject's name through
it. This is the adaptive layer norm of DiT (arXiv 2212.09748); off in the paper's presets.
"""

import torch
from torch import Tensor, nn

LAYER_NORM_EPS = 1e-6


class AdaptiveNorm(nn.Module):
    """LayerNorm, then a shift and a scale that follow from a description; nothing at first."""

    def __init__(self, width: int, description_width: int = 0):
        """description_width: 0 for a plain layer norm."""
        super().__init__()
        self.norm = nn.LayerNorm(width, eps=LAYER_NORM_EPS)
        self.to_shift_scale = None
        if description_width:
            self.to_shift_scale = nn.Linear(description_width, 2 * width)
            nn.init.zeros_(self.to_shift_scale.weight)
            nn.init.zeros_(self.to_shift_scale.bias)

    def forward(self, tokens: Tensor, description: Tensor | None = None) -> Tensor:
        """tokens: (b, ..., d); description: (b, k). Returns: like tokens."""
        tokens = self.norm(tokens)
        if self.to_shift_scale is None:
            return tokens
        both = self.to_shift_scale(description).to(tokens)               # (b, 2 d)
        both = both.reshape(len(both), *(1,) * (tokens.ndim - 2), -1)
        shift, scale = both.chunk(2, dim=-1)                                     # (b, ..., d)
        return torch.addcmul(shift, tokens, 1 + scale)
