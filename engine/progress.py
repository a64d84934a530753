"""How long work tells the outside where it is: one event a sampling step, pictures on demand.

A callback that answers true keeps the clip as it is now and ends its stage. It never has to
convert pixels it will not show: `StepEvent.preview` does so when called.
Cancelling is a question the sampler asks before every network evaluation (`ShouldStop`).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class StepEvent:
    """One finished sampling step.

    stage: "base" or "upsampler".
    step, steps: 1-based number of the finished step and how many there are.
    seconds_left: estimate for this stage from the measured step times.
    preview: returns the current denoised clips, uint8 (b, t, h, w, 3); costs time when called.
    """

    stage: str
    step: int
    steps: int
    seconds_left: float
    preview: Callable[[], np.ndarray]


@dataclass(frozen=True)
class WindowEvent:
    """One finished window of a longer clip.

    stage: "base" or "upsampler".
    window, windows: 1-based number of the finished window of this stage and how many there are.
    seconds_left: estimate for this stage from the measured windows.
    fps: rate of the preview, which grows with the levels.
    preview: returns the clip so far, uint8 (t, h, w, 3), frames yet to come held and of a very
    long one only some; costs time.
    """

    stage: str
    window: int
    windows: int
    seconds_left: float
    fps: float
    preview: Callable[[], np.ndarray]


OnStep = Callable[[StepEvent], bool | None]
OnWindow = Callable[[WindowEvent], None]
ShouldStop = Callable[[], bool]
