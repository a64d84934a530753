"""What a comparison is: up to four columns and four rows of clips that differ in one field each.

All cells start from the same noise, because they share one seed, unless the seed is what varies.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from engine.errors import RequestError
from engine.request import GenerationRequest
from snapui.controls import FIELDS
from snapui.schema import Clip

MIN_COLUMNS, MAX_VALUES = 2, 4
VARIABLE = tuple(name for name in FIELDS if name != "drafts")  # a cell is one draft
UPSCALE_FIELDS = ("upscale", "upscale_steps", "upscale_noise")
TRUTHS = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}
Place = tuple[int, int]  # row and column


@dataclass(frozen=True)
class Clock:
    """How clips play in lockstep: so many frames at a rate.

    shares: by place, how many of its own frames a clip goes on by with each.
    """

    fps: float
    count: int
    shares: Mapping[Place, float]

    def frame(self, place: Place, moment: int, frames: int) -> int:
        """Return which of a clip's frames is seen at a moment. player.js does the same."""
        return min(frames - 1, int(moment * self.shares[place] + 1e-6))


@dataclass(frozen=True)
class Axis:
    """One field of a request and the values it takes. Raises: RequestError."""

    field: str
    values: tuple[Any, ...]

    def __post_init__(self) -> None:
        if self.field not in VARIABLE:
            raise RequestError(f"A comparison cannot vary {self.field!r}; choose one of "
                               f"{', '.join(VARIABLE)}.")
        if not 1 <= len(self.values) <= MAX_VALUES:
            raise RequestError(f"{self.label} needs one to {MAX_VALUES} values, one a line, "
                               f"not {len(self.values)}.")
        checked = tuple(getattr(GenerationRequest(**{"prompt": "any", self.field: value}),
                                self.field) for value in self.values)
        object.__setattr__(self, "values", checked)
        if len(set(checked)) < len(checked):
            raise RequestError(f"{self.label} has the same value twice; make each line different.")

    @classmethod
    def parse(cls, field: str, text: str) -> "Axis":
        """Return the axis of the values a person typed, one a line. Raises: RequestError."""
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        if field in VARIABLE and FIELDS[field].type is bool:
            return cls(field, tuple(TRUTHS.get(line.lower(), line) for line in lines))
        return cls(field, tuple(lines))

    @property
    def label(self) -> str:
        """The field's name as the page shows it."""
        return FIELDS[self.field].metadata["label"]

    @property
    def text(self) -> str:
        """The values as a person types them, one a line: what `parse` reads."""
        return "\n".join(" ".join(_spoken(value).splitlines()) for value in self.values)

    def told(self, place: int) -> str:
        """Return one value in words: a prompt speaks for itself, a number needs its field."""
        value = self.values[place]
        if self.field == "prompt":
            return value
        return f"{self.label} {_spoken(value)}"


def _spoken(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


@dataclass(frozen=True)
class Plan:
    """A comparison: settings all cells share, and what varies. Raises: RequestError."""

    base: GenerationRequest
    columns: Axis
    rows: Axis | None = None

    def __post_init__(self) -> None:
        if len(self.columns.values) < MIN_COLUMNS:
            raise RequestError("There is nothing to compare yet: give the columns at least "
                               f"{MIN_COLUMNS} values, one a line.")
        if self.rows is not None and self.rows.field == self.columns.field:
            raise RequestError(f"Columns and rows both vary {self.columns.label}; choose another "
                               "field for one of them.")
        for _ in self.cells():  # each cell must be a valid request
            pass

    @property
    def axes(self) -> tuple[Axis, ...]:
        """What varies: the columns, and the rows if they do."""
        return (self.columns,) if self.rows is None else (self.columns, self.rows)

    @property
    def heads(self) -> tuple[str, ...]:
        """What stands above each column."""
        return tuple(self.columns.told(column) for column in range(len(self.columns.values)))

    @property
    def title(self) -> str:
        """What the list of comparisons says."""
        what = f"{self.columns.label} by {self.rows.label}" if self.rows else self.columns.label
        return f"{what}, {self.cell(0, 0).prompt}"

    @property
    def has_one_prompt(self) -> bool:
        """Whether all columns show the same."""
        return self.columns.field != "prompt"

    @property
    def row_count(self) -> int:
        """How many rows there are; one if nothing varies by row."""
        return len(self.rows.values) if self.rows else 1

    def cell(self, row: int, column: int) -> GenerationRequest:
        """Return the request of one cell."""
        varied = {self.columns.field: self.columns.values[column]}
        if self.rows is not None:
            varied[self.rows.field] = self.rows.values[row]
        return replace(self.base, drafts=1, **varied)

    def cells(self) -> Iterator[tuple[int, int, GenerationRequest]]:
        """Yield row, column and request of every cell, row by row."""
        for row in range(self.row_count):
            for column in range(len(self.columns.values)):
                yield row, column, self.cell(row, column)

    def row_told(self, row: int) -> str:
        """Return what a row varies, in words; nothing if rows do not vary."""
        return self.rows.told(row) if self.rows else ""

    def clock(self, clips: Mapping[Place, Clip]) -> Clock:
        """Return how the clips of the cells play together: all over the same time."""
        count = max((clip.frames for clip in clips.values()), default=0)
        return Clock(self.base.fps, count,
                     {place: clip.frames / count for place, clip in clips.items()})

    def to_json(self) -> str:
        """Return the plan as one line of JSON."""
        return json.dumps(asdict(self), sort_keys=True, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "Plan":
        """Read back what `to_json` wrote."""
        stored = json.loads(text)
        columns, rows = (Axis(axis["field"], tuple(axis["values"])) if axis is not None else None
                         for axis in (stored["columns"], stored["rows"]))
        if columns is None:
            raise ValueError("no columns")
        return cls(GenerationRequest(**stored["base"]), columns, rows)


def plan_of(values: dict[str, Any], columns: Axis, rows: Axis | None) -> Plan:
    """Return the plan of what the controls say; what varies need not be valid there.

    Clips that differ in how they are upscaled are all upscaled, whatever the controls say.

    values: by field name. Raises: RequestError.
    """
    varied = {axis.field: axis.values[0] for axis in (columns, rows) if axis}
    if not {"upscale_steps", "upscale_noise"}.isdisjoint(varied):
        varied = {"upscale": True} | varied
    return Plan(GenerationRequest(**values | {"drafts": 1} | varied), columns, rows)
