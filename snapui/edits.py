"""Edits of a finished clip: pixels in, pixels out, no network; and what drifts in the result."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from engine.drift import (
    VISIBLE_JUMP,
    Measures,
    cross_dissolve,
    drift_warnings,
    join_jumps,
    match_colour,
    measure,
    seam_warnings,
    thinned,
)
from engine.errors import RequestError
from snapui.orders import Edit
from snapui.schema import Clip, Film

DIGITS = 4
DISSOLVE = "a cross-dissolve softens it"    # a button beside the warning


@dataclass(frozen=True)
class Cut:
    """A clip as its segments see it.

    frames: uint8 (t, h, w, 3). joins: first frames of all segments but the first.
    first_frames: how many the first segment has. seams: frames inside segments at which a window
    of the network goes on from the one before it.
    """

    frames: np.ndarray
    fps: float
    joins: tuple[int, ...]
    first_frames: int
    seams: tuple[int, ...] = ()

    def until(self, end: int) -> "Cut":
        """Return the clip up to a frame."""
        return replace(self, frames=self.frames[:end],
                       joins=tuple(join for join in self.joins if join < end),
                       seams=tuple(seam for seam in self.seams if seam < end),
                       first_frames=min(self.first_frames, end))


def cut_of(clip: Clip, frames: np.ndarray | None = None) -> Cut:
    """Return a clip of the journal as its segments see it, with its frames if they are given."""
    film = Film.select(Film.joins, Film.seams, Film.first_frames).where(Film.clip == clip).first()
    if film is None:
        return Cut(frames, clip.fps, (), clip.frames)
    return Cut(frames, clip.fps, tuple(json.loads(film.joins)), film.first_frames,
               tuple(json.loads(film.seams)))


def edited(cut: Cut, edit: Edit) -> Cut:
    """Return a clip after an edit. Raises: RequestError if there is nothing to do."""
    if edit.what == "trim":
        return cut.until(edit.frames)
    if edit.what == "colour":
        return replace(cut, frames=match_colour(cut.frames, cut.first_frames, cut.fps))
    return _dissolved(cut)


def _dissolved(cut: Cut) -> Cut:
    """Soften the joins that show."""
    shown = visible_joins(measure(thinned(cut.frames)), cut.joins)
    if not shown:
        raise RequestError("No join of this clip shows, so there is nothing to dissolve.")
    return replace(cut, frames=cross_dissolve(cut.frames, shown, cut.fps))


def visible_joins(measures: Measures, joins: Sequence[int]) -> list[int]:
    """Return the joins whose jump shows."""
    jumps = join_jumps(measures, joins)
    return [join for join, jump in zip(joins, jumps, strict=True) if jump > VISIBLE_JUMP]


def film_of(cut: Cut, order: str, measures: Measures,
            warnings: Sequence[str] = ()) -> dict[str, Any]:
    """Return the fields of a finished clip's Film.

    measures: of its frames. warnings: what else is to be said of it.
    """
    told = {name: np.round(values[:len(cut.frames)], DIGITS).tolist()
            for name, values in asdict(measures).items()}
    found = measures_from(told)
    drift = (drift_warnings(found, cut.first_frames, cut.fps, cut.joins, DISSOLVE)
             + seam_warnings(found, cut.seams, cut.fps, cut.joins))
    return {"order": order, "joins": json.dumps(list(cut.joins)),
            "seams": json.dumps(list(cut.seams)),
            "first_frames": cut.first_frames, "measures": json.dumps(told),
            "warnings": json.dumps([*drift, *warnings])}


def measures_from(told: dict[str, list[float]]) -> Measures:
    """Return the measures that `film_of` wrote."""
    return Measures(**{name: np.array(values, float) for name, values in told.items()})
