"""What an order will take, said before anything runs: windows rate by rate, evaluations, time."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from engine.catalog import ModelCard
from engine.extension.plan import Plan, Window, plan
from engine.extension.request import ExtensionRequest, GivenFrames, layout_of
from snapui import estimate

# A window that its known frames steer goes through the network and back again.
GUIDED_TIMES = 3


@dataclass(frozen=True)
class Level:
    """The windows of one stage at one rate: how many, and how many frames they know and add."""

    stage: str
    fps: float
    windows: int
    known: int
    new: int


@dataclass(frozen=True)
class Outlook:
    """What making a clip takes.

    draft_seconds, upscale_seconds: of the two stages on this machine; None where a stage was never
    measured, 0 where it has nothing to do.
    """

    plan: Plan
    levels: tuple[Level, ...]
    evaluations: int
    draft_seconds: float | None
    upscale_seconds: float | None

    @property
    def seconds(self) -> float | None:
        """How long it takes in all; None before both stages were measured."""
        if self.draft_seconds is None or self.upscale_seconds is None:
            return None
        return self.draft_seconds + self.upscale_seconds

    @property
    def windows(self) -> int:
        """How many windows there are in all."""
        return sum(level.windows for level in self.levels)


def outlook(request: ExtensionRequest, there: GivenFrames, height: int, card: ModelCard,
            timings: Mapping[str, float]) -> Outlook:
    """Return what a request takes.

    there: the frames it starts from; height: of the video among them, in pixels. timings: measured
    seconds by model and stage. Raises: RequestError, ModelError.
    """
    layout, clip = layout_of(request, there, card.window_frames), request.clip
    if not clip.upscale:
        planned = plan(layout)
    else:
        card.need_upsampler("leave out Upscale")
        frames, large = card.upsampler_size
        known = range(0, there.video * request.in_between, request.in_between)
        planned = plan(layout, frames, frozenset(known) if height >= large else frozenset())
    levels = tuple(level for level in _levels(planned) if level.windows)
    steered = sum(bool(window.known) for window in planned.base) if _steers(request, card) else 0
    return Outlook(planned, levels, planned.evaluations(clip),
                   _times(len(planned.base) + (GUIDED_TIMES - 1) * steered,
                          estimate.seconds(clip, timings)),
                   _times(len(planned.upsampler), estimate.upscale_seconds(clip, timings)))


def _steers(request: ExtensionRequest, card: ModelCard) -> bool:
    """Whether known frames steer the others, as asked or else as suits the model."""
    weight = request.known_weight
    return not card.sees_known_frames if weight is None else weight > 0


def _times(windows: int, a_window: float | None) -> float | None:
    """Return the seconds of so many windows; none take none, measured or not."""
    if not windows:
        return 0.0
    return None if a_window is None else windows * a_window


def _levels(planned: Plan) -> Iterable[Level]:
    for number, fps in enumerate(planned.layout.rates):
        yield _level("base", fps, [one for one in planned.base if one.level == number])
    if planned.upsampler:
        yield _level("upsampler", planned.layout.rates[-1], planned.upsampler)


def _level(stage: str, fps: float, windows: Sequence[Window]) -> Level:
    return Level(stage, fps, len(windows), sum(len(one.known) for one in windows),
                 sum(len(one.new) for one in windows))
