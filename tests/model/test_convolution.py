import pytest
import torch
import torch.nn.functional as F

from engine.model.convolution import ConvolutionBlock


@pytest.fixture
def cells():
    return torch.randn(2, 3, 7, 9, 8, generator=torch.Generator().manual_seed(0))


def trained(block):
    torch.nn.init.normal_(block.contract.weight)
    torch.nn.init.normal_(block.contract.bias)
    return block


@torch.no_grad()
def test_it_adds_nothing_at_first(cells):
    assert not ConvolutionBlock(8, 0)(cells, None).any()


@torch.no_grad()
def test_a_place_reaches_two_places_away_in_its_own_frame(cells):
    torch.manual_seed(0)
    block = trained(ConvolutionBlock(8, 0))
    before = block(cells, None)
    cells[1, 2, 3, 4] += torch.arange(8)
    changed = (block(cells, None) != before).any(dim=-1)                  # (b, t, h, w)
    assert changed[1, 2, 1:6, 2:7].all()
    changed[1, 2, 1:6, 2:7] = False
    assert not changed.any()


@torch.no_grad()
def test_it_is_two_convolutions_of_what_is_normed_as_the_description_says(cells):
    torch.manual_seed(0)
    block, description = trained(ConvolutionBlock(8, 5)), torch.randn(2, 5)
    torch.nn.init.normal_(block.norm.to_shift_scale.weight)
    normed = F.layer_norm(cells, (8,), eps=1e-6)
    shift, scale = block.norm.to_shift_scale(description)[:, None, None, None].chunk(2, dim=-1)
    frames = (shift + normed * (1 + scale)).flatten(0, 1).movedim(-1, 1)
    expected = block.contract(F.gelu(block.expand(frames))).movedim(1, -1).unflatten(0, (2, 3))
    torch.testing.assert_close(block(cells, description), expected)
