"""Measures what one clip costs in one network evaluation on this machine."""

import time
from typing import Any

from engine.request import GenerationRequest
from snapui import estimate
from snapui.jobs import Journal


class StageClock:
    """Measures one job, stage by stage.

    The first step of a stage also loads and encodes, so the clock starts when it is done.
    """

    def __init__(self, request: GenerationRequest) -> None:
        self.request = request
        self._seen: dict[str, list[tuple[float, int, int]]] = {}

    def on_step(self, event: Any) -> None:
        """Note when a step ended."""
        self._seen.setdefault(event.stage, []).append(
            (time.monotonic(), event.step, event.steps))

    def seconds_per_evaluation(self) -> dict[str, float]:
        """Return the measured seconds by stage."""
        measured = {}
        for stage, steps in self._seen.items():
            (start, first, count), (end, last, _) = steps[0], steps[-1]
            if last > first:
                whole_stage = (end - start) / (last - first) * count
                measured[stage] = whole_stage / estimate.passes(self.request, stage)
        return measured

    def write(self, journal: Journal) -> None:
        """Blend what was measured into the journal's timings."""
        for stage, seconds in self.seconds_per_evaluation().items():
            journal.measure(f"{self.request.model}/{stage}", seconds)
