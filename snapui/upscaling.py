"""A finished draft that is to be made large: how, and a long one's order for what it lacks."""

from dataclasses import replace

from engine.extension.request import ExtensionRequest
from engine.extension.segments import Segment
from engine.request import GenerationRequest
from snapui.orders import Order, order_from
from snapui.schema import LONG, Clip, Film, JournalError


def upscaled_how(request: GenerationRequest) -> str:
    """Return how a clip is upscaled, as its label says it, which tells upscales of one draft apart.
    """
    steps = request.upscale_steps
    return f"{steps} step{'s' * (steps > 1)}, freedom {request.upscale_noise:g}"


def upscaling_of(clip: Clip, steps: int, noise: float) -> Order:
    """Return the order that makes a long draft large. Raises: JournalError, RequestError."""
    made = GenerationRequest.from_json(clip.request)
    if made.upscale:
        raise JournalError("This clip is an upscale already; pick the draft it came from.")
    request = ExtensionRequest(
        replace(made, upscale_steps=steps, upscale_noise=noise), clip.frames / clip.fps,
        shown_in(clip), is_closed(clip))
    return Order(request.upscaling(clip.frames), is_upscale=True)


def shown_in(clip: Clip) -> tuple[Segment, ...]:
    """Return what a clip shows when, by the clips it grew from."""
    segments: list[Segment] = []
    end = clip.frames / clip.fps
    while end > 0:
        source = _source(clip)
        begin = source.frames / source.fps if source else 0.0
        if begin < end:    # an edit, or new frames in between, show what their source does
            segments.insert(0, Segment(begin, end, clip.prompt))
            end = begin
        clip = source
    return tuple(segments)


def is_closed(clip: Clip) -> bool:
    """Return whether a clip's end leads to its beginning: a loop's, whole and not made longer."""
    film = Film.get_or_none(Film.clip == clip.id)
    if film is None:
        return False
    if clip.kind == "edit":
        source = _source(clip)
        return source is not None and source.frames == clip.frames and is_closed(source)
    return order_from(clip.kind, film.order).request.is_closed(clip.frames / clip.fps)


def _source(clip: Clip) -> Clip | None:
    """Return the clip a long one grew from, while it is there."""
    return Clip.get_or_none(Clip.id == clip.source) if clip.kind in LONG else None
