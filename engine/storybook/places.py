"""Painted backgrounds: closed forms of position, so any size, crop and scroll agree.

Positions: `v` runs from 0 at the top to 1 at the bottom of the frame; `u` counts frame heights to
the right and repeats after PERIOD, so that a following camera can go on for ever.
"""

from dataclasses import dataclass

import numpy as np

PLAIN_COLOURS = {
    "white": (238, 236, 240), "black": (30, 28, 34), "red": (206, 58, 56),
    "green": (72, 160, 84), "blue": (62, 104, 218), "yellow": (244, 206, 74),
    "purple": (132, 72, 188), "pink": (244, 160, 192),
}
PAINTED = ("meadow", "road", "sea", "night sky", "snow", "desert", "beach", "city", "forest",
           "space")
ASPECT = 16 / 9
PERIOD = 2 * ASPECT
# Where the ground begins, fraction of the height; None where there is nothing to stand on.
_HORIZON = {"meadow": 0.66, "road": 0.62, "sea": 0.12, "snow": 0.66, "desert": 0.66,
            "beach": 0.68, "city": 0.78, "forest": 0.72}
_SKY = {"meadow": ((92, 160, 244), (214, 234, 252)), "road": ((150, 196, 244), (226, 236, 246)),
        "snow": ((158, 182, 208), (226, 234, 242)), "desert": ((250, 192, 112), (254, 226, 170)),
        "beach": ((86, 176, 240), (196, 230, 250)), "city": ((150, 176, 220), (246, 214, 196)),
        "forest": ((150, 206, 196), (222, 240, 208)), "night sky": ((10, 12, 40), (44, 50, 104)),
        "space": ((8, 6, 20), (30, 14, 52)), "sea": ((150, 212, 244), (210, 238, 250))}
_GROUND = {"meadow": ((112, 190, 76), (70, 150, 56)), "road": ((108, 108, 116), (78, 78, 86)),
           "sea": ((34, 128, 204), (14, 56, 124)), "snow": ((250, 252, 255), (222, 232, 246)),
           "desert": ((226, 172, 96), (196, 138, 70)), "beach": ((246, 224, 166), (226, 194, 126)),
           "city": ((120, 118, 126), (92, 90, 100)), "forest": ((96, 140, 66), (62, 104, 50))}


@dataclass(frozen=True)
class View:
    """Which part of a place a frame shows: scroll in frame widths, magnification about the centre.

    window: (top, left, height, width) in pixels of the whole frame, or none for all of it.
    """

    scroll: float = 0.0
    zoom: float = 1.0
    window: tuple[int, int, int, int] | None = None


class Canvas:
    """A picture being painted: coordinates of its pixels and the colours so far."""

    def __init__(self, height: int, width: int, view: View):
        top, left, rows, columns = view.window or (0, 0, height, width)
        v = (np.arange(top, top + rows, dtype=np.float32) + 0.5) / height
        u = (np.arange(left, left + columns, dtype=np.float32) + 0.5) / width
        self.v = (0.5 + (v - 0.5) / view.zoom)[:, None]                       # (h, 1)
        self.u = ((0.5 + (u - 0.5) / view.zoom + view.scroll) * ASPECT)[None]  # (1, w)
        self.pixel = 1 / (height * view.zoom)
        self.colour = np.zeros((rows, columns, 3), np.float32)

    def fill(self, cover: np.ndarray | float, colour) -> None:
        """Lay a colour, (3,) or (h, w, 3), over the share (h, w) of each pixel that is covered."""
        share = np.asarray(cover, np.float32)[..., None]
        self.colour += share * (np.asarray(colour, np.float32) - self.colour)

    def gradient(self, top: float, bottom: float, colours) -> np.ndarray:
        """Blend two colours from v = top to v = bottom, (h, 1, 3)."""
        share = np.clip((self.v - top) / max(bottom - top, 1e-6), 0, 1)[..., None]
        first, second = (np.asarray(c, np.float32) for c in colours)
        return first + share * (second - first)

    def below(self, edge: np.ndarray | float) -> np.ndarray:
        """Share of each pixel below the line v = edge(u)."""
        return np.clip((self.v - edge) / self.pixel + 0.5, 0, 1)

    def disc(self, u: float, v: float, radius: float, flat: float = 1.0) -> np.ndarray:
        """Share of each pixel inside an ellipse, `flat` times as high as wide, repeated."""
        across = (self.u - u + PERIOD / 2) % PERIOD - PERIOD / 2
        distance = np.sqrt(across**2 + ((self.v - v) / flat) ** 2)
        return np.clip((radius - distance) / self.pixel + 0.5, 0, 1)

    def box(self, u: float, v: float, width: float, height: float) -> np.ndarray:
        """Share of each pixel inside an upright box with its top left corner at (u, v)."""
        across = np.abs((self.u - u - width / 2 + PERIOD / 2) % PERIOD - PERIOD / 2)
        sides = np.clip((width / 2 - across) / self.pixel + 0.5, 0, 1)
        return sides * (self.below(v) - self.below(v + height))


def paint(place: str, seed: int, height: int, width: int, view: View | None = None) -> np.ndarray:
    """Paint a place. Returns: float32 (h, w, 3), 0 to 255.

    place: a plain colour or a painted place. seed: variety. height, width: of the whole frame.
    """
    canvas = Canvas(height, width, view or View())
    rng = np.random.default_rng(seed)
    if place in PLAIN_COLOURS:
        shade = rng.uniform(-10, 10)
        canvas.fill(1.0, np.clip(np.asarray(PLAIN_COLOURS[place], np.float32) + shade, 0, 255))
        return canvas.colour
    canvas.fill(1.0, canvas.gradient(0, _HORIZON.get(place, 1.0), _SKY[place]))
    line = ground_line(place, seed)
    _BACKDROPS[place](canvas, rng, line)
    if line is not None:
        canvas.fill(canvas.below(_edge(canvas, place, line)), canvas.gradient(
            line, 1.0, _GROUND[place]))
    if place in _FOREGROUNDS:
        _FOREGROUNDS[place](canvas, rng, line)
    return canvas.colour


def ground_line(place: str, seed: int) -> float | None:
    """Return the height of the ground's edge, v from 0 to 1; none where nothing can stand."""
    if place not in _HORIZON:
        return None
    return _HORIZON[place] + 0.05 * float(np.random.default_rng((seed, 1)).uniform(-1, 1))


def _edge(canvas: Canvas, place: str, line: float) -> np.ndarray | float:
    if place != "sea":
        return line
    return line + 0.012 * np.sin(12 * np.pi * canvas.u / PERIOD * 2)


def _waves(canvas: Canvas, rng, level: float, depth: float) -> np.ndarray:
    """A rolling line (1, w) that repeats after PERIOD."""
    turn = 2 * np.pi * canvas.u / PERIOD
    phase = rng.uniform(0, 2 * np.pi, 2)
    return level + depth * (0.7 * np.sin(2 * turn + phase[0]) + 0.3 * np.sin(5 * turn + phase[1]))


def _clouds(canvas: Canvas, rng, line) -> None:
    for _ in range(3):
        u, v, r = rng.uniform(0, PERIOD), rng.uniform(0.08, 0.3), rng.uniform(0.05, 0.09)
        cover = np.maximum(canvas.disc(u, v, r, 0.55), canvas.disc(u + r, v + r / 4, r, 0.4))
        canvas.fill(0.75 * cover, (255, 255, 255))


def _hills(colour, depth):
    def draw(canvas: Canvas, rng, line) -> None:
        _clouds(canvas, rng, line)
        canvas.fill(canvas.below(_waves(canvas, rng, line - depth, depth / 2)), colour)

    return draw


def _stars(canvas: Canvas, rng, line) -> None:
    for _ in range(40):
        u, v = rng.uniform(0, PERIOD), rng.uniform(0, 1)
        size, light = rng.uniform(0.004, 0.010), rng.uniform(0.4, 1)
        canvas.fill(light * canvas.disc(u, v, size), (255, 250, 226))


def _night(canvas: Canvas, rng, line) -> None:
    _stars(canvas, rng, line)
    u, v = rng.uniform(0, PERIOD), rng.uniform(0.12, 0.25)
    canvas.fill(canvas.disc(u, v, 0.09), (250, 240, 196))
    canvas.fill(canvas.below(_waves(canvas, rng, 0.92, 0.03)), (18, 20, 48))


def _space(canvas: Canvas, rng, line) -> None:
    u, v = rng.uniform(0, PERIOD), rng.uniform(0.1, 0.9)
    glow = np.exp(-(((canvas.u - u + PERIOD / 2) % PERIOD - PERIOD / 2) ** 2
                    + ((canvas.v - v) * 1.6) ** 2) / 0.35)
    canvas.fill(0.4 * glow, (112, 44, 140))
    _stars(canvas, rng, line)
    canvas.fill(canvas.disc(u + PERIOD / 2, 1 - v, 0.1), (214, 140, 96))


def _skyline(canvas: Canvas, rng, line) -> None:
    u = 0.0
    while u < PERIOD - 0.1:
        width, tall = rng.uniform(0.14, 0.26), rng.uniform(0.25, 0.6)
        shade = rng.uniform(0, 30)
        canvas.fill(canvas.box(u, line - tall, width, tall),
                    (104 + shade, 112 + shade, 146 + shade))
        for i in range(2):
            canvas.fill(canvas.box(u + width * (0.2 + 0.4 * i), line - 0.8 * tall, width * 0.2,
                                   0.6 * tall), (238, 214, 150))
        u += width + rng.uniform(0.0, 0.04)


def _trees(canvas: Canvas, rng, line) -> None:
    for i in range(9):
        u = (i + rng.uniform(-0.2, 0.2)) * PERIOD / 9
        tall, green = rng.uniform(0.3, 0.5), rng.uniform(-14, 14)
        canvas.fill(canvas.box(u - 0.02, line - tall * 0.5, 0.04, tall * 0.5 + 0.02), (104, 74, 52))
        canvas.fill(canvas.disc(u, line - tall * 0.75, 0.14, 1.3), (58, 122 + green, 66))


def _surf(canvas: Canvas, rng, line) -> None:
    _clouds(canvas, rng, line)
    canvas.fill(canvas.below(line - 0.2), canvas.gradient(line - 0.2, line,
                                                          ((40, 128, 206), (96, 196, 224))))
    canvas.fill(canvas.below(line - 0.015), (244, 250, 252))


def _dashes(canvas: Canvas, rng, line) -> None:
    canvas.fill(canvas.below(line) - canvas.below(line + 0.035), (120, 176, 92))
    middle = line + 0.6 * (1 - line)
    for i in range(6):
        canvas.fill(canvas.box(i * PERIOD / 6, middle, PERIOD / 12, 0.03), (240, 232, 200))


def _bubbles(canvas: Canvas, rng, line) -> None:
    for _ in range(8):
        canvas.fill(0.35 * canvas.disc(rng.uniform(0, PERIOD), rng.uniform(0.25, 0.95),
                                       rng.uniform(0.01, 0.03)), (200, 236, 255))


_BACKDROPS = {
    "meadow": _hills((128, 196, 120), 0.1), "road": _hills((146, 190, 130), 0.08),
    "sea": _clouds, "snow": _hills((212, 224, 238), 0.12),
    "desert": _hills((236, 186, 116), 0.08), "beach": _surf, "city": _skyline, "forest": _trees,
    "night sky": _night, "space": _space,
}
_FOREGROUNDS = {"road": _dashes, "sea": _bubbles}
