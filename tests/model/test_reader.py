"""The layers that read a text before anything else does."""

from dataclasses import replace

import pytest
import torch

from engine.model import Conditions
from engine.model.reader import TextReader
from engine.presets import PRESETS

WIDTH = 128


@pytest.fixture
def text() -> Conditions:
    """Two texts, of three tokens and of seven."""
    torch.manual_seed(0)
    mask = torch.arange(7) < torch.tensor([[3], [7]])
    return Conditions(torch.randn(2, 7, WIDTH), mask, torch.ones(2, dtype=torch.bool),
                      torch.full((2,), 12.0), torch.full((2, 2), 64.0))


@pytest.fixture
def learnt() -> TextReader:
    """A reader that says something."""
    torch.manual_seed(1)
    reader = TextReader(WIDTH, 2)
    torch.nn.init.normal_(reader.out.weight, std=0.1)
    return reader.eval()


@torch.no_grad()
def test_it_changes_nothing_at_first_and_the_text_alone_later(text, learnt):
    fresh = TextReader(WIDTH, 1)(text)
    assert torch.equal(fresh.text_tokens, text.text_tokens)
    read = learnt(text)
    assert (read.text_tokens - text.text_tokens).abs().mean() > 0.1
    assert torch.equal(read.text_mask, text.text_mask) and torch.equal(read.fps, text.fps)


@torch.no_grad()
def test_tokens_hear_each_other_and_nothing_of_other_texts_or_padding(text, learnt):
    read = learnt(text).text_tokens
    other = text.text_tokens.clone()
    other[0, 5], other[1, 6] = torch.randn(2, WIDTH)                          # 3 and 7 are seen
    again = learnt(replace(text, text_tokens=other)).text_tokens
    torch.testing.assert_close(again[0, :3], read[0, :3])
    assert not torch.allclose(again[1, 0], read[1, 0], atol=1e-3)


def test_a_width_that_no_heads_divide_is_refused():
    with pytest.raises(ValueError, match="text_layers need a text_width of whole heads of 64"):
        replace(PRESETS["tiny"].network, text_width=100)
