"""Prompts in an artist's own words, and how much of a model's accuracy they leave.

No prompt's words for subject, place and travel are those of any caption, so a model gets there
by what its text encoder knows of English.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from engine.errors import DataError
from engine.evaluation.eta import Say
from engine.evaluation.exam import Cast, Exam, set_exam_on
from engine.evaluation.judge import Judge
from engine.evaluation.makers import Maker, answer
from engine.evaluation.metrics import accuracy
from engine.evaluation.report import ASKED
from engine.storybook.casting import places_of, plain_colours_of, travels_of

COLUMNS = ["prompt", *ASKED]


@dataclass(frozen=True)
class Wording:
    """A prompt and what it means in the world's own words."""

    prompt: str
    subject: str
    place: str
    travel: str


def read_wordings(path: Path, cast: Cast) -> tuple[Wording, ...]:
    """Read a table of tab-separated prompts, subjects, places and travels; see COLUMNS.

    Prompts about subjects that are not in the cast are left out.
    Raises: DataError naming the line that asks for what the world does not have.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            first, *lines = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
    except (OSError, ValueError, csv.Error) as error:
        raise DataError(f"The prompts in {path} cannot be read ({error}); give a table with the "
                        f"columns {', '.join(COLUMNS)}.") from error
    if first != COLUMNS:
        raise DataError(f"The first line of {path} must name the columns {', '.join(COLUMNS)}.")
    read = []
    for number, line in enumerate(lines, start=2):
        if len(line) != len(COLUMNS):
            raise DataError(f"Line {number} of {path} needs {len(COLUMNS)} cells between tabs.")
        wording = Wording(*line)
        if wording.subject in cast:
            _check(wording, cast, f"Line {number} of {path}")
            read.append(wording)
    if not read:
        raise DataError(f"No prompt of {path} is about a subject of --subjects.")
    return tuple(read)


def _check(wording: Wording, cast: Cast, where: str) -> None:
    sprite = cast[wording.subject]
    places = (*places_of(sprite), *plain_colours_of(sprite))
    for name, value, known in (("place", wording.place, places),
                               ("travel", wording.travel, travels_of(sprite))):
        if value not in known:
            raise DataError(f"{where}: {value!r} is no {name} of a {wording.subject}; use one of "
                            f"{', '.join(dict.fromkeys(known))}.")


def examine_wordings(make: Maker, wordings: Sequence[Wording], judging: tuple[Judge, Cast],
                     batch: int, tell: Say) -> dict:
    """Let a model answer prompts, and captions of the same scenes, from the same noise.

    Returns: by what is asked, accuracies of both and the share of the captions' that is kept.
    """
    plain = set_exam_on(wordings, judging[1], tell)
    free = replace(plain, captions=tuple(wording.prompt for wording in wordings))
    of_free, of_plain = (_accuracies(exam, make, judging, batch, tell) for exam in (free, plain))
    return {"prompts": len(wordings)} | {
        name: {"free": of_free[name], "captions": of_plain[name],
               "kept": of_free[name] / of_plain[name] if of_plain[name] else None}
        for name in ASKED}


def _accuracies(exam: Exam, make: Maker, judging: tuple[Judge, Cast], batch: int,
                tell: Say) -> dict[str, float]:
    judge, cast = judging
    words = judge.verdicts(answer(exam, make, batch, tell)[0], cast, exam.subjects).words
    return {name: accuracy(words[name], exam.asked(name)) for name in ASKED}


def wording_table(figures: dict) -> str:
    """Lay the figures out as text for a terminal."""
    lines = [f"{'free wording':<26}{'free':>12}{'captions':>12}{'kept':>12}"]
    for name in ASKED:
        one = figures[name]
        kept = "" if one["kept"] is None else f"{one['kept']:.1%}"
        lines.append(f"{name:<26}{one['free']:>12.1%}{one['captions']:>12.1%}{kept:>12}")
    return "\n".join(lines)
