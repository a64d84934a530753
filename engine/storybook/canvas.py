"""Anti-aliased shapes on a small piece of an endless, periodic painting.

Lengths are in frame heights, so a shape is the same at any resolution. The painting repeats every
two frame widths, which lets a camera scroll for ever. Every pixel depends only on where it is.
"""

from collections.abc import Sequence

import numpy as np

Colour = Sequence[float]
PERIOD_WIDTHS = 2


class Canvas:
    """A float32 image (h, w, 3) in 0..255 with the positions of its pixel centres."""

    def __init__(self, height: int, width: int, window: tuple[int, int, int, int]) -> None:
        """Start black. height, width: the frame in pixels. window: (top, left, h, w) painted."""
        top, left, rows, columns = window
        self.scale = float(height)
        self.period = PERIOD_WIDTHS * width / height
        self.y = (np.arange(top, top + rows) + 0.5) / height  # (h,)
        # Wrapping whole pixels, not positions, keeps the repetition exact to the bit.
        wrapped = np.arange(left, left + columns) % (PERIOD_WIDTHS * width)
        self.x = (wrapped + 0.5) / height  # (w,)
        self.image = np.zeros((rows, columns, 3), np.float32)

    def gradient(self, heights: Sequence[float], colours: Sequence[Colour]) -> None:
        """Fill everything with a vertical gradient through colours at rising heights (0 = top)."""
        table = np.asarray(colours, np.float64)
        rows = np.stack([np.interp(self.y, heights, table[:, c]) for c in range(3)], axis=1)
        self.image[:] = rows[:, None, :]

    def waves(self, seed: np.random.Generator, amplitude: float, lumps: int) -> np.ndarray:
        """Draw a smooth periodic curve (w,) of the given amplitude from a few sines."""
        angle = 2 * np.pi * self.x / self.period
        curve = np.zeros_like(self.x)
        for count, share in ((lumps, 0.6), (lumps + 1, 0.3), (2 * lumps + 1, 0.1)):
            curve += share * np.sin(count * angle + seed.uniform(0, 2 * np.pi))
        return amplitude * curve

    def below(self, line: np.ndarray | float, colour: Colour, deep: Colour | None = None) -> None:
        """Paint everything under a line, fading to a deep colour at the frame's bottom."""
        line = np.broadcast_to(np.asarray(line, np.float64), self.x.shape)
        first = int(np.searchsorted(self.y, line.min() - 1 / self.scale))
        if first >= len(self.y):
            return
        y = self.y[first:]
        cover = np.clip(0.5 + (y[:, None] - line) * self.scale, 0, 1).astype(np.float32)
        start = float(line[0]) if np.ptp(line) == 0 else 0.5
        depth = np.clip((y - start) / (1 - start + 1e-9), 0, 1)[:, None]
        paint = np.asarray(colour) * (1 - depth) + np.asarray(deep or colour) * depth  # (h, 3)
        part = self.image[first:]
        part += cover[..., None] * (paint.astype(np.float32)[:, None, :] - part)

    def disc(self, x: float, y: float, radius: float | tuple, colour: Colour, alpha: float = 1.0):
        """Paint a disc, or an ellipse for radius = (across, down)."""
        across, down = radius if isinstance(radius, tuple) else (radius, radius)
        # Below a pixel a disc keeps its half pixel and pales: what an area average does.
        least = 0.5 / self.scale
        alpha *= min(1.0, across / least) * min(1.0, down / least)
        across, down = max(across, least), max(down, least)
        # The soft rim, a pixel wide, adds a twelfth of a pixel to the square of the radius.
        square = (min(across, down) * self.scale) ** 2
        alpha *= square / (square + 1 / 12)
        rows, columns, dy, dx = self._near(x, y, across, down)
        if rows is None:
            return
        radial = np.sqrt((dx / across) ** 2 + (dy[:, None] / down) ** 2)
        inside = (1 - radial) * min(across, down)
        self._blend(rows, columns, inside * self.scale + 0.5, colour, alpha)

    def box(self, x: float, y: float, half: tuple, colour: Colour, alpha: float = 1.0) -> None:
        """Paint an upright rectangle about its centre; half: (across, down)."""
        across, down = half
        rows, columns, dy, dx = self._near(x, y, across, down)
        if rows is None:
            return
        cover = self._overlap(dy, down)[:, None] * self._overlap(dx, across)
        self._blend(rows, columns, cover, colour, alpha)

    def cone(self, x: float, y: float, half: tuple, colour: Colour) -> None:
        """Paint a triangle standing on its base, about the centre of its box."""
        across, down = half
        rows, columns, dy, dx = self._near(x, y, across, down)
        if rows is None:
            return
        wide = across * np.clip(dy + down, 0, 2 * down)[:, None] / (2 * down)
        cover = self._overlap(dx, wide) * self._overlap(dy, down)[:, None]
        self._blend(rows, columns, cover, colour, 1.0)

    def fade(self, x: float, y: float, radius: tuple, colour: Colour, alpha: float) -> None:
        """Paint a soft glow, strongest in the middle and gone at the radius (across, down)."""
        rows, columns, dy, dx = self._near(x, y, *radius)
        if rows is None:
            return
        square = (dx / radius[0]) ** 2 + (dy[:, None] / radius[1]) ** 2
        self._blend(rows, columns, np.clip(1 - square, 0, 1) ** 2, colour, alpha)

    def _overlap(self, distance: np.ndarray, half: float | np.ndarray) -> np.ndarray:
        """Return the share of each pixel within half a length of a centre, along one axis."""
        pixel = 0.5 / self.scale
        low = np.maximum(distance - pixel, -half)
        high = np.minimum(distance + pixel, half)
        return np.clip(high - low, 0, None) * self.scale

    def _near(self, x: float, y: float, across: float, down: float) -> tuple:
        """Find the rows and columns a shape may touch, with their distances from its centre."""
        margin = 1 / self.scale
        first = int(np.searchsorted(self.y, y - down - margin))
        last = int(np.searchsorted(self.y, y + down + margin))
        dx = (self.x - x + self.period / 2) % self.period - self.period / 2
        columns = np.flatnonzero(np.abs(dx) < across + margin)
        if first == last or columns.size == 0:
            return None, None, None, None
        if columns[-1] - columns[0] + 1 == columns.size:
            columns = slice(columns[0], columns[-1] + 1)
        return slice(first, last), columns, self.y[first:last] - y, dx[columns]

    def _blend(self, rows, columns, cover: np.ndarray, colour: Colour, alpha: float) -> None:
        part = self.image[rows, columns]  # (h', w', 3)
        weight = (np.clip(cover, 0, 1) * alpha).astype(np.float32)[..., None]
        self.image[rows, columns] = part + weight * (np.asarray(colour, np.float32) - part)
