"""What a network makes of its text before anything else; ours, nothing of it in the paper.

A frozen encoder's states say that a pony is near a horse, but the linear maps that read them learn
the captions' own words and take the rest for noise. Layers over the states learn to read other
words as those, and everything behind them stays as it is.
"""

from dataclasses import replace

from torch import nn

from engine.model.attention import SelfAttention
from engine.model.block import FeedForward
from engine.model.embedding import Conditions

READING_WIDTH = 64    # of an attention head


class TextReader(nn.Module):
    """Transformer layers over the text's states, added to them; nothing at first."""

    def __init__(self, width: int, layers: int):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.attention = nn.ModuleList(
            SelfAttention(width, READING_WIDTH) for _ in range(layers))
        self.feed_forward = nn.ModuleList(
            FeedForward(width, multiple=2) for _ in range(layers))
        self.out_norm = nn.LayerNorm(width)
        self.out = nn.Linear(width, width, bias=False)
        nn.init.zeros_(self.out.weight)

    def forward(self, conditions: Conditions) -> Conditions:
        """Return the same conditions with text tokens (b, l, text_width) as they are read."""
        tokens = self.norm(conditions.text_tokens)
        for attention, feed_forward in zip(self.attention, self.feed_forward, strict=True):
            tokens = tokens + attention(tokens, conditions.text_mask)
            tokens = tokens + feed_forward(tokens)
        read = self.out(self.out_norm(tokens))
        return replace(conditions, text_tokens=conditions.text_tokens + read)
