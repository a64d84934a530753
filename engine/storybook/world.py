"""The storybook world: one pure function from a scene and moments in time to pictures.

Time is continuous and resolution free, so the same scene gives every frame rate, every length and
both stages' training pairs. A single moment is an image.
"""

from collections.abc import Mapping

import numpy as np

from engine.storybook.canvas import PERIOD_WIDTHS
from engine.storybook.casting import sample_scene
from engine.storybook.motion import largest_size, pose, scroll, zoom
from engine.storybook.places import PLAIN_COLOURS, paint
from engine.storybook.pyramid import LEVELS
from engine.storybook.resample import Patches, Quads, draw_turned, draw_upright
from engine.storybook.scene import CAMERAS, TRAVELS, Scene
from engine.storybook.shadow import cast_shadow
from engine.storybook.sprites import Sprite

__all__ = ["CAMERAS", "TRAVELS", "Scene", "render", "sample_scene"]

Window = tuple[int, int, int, int]
# Frames up to this height are cheap enough to paint in more detail than one clip needs.
_SMALL_HEIGHT = 72


def render(
    scene: Scene,
    sprites: Mapping[str, Sprite],
    times_seconds: np.ndarray,
    height: int,
    width: int,
    window: Window | None = None,
) -> np.ndarray:
    """Render a scene at some moments.

    sprites: by name. times_seconds: (t,). height, width: the frame in pixels. window: (top, left,
    h, w), renders only that rectangle, equal to cutting it out of the whole frame.
    Returns: uint8 RGB (t, h, w, 3). Raises: KeyError when the scene's subject is not in the cast.
    """
    times = np.atleast_1d(np.asarray(times_seconds, dtype=np.float64))
    window = window or (0, 0, height, width)
    frames = _background(scene, times, (height, width), window)
    _draw_subject(frames, scene, sprites[scene.subject], times, (height, width), window)
    return frames


def _background(scene: Scene, times: np.ndarray, size: tuple[int, int], window: Window):
    """Paint the place behind every frame: uint8 (t, h, w, 3)."""
    height, width = size
    if scene.camera == "still" or scene.place in PLAIN_COLOURS:
        image = paint(scene.place, scene.place_seed, height, width, window)
        return np.repeat(image[None], len(times), axis=0)
    if scene.camera == "follow":
        return _scrolled(scene, scroll(scene, times) * width, size, window)
    return _zoomed(scene, zoom(scene, times), size, window)


def _scrolled(scene: Scene, shift: np.ndarray, size: tuple[int, int], window: Window):
    """Cut each frame out of one wide strip; shift: pixels, with fractions (t,)."""
    height, width = size
    top, left, rows, columns = window
    whole = np.floor(shift).astype(np.int64)
    first, span = left + int(whole.min()), int(np.ptp(whole)) + columns + 1
    if span > PERIOD_WIDTHS * width or height <= _SMALL_HEIGHT:
        # The whole period: needed by long ways, and the same for every clip, so it stays cached.
        first, span = 0, PERIOD_WIDTHS * width
    strip = paint(scene.place, scene.place_seed, height, width, (top, first, rows, span))
    index = (whole[:, None] + left - first + np.arange(columns + 1)) % (PERIOD_WIDTHS * width)
    wide = strip[:, index].transpose(1, 0, 2, 3)  # (t, h, w + 1, 3)
    part = (shift - whole).astype(np.float32)[:, None, None, None]
    return (wide[:, :, :-1] * (1 - part) + wide[:, :, 1:] * part + 0.5).astype(np.uint8)


def _zoomed(scene: Scene, swell: np.ndarray, size: tuple[int, int], window: Window):
    """Magnify a painting about the middle of the frame; swell: (t,)."""
    height, width = size
    top, left, rows, columns = window
    still = np.zeros_like(swell)
    detail = 2 if height <= _SMALL_HEIGHT else 1
    texture = paint(scene.place, scene.place_seed, detail * height, detail * width)
    quads = Quads(still + height / 2, still + width / 2, height * swell, width * swell, still)
    start = np.zeros(len(swell), np.int64)
    patches = Patches(start + top, start + left, rows, columns)
    drawn = draw_upright(texture[None], start, quads, patches)
    return (drawn + 0.5).astype(np.uint8)


def _draw_subject(
    frames: np.ndarray,
    scene: Scene,
    sprite: Sprite,
    times: np.ndarray,
    size: tuple[int, int],
    window: Window,
) -> None:
    """Blend the subject over frames (t, h, w, 3), touching only the pixels near it."""
    height, width = size
    where, swell = pose(scene, sprite, times, width / height), zoom(scene, times)
    cast_shadow(frames, scene, sprite, where, (swell, height, width, window))
    level = _level(sprite, largest_size(scene) * height)
    texture = sprite.frames.level(level)
    if scene.mirrored:
        texture = texture[:, :, ::-1]
    # The texture is the visible box, padded to a divisible size: both scale together.
    pixels = where.size * swell * height / sprite.frames.visible_height * 2**level
    quads = Quads(
        y=(0.5 + (where.y - 0.5) * swell) * height,
        x=(0.5 + (where.x - 0.5) * swell) * width,
        height=texture.shape[1] * pixels,
        width=texture.shape[2] * pixels,
        angle=where.angle,
    )
    patches = _patches(quads, window)
    draw = draw_turned if np.any(where.angle) else draw_upright
    _blend(frames, draw(texture, where.frame, quads, patches), patches, window)


def _level(sprite: Sprite, pixels: float) -> int:
    """Choose the level with one to two texels a pixel for a subject so many pixels high."""
    texels_per_pixel = sprite.frames.visible_height / pixels
    return int(np.clip(np.floor(np.log2(max(texels_per_pixel, 1e-6))), 0, LEVELS - 1))


def _patches(quads: Quads, window: Window) -> Patches:
    """Find one rectangle a frame, inside the window, that holds the part of the subject in it."""
    top, left, rows, columns = window
    cosine, sine = np.abs(np.cos(quads.angle)), np.abs(np.sin(quads.angle))
    tall = quads.height * cosine + quads.width * sine
    wide = quads.width * cosine + quads.height * sine
    high = min(int(np.ceil(tall.max())) + 2, rows)
    broad = min(int(np.ceil(wide.max())) + 2, columns)
    first_row = np.floor(quads.y - tall / 2).astype(np.int64)
    first_column = np.floor(quads.x - wide / 2).astype(np.int64)
    return Patches(
        top=np.clip(first_row, top, top + rows - high),
        left=np.clip(first_column, left, left + columns - broad),
        height=high,
        width=broad,
    )


def _blend(frames: np.ndarray, drawn: np.ndarray, patches: Patches, window: Window) -> None:
    """Put premultiplied patches (t, h, w, RGBA) over the frames, rounding to whole values."""
    clear = 1 - drawn[..., 3:] / np.float32(255)
    for index, (row, column) in enumerate(zip(patches.top, patches.left, strict=True)):
        row, column = row - window[0], column - window[1]
        part = frames[index, row : row + patches.height, column : column + patches.width]
        part[:] = drawn[index, ..., :3] + part * clear[index] + np.float32(0.5)
