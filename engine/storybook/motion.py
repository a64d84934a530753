"""Where a subject is at a moment: a closed form of time, so any frame rate and length agree."""

from dataclasses import dataclass

import numpy as np

from engine.storybook.places import has_ground
from engine.storybook.scene import Scene
from engine.storybook.sprites import Sprite

BOUNCE_HEIGHT = 0.16
# Growing tends to twice the size and shrinking to half of it, however long the clip.
GROWTH_LIMIT = 2.0
ZOOM_PERIOD_SECONDS = 10.0
ZOOM_DEPTH = 0.3
# Drawings that point up to the right turn their nose (radians, clockwise) to where they go.
_NOSE_TURNS = {"right": np.pi / 4, "left": np.pi / 4, "up": -np.pi / 4, "down": 3 * np.pi / 4}


@dataclass(frozen=True)
class Pose:
    """A subject at t moments, each field an array (t,).

    x, y: centre in fractions of the frame. size: visible height in fractions of the frame height.
    angle: radians clockwise, about the centre. frame: index into the animation loop.
    """

    x: np.ndarray
    y: np.ndarray
    size: np.ndarray
    angle: np.ndarray
    frame: np.ndarray


def pose(scene: Scene, sprite: Sprite, times_seconds: np.ndarray, aspect: float) -> Pose:
    """Return where the subject is; camera zoom is not applied.

    times_seconds: (t,). aspect: frame width over height.
    """
    times = np.asarray(times_seconds, dtype=np.float64)
    size = np.full_like(times, scene.size)
    if scene.travel in ("growing", "shrinking"):
        sign = 1 if scene.travel == "growing" else -1
        size = scene.size * GROWTH_LIMIT ** (sign * np.tanh(scene.speed * times))
    x, y = _centre(scene, sprite, times, aspect)
    if is_standing(sprite, scene.place):
        # Feet stay where they are while the subject grows.
        y = y + (scene.size - size) / 2
    return Pose(x, y, size, _angle(scene, sprite, times), _frame_index(scene, sprite, times))


def zoom(scene: Scene, times_seconds: np.ndarray) -> np.ndarray:
    """Return the camera's magnification at each time (t,): a slow swell that always returns."""
    times = np.asarray(times_seconds, dtype=np.float64)
    if scene.camera != "zoom":
        return np.ones_like(times)
    return 1 + ZOOM_DEPTH * (0.5 - 0.5 * np.cos(2 * np.pi * times / ZOOM_PERIOD_SECONDS))


def scroll(scene: Scene, times_seconds: np.ndarray) -> np.ndarray:
    """Return how far a following camera has gone to the right, in frame widths (t,)."""
    times = np.asarray(times_seconds, dtype=np.float64)
    if scene.camera != "follow" or scene.travel not in ("left", "right"):
        return np.zeros_like(times)
    return (scene.speed if scene.travel == "right" else -scene.speed) * times


def largest_size(scene: Scene) -> float:
    """Return a bound on the size over all time, so that a level is chosen once for a scene."""
    swell = 1 + ZOOM_DEPTH if scene.camera == "zoom" else 1.0
    return scene.size * swell * (GROWTH_LIMIT if scene.travel == "growing" else 1.0)


def is_standing(sprite: Sprite, place: str) -> bool:
    """Tell whether a subject rests on the ground of a place, so that its feet decide its height."""
    return sprite.place == "ground" or (sprite.place in ("any", "none") and has_ground(place))


def _centre(scene: Scene, sprite: Sprite, times: np.ndarray, aspect: float) -> tuple:
    x, y = np.full_like(times, scene.x), np.full_like(times, scene.y)
    if scene.travel in ("left", "right") and scene.camera != "follow":
        sign = -1 if scene.travel == "left" else 1
        half = scene.size * sprite.aspect / aspect / 2
        x = _wrap(scene.x + sign * scene.speed * times, half)
    elif scene.travel in ("up", "down"):
        sign = -1 if scene.travel == "up" else 1
        y = _wrap(scene.y + sign * scene.speed * times, scene.size / 2)
    elif scene.travel == "bouncing":
        hops = scene.speed * times / (2 * BOUNCE_HEIGHT)
        rising = hops - np.floor(hops)
        y = scene.y - BOUNCE_HEIGHT * 4 * rising * (1 - rising)
    return x, y


def _wrap(centre: np.ndarray, half: float) -> np.ndarray:
    """Let a subject that has left the frame entirely come in again from the other side."""
    # 1.5 halves leave room for corners that a turned subject stretches over its box.
    return (centre + 1.5 * half) % (1 + 3 * half) - 1.5 * half


def _angle(scene: Scene, sprite: Sprite, times: np.ndarray) -> np.ndarray:
    flip = -1 if scene.mirrored else 1
    if scene.travel == "spinning":
        return flip * 2 * np.pi * scene.speed * times
    if sprite.facing == "up-right":
        return np.full_like(times, flip * _NOSE_TURNS.get(scene.travel, 0.0))
    return np.zeros_like(times)


def _frame_index(scene: Scene, sprite: Sprite, times: np.ndarray) -> np.ndarray:
    """Pick the nearest animation frame, with wrap-around."""
    # The small push keeps k / 24 s from falling on either side of a boundary by rounding.
    frames = np.floor((times + scene.phase) * sprite.frames_per_second + 1e-6)
    return frames.astype(np.int64) % sprite.frames.frame_count
