from dataclasses import replace

import pytest
import torch

from engine.model.convolution import ConvolutionBlock
from engine.model.refiner import Channels, Refiner, Shape
from engine.presets import PRESETS

TINY = PRESETS["tiny"].network
REACH = 12  # pixels: two blocks of two convolutions over cells of two pixels, and both ends
CHANNELS = Channels(pictures=6, beside=2, output=3)


def refined(pictures, grid, network, beside=None):
    with torch.no_grad():
        cells = network.look(pictures, beside, None)
        return network(network.tell(grid, cells), cells, None)


def made(shape):
    """A refiner whose blocks have learned something."""
    torch.manual_seed(0)
    network = Refiner(8, CHANNELS, patch=4, shape=shape, description_width=0)
    for block in network.modules():
        if isinstance(block, ConvolutionBlock):
            torch.nn.init.normal_(block.contract.weight, std=0.1)
    return network


@pytest.fixture
def refiner():
    return made(Shape(16, 2))


@pytest.fixture
def pictures():
    return torch.randn(2, 6, 3, 16, 48, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def grid():
    return torch.randn(2, 3, 4, 12, 8, generator=torch.Generator().manual_seed(2))


def test_it_adds_nothing_at_first(refiner, pictures, grid):
    made = refined(pictures, grid, refiner)
    assert made.shape == (2, 3, 3, 16, 48)
    assert not made.any()


def test_a_pixel_changes_its_own_frame_and_what_is_near(refiner, pictures, grid):
    refiner.to_pixels.weight.data.normal_()
    before = refined(pictures, grid, refiner)
    pictures[0, :, 1, 8, 24] += 1
    changed = (refined(pictures, grid, refiner) - before).abs().amax(dim=1) > 0
    assert changed[0, 1, 8, 24]
    assert changed[0, 1].sum() > 16                       # more than its own cell
    assert not changed[1].any() and not changed[0, [0, 2]].any()
    assert not changed[0, 1, :, 24 + REACH:].any() and not changed[0, 1, :, :24 - REACH].any()


def test_a_patch_token_reaches_its_own_pixels(refiner, pictures, grid):
    refiner.to_pixels.weight.data.normal_()
    before = refined(pictures, grid, refiner)
    grid[1, 2, 1, 5] += torch.arange(8)
    changed = (refined(pictures, grid, refiner) - before).abs().amax(dim=1) > 0
    assert changed[1, 2, 4:8, 20:24].all()
    assert not changed[0].any() and not changed[1, :2].any()


@pytest.fixture
def deep():
    """Two coarser levels: 8 x 24 cells, 4 x 12, 2 x 6."""
    return made(Shape(16, 2, levels=2))


def levels(coarser):
    return [coarser] if coarser.inner is None else [coarser, *levels(coarser.inner)]


def test_coarser_levels_add_nothing_at_first(refiner, deep, pictures, grid):
    refiner.to_pixels.weight.data.normal_()
    own = deep.state_dict() | refiner.state_dict()
    deep.load_state_dict(own)
    assert refined(pictures, grid, deep).any()
    assert torch.equal(refined(pictures, grid, deep), refined(pictures, grid, refiner))


def test_each_coarser_level_is_half_as_fine_and_twice_as_wide(deep):
    seen = {}
    for level in levels(deep.coarser):
        level.before[0].register_forward_hook(
            lambda _, inputs, made, level=level: seen.update({level: made.shape[1:]}))
    refined(torch.zeros(2, 6, 3, 16, 48), torch.zeros(2, 3, 4, 12, 8), deep)
    assert [tuple(seen[level]) for level in levels(deep.coarser)] == [
        (3, 4, 12, 32), (3, 2, 6, 64)]


def test_coarser_levels_reach_further_and_keep_to_their_frame(deep, pictures, grid):
    deep.to_pixels.weight.data.normal_()
    for level in levels(deep.coarser):
        level.up.weight.data.normal_()
    before = refined(pictures, grid, deep)
    pictures[0, :, 1, 8, 24] += 1
    changed = (refined(pictures, grid, deep) - before).abs().amax(dim=1) > 0
    assert changed[0, 1, 8, 24 + REACH:].any()
    assert not changed[1].any() and not changed[0, [0, 2]].any()


@pytest.fixture
def early():
    return made(Shape(16, 2, before=1))


@torch.no_grad()
def test_patches_are_told_nothing_at_first(early, pictures, grid):
    assert torch.equal(early.tell(grid, early.look(pictures, pictures[:, :2], None)), grid)


@torch.no_grad()
def test_patches_are_told_of_cells_that_come_before_them(early, pictures, grid):
    beside = torch.zeros(2, 2, 3, 16, 48)
    early.to_tokens.weight.normal_()
    told = early.tell(grid, early.look(pictures, beside, None))
    pictures[1, :, 2, 8, 24] += 1                          # in the patch (2, 6)
    changed = early.tell(grid, early.look(pictures, beside, None)) != told
    assert changed[1, 2, 2, 6].any()
    assert not changed[0].any() and not changed[1, :2].any() and not changed[1, 2, :, :3].any()


@torch.no_grad()
def test_cells_before_patches_see_what_is_beside_the_clip(early, refiner, pictures):
    beside = torch.zeros(2, 2, 3, 16, 48)
    given = beside.clone()
    given[0, :, 1] = 1
    changed = early.look(pictures, given, None) != early.look(pictures, beside, None)
    assert changed[0, 1].all(dim=2).all() and not changed[1].any()
    assert torch.equal(refiner.look(pictures, given, None), refiner.look(pictures, beside, None))


@torch.no_grad()
def test_without_cells_before_them_patches_are_told_nothing(refiner, pictures, grid):
    assert refiner.tell(grid, refiner.look(pictures, None, None)) is grid


def test_cells_before_patches_need_a_width():
    with pytest.raises(ValueError, match="refiner_before needs a refiner_width"):
        replace(TINY, refiner_width=0)


def test_it_needs_pictures_and_whole_cells():
    for wrong in ({"pixel_skip": False}, {"patch": 3, "width": 18, "height": 9}):
        with pytest.raises(ValueError, match="refiner_width"):
            replace(TINY, **wrong)


def test_levels_have_to_halve_the_frame():
    assert TINY.whole_grid == (4, 4)    # 8 x 8 cells
    replace(TINY, refiner_levels=3)
    with pytest.raises(ValueError, match="refiner_levels 4 do not halve"):
        replace(TINY, refiner_levels=4)


@pytest.mark.parametrize("missing", ["refiner_width", "refiner_blocks"])
def test_levels_need_finer_convolutions_to_add_to(missing):
    with pytest.raises(ValueError, match="refiner_levels need"):
        replace(TINY, refiner_levels=1, **{missing: 0})
