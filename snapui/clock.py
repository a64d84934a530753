"""Measures what one clip costs in one network evaluation on this machine."""

import time
from itertools import pairwise
from statistics import fmean, median_low
from typing import Any

from engine.request import GenerationRequest
from snapui import estimate
from snapui.jobs import Journal

# A guided step of Heun's method takes four times as long as a plain last one. What took longer was
# no step alone: a network was compiled in it, or the machine slept.
LONGEST_STEP = 4.0


class StageClock:
    """Measures one job, stage by stage.

    The first step of a stage also loads and encodes, so the clock starts when it is done.
    """

    def __init__(self, request: GenerationRequest) -> None:
        self.request = request
        # When a step ended, which one it was, and how many there are.
        self._seen: dict[str, list[tuple[float, int, int]]] = {}

    def on_step(self, event: Any) -> None:
        """Note when a step ended."""
        self._seen.setdefault(event.stage, []).append(
            (time.monotonic(), event.step, event.steps))

    def seconds_per_evaluation(self) -> dict[str, float]:
        """Return the measured seconds by stage."""
        measured = {}
        for stage, steps in self._seen.items():
            whole_stage = _usual_seconds(steps) * steps[0][2]
            if whole_stage > 0:
                measured[stage] = whole_stage / estimate.passes(self.request, stage)
        return measured

    def write(self, journal: Journal) -> None:
        """Blend what was measured into the journal's timings."""
        for stage, seconds in self.seconds_per_evaluation().items():
            journal.measure(f"{self.request.model}/{stage}", seconds)


def _usual_seconds(steps: list[tuple[float, int, int]]) -> float:
    """Return the mean seconds of one step, without what took far longer than most; 0 if unknown.

    steps: see `StageClock._seen`. A step that was not heard of shares the time of the next one.
    """
    each = [(end - start) / (later - step)
            for (start, step, _), (end, later, _) in pairwise(steps) if later > step]
    if not each:
        return 0.0
    longest = LONGEST_STEP * median_low(each)  # of two, the one that surely was only a step
    return fmean(one for one in each if one <= longest)
