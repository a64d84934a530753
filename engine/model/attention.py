"""Attention between token sets: one function decides the kernel for all of them.

Cross-attention's inner width is the smaller of the two widths it joins (paper Table 8,
PAPER.md 1.2); queries, keys and values have no biases.
"""

from functools import cache

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from engine.model.modulation import LAYER_NORM_EPS

BIAS_MULTIPLE = 8  # of numbers between a bias's rows, as xformers' kernel wants them in bfloat16


@cache
def _memory_efficient(device_type: str):
    """Return xformers' attention where it is installed and runs, else None; tried once, on CUDA."""
    if device_type != "cuda":
        return None
    try:
        import xformers.ops

        probe = torch.zeros(1, 8, 1, 64, device="cuda")
        xformers.ops.memory_efficient_attention(probe, probe, probe)
    except (ImportError, OSError, NotImplementedError, RuntimeError):
        return None  # missing, or built for another torch, driver or card
    return xformers.ops.memory_efficient_attention


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None, *,
           bias: Tensor | None = None) -> Tensor:
    """Attend with xformers' memory-efficient kernel on CUDA and torch's own elsewhere; with plain
    matrix products where there is a bias to learn, and in bf16 on a CPU.

    q: (b, n, heads, c); k, v: (b, l, heads, c); mask: (b, l) bool, true where a key may be seen.
    bias: (heads, n, l), what is added to the scores.
    Returns: (b, n, heads, c).
    """
    kernel = _memory_efficient(q.device.type)
    if kernel is not None and bias is None:
        return kernel(q, k, v, attn_bias=None if mask is None else _aligned(mask, q))
    mask = None if mask is None else mask[:, None, None, :]
    q, k, v = (one.transpose(1, 2) for one in (q, k, v))                      # (b, heads, n, c)
    # The fused kernels are slow with the short lines that have a bias, and torch's is 4 to 6 times
    # slower than products to differentiate in bf16 on a CPU.
    if bias is not None or (q.device.type == "cpu" and q.dtype == torch.bfloat16):
        scores = (q * q.shape[-1] ** -0.5) @ k.transpose(2, 3)                # (b, heads, n, l)
        scores = scores if bias is None else scores + bias.to(q)
        scores = scores if mask is None else scores.masked_fill(~mask, float("-inf"))
        out = scores.softmax(dim=3) @ v
    else:
        out = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    return out.transpose(1, 2)


def _aligned(mask: Tensor, q: Tensor) -> Tensor:
    """Return a mask (b, l) as xformers takes it: added to scores, (b, heads, n, l), like q.

    Its kernel refuses a bias unless every stride but the last is a multiple of 8, so it is cut out
    of a wider one.
    """
    length = mask.shape[1]
    wide = q.new_zeros(len(mask), length + -length % BIAS_MULTIPLE)
    bias = wide[:, :length].masked_fill_(~mask, float("-inf"))[:, None, None]
    return bias.expand(-1, q.shape[2], q.shape[1], -1)


class CrossAttention(nn.Module):
    """Pre-norm attention from one token set to another, without the residual."""

    def __init__(self, query_width: int, context_width: int, head_width: int):
        super().__init__()
        inner = min(query_width, context_width)
        if inner % head_width:
            raise ValueError(f"head width {head_width} does not divide attention width {inner}")
        self.heads = inner // head_width
        self.query_norm = nn.LayerNorm(query_width, eps=LAYER_NORM_EPS)
        self.context_norm = nn.LayerNorm(context_width, eps=LAYER_NORM_EPS)
        self.to_q = nn.Linear(query_width, inner, bias=False)
        self.to_kv = nn.Linear(context_width, 2 * inner, bias=False)
        self.to_out = nn.Linear(inner, query_width, bias=False)

    def forward(self, queries: Tensor, context: Tensor, mask: Tensor | None = None, *,
                more_q: Tensor | None = None, more_k: Tensor | None = None) -> Tensor:
        """queries: (b, n, query_width); context: (b, l, context_width); mask: (b, l) bool.

        more_q: (b, n, inner), more_k: (b, l, inner): added to the queries or keys, such as where
        they are. Returns: (b, n, query_width).
        """
        q = self.to_q(self.query_norm(queries))                          # (b, n, inner)
        k, v = self.to_kv(self.context_norm(context)).chunk(2, dim=-1)   # (b, l, inner) each
        q = q if more_q is None else q + more_q
        k = k if more_k is None else k + more_k
        q, k, v = (rearrange(one, "b n (h c) -> b n h c", h=self.heads) for one in (q, k, v))
        out = attend(q, k, v, mask)                                      # (b, n, heads, c)
        return self.to_out(rearrange(out, "b n h c -> b n (h c)"))       # (b, n, query_width)


class SelfAttention(nn.Module):
    """Pre-norm self-attention, without the residual; one product for queries, keys, values."""

    def __init__(self, width: int, head_width: int):
        super().__init__()
        if width % head_width:
            raise ValueError(f"head width {head_width} does not divide width {width}")
        self.heads = width // head_width
        self.norm = nn.LayerNorm(width, eps=LAYER_NORM_EPS)
        self.to_qkv = nn.Linear(width, 3 * width, bias=False)
        self.to_out = nn.Linear(width, width, bias=False)

    def forward(self, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        """tokens: (b, n, width); mask: (b, n) bool, true where seen. Returns: like tokens."""
        qkv = self.to_qkv(self.norm(tokens))
        q, k, v = rearrange(qkv, "b n (three h c) -> three b n h c", three=3, h=self.heads)
        return self.to_out(rearrange(attend(q, k, v, mask), "b n h c -> b n (h c)"))
