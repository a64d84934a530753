"""Draw textures into pixel patches at any place and size, anti-aliased, all frames at once.

Upright textures are integrated exactly over each pixel's square (separable), so a small render is
the area average of a large one. Turned ones are sampled bilinearly at 2 x 2 points a pixel.
Every pixel is computed on its own: a crop equals the crop of the whole, bit for bit.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Patches:
    """One pixel rectangle a frame, all of one size.

    top, left: int (t,), in pixels of the whole frame. height, width: pixels.
    """

    top: np.ndarray
    left: np.ndarray
    height: int
    width: int


@dataclass(frozen=True)
class Quads:
    """Where a texture lies in each frame, in pixels of the whole frame.

    y, x: centre, (t,). height, width: full extent of the texture, (t,). angle: radians clockwise.
    """

    y: np.ndarray
    x: np.ndarray
    height: np.ndarray
    width: np.ndarray
    angle: np.ndarray


def draw_upright(
    texture: np.ndarray, frame: np.ndarray, quads: Quads, patches: Patches
) -> np.ndarray:
    """Area-average a texture under each pixel of its patch.

    texture: uint8 or float32 (n, rows, columns, c). frame: texture index of each frame, (t,).
    Returns: float32 (t, patch height, patch width, c), zero outside the texture.
    """
    rows, columns = texture.shape[1:3]
    row_index, row_weight = _taps(
        patches.top, patches.height, quads.y - quads.height / 2, quads.height / rows, rows
    )
    column_index, column_weight = _taps(
        patches.left, patches.width, quads.x - quads.width / 2, quads.width / columns, columns
    )
    first, last = _used(column_index, column_weight)
    column_index = np.clip(column_index - first, 0, last - first)
    texture = texture[:, :, first : last + 1]
    tall = 0.0
    for k in range(row_index.shape[2]):
        weight = row_weight[:, :, k, None, None]
        tall = tall + texture[frame[:, None], row_index[:, :, k]] * weight
    # tall: (t, patch height, columns, c); only columns that some pixel needs
    each_frame = np.arange(len(frame))[:, None, None]
    each_row = np.arange(patches.height)[None, :, None]
    drawn = 0.0
    for k in range(column_index.shape[2]):
        weight = column_weight[:, None, :, k, None]
        drawn = drawn + tall[each_frame, each_row, column_index[:, None, :, k]] * weight
    return drawn  # (t, patch height, patch width, c)


def draw_turned(
    texture: np.ndarray, frame: np.ndarray, quads: Quads, patches: Patches
) -> np.ndarray:
    """Sample a turned texture; arguments and result as in `draw_upright`, RGBA uint8 only."""
    _, rows, columns, _ = texture.shape
    # A clear border makes positions outside the texture clear without a mask.
    framed = np.pad(texture[frame], ((0, 0), (1, 2), (1, 2), (0, 0)))
    packed = framed.view(np.uint32).reshape(-1)  # one number a texel: gathers four times faster
    first = (np.arange(len(frame)) * (rows + 3) * (columns + 3))[:, None, None]
    total = 0.0
    for shift_y in (0.25, 0.75):
        for shift_x in (0.25, 0.75):
            y = patches.top[:, None, None] + np.arange(patches.height)[:, None] + shift_y
            x = patches.left[:, None, None] + np.arange(patches.width) + shift_x
            along, across = _into_texture(quads, y, x)
            down = np.clip(along * rows + 0.5, 0, rows + 1)
            right = np.clip(across * columns + 0.5, 0, columns + 1)
            total = total + _bilinear(packed, first, down, right, columns + 3)
    return total * np.float32(0.25)  # (t, patch height, patch width, c)


def _taps(
    start: np.ndarray, count: int, origin: np.ndarray, texel: np.ndarray, limit: int
) -> tuple[np.ndarray, np.ndarray]:
    """List the texels under each pixel along one axis, with the share of the pixel they cover.

    start: first pixel (t,); origin: texture's edge (t,); texel: pixels a texel spans (t,).
    Returns: index int (t, count, k), weight float32 (t, count, k).
    """
    low = (start[:, None] + np.arange(count) - origin[:, None]) / texel[:, None]  # (t, count)
    high = low + 1 / texel[:, None]
    first = np.floor(low)
    reach = int(np.ceil((1 / texel).max())) + 1
    edge = first[:, :, None] + np.arange(reach)  # (t, count, k)
    covered = np.minimum(high[:, :, None], edge + 1) - np.maximum(low[:, :, None], edge)
    weight = np.clip(covered, 0, None) * texel[:, None, None]
    weight = np.where((edge >= 0) & (edge < limit), weight, 0).astype(np.float32)
    return np.clip(edge, 0, limit - 1).astype(np.intp), weight


def _used(index: np.ndarray, weight: np.ndarray) -> tuple[int, int]:
    """Return the first and last texel with any weight; a crop needs only a part of a texture."""
    used = index[weight > 0]
    return (int(used.min()), int(used.max())) if used.size else (0, 0)


def _into_texture(quads: Quads, y: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Map pixel positions (t, h, 1), (t, 1, w) to fractions of the texture, each (t, h, w)."""
    down, right = y - quads.y[:, None, None], x - quads.x[:, None, None]
    cosine, sine = np.cos(quads.angle)[:, None, None], np.sin(quads.angle)[:, None, None]
    across = (right * cosine + down * sine) / quads.width[:, None, None] + 0.5
    along = (down * cosine - right * sine) / quads.height[:, None, None] + 0.5
    return along, across


def _bilinear(
    packed: np.ndarray, first: np.ndarray, down: np.ndarray, right: np.ndarray, stride: int
) -> np.ndarray:
    """Blend the four texels around positions (t, h, w) of packed textures that start at `first`."""
    row, column = down.astype(np.int64), right.astype(np.int64)
    low, across = (down - row).astype(np.float32), (right - column).astype(np.float32)
    index = first + row * stride + column
    total = 0.0
    for step, weight in (
        (0, (1 - low) * (1 - across)),
        (1, (1 - low) * across),
        (stride, low * (1 - across)),
        (stride + 1, low * across),
    ):
        texels = packed.take(index + step).view(np.uint8).reshape(*index.shape, 4)
        total = total + texels * weight[..., None]
    return total  # (t, h, w, c)
