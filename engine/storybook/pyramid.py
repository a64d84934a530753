"""Animation frames of one picture file as a pyramid of premultiplied RGBA levels.

Level 0 has the file's own pixels, every further level half of them, so a renderer can pick the
level nearest its target size. All frames share one crop box, so that size means what is visible.
Fine levels are large (19 MB for a loop of 72) and are decoded only when somebody asks.
"""

import hashlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from engine.errors import DataError

LEVELS = 5
# Levels from here on are small enough to stay in memory for every subject at once.
FIRST_EAGER_LEVEL = 2
# Level sides must halve exactly down to the last level.
_MULTIPLE = 2 ** (LEVELS - 1)
_VISIBLE_ALPHA = 8


@dataclass(frozen=True, eq=False)
class Pyramid:
    """Levels of one looping picture; build it with `Pyramid.open`.

    visible_height, visible_width: size of the common crop box in level 0 pixels.
    colour: mean colour of what is visible, RGB 0..255, for telling a subject from its background.
    """

    path: Path
    frame_count: int
    visible_height: int
    visible_width: int
    colour: tuple[float, float, float]
    store: Path | None
    _levels: dict[int, np.ndarray] = field(default_factory=dict, repr=False)

    @classmethod
    def open(cls, path: Path, *, cache: Path | None = None, still: bool = False) -> "Pyramid":
        """Read a picture's coarse levels, from the cache folder when it already holds them.

        path: a picture Pillow reads. cache: folder for decoded levels. still: only its first frame.
        Raises: DataError when the file is missing, damaged or entirely transparent.
        """
        store = _store_folder(path, cache, still) if cache is not None else None
        if store is not None and (store / "about.json").is_file():
            about = json.loads((store / "about.json").read_text())
            about["colour"] = tuple(about["colour"])
            return cls(path=path, store=store, **about)
        levels, about = _decode(path, still)
        pyramid = cls(path=path, store=store, **about)
        pyramid._keep(levels)
        if store is not None:
            _write_text(store / "about.json", json.dumps(about))
        return pyramid

    def level(self, index: int) -> np.ndarray:
        """Return one level: uint8 (frames, rows, columns, RGBA), colour premultiplied by alpha.

        index: 0 (finest) to LEVELS - 1. Raises: DataError when the file can no longer be read.
        """
        if index not in self._levels:
            if self.store is None or not (self.store / f"{index}.npy").is_file():
                levels, _ = _decode(self.path, still=self.frame_count == 1)
                self._keep(levels, index)
            else:
                mapped = "r" if index < FIRST_EAGER_LEVEL else None
                self._levels[index] = np.load(self.store / f"{index}.npy", mmap_mode=mapped)
        return self._levels[index]

    def _keep(self, levels: list[np.ndarray], wanted: int = LEVELS) -> None:
        """Keep the small levels and the wanted one in memory; write all to the cache."""
        for index, level in enumerate(levels):
            if self.store is not None:
                _write_array(self.store / f"{index}.npy", level)
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
    except (OSError, ValueError, EOFError, SyntaxError) as problem:
        raise DataError(f"Cannot decode the picture {path.name}: {problem}.") from problem
    stack, height, width = _crop(np.stack(frames), path)
    levels = [stack]
    for _ in range(1, LEVELS):
        levels.append(np.stack([_halve(frame) for frame in levels[-1]]))
    coarse = levels[2].reshape(-1, 4).astype(np.float64).sum(axis=0)
    colour = tuple(float(value) for value in 255 * coarse[:3] / coarse[3])
    about = {
        "frame_count": count,
        "visible_height": height,
        "visible_width": width,
        "colour": colour,
    }
    return levels, about


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


def _write_array(path: Path, array: np.ndarray) -> None:
    """Write through a temporary name: two processes may fill the same cache at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.stem}.{os.getpid()}.part")
    with temporary.open("wb") as file:
        np.save(file, array)
    temporary.replace(path)


def _write_text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.stem}.{os.getpid()}.part")
    temporary.write_text(text)
    temporary.replace(path)
