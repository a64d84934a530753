"""Finished clips that somebody put side by side: a comparison of which nothing is to be made."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from engine.errors import RequestError
from engine.request import GenerationRequest
from snapui.compare import MAX_VALUES, MIN_COLUMNS, Clock, Place, Plan
from snapui.schema import Clip, JournalError

MAX_PIXELS = 2**25  # of all frames of a clip, which a browser holds at once as one picture


@dataclass(frozen=True)
class Picks:
    """Some clips and what stands above each, which outlasts them.

    clips: their numbers. base: the settings of the first. has_one_prompt: whether all show the
    same.
    """

    clips: tuple[int, ...]
    heads: tuple[str, ...]
    base: GenerationRequest
    has_one_prompt: bool
    row_count = 1

    @property
    def title(self) -> str:
        """What the list of comparisons says."""
        return f"{len(self.clips)} clips, {self.base.prompt}"

    def cell(self, row: int, column: int) -> GenerationRequest:
        """Return the settings that stand for all."""
        return self.base

    def row_told(self, row: int) -> str:
        """Return nothing: there is one row."""
        return ""

    def clock(self, clips: Mapping[Place, Clip]) -> Clock:
        """Return how the clips play together: each at its own speed, a short one holds its end."""
        fps = max((clip.fps for clip in clips.values()), default=1.0)
        count = max((round(clip.frames / clip.fps * fps) for clip in clips.values()), default=0)
        return Clock(fps, count, {place: clip.fps / fps for place, clip in clips.items()})

    def to_json(self) -> str:
        """Return the picks as one line of JSON."""
        return json.dumps(asdict(self), sort_keys=True, ensure_ascii=False)


def picked(clips: Sequence[Clip]) -> Picks:
    """Return the picks of these clips. Raises: JournalError if they cannot be compared."""
    if not MIN_COLUMNS <= len({clip.id for clip in clips}) == len(clips) <= MAX_VALUES:
        raise JournalError(f"Tick {MIN_COLUMNS} to {MAX_VALUES} different clips to compare them, "
                           f"not {len(clips)}.")
    for clip in clips:
        most = MAX_PIXELS // (clip.width * clip.height)
        if clip.frames > most:
            raise JournalError(f"{clip.title or clip.prompt[:60]} is too long to be compared: trim "
                               f"it to {most / clip.fps:.0f} s first.")
    heads = (f"Seed {clip.seed}, {clip.width}×{clip.height}: {clip.title or clip.prompt}"
             for clip in clips)
    return Picks(tuple(clip.id for clip in clips), tuple(heads),
                 GenerationRequest.from_json(clips[0].request),
                 len({clip.prompt for clip in clips}) == 1)


def plan_from(text: str) -> Plan | Picks:
    """Read back what the `to_json` of either wrote. Raises: RequestError for anything else."""
    try:
        stored = json.loads(text)
        if "clips" not in stored:
            return Plan.from_json(text)
        return Picks(tuple(stored["clips"]), tuple(stored["heads"]),
                     GenerationRequest(**stored["base"]), stored["has_one_prompt"])
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise RequestError("The comparison is damaged: its columns and rows cannot be read. Make "
                           "it again.") from error
