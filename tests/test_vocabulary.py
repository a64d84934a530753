"""What a model has learnt to read is known before a clip is made."""

import json

import pytest

from engine.catalog import find_model
from engine.vocabulary import VOCABULARY_NAME, Vocabulary, read_vocabulary, vocabulary_of

KNOWN = vocabulary_of(["A dog walking, in the meadow", "two red hearts"], ["a dog", "a dog", "b"])


def test_words_and_ideas_are_collected_once():
    assert KNOWN.words == ("a", "dog", "hearts", "in", "meadow", "red", "the", "two", "walking")
    assert KNOWN.ideas == ("a dog", "b")


@pytest.mark.parametrize(("prompt", "new"), [
    ("A dog walking in the meadow", []), ("dogs, heart", []), ("", []),
    ("dog's 3 dogs!", ["dog's"]), ("ein Hündchen", ["ein", "hündchen"]),
    ("a cat and a Cat in the garden", ["cat", "and", "garden"]), ("🐶", ["🐶"]),
    ("🏃\u200d♂️ a dog 🌈🌈", ["🏃", "♂", "🌈"]), ("כלב", ["כלב"])])
def test_new_words_are_those_no_caption_used(prompt, new):
    assert KNOWN.new_words(prompt) == new
    assert KNOWN.note(prompt) == ("Words this model has not learnt and will guess at: "
                                  f"{', '.join(new)}." if new else "")


def test_ideas_are_found_by_the_subject_that_they_are_about():
    ideas = ["a fire on the road", "a fire truck driving", "a fireman in space", "a fire"]
    told = vocabulary_of(ideas, ideas, ["a fire", "a fire truck"])
    assert told.about("a fire") == ("a fire on the road", "a fire")
    assert told.about("a fire truck") == ("a fire truck driving",)
    assert told.about("a fireman") == told.about("") == ()


def test_a_file_from_before_subjects_were_told_is_read(tmp_path):
    (tmp_path / VOCABULARY_NAME).write_text('{"words": ["a"], "ideas": ["a cow"]}')
    assert read_vocabulary(tmp_path) == Vocabulary(("a",), ("a cow",))


def test_a_model_that_names_no_words_may_be_asked_for_anything(tmp_path):
    assert read_vocabulary(tmp_path).note("a cat") == ""


@pytest.mark.parametrize("text", ["", "[]", "7", '{"words": 7, "ideas": []}', '{"words": ["a"]}',
                                  "[" * 100_000])
def test_a_damaged_vocabulary_is_none(tmp_path, text):
    (tmp_path / VOCABULARY_NAME).write_text(text)
    assert read_vocabulary(tmp_path) == Vocabulary()


@pytest.mark.parametrize(("model", "count"), [("storybook", 12), ("storybook-forty", 40)])
def test_a_shipped_model_has_ideas_in_words_it_knows_about_each_of_its_subjects(model, count):
    shipped = find_model(model).vocabulary
    assert len(shipped.ideas) > 100 and not any(map(shipped.note, shipped.ideas))
    assert len(shipped.subjects) == count
    assert min(len(shipped.about(subject)) for subject in shipped.subjects) >= 12
    assert sum(len(shipped.about(subject)) for subject in shipped.subjects) == len(shipped.ideas)


def test_the_shipped_model_tells_what_it_has_not_learnt():
    shipped = find_model("storybook").vocabulary
    assert shipped.new_words("a xylophone walking in the meadow") == ["xylophone"]
    folder = find_model("storybook").base_folder
    assert json.loads((folder / VOCABULARY_NAME).read_text())["ideas"] == list(shipped.ideas)
