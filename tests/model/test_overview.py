"""What patches know before they look at each other."""

from dataclasses import replace

import pytest
import torch

from engine.model.overview import CoarseLook, FrameWords, Overview
from engine.presets import PRESETS

TINY = PRESETS["tiny"].network
SIZES = dict(frames=4, channels=3, width=8, patch=4, description_width=6)
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
    assert torch.equal(overview(grid, noisy, description, FRAMES), grid)
    overview.loudness.weight.normal_()
    share = 1 + overview.loudness(torch.nn.functional.silu(description))
    torch.testing.assert_close(overview(grid, noisy, description, FRAMES),
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
    assert moved[0, 1, :4, :4].min() > moved[0, 1, 4:, 4:].max()
    assert not moved[1].any()


@torch.no_grad()
def test_words_mean_something_else_at_another_moment_and_nothing_at_first():
    words, description = FrameWords(4, 8, 6), torch.randn(2, 6)
    assert not words(description, FRAMES).any()
    words.tell.weight.normal_()
    told = words(description, FRAMES)
    assert told.shape == (2, 4, 1, 1, 8)
    # Neither the same at all times, nor the same change for every description.
    assert (told[:, 1] - told[:, 0]).abs().max() > 0.1
    assert (told[0, 1] - told[0, 0] - told[1, 1] + told[1, 0]).abs().max() > 0.1
    torch.testing.assert_close(words(description, torch.tensor([3, 1])), told[:, [3, 1]])
