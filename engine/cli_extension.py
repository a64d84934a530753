"""The options of the command line that make longer and smoother clips, and what they ask for."""

from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine.catalog import find_model
from engine.errors import MediaError, RequestError
from engine.extension.material import Material, read_material
from engine.extension.request import (
    EXTENSION_KEY,
    FITS,
    MAX_KNOWN_WEIGHT,
    MAX_SECONDS,
    ExtensionRequest,
    layout_of,
    seconds_between,
)
from engine.extension.segments import Segment, check_new, check_segments, until
from engine.media import read_metadata, read_rate, read_request
from engine.media.formats import MAX_TAKEN_FPS, taken_rate
from engine.request import GenerationRequest

ASKING = ("seconds", "segment", "start_picture", "end_picture", "from_video", "in_between", "loop")


@dataclass(frozen=True)
class LongerJob:
    """A request for a longer clip, the pixels it starts from and the names of their files.

    kept_frames: how many of its first frames are wanted; None for all.
    """

    request: ExtensionRequest
    material: Material
    given_names: tuple[str, ...] = ()
    kept_frames: int | None = None


def add_options(parser: ArgumentParser) -> None:
    """Add the options to a parser, under a heading of their own."""
    group = parser.add_argument_group("longer clips")
    group.add_argument("--seconds", metavar="N",
                       help=f"make a clip of N seconds, at most {MAX_SECONDS:g}")
    group.add_argument("--segment", action="append", metavar="TEXT", default=None,
                       help='what is shown when, such as "0-2: a dog walking"; repeatable')
    group.add_argument("--start-picture", type=Path, metavar="FILE", help="the first frame")
    group.add_argument("--end-picture", type=Path, metavar="FILE", help="the last frame")
    group.add_argument("--from-video", type=Path, metavar="FILE",
                       help="a video to go on from, up to --seconds in all; with --upscale and "
                            "no --seconds a finished draft to make large")
    group.add_argument("--in-between", metavar="2|4",
                       help="put frames between those of --from-video: 2 or 4 for each one")
    group.add_argument("--known-weight", metavar="X", default=None,
                       help="how strongly known frames steer the others; 0 shows them to the "
                            "model, above 0 takes three times as long "
                            f"(0 to {MAX_KNOWN_WEIGHT:g}; default: what suits the model)")
    group.add_argument("--loop", action="store_true",
                       help="lead the end back to the beginning; with --in-between, of a video "
                            "that is a loop")
    group.add_argument("--fit", choices=FITS, default=None,
                       help=f"what pictures of another shape get (default: {FITS[0]})")


def is_asked(options: Namespace) -> bool:
    """Return whether the options ask for a longer clip. Raises: RequestError if only half."""
    is_longer = any(getattr(options, name) for name in ASKING)
    if not is_longer and (options.fit, options.known_weight) != (None, None):
        raise RequestError("--fit and --known-weight belong to a longer clip: add --seconds N, "
                           "--segment TEXT or --from-video FILE, or leave them out.")
    return is_longer


def longer_job(options: Namespace, given: Mapping[str, Any], seed: int) -> LongerJob:
    """Return what the options ask for, checked, with all files read.

    given: fields of the GenerationRequest that were given. seed: of what has none yet.
    Raises: RequestError, MediaError, ModelError.
    """
    times = _times(options)
    fps, video_fps = _rates(options, given, times)
    files = (options.start_picture, options.end_picture, options.from_video)
    material = read_material(*files, video_fps)
    if _is_finished_draft(options, given):
        request = _upscaling(options, {**given, "fps": fps}, seed, len(material.video))
    elif times > 1:
        request = _smoothing(options, {"seed": seed, **given, "fps": fps}, times,
                             len(material.video))
    else:
        if material.given.video == 1:    # which has no rate to go on at
            raise RequestError(f"{options.from_video.name} holds a single picture: give it as "
                               "--start-picture, with --seconds.")
        request = _lengthening(options, {"seed": seed, **given, "fps": fps})
        check_new(request.segments, material.given.video, fps)
    card = find_model(request.clip.model, options.models_directory)
    layout_of(request, material.given, card.window_frames)
    return LongerJob(request, material, tuple(path.name for path in files if path is not None))


def _lengthening(options: Namespace, given: Mapping[str, Any]) -> ExtensionRequest:
    """Return the request for a clip that is new or longer."""
    segments = _segments(options)
    clip = GenerationRequest(**{**given, "prompt": _prompt(options, segments)})
    return ExtensionRequest(clip, _seconds(options, segments), segments, options.loop,
                            **_ways(options))


def _smoothing(options: Namespace, given: Mapping[str, Any], times: int,
               frames: int) -> ExtensionRequest:
    """Return the request for frames between those of a video.

    It shows what is said; without a word, what its own file says, segment by segment, and is a loop
    if that is one. frames: how many the video has.
    """
    segments = sorted(_segments(options), key=lambda one: one.start_seconds)
    clip = GenerationRequest(**{**given, "prompt": _prompt(options, segments)})
    made, is_loop = read_metadata(options.from_video).get(EXTENSION_KEY), options.loop
    if options.prompt is None and not segments and made is not None:
        before = ExtensionRequest.from_json(made)
        segments = before.segments
        is_loop = is_loop or before.is_closed(frames * times / clip.fps)
    else:
        check_segments(segments, frames * times / clip.fps)
    seconds = seconds_between(frames, times, clip.fps, is_loop=is_loop) \
        if segments or is_loop else 0.0
    return ExtensionRequest(clip, seconds if options.seconds is None else options.seconds,
                            until(segments, seconds), is_loop, times, **_ways(options))


def _segments(options: Namespace) -> tuple[Segment, ...]:
    """Return the segments as they were written."""
    return tuple(Segment.parse(text) for text in options.segment or ())


def _ways(options: Namespace) -> dict[str, Any]:
    """Return how what is given is to be taken, by its names in a request; only what was said."""
    said = {"fit": options.fit, "known_weight": options.known_weight}
    return {name: value for name, value in said.items() if value is not None}


def _is_finished_draft(options: Namespace, given: Mapping[str, Any]) -> bool:
    """Return whether the video is to be made large and nothing else."""
    others = [name for name in ASKING if name != "from_video" and getattr(options, name)]
    return options.from_video is not None and given.get("upscale", False) and not others


def _upscaling(options: Namespace, given: Mapping[str, Any], seed: int,
               frames: int) -> ExtensionRequest:
    """Return the request that makes a draft large as it was made, but for what is given.

    seed: of one of which a prompt says what it shows. frames: how many it has.
    """
    path, ways = options.from_video, _ways(options)
    if options.prompt is not None:
        clip = GenerationRequest(**{"seed": seed, **given, "prompt": options.prompt})
        return ExtensionRequest(clip, frames / clip.fps, **ways).upscaling(frames)
    made = read_metadata(path).get(EXTENSION_KEY)
    clip = replace(_request_in(path), **{"drafts": 1, **given})
    request = ExtensionRequest(clip, frames / clip.fps, **ways) if made is None \
        else replace(ExtensionRequest.from_json(made), clip=clip, **ways)
    return request.upscaling(frames)


def _times(options: Namespace) -> int:
    """Return how many frames are to be made of each."""
    if options.in_between is None:
        return 1
    if options.in_between not in ("2", "4"):
        raise RequestError(f"In-between must be 2 or 4, not {options.in_between[:40]!r}.")
    if options.from_video is None:
        raise RequestError("In-between frames need a video: add --from-video FILE.")
    return int(options.in_between)


def _rates(options: Namespace, given: Mapping[str, Any], times: int) -> tuple[float, float]:
    """Return the rates of the finished clip and of the video in it: the video's own if it can."""
    fps = GenerationRequest("x", fps=given["fps"]).fps if "fps" in given else None
    if options.from_video is None:
        return fps or GenerationRequest("x").fps, 0.0
    if fps is not None:
        return fps, fps / times
    own = taken_rate(read_rate(options.from_video))
    if own * times > MAX_TAKEN_FPS:
        raise RequestError(f"{times} frames for each one of a video at {own:g} frames per second "
                           f"makes {own * times:g}, more than {MAX_TAKEN_FPS:g}: give a lower "
                           "--fps.")
    return own * times, own


def _prompt(options: Namespace, segments: Sequence[Segment]) -> str:
    """Return the prompt: given, or of the first segment, or kept in the video's own settings."""
    if options.prompt is not None:
        return options.prompt
    if segments:
        return min(segments, key=lambda one: one.start_seconds).prompt
    if options.from_video is not None:
        return _request_in(options.from_video).prompt
    raise RequestError('Say what the clip shows: a prompt in quotes, or --segment "0-2: a dog '
                       'walking".')


def _request_in(path: Path) -> GenerationRequest:
    """Return the request a video carries. Raises: RequestError if there is none to be used."""
    try:
        return read_request(path)
    except (MediaError, RequestError) as error:
        raise RequestError(f"{path.name} carries no prompt that can be used: say what it shows, "
                           "in quotes.") from error


def _seconds(options: Namespace, segments: tuple[Segment, ...]) -> Any:
    """Return how long the clip is to be: as given, or as long as its segments."""
    if options.seconds is not None:
        return options.seconds
    if segments:
        return max(one.end_seconds for one in segments)
    raise RequestError("Say how long the clip is to be: add --seconds N.")
