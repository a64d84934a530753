"""The painted world: sample a scene, render it at any times, size and crop (STORYBOOK.md)."""

from collections.abc import Mapping

import numpy as np

from engine.storybook.motion import largest_size, pose, scroll, zoom
from engine.storybook.places import View, paint
from engine.storybook.pyramid import LEVELS
from engine.storybook.resample import Patches, Quads, draw_turned, draw_upright
from engine.storybook.scene import Scene
from engine.storybook.sprites import Sprite

Window = tuple[int, int, int, int]


def render(scene: Scene, sprites: Mapping[str, Sprite], times_seconds: np.ndarray, height: int,
           width: int, window: Window | None = None) -> np.ndarray:
    """Render a scene: a pure function, continuous in time and free in resolution.

    times_seconds: (t,). height, width: of the whole frame in pixels. window: (top, left, h, w)
    renders only that crop of it. Returns: uint8 (t, h, w, 3).
    """
    times = np.asarray(times_seconds, dtype=np.float64)
    window = window or (0, 0, height, width)
    frames = _backgrounds(scene, times, height, width, window)                # (t, h, w, 3)
    _draw_subject(frames, scene, sprites[scene.subject], times, (height, width), window)
    return (frames + 0.5).clip(0, 255).astype(np.uint8)


def _backgrounds(scene: Scene, times: np.ndarray, height: int, width: int,
                 window: Window) -> np.ndarray:
    """Paint each distinct view of the place once."""
    views = list(zip(scroll(scene, times).tolist(), zoom(scene, times).tolist(), strict=True))
    painted = {view: paint(scene.place, scene.place_seed, height, width, View(*view, window))
               for view in dict.fromkeys(views)}
    return np.stack([painted[view] for view in views])


def _draw_subject(frames: np.ndarray, scene: Scene, sprite: Sprite, times: np.ndarray,
                  size: tuple[int, int], window: Window) -> None:
    """Lay the subject over the frames (t, h, w, 3), touching only the pixels under it."""
    height, width = size
    texture = sprite.frames.level(_level(scene, sprite, height))
    quads, frame = _quads(scene, sprite, texture, times, size)
    patches = _patches(quads, frames.shape[0], window)
    if patches is None:
        return
    if scene.mirrored:
        texture = texture[:, :, ::-1]
    draw = draw_turned if np.any(quads.angle) else draw_upright
    drawn = draw(texture, frame, quads, patches)                              # (t, h, w, 4)
    for i in range(len(frames)):
        top, left = patches.top[i] - window[0], patches.left[i] - window[1]
        under = frames[i, top:top + patches.height, left:left + patches.width]
        under *= 1 - drawn[i, ..., 3:] / 255
        under += drawn[i, ..., :3]


def _level(scene: Scene, sprite: Sprite, height: int) -> int:
    """Coarsest level that still has a texel a pixel."""
    wanted = largest_size(scene) * height
    ratio = sprite.frames.visible_height / max(wanted, 1.0)
    return int(np.clip(np.floor(np.log2(max(ratio, 1.0))), 0, LEVELS - 1))


def _quads(scene: Scene, sprite: Sprite, texture: np.ndarray, times: np.ndarray,
           size: tuple[int, int]) -> tuple[Quads, np.ndarray]:
    height, width = size
    p, z = pose(scene, sprite, times, width / height), zoom(scene, times)
    # The texture is the visible box plus padding to a divisible size.
    texel = p.size * z * height / sprite.frames.visible_height
    level0 = sprite.frames.visible_height / texture.shape[1]
    scale = 2.0 ** np.round(np.log2(max(level0, 1.0)))
    return Quads(y=(0.5 + (p.y - 0.5) * z) * height, x=(0.5 + (p.x - 0.5) * z) * width,
                 height=texel * texture.shape[1] * scale, width=texel * texture.shape[2] * scale,
                 angle=p.angle), p.frame


def _patches(quads: Quads, count: int, window: Window) -> Patches | None:
    """The pixels of the window under the subject, one size for all frames; none when outside."""
    top, left, rows, columns = window
    # A turned box reaches as far as its diagonal.
    turned = bool(np.any(quads.angle))
    reach = np.hypot(quads.height, quads.width) / 2
    half_y = reach if turned else quads.height / 2
    half_x = reach if turned else quads.width / 2
    high = min(rows, int(np.ceil(2 * half_y.max())) + 2)
    wide = min(columns, int(np.ceil(2 * half_x.max())) + 2)
    first_y = np.floor(quads.y - half_y).astype(int)
    first_x = np.floor(quads.x - half_x).astype(int)
    seen = ((first_y < top + rows) & (first_y + high > top)
            & (first_x < left + columns) & (first_x + wide > left))
    if not seen.any():
        return None
    return Patches(np.clip(first_y, top, top + rows - high),
                   np.clip(first_x, left, left + columns - wide), high, wide)
