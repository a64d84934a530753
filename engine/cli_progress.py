"""What the command line shows while it works: the plan, a bar for the steps, the windows left."""

import sys
from collections.abc import Callable

from engine.extension.plan import Plan
from engine.progress import OnStep, StepEvent, WindowEvent
from engine.request import GenerationRequest

STEP_BAR = 24
ERASED = "\r\033[K"


def step_bar() -> OnStep | None:
    """Return a callback that draws the steps on a terminal, or None where none looks on."""
    return _draw_step if sys.stderr.isatty() else None


def longer_progress(request: GenerationRequest) -> dict[str, Callable[..., None]]:
    """Return the callbacks that tell how a longer clip grows, by their names in Followers.

    request: how its windows are sampled. The plan is told even where nobody looks on.
    """
    def on_cost(plan: Plan, seconds: float) -> None:
        _write(f"{plan.duration_seconds:.3g} s in {len(plan.base) + len(plan.upsampler)} windows, "
               f"{plan.evaluations(request)} network evaluations, about {seconds:.0f} s.\n")

    if not sys.stderr.isatty():
        return {"on_cost": on_cost}
    return {"on_cost": on_cost, "on_step": _draw_step, "on_window": _tell_window}


def _draw_step(event: StepEvent) -> None:
    done = STEP_BAR * event.step // event.steps
    end = ERASED if event.step == event.steps else ""
    _write(f"{ERASED}{event.stage} [{'#' * done}{'.' * (STEP_BAR - done)}] "
           f"{event.step}/{event.steps}, {event.seconds_left:.0f} s left{end}")


def _tell_window(event: WindowEvent) -> None:
    _write(f"{ERASED}{event.stage} window {event.window}/{event.windows}, "
           f"{event.seconds_left:.0f} s left\n")


def _write(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()
