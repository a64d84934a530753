"""Which windows make a clip, rate by rate, and which frames each one knows and adds.

Pure numbers: no pixels, no torch. The lowest rate is made window after window along the clip; each
higher rate starts from the frames of the one before it and fills in those between (PAPER.md 6).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from engine.errors import RequestError
from engine.request import GenerationRequest

LOWEST_FPS = 6.0
UPSAMPLER_OVERLAP = 2


@dataclass(frozen=True)
class Window:
    """One run of a stage over T consecutive frames of one rate.

    level: number of the rate, lowest first. stride: frames of the finished clip between two of it.
    start: its first frame, counted at its own rate.
    known, new: frames it starts from and frames kept of what it makes, counted from `start`. The
    others lie beyond the clip's end or are left to a later window.
    """

    level: int
    fps: float
    stride: int
    start: int
    known: tuple[int, ...]
    new: tuple[int, ...]


@dataclass(frozen=True)
class Layout:
    """What a clip is to be, in frames of its highest rate.

    frames: how many there are. rates: frames per second, each the double of the one before.
    window: T of the model. overlap: frames that a window of the lowest rate knows of the last one.
    given: frames that exist before the work begins.
    joins: first frames of all segments but the first; no window of the lowest rate crosses one.
    is_loop: whether the frame after the last is the first.
    Raises: ValueError.
    """

    frames: int
    rates: tuple[float, ...]
    window: int
    overlap: int = 1
    given: frozenset[int] = frozenset()
    joins: tuple[int, ...] = ()
    is_loop: bool = False

    def __post_init__(self) -> None:
        if self.frames < 1 or not self.rates or not 0 < 2 * self.overlap <= self.window:
            raise ValueError("a layout needs a frame, a rate and an overlap of half a window at "
                             f"most, not {self}")
        if any(high != 2 * low for low, high in pairwise(self.rates)):
            raise ValueError(f"each rate must be twice the one before, not {self.rates}")
        if self.is_loop and (self.frames % self.coarsest
                             or self.frames // self.coarsest < self.window):
            raise ValueError(f"a loop needs whole steps of {self.coarsest} frames and at least "
                             f"{self.window} of them, not {self.frames} frames")

    @property
    def coarsest(self) -> int:
        """Frames of the highest rate between two of the lowest."""
        return 2 ** (len(self.rates) - 1)


@dataclass(frozen=True)
class Plan:
    """A layout and its windows in the order they are made: the base stage's, the upsampler's."""

    layout: Layout
    base: tuple[Window, ...]
    upsampler: tuple[Window, ...] = ()

    @property
    def duration_seconds(self) -> float:
        """How long the finished clip plays."""
        return self.layout.frames / self.layout.rates[-1]

    def evaluations(self, clip: GenerationRequest) -> int:
        """How often both stages ask their networks when windows are sampled as a clip is."""
        return (evaluations(len(self.base), clip.steps, clip.sampler)
                + len(self.upsampler) * clip.upscale_steps)


def evaluations(clips: int, steps: int, sampler: str) -> int:
    """Return the network evaluations of so many clips; one with guidance holds both branches."""
    # Heun's last step, to sigma = 0, asks the network once.
    return clips * (2 * steps - 1 if sampler == "heun" else steps)


def rates_up_to(fps: float, frames: int, window: int, *,
                is_loop: bool = False) -> tuple[float, ...]:
    """Return the rates that lead to `fps`, halved down to LOWEST_FPS, lowest first.

    A rate below one at which a single window holds the clip would add nothing. A loop is closed at
    its lowest rate, so it has to fill a window there.
    """
    rates, count = [fps], frames
    while rates[0] / 2 >= LOWEST_FPS and count > window:
        if is_loop and count // 2 < window:
            break
        rates.insert(0, rates[0] / 2)
        count = -(-count // 2)
    return tuple(rates)


def plan(layout: Layout, upsampler_window: int | None = None,
         upsampler_given: frozenset[int] = frozenset()) -> Plan:
    """Return the windows of a layout.

    upsampler_window: T of the upsampler; None for no upsampler. upsampler_given: frames that exist
    at its size before the work begins.
    Source: paper App. C.5. Differs from the paper: a last window that would reach beyond the end
    is shifted back, to know more and waste nothing, and one that must meet known frames at the
    end is left half a window to do it in.
    Raises: RequestError if all frames exist at the upsampler's size.
    """
    filled = set(layout.given)
    base = tuple(window for level in range(len(layout.rates))
                 for window in _Level(layout, level, filled).windows())
    if upsampler_window is None:
        return Plan(layout, base)
    large = replace(layout, rates=layout.rates[-1:], window=upsampler_window, joins=(),
                    given=upsampler_given, overlap=min(UPSAMPLER_OVERLAP, upsampler_window // 2))
    upsampler = tuple(_Level(large, 0, set(upsampler_given)).windows())
    if not base and not upsampler:
        raise RequestError("The video is as large already as this model makes it, and as long as "
                           "asked: there is nothing to make.")
    return Plan(layout, base, upsampler)


def seams(windows: Sequence[Window]) -> tuple[int, ...]:
    """Return the frames of the finished clip at which a window's work begins, but the first.

    windows: of one stage, at least one.
    """
    begun = {(window.start + window.new[0]) * window.stride for window in windows}
    return tuple(sorted(begun - {min(begun)}))


def window_starts(planned: Plan) -> tuple[int, ...]:
    """Return the frames of the finished clip at which a window goes on from the one before it.

    Those of the lowest rate and of the upsampler, which follow one another along the clip; higher
    rates fill in between frames that are there. Where the first window begins, and where one
    begins because the prompt changes, nothing is gone on with.
    """
    layout, found = planned.layout, set()
    for windows in (planned.base, planned.upsampler):
        begun = sorted((one.start + one.new[0]) * one.stride for one in windows if one.level == 0)
        found.update(begun[1:])
    step = layout.coarsest
    return tuple(sorted(found - {-(-join // step) * step for join in layout.joins}))


class _Level:
    """One rate's windows while they are chosen. filled: frames of the highest rate, updated."""

    def __init__(self, layout: Layout, level: int, filled: set[int]) -> None:
        self._layout, self._level, self._filled = layout, level, filled
        self._stride = layout.coarsest >> level
        self._count = -(-layout.frames // self._stride)
        # A loop's windows look on into its beginning.
        self._end = self._count + layout.overlap if layout.is_loop else self._count

    def windows(self) -> Iterator[Window]:
        """Yield the windows that add a frame, marking what they add as filled."""
        reached = 0
        for missing in range(self._count):
            if self._is_filled(missing):
                continue
            start = self._start(missing, reached)
            limit = self._limit(start, missing)
            frames = range(start, start + self._layout.window)
            known = tuple(frame - start for frame in frames if self._is_filled(frame))
            new = [frame for frame in frames
                   if frame < limit and not self._is_filled(frame)]
            self._filled.update(frame * self._stride for frame in new)
            reached = frames.stop
            yield Window(self._level, self._layout.rates[self._level], self._stride, start,
                         known, tuple(frame - start for frame in new))

    def _is_filled(self, frame: int) -> bool:
        place = frame * self._stride
        return (place % self._layout.frames if self._layout.is_loop else place) in self._filled

    def _start(self, missing: int, reached: int) -> int:
        """Return where the window that makes a frame begins.

        reached: end of the window before. Higher rates begin at its last frame, which may lie two
        before the missing one, since every other frame is there already.
        """
        start = missing - self._layout.overlap
        if self._level > 0:
            start = reached - 1 if reached <= missing <= reached + 1 else missing - 1
        return max(0, min(start, self._end - self._layout.window))

    def _limit(self, start: int, missing: int) -> int:
        """Return the first frame that a window must leave to later ones."""
        if self._level > 0:
            # A loop's last frame is made where its first is seen, which it leads to.
            is_blind = self._layout.is_loop and start + self._layout.window <= self._count
            return self._count - 1 if is_blind else self._count
        joins = (-(-join // self._stride) for join in self._layout.joins)
        limit = min((join for join in joins if join > missing), default=self._count)
        is_last = start + self._layout.window >= self._end
        ends_known = self._layout.is_loop or self._is_filled(self._count - 1)
        if ends_known and not is_last:
            limit = min(limit, max(missing + 1, self._end - self._layout.window // 2 - 1))
        return limit
