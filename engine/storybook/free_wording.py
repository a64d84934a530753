"""Sentences as people type them: synonyms, and parts in any order.

They teach that many words mean what one word of a caption does, in the hope that a word which is
in neither is read by what it is near to.
"""

import re

import numpy as np

from engine.storybook import synonyms
from engine.storybook.articles import indefinite_article
from engine.storybook.places import PLAIN_COLOURS
from engine.storybook.scene import Scene

ORDERS = (*3 * ["{subject} {motion} {place}"], "{subject} {place} {motion}",
          "{place} {subject} {motion}", "{place}, {subject} {motion}",
          "{subject} {place}, {motion}", "{motion} {place}, {subject}",
          "{subject}, {motion} {place}", "{place}, {motion}, {subject}")

# Before what a place lies beside, and what else is in such phrases.
BESIDE = {"among", "amid", "between", "by", "under", "past", "near", "around", "beneath", "beyond",
          "below", "far", "from", "when", "where"}
LINKS = {"the", "a", "and", "of", "in", "is", "at"}


def scenery_words() -> set[str]:
    """List what other words for places name beside them: whoever asks for camels gets none."""
    phrases = (phrase.split() for phrases in synonyms.PLACES.values() for phrase in phrases)
    return {word for first, *words in phrases if first in BESIDE
            for word in words} - BESIDE - LINKS


def free_caption(scene: Scene, parts: tuple[str, str, str], rng: np.random.Generator) -> str:
    """Return a scene's caption in other words.

    parts: subject, motion and place as captions have them, each kept one time in four.
    """
    subject, motion, place = (
        part if rng.random() < 0.25 else freely(scene, rng) or part
        for part, freely in zip(parts, (_subject, _motion, _place), strict=True))
    words = _pick(ORDERS, rng).format(subject=subject, motion=motion, place=place)
    words = re.sub(r"[ ,]*, *", ", ", " ".join(words.split()).strip(" ,"))
    return _pick(synonyms.OPENINGS, rng) + words


def _pick(options, rng: np.random.Generator) -> str:
    return options[rng.integers(len(options))]


def _subject(scene: Scene, rng: np.random.Generator) -> str | None:
    names = synonyms.SUBJECTS.get(scene.subject)
    if names is None:
        return None
    adjective = _pick(synonyms.ADJECTIVES, rng) if rng.random() < 0.3 else ""
    article = _pick(("a", "a", "the", "my", "one", ""), rng)
    name = f"{adjective} {_pick(names, rng)}".strip()
    if article == "a":
        article = indefinite_article(name)
    return f"{article} {name}"


def _motion(scene: Scene, rng: np.random.Generator) -> str:
    travel = scene.travel
    if travel == "in place":
        return _pick(synonyms.STILL, rng)
    if travel in synonyms.CHANGES:
        return _pick(synonyms.CHANGES[travel], rng)
    if travel in synonyms.LIFTS and rng.random() < 0.5:
        return _pick(synonyms.LIFTS[travel], rng)
    return f"{_pick(synonyms.VERBS, rng)} {_pick(synonyms.WAYS[travel], rng)}"


def _place(scene: Scene, rng: np.random.Generator) -> str:
    if scene.place in PLAIN_COLOURS:
        colour = _pick(synonyms.COLOURS[scene.place], rng)
        return _pick(synonyms.GROUNDS, rng).format(colour)
    return _pick(synonyms.PLACES[scene.place], rng)
