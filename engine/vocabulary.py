"""What a model has learnt to read: the words of its captions, and prompts for what it draws.

A small model draws what it was taught and guesses at the rest, so an artist should know before a
clip is made. Training writes vocabulary.json beside the base stage's weights; a model without one
may be asked for anything.
"""

import json
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path

VOCABULARY_NAME = "vocabulary.json"
IDEAS = 300    # as many as a source of many captions tells
WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")


@dataclass(frozen=True)
class Vocabulary:
    """words: all that captions used, in small letters. ideas: whole prompts.

    subjects: what there are ideas about, each as those begin ("a dog"); empty if nobody can tell.
    """

    words: tuple[str, ...] = ()
    ideas: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()

    def about(self, subject: str) -> tuple[str, ...]:
        """Return the ideas about one of the subjects: about "a fire", none about "a fire truck"."""
        return tuple(idea for idea in self.ideas if self._subject(idea) == subject)

    def new_words(self, prompt: str) -> list[str]:
        """List the words of a prompt that no caption used, not even with or without an s."""
        known = set(self.words)
        return [word for word in dict.fromkeys(words_of(prompt))
                if not known & {word, word.removesuffix("s"), word + "s"}]

    def note(self, prompt: str) -> str:
        """Say which words of a prompt are new, in a sentence; nothing if none is."""
        new = ", ".join(self.new_words(prompt)) if self.words else ""
        return f"Words this model has not learnt and will guess at: {new}." if new else ""

    def _subject(self, idea: str) -> str | None:
        named = (one for one in self.subjects if f"{idea} ".startswith(f"{one} "))
        return max(named, key=len, default=None)


def words_of(text: str) -> list[str]:
    """List the words of a text in small letters, and its emoji, which are words too."""
    return WORD.findall(text.lower()) + [one for one in text if unicodedata.category(one) == "So"]


def vocabulary_of(captions: Iterable[str], ideas: Iterable[str],
                  subjects: Iterable[str] = ()) -> Vocabulary:
    """Collect the words of captions; ideas and subjects each once."""
    words = {word for caption in captions for word in words_of(caption)}
    return Vocabulary(tuple(sorted(words)), *(tuple(dict.fromkeys(each))
                                              for each in (ideas, subjects)))


def read_vocabulary(folder: Path) -> Vocabulary:
    """Read a stage's vocabulary; an empty one if it has none that can be read."""
    try:
        read = json.loads((folder / VOCABULARY_NAME).read_text(encoding="utf-8"))
        read.setdefault("subjects", ())    # files had none until 2026-11-30
        return Vocabulary(*(tuple(map(str, read[spec.name])) for spec in fields(Vocabulary)))
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return Vocabulary()
