"""What a clip shows when: one prompt a segment, cross-fading over the joins."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from engine.errors import RequestError

CROSS_FADE_SECONDS = 0.5
SECONDS = r"\s*(\d+(?:\.\d*)?|\.\d+)\s*s?\s*"
WRITTEN = re.compile(f"{SECONDS}-{SECONDS}:(.*)", re.DOTALL)


@dataclass(frozen=True)
class Segment:
    """A stretch of a clip, in seconds from its beginning, and its prompt.

    Raises: RequestError if it is empty.
    """

    start_seconds: float
    end_seconds: float
    prompt: str

    def __post_init__(self) -> None:
        if not self.prompt.strip():
            raise RequestError(f"The segment {self.name} has no prompt: write it as "
                               '"0-2: a dog walking to the left in the meadow".')
        if not 0 <= self.start_seconds < self.end_seconds:
            raise RequestError(f"The segment {self.name} is empty: its second number must be the "
                               "larger one.")

    @property
    def name(self) -> str:
        """How messages call it: its seconds."""
        return f"{self.start_seconds:g}-{self.end_seconds:g}"

    @classmethod
    def parse(cls, text: str) -> "Segment":
        """Read "0-2: a dog walking", or "0-2 s: a dog walking". Raises: RequestError."""
        found = WRITTEN.fullmatch(text)
        if found is None:
            raise RequestError(f"The segment {text[:60]!r} is not written as seconds and a prompt, "
                               'such as "0-2: a dog walking to the left in the meadow".')
        start, end, prompt = found.groups()
        return cls(float(start), float(end), prompt.strip())


@dataclass(frozen=True)
class Timeline:
    """Prompts in the order they are shown. starts_seconds: when each begins, the first at 0."""

    prompts: tuple[str, ...]
    starts_seconds: tuple[float, ...]

    def weights(self, times_seconds: Sequence[float]) -> dict[str, float]:
        """Return each prompt's share of some frames' times; the shares sum to 1.

        Over CROSS_FADE_SECONDS around a join the share moves from one prompt to the next.
        """
        shares: dict[str, float] = {}
        for number, prompt in enumerate(self.prompts):
            share = sum(self._begun(number, time) - self._begun(number + 1, time)
                        for time in times_seconds) / len(times_seconds)
            shares[prompt] = shares.get(prompt, 0.0) + share
        return {prompt: share for prompt, share in shares.items() if share > 0}

    def _begun(self, number: int, time_seconds: float) -> float:
        if number == 0:
            return 1.0
        if number == len(self.prompts):
            return 0.0
        passed = (time_seconds - self.starts_seconds[number]) / CROSS_FADE_SECONDS
        return min(1.0, max(0.0, passed + 0.5))


def timeline(segments: Sequence[Segment], prompt: str, duration_seconds: float) -> Timeline:
    """Return the prompts of a clip; where no segment says otherwise it shows `prompt`.

    segments: in order and apart.
    """
    shown = [(0.0, prompt)]
    for one in segments:
        if one.start_seconds <= shown[-1][0]:
            shown.pop()
        shown += [(one.start_seconds, one.prompt), (one.end_seconds, prompt)]
    changes = shown[:1] + [one for before, one in pairwise(shown)
                           if before[1] != one[1] and one[0] < duration_seconds]
    starts, prompts = zip(*changes, strict=True)
    return Timeline(prompts, starts)


def until(segments: Sequence[Segment], seconds: float) -> tuple[Segment, ...]:
    """Return the segments that begin before a time, none going beyond it."""
    return tuple(replace(one, end_seconds=min(one.end_seconds, seconds)) for one in segments
                 if one.start_seconds < seconds)


def check_new(segments: Sequence[Segment], frames: int, fps: float) -> None:
    """Raise RequestError if a segment says what so many given frames, at a rate, show already."""
    for one in segments:
        if frames and one.end_seconds * fps < frames + 0.5:
            raise RequestError(f"The segment {one.name} lies in what is there already, the first "
                               f"{frames / fps:.3g} s: give it a later end, or go on from a "
                               "shorter clip.")


def check_segments(segments: Sequence[Segment], duration_seconds: float) -> None:
    """Raise RequestError unless segments, sorted by their start, are apart and inside the clip."""
    for before, after in pairwise(segments):
        if after.start_seconds < before.end_seconds:
            raise RequestError(f"The segments {before.name} and {after.name} overlap: end one "
                               "where the next begins.")
    if segments and segments[-1].end_seconds > duration_seconds + 1e-9:
        raise RequestError(f"The segment {segments[-1].name} ends after the clip, which lasts "
                           f"{duration_seconds:.4g} s.")
