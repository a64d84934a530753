"""Animation frames of one picture file as a pyramid of premultiplied RGBA levels.

Level 0 has the file's own pixels, every further level half of them, so a renderer can pick the
level nearest its target size. All frames share one crop box, so that size means what is visible.
Fine levels are large (19 MB for a loop of 72) and are decoded only when somebody asks.
"""

import hashlib
import json
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image

from engine.errors import DataError

LEVELS = 5
# Levels from here on are small enough to stay in memory for every subject at once.
FIRST_EAGER_LEVEL = 2
# Level sides must halve exactly down to the last level.
_MULTIPLE = 2 ** (LEVELS - 1)
_VISIBLE_ALPHA = 8
# The fields of a pyramid that its cache writes down.
_ABOUT = ("frame_count", "visible_height", "visible_width")


@dataclass(frozen=True, eq=False)
class Pyramid:
    """Levels of one looping picture; build it with `Pyramid.open`.

    visible_height, visible_width: size of the common crop box in level 0 pixels.
    """

    path: Path
    frame_count: int
    visible_height: int
    visible_width: int
    store: Path | None
    _levels: dict[int, np.ndarray] = field(default_factory=dict, repr=False)

    @classmethod
    def open(cls, path: Path, *, cache: Path | None = None, still: bool = False) -> "Pyramid":
        """Read a picture's coarse levels, from the cache folder when it already holds them.

        path: a picture Pillow reads. cache: folder for decoded levels; one that is damaged or
        cannot be written costs nothing but time. still: only its first frame.
        Raises: DataError when the file is missing, damaged or entirely transparent.
        """
        store = _store_folder(path, cache, still) if cache is not None else None
        about = None if store is None else _read_about(store / "about.json")
        if about is not None:
            return cls(path=path, store=store, **about)
        levels, about = _decode(path, still)
        pyramid = cls(path=path, store=store, **about)
        pyramid._keep(levels)
        if store is not None:
            _write(store / "about.json", lambda file: file.write(json.dumps(about).encode()))
        return pyramid

    def level(self, index: int) -> np.ndarray:
        """Return one level: uint8 (frames, rows, columns, RGBA), colour premultiplied by alpha.

        index: 0 (finest) to LEVELS - 1. Raises: DataError when the file can no longer be read.
        """
        if index not in self._levels:
            kept = None if self.store is None else _read_array(
                self.store / f"{index}.npy", is_mapped=index < FIRST_EAGER_LEVEL)
            if kept is None:
                levels, _ = _decode(self.path, still=self.frame_count == 1)
                self._keep(levels, index)
            else:
                self._levels[index] = kept
        return self._levels[index]

    def _keep(self, levels: list[np.ndarray], wanted: int = LEVELS) -> None:
        """Keep the small levels and the wanted one in memory; write all to the cache."""
        for index, level in enumerate(levels):
            if self.store is not None:
                _write(self.store / f"{index}.npy", lambda file, level=level: np.save(file, level))
            if index >= FIRST_EAGER_LEVEL or index == wanted:
                self._levels[index] = level


def _store_folder(path: Path, cache: Path, still: bool) -> Path:
    """Name the cache folder after the file's content, so that a changed file is decoded again."""
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    except OSError as problem:
        raise DataError(f"Cannot read the picture {path}: {problem}.") from problem
    return cache / f"{path.stem}-{digest}{'-still' if still else ''}"


def _decode(path: Path, still: bool) -> tuple[list[np.ndarray], dict]:
    """Decode every frame forwards; return the levels and the fields that describe them."""
    try:
        with Image.open(path) as picture:
            count = 1 if still else getattr(picture, "n_frames", 1)
            frames = []
            for index in range(count):
                picture.seek(index)
                # "RGBa" is premultiplied: averaging it never bleeds colour from clear pixels.
                frames.append(np.asarray(picture.convert("RGBA").convert("RGBa")))
    except (OSError, ValueError, EOFError, SyntaxError, Image.DecompressionBombError) as problem:
        raise DataError(f"Cannot decode the picture {path.name}: {problem}.") from problem
    stack, height, width = _crop(np.stack(frames), path)
    levels = [stack]
    for _ in range(1, LEVELS):
        levels.append(np.stack([_halve(frame) for frame in levels[-1]]))
    return levels, dict(zip(_ABOUT, (count, height, width), strict=True))


def _crop(stack: np.ndarray, path: Path) -> tuple[np.ndarray, int, int]:
    """Cut all frames (f, h, w, 4) to their common visible box, centred in a divisible frame."""
    seen = stack[..., 3].max(axis=0) > _VISIBLE_ALPHA  # (h, w)
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    if rows.size == 0:
        raise DataError(f"Nothing is visible in the picture {path.name}.")
    cut = stack[:, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = cut.shape[1:3]
    spare_y, spare_x = -height % _MULTIPLE, -width % _MULTIPLE
    pad_y, pad_x = (
        (spare_y // 2, spare_y - spare_y // 2),
        (spare_x // 2, spare_x - spare_x // 2),
    )
    return np.pad(cut, ((0, 0), pad_y, pad_x, (0, 0))), height, width


def _halve(frame: np.ndarray) -> np.ndarray:
    """Average 2 x 2 pixels of a uint8 (h, w, 4) frame."""
    wide = frame.astype(np.uint16)
    total = wide[0::2, 0::2] + wide[1::2, 0::2] + wide[0::2, 1::2] + wide[1::2, 1::2]
    return ((total + 2) >> 2).astype(np.uint8)  # (h / 2, w / 2, 4)


def _read_about(path: Path) -> dict[str, int] | None:
    """Read the fields that a cache wrote down; None if there is nothing that can be used."""
    try:
        written = json.loads(path.read_text())
        return {name: int(written[name]) for name in _ABOUT}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _read_array(path: Path, *, is_mapped: bool) -> np.ndarray | None:
    """Read a level that a cache holds; None if there is nothing that can be used."""
    try:
        return np.load(path, mmap_mode="r" if is_mapped else None)
    except (OSError, ValueError, EOFError):
        return None


def _write(path: Path, fill: Callable[[IO[bytes]], object]) -> None:
    """Write through a temporary name, for two processes may fill the same cache at once; leave
    nothing where there is no room.
    """
    temporary = path.with_name(f"{path.stem}.{os.getpid()}.part")
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("wb") as file:
                fill(file)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
