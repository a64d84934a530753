import pytest
import torch
import torch.nn.functional as F

from engine.model import attention
from engine.model.attention import attend

Q, L, HEADS = 5, 36, 3  # 32 words and four scalars


def tokens(count: int, length: int = 11, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    g = torch.Generator().manual_seed(count)
    return torch.randn(2, count, HEADS, length, generator=g).to(dtype)


def xformers_like(q, k, v, attn_bias=None):
    """Refuse what xformers' cutlass kernel refuses of a bias, then attend."""
    if attn_bias is not None:
        assert attn_bias.shape == (len(q), HEADS, q.shape[1], k.shape[1])
        assert attn_bias.dtype == q.dtype and attn_bias.stride(-1) == 1
        aligned = 128 // torch.finfo(q.dtype).bits  # a load of 16 bytes
        if any(stride % aligned for stride in attn_bias.stride()[:-1]):
            raise ValueError(f"attn_bias.stride() = {attn_bias.stride()} is not aligned")
    heads_first = (one.transpose(1, 2) for one in (q, k, v))
    return F.scaled_dot_product_attention(*heads_first, attn_mask=attn_bias).transpose(1, 2)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("length", [35, 36, 40, 131, 132])
def test_xformers_gets_a_bias_of_any_length_aligned_and_hides_the_same_keys(
        monkeypatch, length, dtype):
    q, k, v = tokens(Q, dtype=dtype), tokens(length, dtype=dtype), tokens(length, dtype=dtype)
    mask = torch.arange(length) < torch.tensor([[3], [length - 1]])
    expected = attend(q, k, v, mask)
    monkeypatch.setattr(attention, "_memory_efficient", lambda device_type: xformers_like)
    near = {"atol": 0.02, "rtol": 0} if dtype == torch.bfloat16 else {"atol": 1e-5, "rtol": 1e-5}
    torch.testing.assert_close(attend(q, k, v, mask), expected, **near)
    torch.testing.assert_close(attend(q, k, v), attend(q, k, v, torch.ones_like(mask)), **near)


@pytest.mark.parametrize("kernel", [None, xformers_like])
def test_a_learnt_bias_is_added_to_the_scores_and_gets_a_gradient(monkeypatch, kernel):
    monkeypatch.setattr(attention, "_memory_efficient", lambda device_type: kernel)
    q, k, v = tokens(Q), tokens(L), tokens(L)
    bias = torch.randn(HEADS, Q, L, generator=torch.Generator().manual_seed(7), requires_grad=True)
    expected = F.scaled_dot_product_attention(
        *(one.transpose(1, 2) for one in (q, k, v)), attn_mask=bias.expand(2, -1, -1, -1))
    out = attend(q, k, v, bias=bias)
    torch.testing.assert_close(out, expected.transpose(1, 2))
    out.square().sum().backward()
    assert bias.grad.abs().min() > 0


def test_a_mask_and_a_learnt_bias_go_together():
    q, k, v = tokens(Q), tokens(L), tokens(L)
    mask, bias = torch.arange(L) < torch.tensor([[3], [L]]), torch.randn(HEADS, Q, L)
    both = attend(q, k, v, mask, bias=bias)
    torch.testing.assert_close(both[0], attend(q, k[:, :3], v[:, :3], bias=bias[..., :3])[0])
    torch.testing.assert_close(both[1], attend(q, k, v, bias=bias)[1])
