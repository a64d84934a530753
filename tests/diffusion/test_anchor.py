"""The detail of a clip follows the clip's own process at a level of its own."""

import pytest
import torch

from engine.diffusion import add_noise, anchored, vp_corrupt
from engine.diffusion.anchor import CLIP_POWER

SIGMA_IN, DETAIL = 4.0, 0.12
SHAPE = (3, 2, 4, 8, 8)


def drawn(level):
    g = torch.Generator().manual_seed(0)
    low = torch.randn(SHAPE, generator=g) * CLIP_POWER**0.5
    clip = low + DETAIL * torch.randn(SHAPE, generator=g)
    level = torch.full((3,), level)
    corrupted = vp_corrupt(low, level, torch.randn(SHAPE, generator=g))
    return clip, anchored(corrupted, level, DETAIL)


def test_a_clean_clip_is_its_own_anchor():
    low = torch.randn(SHAPE)
    anchor = anchored(low, torch.zeros(3), DETAIL)
    assert torch.allclose(anchor.known, low)
    assert torch.allclose(anchor.deviation, torch.tensor(DETAIL))


def test_a_clip_of_which_nothing_is_left_anchors_nothing():
    anchor = anchored(torch.randn(SHAPE), torch.ones(3), DETAIL)
    assert anchor.known.abs().max() < 1e-4
    assert torch.allclose(anchor.deviation, torch.tensor((DETAIL**2 + CLIP_POWER)**0.5))


@pytest.mark.parametrize("level", [0.0, 0.1, 0.5, 0.9])
def test_detail_has_unit_size_and_gives_the_clip_again(level):
    clip, anchor = drawn(level)
    detail = anchor.detail(clip)
    assert detail.std().item() == pytest.approx(1.0, rel=0.1)
    assert torch.allclose(anchor.clip(detail), clip, atol=1e-5)


@pytest.mark.parametrize("level", [0.0, 0.3])
def test_noisy_detail_is_the_process_of_the_detail(level):
    clip, anchor = drawn(level)
    sigma, noise = torch.tensor([0.01, 0.1, 1.0]), torch.randn(SHAPE)
    noisy, own = anchor.noisy_detail(add_noise(clip, sigma, noise, SIGMA_IN), sigma, SIGMA_IN)
    assert torch.allclose(own, sigma / anchor.deviation)
    assert torch.allclose(noisy, add_noise(anchor.detail(clip), own, noise, SIGMA_IN), atol=1e-4)
