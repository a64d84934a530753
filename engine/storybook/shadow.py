"""The soft shadow that a subject standing on painted ground casts under its feet."""

import numpy as np

from engine.storybook.motion import Pose, is_standing
from engine.storybook.places import has_ground
from engine.storybook.scene import Scene
from engine.storybook.sprites import Sprite

_DARKNESS = 0.4
_HALF_WIDTH = 0.46  # of the subject's visible width
_HALF_HEIGHT = 0.045  # of the frame's height


def cast_shadow(
    frames: np.ndarray,
    scene: Scene,
    sprite: Sprite,
    where: Pose,
    view: tuple[np.ndarray, int, int, tuple[int, int, int, int]],
) -> None:
    """Darken the ground under a standing subject in frames (t, h, w, 3), in place.

    view: camera magnification (t,), frame height and width in pixels, and the window rendered.
    """
    if not (has_ground(scene.place) and is_standing(sprite, scene.place)):
        return
    swell, height, width, (top, left, rows, columns) = view
    # Feet at time 0 mark the ground: a bouncing subject leaves its shadow there.
    ground = 0.5 + (scene.y + scene.size / 2 - 0.01 - 0.5) * swell  # (t,)
    down = _HALF_HEIGHT * swell
    across = _HALF_WIDTH * where.size * sprite.aspect * swell * height / width
    x = 0.5 + (where.x - 0.5) * swell
    row_range = _touched((ground - down).min() * height, (ground + down).max() * height, top, rows)
    for index in range(len(swell)):
        low, high = (x[index] - across[index]) * width, (x[index] + across[index]) * width
        column_range = _touched(low, high, left, columns)
        v = ((np.arange(*row_range) + 0.5) / height - ground[index]) / down[index]
        u = ((np.arange(*column_range) + 0.5) / width - x[index]) / across[index]
        inside = np.clip(1 - v[:, None] ** 2 - u**2, 0, 1)
        light = (1 - _DARKNESS * inside)[..., None].astype(np.float32)  # (h', w', 1)
        part = frames[
            index,
            row_range[0] - top : row_range[1] - top,
            column_range[0] - left : column_range[1] - left,
        ]
        part[:] = part * light + np.float32(0.5)


def _touched(low: float, high: float, start: int, count: int) -> tuple[int, int]:
    """Return the pixels from low to high that lie in a window, as a range that may be empty."""
    first = min(max(int(np.floor(low)), start), start + count)
    return first, max(min(int(np.ceil(high)) + 1, start + count), first)
