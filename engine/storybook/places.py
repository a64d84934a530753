"""Where storybook scenes happen: eight plain colours and ten painted places.

`paint` is pure: name, seed and pixel rectangle decide every pixel. A seed moves horizon, hills,
clouds, trees and stars a little; what makes a place itself stays.
"""

from functools import lru_cache

import numpy as np

from engine.errors import DataError
from engine.storybook.canvas import Canvas
from engine.storybook.scenery import PAINTERS

PLAIN_COLOURS = {
    "white": (244, 244, 242),
    "black": (24, 24, 28),
    "red": (214, 48, 49),
    "green": (46, 160, 80),
    "blue": (52, 98, 219),
    "yellow": (250, 210, 60),
    "purple": (128, 70, 190),
    "pink": (250, 160, 195),
}
PAINTED = (
    "meadow",
    "road",
    "sea",
    "night sky",
    "snow",
    "desert",
    "beach",
    "city",
    "forest",
    "space",
)
# Where feet stand, as a fraction of the frame's height; the seed moves it by up to 0.02.
_GROUND = {"meadow": 0.87, "road": 0.89, "snow": 0.88, "desert": 0.88, "beach": 0.89}
_GROUND |= {"city": 0.9, "forest": 0.89}
# Small paintings (base stage) are kept by the thousand, some 50 MB; large ones by the dozen.
_SMALL_PIXELS = 72 * 128
_OPEN = {"sea": 0.66, "night sky": 0.92, "space": 0.92}


def ground_line(place: str, seed: int) -> float:
    """Return where subjects stand (in the sea: float), as a fraction of the frame's height."""
    if place in PLAIN_COLOURS:
        return 0.88
    base = _GROUND.get(place, _OPEN.get(place))
    if base is None:
        raise DataError(f"Unknown place {place!r}; use one of: {', '.join(PAINTED)}.")
    return base + 0.02 * float(np.random.default_rng([seed, 7]).uniform(-1, 1))


def has_ground(place: str) -> bool:
    """Tell whether a painted place has something to stand on."""
    return place in _GROUND


def paint(
    place: str,
    seed: int,
    height: int,
    width: int,
    window: tuple[int, int, int, int] | None = None,
) -> np.ndarray:
    """Paint a place, or a rectangle of it.

    height, width: the whole frame in pixels. window: (top, left, h, w) in its pixels; it may reach
    past the frame's sides, where the painting goes on and repeats every two widths.
    Returns: uint8 (h, w, 3), read-only because it is cached. Raises: DataError for unknown names.
    """
    window = window or (0, 0, height, width)
    cached = _paint_small if window[2] * window[3] <= _SMALL_PIXELS else _paint_large
    return cached(place, int(seed), height, width, window)


def _paint(place: str, seed: int, height: int, width: int, window: tuple) -> np.ndarray:
    if place in PLAIN_COLOURS:
        image = np.empty((*window[2:], 3), np.uint8)
        image[:] = PLAIN_COLOURS[place]
    elif place in PAINTERS:
        canvas = Canvas(height, width, window)
        PAINTERS[place](canvas, np.random.default_rng(seed))
        image = np.clip(canvas.image + 0.5, 0, 255).astype(np.uint8)
    else:
        raise DataError(f"Unknown place {place!r}; use one of: {', '.join(PAINTED)}.")
    image.setflags(write=False)
    return image


_paint_small = lru_cache(maxsize=4096)(_paint)
_paint_large = lru_cache(maxsize=16)(_paint)
