"""Which words of prompts are new to a model: told by model, as text."""

import json

import pytest

from engine.request import GenerationRequest
from engine.vocabulary import VOCABULARY_NAME
from snapui import learnt
from tests.test_catalog import make_model


@pytest.fixture
def models(tmp_path):
    """A folder of three models that tell their words, and one that tells none."""
    for name, words in {"own": ["a", "on"], "another": ["a", "yodelling"],
                        "taught": ["a", "yodelling", "yeti"]}.items():
        (make_model(tmp_path / name) / "base" / VOCABULARY_NAME).write_text(
            json.dumps({"words": words, "ideas": ["a cow"]}))
    make_model(tmp_path / "silent")
    return tmp_path


def asked(prompt, model):
    return GenerationRequest(prompt=prompt, model=model)


def test_new_words_of_several_prompts_are_told_once_and_who_has_learnt_all_of_them(models):
    assert learnt.note(["a yeti", "a yodelling yeti"], "own", models) == (
        "Words this model has not learnt and will guess at: yeti, yodelling. "
        "The model taught has learnt all of them.")
    assert learnt.note(["a yeti"], "own", models).endswith("The model taught has learnt it.")
    assert learnt.note(["a yeti", "a yodelling bear"], "own", models).endswith("yodelling, bear.")
    assert learnt.note(["a yeti"], "taught", models) == ""


def test_a_model_that_is_missing_or_tells_no_words_says_nothing(models):
    for model in ("silent", "gone"):
        assert learnt.note(["a yeti"], model, models) == ""
        assert learnt.vocabulary_of(model, models).ideas == ()
    assert learnt.vocabulary_of("own", models).ideas == ("a cow",)


def test_requests_of_several_models_are_told_by_model(models):
    both = [asked(prompt, model) for model in ("own", "another", "taught")
            for prompt in ("a yeti", "a yodelling yeti")]
    assert learnt.notes(both, models) == [
        "own: words this model has not learnt and will guess at: yeti, yodelling.",
        "another: words this model has not learnt and will guess at: yeti."]
    assert learnt.notes(both[:2], models) == [learnt.note(["a yeti", "yodelling"], "own", models)]
    assert learnt.notes(both[4:], models) == []
    assert learnt.notes([], models) == []


def test_a_model_in_a_folder_is_named_shortly(models):
    told = learnt.notes([asked("a yeti", str(models / "own")), asked("a yeti", "taught")], None)
    assert told == ["own: words this model has not learnt and will guess at: yeti."]


def test_notes_are_text_on_the_page():
    assert learnt.paragraphs(["<b>", "x"]) == '<p class="note">&lt;b&gt;</p><p class="note">x</p>'
