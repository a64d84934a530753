"""Captions say what happens, and name a direction only where there is travel."""

import re
from dataclasses import replace

import numpy as np
import pytest

from engine.storybook import synonyms
from engine.storybook.articles import with_article
from engine.storybook.captions import canonical_caption, caption
from engine.storybook.casting import sample_scene
from engine.storybook.places import PAINTED, PLAIN_COLOURS
from engine.storybook.scene import TRAVELS, Scene

SIDES = {"left": "right", "right": "left"}
DIRECTION = re.compile(r"\b(left|right|up|upwards|down|downwards)\b")
DOG = Scene("dog", "meadow", "left", size=0.5, x=0.7, y=0.6, speed=0.15)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "a dog walking to the left in the meadow"),
        ({"travel": "in place"}, "a dog walking in the meadow"),
        ({"travel": "bouncing", "place": "red"}, "a dog bouncing on a red background"),
        (
            {"subject": "red heart", "travel": "growing", "place": "blue"},
            "a red heart beating and growing on a blue background",
        ),
        (
            {"subject": "rocket", "travel": "up", "place": "night sky"},
            "a rocket flying up in the night sky",
        ),
        (
            {"subject": "panda", "travel": "right", "place": "beach"},
            "a panda moving to the right on the beach",
        ),
        (
            {"subject": "grinning yellow face", "travel": "in place", "place": "space"},
            "a grinning yellow face in space",
        ),
    ],
)
def test_the_canonical_caption_reads_like_a_sentence(cast, changes, expected):
    assert canonical_caption(replace(DOG, **changes), cast) == expected


@pytest.mark.parametrize("travel", TRAVELS)
def test_a_direction_is_named_only_where_there_is_travel(cast, travel):
    rng = np.random.default_rng(0)
    named = [caption(replace(DOG, travel=travel), cast, rng) for _ in range(200)]
    # "bouncing up and down" is a way of moving, not a direction.
    named = [text.replace(" up and down", "") for text in named]
    share = np.mean([bool(DIRECTION.search(text)) for text in named])
    if travel in ("left", "right", "up", "down"):
        assert 0.8 < share < 1
        other = {"left": "right", "right": "left", "up": "down", "down": "up"}[travel]
        assert not any(other in text for text in named)
    else:
        assert share == 0


def test_about_a_fifth_of_captions_drop_a_part(cast):
    rng = np.random.default_rng(0)
    texts = [caption(DOG, cast, rng) for _ in range(1000)]
    whole = [t for t in texts if t.startswith("a dog walking") and "meadow" in t]
    assert 0.76 < len(whole) / len(texts) < 0.84
    assert {"a dog", "dog in the meadow", "a dog in the meadow"} <= set(texts)


def test_every_caption_names_its_subject_and_is_tidy(cast):
    rng = np.random.default_rng(5)
    for _ in range(300):
        scene = sample_scene(rng, cast)
        text = caption(scene, cast, rng)
        assert scene.subject in text
        assert text == " ".join(text.split())
        assert text == text.strip()


def test_articles():
    names = ("dog", "octopus", "unicorn", "ufo", "sun", "hands", "orange bus")
    assert [with_article(name) for name in names] == [
        "a dog",
        "an octopus",
        "a unicorn",
        "a ufo",
        "the sun",
        "hands",
        "an orange bus",
    ]


def free_captions(scene, sprites, count=200):
    rng = np.random.default_rng(4)
    return [caption(scene, sprites, rng, free_share=1.0) for _ in range(count)]


def test_free_captions_vary_words_and_order(cast):
    captions = free_captions(DOG, cast)
    assert len(set(captions)) > 150
    assert any("spaniel" in one for one in captions)
    assert any(one.startswith(("in the meadow", "on a paddock")) for one in captions)
    assert all(one == one.strip(" ,") and "  " not in one for one in captions)


def test_free_captions_name_no_other_side_and_no_way_of_what_stays(cast):
    for side, other in SIDES.items():
        for one in free_captions(replace(DOG, travel=side), cast):
            assert not re.search(rf"\b(to the|towards the|off to the) {other}\b", one)
    for one in free_captions(replace(DOG, travel="in place"), cast):
        assert not DIRECTION.search(one)


def test_every_place_colour_and_travel_has_other_words():
    assert synonyms.PLACES.keys() == set(PAINTED) and synonyms.COLOURS.keys() == set(PLAIN_COLOURS)
    assert {*synonyms.WAYS, *synonyms.CHANGES, "in place"} == set(TRAVELS)


def test_other_words_for_a_subject_name_no_other_subject():
    names = [name for names in synonyms.SUBJECTS.values() for name in names]
    assert len(set(names)) == len(names) and not set(names) & set(synonyms.SUBJECTS)
