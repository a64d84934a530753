"""From the fields of a form, or of a call, to the order they ask for."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import RequestError
from engine.extension.request import (
    FITS,
    KNOWN_WEIGHT,
    ExtensionRequest,
    GivenFrames,
    seconds_between,
)
from engine.extension.segments import Segment, check_new, until
from engine.media.formats import MAX_TAKEN_FPS
from engine.request import GenerationRequest
from snapui.given import frames_of_video, rate_of
from snapui.orders import Order
from snapui.schema import Clip
from snapui.upscaling import is_closed, shown_in

Row = tuple[Any, Any, str]  # from and to in seconds, and a prompt


@dataclass(frozen=True)
class Asked:
    """What is asked for, not checked yet.

    rows: one a segment; an empty prompt goes on with the one before. seconds: 0 means as long as
    the rows. fps: of a clip that starts from no other. start_picture, end_picture, video: kept
    files, see given.py.
    """

    rows: Sequence[Row] = ()
    seconds: float = 0.0
    fps: float = 12.0
    is_loop: bool = False
    in_between: int = 1
    fit: str = FITS[0]
    upscale: bool = False
    known_weight: float | None = KNOWN_WEIGHT
    start_picture: str = ""
    end_picture: str = ""
    video: str = ""

    @property
    def is_begun(self) -> bool:
        """Whether anything is there to make a clip of, as far as the fields tell."""
        told = any(str(prompt).strip() for *_, prompt in self.rows)
        return bool(told or not self.rows or self.in_between > 1 or self.start_picture
                    or self.end_picture or self.video)


@dataclass(frozen=True)
class Before:
    """The frames a clip goes on from: how many, at what rate and height, and what they show."""

    frames: int = 0
    fps: float = 0.0
    height: int = 0
    prompt: str = ""

    @property
    def seconds(self) -> float:
        """How long they play."""
        return self.frames / self.fps if self.frames else 0.0


def before(asked: Asked, source: Clip | None, folder: Path) -> Before:
    """Return what an order goes on from. Raises: RequestError if two things are the beginning."""
    if source is not None and asked.video:
        raise RequestError("A clip and a video of your own cannot both be the beginning: take one "
                           "of them out.")
    if source is not None:
        return Before(source.frames, source.fps, source.height, source.prompt)
    if asked.video:
        fps = rate_of(folder / asked.video)
        return Before(frames_of_video(folder / asked.video, fps), fps)
    return Before()


def given(asked: Asked, there: Before) -> GivenFrames:
    """Return the frames that are there, in numbers."""
    return GivenFrames(there.frames, bool(asked.start_picture), bool(asked.end_picture))


def order_of(asked: Asked, settings: Mapping[str, Any], there: Before,
             source: Clip | None) -> Order:
    """Return the order.

    settings: fields of a GenerationRequest; of a clip's extension only the seed counts, since it
    goes on as the clip was made. Raises: RequestError.
    """
    if source is not None:
        settings = json.loads(source.request) | {"seed": settings["seed"], "prompt": there.prompt}
    fps = there.fps * asked.in_between if there.frames else asked.fps
    if there.frames and fps > MAX_TAKEN_FPS:
        raise RequestError(f"{asked.in_between} frames for each one at {there.fps:g} frames per "
                           f"second make {fps:g}, more than the {MAX_TAKEN_FPS:g} a clip can have.")
    if asked.in_between > 1 and not there.frames:
        raise RequestError("New frames go between those of a clip or a video: choose one to go on "
                           "from.")
    is_longer = asked.in_between <= 1
    is_loop = asked.is_loop if is_longer else source is not None and is_closed(source)
    segments = _segments(asked.rows, there) if is_longer \
        else _shown(asked, there, source, is_loop=is_loop)
    prompt = settings.get("prompt") or ""
    if segments and not (there.frames and str(prompt).strip()):
        prompt = segments[0].prompt
    if not str(prompt).strip():
        raise RequestError("Nothing says what the clip shows: write it in a segment, or as the "
                           "prompt of the Create tab.")
    clip = GenerationRequest.from_json(json.dumps(dict(settings) | {
        "prompt": prompt, "fps": fps, "drafts": 1, "upscale": asked.upscale}))
    request = ExtensionRequest(clip, _seconds(asked, segments), segments, is_loop,
                               asked.in_between, asked.fit, asked.known_weight)
    return Order(request, asked.start_picture, asked.end_picture, asked.video)


def _shown(asked: Asked, there: Before, source: Clip | None, *,
           is_loop: bool) -> tuple[Segment, ...]:
    """Return what a clip shows already, which new frames between its own show too.

    Nobody has told what a video of one's own shows when: its one prompt holds throughout.
    """
    if source is None:
        return ()
    times = asked.in_between
    return until(shown_in(source), seconds_between(there.frames, times, there.fps * times,
                                                   is_loop=is_loop))


def _segments(rows: Sequence[Row], there: Before) -> tuple[Segment, ...]:
    """Return the rows as segments in order of time."""
    numbered = sorted(((_number(start), _number(end), prompt) for start, end, prompt in rows),
                      key=lambda row: row[0])
    segments, said = [], there.prompt
    for start, end, prompt in numbered:
        said = str(prompt).strip() or said
        if not said:
            raise RequestError(f"The segment {start:g}-{end:g} has no prompt: say what it shows.")
        segments.append(Segment(start, end, said))
    check_new(segments, there.frames, there.fps)
    return tuple(segments)


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise RequestError("A segment needs two numbers: the seconds at which it begins and "
                           "ends.") from None


def _seconds(asked: Asked, segments: Sequence[Segment]) -> Any:
    if asked.seconds and asked.in_between <= 1:
        return asked.seconds
    if segments:
        return max(one.end_seconds for one in segments)
    if asked.in_between > 1:
        return 0.0
    raise RequestError("Say how long the clip is to be: add a segment or fill in Seconds.")

