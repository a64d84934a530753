"""Prompts in other words: read with care, and marked beside captions of the same scenes."""

import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from engine.errors import DataError
from engine.evaluation.wording import Wording, examine_wordings, read_wordings, wording_table
from engine.storybook import synonyms
from engine.storybook.places import PAINTED, PLAIN_COLOURS

HEADER = "prompt\tsubject\tplace\ttravel\n"


def table(tmp_path, text):
    path = tmp_path / "wording.tsv"
    path.write_text(text)
    return path


def test_prompts_about_the_cast_are_read(tmp_path, cast):
    path = table(tmp_path, HEADER + "a puppy\tdog\tmeadow\tleft\na monarch\tbutterfly\tx\ty\n")
    assert read_wordings(path, cast) == (Wording("a puppy", "dog", "meadow", "left"),)


@pytest.mark.parametrize(("text", "sentence"), [
    ("a puppy\tdog\n", "must name the columns prompt, subject, place, travel"),
    (HEADER + "a puppy\tdog\n", "Line 2 .* needs 4 cells"),
    (HEADER + "a puppy\tdog\tsea\tleft\n", "'sea' is no place of a dog; use one of meadow"),
    (HEADER + "a puppy\tdog\tmeadow\tup\n", "'up' is no travel of a dog"),
    (HEADER + "a moth\tmoth\tmeadow\tup\n", "No prompt of .* --subjects"),
])
def test_a_table_that_cannot_be_used_is_a_sentence(tmp_path, cast, text, sentence):
    with pytest.raises(DataError, match=sentence):
        read_wordings(table(tmp_path, text), cast)


def test_a_table_that_is_not_there_or_none_is_a_sentence(tmp_path, cast):
    (tmp_path / "long.tsv").write_text("x" * 200_000)
    with pytest.raises(DataError, match="cannot be read"):
        read_wordings(tmp_path / "long.tsv", cast)
    with pytest.raises(DataError, match="cannot be read"):
        read_wordings(tmp_path / "none.tsv", cast)


def test_the_shipped_prompts_use_no_word_that_captions_use_for_what_they_ask():
    """They would measure memory otherwise."""
    lines = Path("assets/storybook/wording.tsv").read_text(encoding="utf-8").splitlines()[1:]
    assert len(set(lines)) == 100
    known = {"left", "right", "up", "down", "bouncing", "growing", "shrinking", "spinning",
             *(word for place in PAINTED for word in place.split())}
    for line in lines:
        prompt, subject, place, _ = line.split("\t")
        words = prompt.replace(",", "").split()
        assert not known & set(words), line
        assert place not in words and f" {subject} " not in f" {' '.join(words)} ", line


# Words of both that do not say what is shown; "heart" and "star" are captions' own.
NEUTRAL = set(re.findall(r"\w+", """a an and the of in on to with over onto through among between
    along after beneath at against from past that it for my little moving going getting away
    towards front full dark heart star man"""))


def test_the_shipped_prompts_share_no_telling_word_with_what_is_taught_beside_captions():
    """What they measure is whether other words help with words still unseen."""
    lines = Path("assets/storybook/wording.tsv").read_text(encoding="utf-8").splitlines()[1:]
    asked = {word for line in lines for word in re.findall(r"[a-z-]+", line.split("\t")[0])}
    taught = set(re.findall(r"[a-z-]+", str([
        value for name, value in vars(synonyms).items() if name.isupper()])))
    names = {word for name in synonyms.SUBJECTS for word in name.split()} | set(PLAIN_COLOURS)
    assert not taught & asked - NEUTRAL - names


def test_prompts_and_captions_of_the_same_scenes_are_marked(cast):
    """A maker that knows captions alone, and a judge that sees whether it did."""
    wordings = [Wording("a puppy", "dog", "meadow", "left"),
                Wording("a valentine", "red heart", "blue", "growing")]
    seeds_asked = []

    def make(prompts, seeds, fps):
        seeds_asked.append(list(seeds))
        knows = [prompt.startswith(("a dog", "a red heart")) for prompt in prompts]
        return np.stack([np.full((2, 4, 4, 3), 200 * known, np.uint8) for known in knows])

    def verdicts(frames, _, subjects):
        asked = {"subject": [w.subject for w in wordings], "place": [w.place for w in wordings],
                 "travel": ["left", "nowhere"]}
        bright = frames.mean(axis=(1, 2, 3, 4)) > 100
        return SimpleNamespace(words={name: tuple(
            word if name == "travel" or seen else "?" for word, seen in zip(
                words, bright, strict=True)) for name, words in asked.items()})

    figures = examine_wordings(make, wordings, (SimpleNamespace(verdicts=verdicts), cast), 2,
                               lambda _: None)
    assert figures["subject"] == {"free": 0.0, "captions": 1.0, "kept": 0.0}
    assert figures["travel"] == {"free": 0.5, "captions": 0.5, "kept": 1.0}
    assert seeds_asked[0] == seeds_asked[1]
    assert "kept" in wording_table(figures) and "50.0%" in wording_table(figures)
