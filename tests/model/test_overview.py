"""What patches know before they look at each other."""

from dataclasses import replace

import pytest
import torch

from engine.model.overview import CoarseLook, Emphasis, Overview, WordMap
from engine.presets import PRESETS

TINY = PRESETS["tiny"].network
SIZES = dict(grid=(4, 6, 8), channels=3, width=8, patch=4, description_width=6)
GRID = (2, 4, 6, 8, 8)                                     # b, t, h, w, d
FRAMES = torch.arange(4)


def test_it_needs_patches_that_are_told_of_words():
    with pytest.raises(ValueError, match="modulated"):
        replace(TINY, overview=True, modulated=False)


@torch.no_grad()
def test_tokens_are_turned_down_as_the_description_says():
    overview = Overview(**SIZES)
    grid, noisy = torch.randn(GRID), torch.randn(2, 3, 4, 24, 32)
    description = torch.randn(2, 6)
    assert torch.equal(overview(grid, noisy, description, description, FRAMES), grid)
    overview.loudness.weight.normal_()
    share = 1 + overview.loudness(description)
    torch.testing.assert_close(overview(grid, noisy, description, description, FRAMES),
                               grid * share[:, None, None, None])


@torch.no_grad()
def test_the_coarse_look_shows_what_lies_around_a_patch_in_its_frame():
    look, noisy = CoarseLook(3, 8, 4), torch.randn(2, 3, 4, 24, 32)
    assert not look(noisy).any()
    look.to_tokens.weight.normal_()
    before = look(noisy)
    assert before.shape == GRID
    torch.testing.assert_close(look(3 * noisy), before, rtol=1e-3, atol=1e-3)   # at any loudness
    noisy[0, :, 1, :4, :4] += 5
    moved = (look(noisy) - before).abs().amax(dim=-1)                          # (b, t, h, w)
    assert moved[0, 1, :4, :4].mean() > 2 * moved[0, 1, 4:, 4:].mean()
    assert not moved[1].any()


@torch.no_grad()
def test_words_let_patches_expect_something_else_at_another_moment_and_place():
    words, description, heard = WordMap((4, 6, 8), 8, 6), torch.randn(2, 6), torch.randn(2, 6)
    assert not words(description, heard, FRAMES).any()
    words.tell.weight.normal_()
    told = words(description, heard, FRAMES)
    assert told.shape == GRID
    # Other words, moments, rows and columns differ, and no change is the same for all.
    for axis in range(4):
        assert told.diff(dim=axis).abs().max() > 0.01
    assert told.diff(dim=0).diff(dim=1).diff(dim=3).abs().max() > 0.01
    torch.testing.assert_close(words(description, heard, torch.tensor([3, 1])), told[:, [3, 1]])


@torch.no_grad()
def test_emphasis_hears_a_word_whatever_else_a_description_says():
    emphasis, words = Emphasis(6), torch.randn(2, 6)
    louder, heard = emphasis(words)
    assert not louder.any()
    torch.testing.assert_close(heard.var(dim=1, unbiased=False), torch.ones(2), atol=1e-3, rtol=0)
    torch.testing.assert_close(emphasis(0.1 * words)[1], heard, atol=1e-2, rtol=0)
    emphasis.out.weight.normal_()
    assert emphasis(words)[0].any() and not emphasis(torch.zeros(2, 6))[0].any()
