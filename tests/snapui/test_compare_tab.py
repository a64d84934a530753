"""The Compare tab without a browser: what it tells of what is typed, and what it begins with."""

import json
from itertools import pairwise
from types import SimpleNamespace

import pytest

from engine.catalog import list_models
from engine.vocabulary import VOCABULARY_NAME
from snapui.compare import Axis
from snapui.tabs.compare import FRESH, NOTHING, CompareTab, beginnings
from tests.snapui.test_library import add
from tests.test_catalog import make_model


@pytest.fixture
def tab(journal, tmp_path):
    for name, words in {"own": ["a", "dog"], "taught": ["a", "dog", "yeti"]}.items():
        (make_model(tmp_path / name) / "base" / VOCABULARY_NAME).write_text(
            json.dumps({"words": words, "ideas": []}))
    desk = SimpleNamespace(controls=SimpleNamespace(by_name=dict.fromkeys(("prompt", "model"))))
    return CompareTab(journal, desk, tmp_path)


def told(tab, field, text, rows=NOTHING, row_text="", prompt="a dog"):
    return tab.told(field, text, rows, row_text, prompt, "own")


def test_new_words_are_told_for_all_prompts_and_by_model(tab):
    note = "Words this model has not learnt and will guess at: "
    assert f'{note}yeti. The model taught has learnt it.</p>' in told(
        tab, "prompt", "a dog\na yeti")
    assert f'{note}yeti, script, bear.</p>' in told(
        tab, "seed", "1\n2", "prompt", "a yeti\na <script> bear")
    both = told(tab, "prompt", "a dog\na yeti", "model", "own\ntaught")
    assert '<p class="note">own: words' in both and "taught" not in both
    assert "learnt" not in told(tab, "seed", "1\n2")


@pytest.mark.parametrize(("field", "text", "said"), [
    ("model", "a cat sleepin\na wizard", "no model &#x27;a cat sleepin&#x27;. Known models: "),
    ("prompt", "1\n2\n3\n4\n5", "needs one to 4 values, one a line, not 5."),
    ("prompt", "a dog", "give the columns at least 2 values"),
    ("guidance", "1\n99", "Guidance must be from"),
    ("sampler", "<b>\neuler", "&lt;b&gt;"),
    ("upscale", "yes\nno", "The model own has no upsampler")])
def test_what_keeps_a_comparison_from_being_made_is_told_in_its_place(tab, field, text, said):
    html = told(tab, field, text)
    assert html.startswith('<p class="failed">') and said in html and "clips" not in html


def test_nothing_written_yet_is_no_error(tab):
    for html in (told(tab, "seed", " \n"), told(tab, "seed", "1\n2", "steps", "")):
        assert html == FRESH
    assert "The prompt is empty" in told(tab, "seed", "1\n2", prompt="")


def test_the_models_there_are_stand_in_the_hint_and_begin_the_values(tab):
    names = [card.name for card in list_models(tab.models_directory)]
    assert {"own", "taught"} < set(names)
    hint = tab.hint("model")
    assert hint.visible and hint.info.startswith(f"Out of {', '.join(names)}, or a model's folder")
    assert tab.hint(NOTHING).visible is False
    first = beginnings(tab.models_directory)
    assert first["model"].splitlines() == names[:4]
    for field, text in first.items():
        assert len(Axis.parse(field, text).values) >= 2, field
    assert "prompt" in first and "guidance" not in first


def test_every_comparison_is_listed_and_an_old_one_is_opened_when_its_clips_are_ticked_again(tab):
    clips = [add(tab.journal) for _ in range(56)]
    made = [tab.comparisons.put_together(pair) for pair in pairwise(clips)]
    assert [number for _, number in tab.listed(None).choices] == made[::-1]
    again = tab.comparisons.put_together(clips[:2])
    assert tab.listed(again).value == again == made[0]
    assert tab.listed(None).value == made[-1]
