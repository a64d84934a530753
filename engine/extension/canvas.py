"""The frames of a clip as they are filled in."""

from collections.abc import Sequence

import numpy as np

from engine.extension.plan import Layout, Window
from engine.video import fitted


class Canvas:
    """Frames of the highest rate at one size, uint8 (t, h, w, 3), and which are filled, (t,)."""

    def __init__(self, layout: Layout, height: int, width: int) -> None:
        self.layout = layout
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
        places = np.arange(0, self.layout.frames, stride)
        filled = np.flatnonzero(self._is_filled[places])
        last = filled[-1] if filled.size else 0
        held = np.maximum.accumulate(np.where(self._is_filled[places], places, 0)[:last + 1])
        return self.frames[held]

    def begun(self, stride: int) -> int:
        """Return how many frames of one rate there are before the first that is missing."""
        return int(np.append(self._is_filled[::stride], False).argmin())

    def _places(self, window: Window, positions: Sequence[int]) -> np.ndarray:
        places = (window.start + np.asarray(positions, int)) * window.stride
        if self.layout.is_loop:
            return places % self.layout.frames
        return np.minimum(places, self.layout.frames - 1)
