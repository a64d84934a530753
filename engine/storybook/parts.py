"""Which part of the subject is where: a closed form of time, like the motion it follows."""

import numpy as np

from engine.storybook.motion import pose, zoom
from engine.storybook.scene import Scene
from engine.storybook.sprites import Sprite

# The subject's visible box is cut into so many rows and columns.
CUTS = 4
PARTS = 1 + CUTS * CUTS


def parts(scene: Scene, sprite: Sprite, times_seconds: np.ndarray, grid: tuple[int, int],
          aspect: float) -> np.ndarray:
    """Number the part of the subject's box at the middle of each cell of a grid over the frame.

    times_seconds: (t,). grid: rows and columns. aspect: frame width over height.
    Returns: int64 (t, rows, columns); 0 beside the box, else 1 + row * CUTS + column of the part,
    counted in the drawing, so that a mirrored subject keeps its numbers.
    """
    where, swell = pose(scene, sprite, times_seconds, aspect), zoom(scene, times_seconds)
    rows, columns = ((np.arange(n) + 0.5) / n - 0.5 for n in grid)
    # From the subject's centre, in frame heights.
    dy = rows[:, None] - ((where.y - 0.5) * swell)[:, None, None]
    dx = (columns - ((where.x - 0.5) * swell)[:, None, None]) * aspect
    cosine, sine = (f(where.angle)[:, None, None] for f in (np.cos, np.sin))
    size = (where.size * swell)[:, None, None]
    v = (cosine * dy - sine * dx) / size + 0.5                     # (t, rows, columns)
    u = (cosine * dx + sine * dy) / (size * sprite.aspect) * (-1 if scene.mirrored else 1) + 0.5
    inside = (v >= 0) & (v < 1) & (u >= 0) & (u < 1)
    row, column = (np.clip(CUTS * c, 0, CUTS - 1).astype(np.int64) for c in (v, u))
    return np.where(inside, 1 + row * CUTS + column, 0)
