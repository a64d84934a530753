"""The frames of a clip as they are filled in, and the pictures and videos it starts from."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.extension.plan import Layout, Window
from engine.extension.request import GivenFrames
from engine.video import fitted


@dataclass(frozen=True)
class Material:
    """What a clip starts from: uint8 RGB pixels of any size.

    start, end: pictures (h, w, 3) for the first and the last frame.
    video: frames (t, h, w, 3) that come first, or that in-betweens go between.
    """

    start: np.ndarray | None = None
    end: np.ndarray | None = None
    video: np.ndarray | None = None

    @property
    def given(self) -> GivenFrames:
        """The same in numbers."""
        return GivenFrames(0 if self.video is None else len(self.video),
                           self.start is not None, self.end is not None)

    def placed(self, frames: int, *, step: int = 1,
               least_height: int = 0) -> list[tuple[list[int], np.ndarray]]:
        """Return the places and pixels (t, h, w, 3) of what is at least so high.

        frames: of the finished clip. step: how far apart a video's frames lie in it.
        """
        found = []
        if self.video is not None:
            found.append(([number * step for number in range(len(self.video))], self.video))
        if self.start is not None:
            found.append(([0], self.start[None]))
        if self.end is not None:
            found.append(([frames - 1], self.end[None]))
        return [one for one in found if one[1].shape[1] >= least_height]


class Canvas:
    """Frames of the highest rate at one size, uint8 (t, h, w, 3), and which are filled, (t,)."""

    def __init__(self, layout: Layout, height: int, width: int) -> None:
        self._layout = layout
        self.frames = np.zeros((layout.frames, height, width, 3), np.uint8)
        self._is_filled = np.zeros(layout.frames, bool)

    def give(self, placed: Sequence[tuple[list[int], np.ndarray]], *, crop: bool) -> None:
        """Fill in what exists before the work begins, at this size."""
        for places, frames in placed:
            self.frames[places] = fitted(frames, *self.frames.shape[1:3], crop=crop)
            self._is_filled[places] = True

    def of(self, window: Window, frames: int) -> np.ndarray:
        """Return a window's frames, (frames, h, w, 3); black if not there yet, held at the end."""
        return self.frames[self._places(window, range(frames))]

    def put(self, window: Window, new: np.ndarray) -> None:
        """Fill in a window's new frames."""
        places = self._places(window, window.new)
        self.frames[places] = new
        self._is_filled[places] = True

    def grown(self, stride: int) -> np.ndarray:
        """Return the clip so far at one rate, (t, h, w, 3): a frame holds until the next."""
        places = np.arange(0, self._layout.frames, stride)
        filled = np.flatnonzero(self._is_filled[places])
        last = filled[-1] if filled.size else 0
        held = np.maximum.accumulate(np.where(self._is_filled[places], places, 0)[:last + 1])
        return self.frames[held]

    def _places(self, window: Window, positions: Sequence[int]) -> np.ndarray:
        places = (window.start + np.asarray(positions, int)) * window.stride
        if self._layout.is_loop:
            return places % self._layout.frames
        return np.minimum(places, self._layout.frames - 1)
