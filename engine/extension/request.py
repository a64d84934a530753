"""What is asked of a longer clip, and the layout it takes; travels as JSON inside the file."""

import json
import math
from dataclasses import asdict, dataclass, replace
from typing import Any

from engine.errors import RequestError
from engine.extension.plan import LOWEST_FPS, Layout, rates_up_to
from engine.extension.segments import (
    Segment,
    Timeline,
    check_segments,
    timeline,
    until,
)
from engine.request import GenerationRequest

EXTENSION_KEY = "extension"    # under which a file carries its request as JSON
MAX_SECONDS = 60.0
FITS = ("letterbox", "crop")
# None: as suits the network, see Stage.known_weight.
KNOWN_WEIGHT, MAX_KNOWN_WEIGHT = None, 100.0


@dataclass(frozen=True)
class ExtensionRequest:
    """Everything that decides a longer clip's frames but the pictures and videos it starts from.

    clip: prompt, seed, model and how to sample; its rate is the finished clip's.
    seconds: how long the finished clip plays, the given video included. `in_between` keeps the
    video's length, so 0 will do where no segments are laid on it. With `clip.upscale` and as long
    as the video it is a finished draft, which is made large and nothing else.
    segments: prompts over time; `clip.prompt` is shown outside of them. With `in_between` they say
    what the video shows.
    is_loop: whether the end leads back to the beginning. With `in_between` the video is a loop, and
    frames go between its last and its first too.
    in_between: 2 or 4 makes as many frames of each of a video's; 1 does not.
    fit: whether pictures of another shape get black bars or lose their edges.
    known_weight: w_r, how strongly known frames steer the others; 0 only replaces them, or shows
    them to a network that takes them; None is what suits the network.
    Raises: RequestError naming what was given and what is allowed.
    """

    clip: GenerationRequest
    seconds: float = 0.0
    segments: tuple[Segment, ...] = ()
    is_loop: bool = False
    in_between: int = 1
    fit: str = "letterbox"
    known_weight: float | None = KNOWN_WEIGHT

    def __post_init__(self) -> None:
        ordered = sorted(self.segments, key=lambda one: one.start_seconds)
        object.__setattr__(self, "segments", tuple(ordered))
        object.__setattr__(self, "seconds", _number("Seconds", self.seconds, MAX_SECONDS))
        if self.known_weight is not None:
            weight = _number("Weight of known frames", self.known_weight, MAX_KNOWN_WEIGHT)
            object.__setattr__(self, "known_weight", weight)
        if self.in_between not in (1, 2, 4):
            raise RequestError(f"In-between must be 2 or 4, not {self.in_between!r}.")
        if self.fit not in FITS:
            raise RequestError(f"Fit must be one of {', '.join(FITS)}, not {self.fit!r}.")
        if self.clip.drafts != 1:
            raise RequestError("A longer clip is made one at a time: ask for one draft.")
        if self.in_between == 1 and self.seconds * self.clip.fps < 0.5:
            raise RequestError(f"Seconds must be from {1 / self.clip.fps:.2g}, which is one frame, "
                               f"to {MAX_SECONDS:g}, not {self.seconds:g}.")
        check_segments(self.segments, self.seconds)
        for one in self.segments:
            replace(self.clip, prompt=one.prompt)    # which checks the text

    @property
    def timeline(self) -> Timeline:
        """What the clip shows when."""
        return timeline(self.segments, self.clip.prompt, self.seconds)

    def upscaling(self, frames: int) -> "ExtensionRequest":
        """Return the request that makes a finished draft of this one large, adding nothing.

        frames: how many the draft has, at this clip's rate; fewer if only a part was kept.
        """
        seconds = frames / self.clip.fps
        return replace(self, clip=replace(self.clip, upscale=True), seconds=seconds,
                       segments=until(self.segments, seconds), in_between=1,
                       is_loop=self.is_closed(seconds))

    def is_closed(self, seconds: float) -> bool:
        """Return whether so much of the clip is a loop: of one, all of it."""
        # A loop ends on the nearest whole step of the lowest rate.
        missing = self.seconds - seconds
        return self.is_loop and missing <= 0.5 / LOWEST_FPS + 0.5 / self.clip.fps

    def to_json(self) -> str:
        """Return the request as one line of JSON with sorted keys."""
        return json.dumps(asdict(self), sort_keys=True, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "ExtensionRequest":
        """Read a request back from untrusted JSON. Raises: RequestError."""
        try:
            values = json.loads(text)
            values["clip"] = GenerationRequest.from_json(json.dumps(values["clip"]))
            values["segments"] = tuple(Segment(**one) for one in values.get("segments", ()))
            return cls(**values)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise RequestError("The settings of the longer clip in this file are damaged or of "
                               "another version, so they cannot be restored.") from error


@dataclass(frozen=True)
class GivenFrames:
    """What a clip starts from, in numbers: frames of a video, a first and a last picture."""

    video: int = 0
    has_start: bool = False
    has_end: bool = False


def seconds_between(video_frames: int, times: int, fps: float, *, is_loop: bool = False) -> float:
    """Return how long a video plays with `times` frames for each of its own, at a rate of `fps`.

    Unless it is a loop, none goes after its last frame, so it is a little shorter than before.
    """
    return (video_frames * times if is_loop else (video_frames - 1) * times + 1) / fps


def layout_of(request: ExtensionRequest, given: GivenFrames, window: int) -> Layout:
    """Return the layout of a request for a base stage of `window` frames.

    Windows of the lowest rate know half of the one before: the more they know, the less they jump.
    An end picture and a loop lie on a frame of the lowest rate, so that all rates see them: the
    clip may become up to 1/12 s longer or shorter for that.
    Raises: RequestError if what is given does not go together.
    """
    _check_given(request, given)
    fps, overlap = request.clip.fps, max(1, window // 2)
    if request.in_between > 1:
        return _layout_between(request, given, window)
    most = int(MAX_SECONDS * fps)    # of rates such as 23.976, the nearest frame lies beyond
    frames = max(1, min(most, round(request.seconds * fps)))
    is_finished = request.clip.upscale and given.video == frames and not given.has_end
    rates = (fps,) if is_finished else rates_up_to(fps, frames, window, is_loop=request.is_loop)
    step = 2 ** (len(rates) - 1)
    if request.is_loop:
        if frames < window:
            raise RequestError(f"A loop needs at least {window / fps:.3g} s at {fps:g} frames per "
                               f"second, not {request.seconds:g}.")
        frames = step * max(window, min(most // step, round(frames / step)))
    elif given.has_end:
        frames = 1 + step * max(1 if given.has_start or given.video else 0,
                                min((most - 1) // step, round((frames - 1) / step)))
    if given.video >= frames and not is_finished:
        lasts = f"The video already lasts {given.video / fps:.3g} s"
        if given.video >= MAX_SECONDS * fps:
            raise RequestError(f"{lasts}, and a clip can last {MAX_SECONDS:g} s: cut it shorter "
                               "before it goes on.")
        raise RequestError(f"{lasts}: ask for more seconds than that, at most {MAX_SECONDS:g}.")
    known = set(range(given.video)) | ({0} if given.has_start else set()) \
        | ({frames - 1} if given.has_end else set())
    changes = (round(start * fps) for start in request.timeline.starts_seconds[1:])
    joins = tuple(change for change in changes if 0 < change < frames)
    return Layout(frames, rates, window, overlap, frozenset(known), joins, request.is_loop)


def _layout_between(request: ExtensionRequest, given: GivenFrames, window: int) -> Layout:
    """Return the layout that puts frames between those of a video."""
    times, fps = request.in_between, request.clip.fps
    seconds = seconds_between(given.video, times, fps, is_loop=request.is_loop)
    if seconds > MAX_SECONDS:
        raise RequestError(f"The video lasts {seconds:.3g} s, more than the {MAX_SECONDS:g} "
                           "allowed: cut it into shorter pieces.")
    frames = round(seconds * fps)
    if request.seconds and round(request.seconds * fps) != frames:
        raise RequestError(f"In-between frames keep a video's length, {seconds:.3g} s: leave out "
                           "seconds, or make it longer first.")
    if request.is_loop and given.video < window:
        raise RequestError(f"A loop needs at least {window} frames, and the video has "
                           f"{given.video}: leave out the loop.")
    rates = (fps / 4, fps / 2, fps) if times == 4 else (fps / 2, fps)
    return Layout(frames, rates, window, given=frozenset(range(0, frames, times)),
                  is_loop=request.is_loop)


def _check_given(request: ExtensionRequest, given: GivenFrames) -> None:
    """Raise RequestError if two things given ask for the same frame."""
    if request.in_between > 1 and given.video < 2:
        raise RequestError("In-between frames need a video of at least two frames.")
    if request.in_between > 1 and (given.has_start or given.has_end):
        raise RequestError("In-between frames go between those of a video: leave out the start "
                           "and end pictures.")
    if given.video and given.has_start:
        raise RequestError("A video and a start picture cannot both be the beginning: leave one "
                           "of them out.")
    if request.is_loop and given.has_end:
        raise RequestError("A loop ends where it begins: leave out the end picture.")


def _number(label: str, value: Any, most: float) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if isinstance(value, bool) or not 0 <= number <= most:
        raise RequestError(f"{label} must be a number from 0 to {most:g}, not {str(value)[:40]}.")
    return number
