"""Pictures and videos that were handed over: checked once, then kept in the output folder.

A kept file is named by what is in it, so it never changes, and jobs may name it as long as they
like. Whatever is wrong with a file is said when it is handed over, before anything is planned.
"""

import hashlib
import shutil
from functools import lru_cache
from pathlib import Path
from typing import Any

from engine.errors import MediaError, RequestError
from engine.extension.material import count_material
from engine.media import read_picture, read_rate
from engine.media.formats import taken_rate
from snapui.files import keep, slug

GIVEN = "given"
HASH_CHARACTERS = 16


def kept_picture(folder: Path, path: Path) -> str:
    """Keep a still picture. Returns: its path inside the output folder. Raises: MediaError."""
    read_picture(path)
    return _kept(folder, path)


def kept_video(folder: Path, path: Path) -> str:
    """Keep a video. Returns: its path inside the output folder. Raises: MediaError."""
    if count_material(path, rate_of(path)) < 2:
        raise MediaError(f"{path.name} is a still picture or holds no frames: give it as the start "
                         "picture, or choose a video.")
    return _kept(folder, path)


def is_given(folder: Path, path: Any) -> bool:
    """Say whether a path, from wherever, is that of a file that was handed over and kept."""
    return (isinstance(path, str) and Path(path).parent == Path(GIVEN)
            and (folder / path).is_file())


def checked(folder: Path, path: Any) -> str:
    """Return the path of a kept file that a browser holds, or nothing. Raises: RequestError."""
    if path and not is_given(folder, path):
        raise RequestError("A picture or video that was handed over is no longer there: take it "
                           "out, or hand it over again.")
    return path or ""


def rate_of(path: Path) -> float:
    """Return the rate at which a video is taken: its own if a clip can have it."""
    return taken_rate(_rate(path))


@lru_cache(maxsize=32)
def frames_of_video(path: Path, fps: float) -> int:
    """Return how many frames a video has at a rate. path: of a kept file, which never changes."""
    return count_material(path, fps)


@lru_cache(maxsize=32)
def _rate(path: Path) -> float:
    return read_rate(path)


def _kept(folder: Path, path: Path) -> str:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()[:HASH_CHARACTERS]
    known = list((folder / GIVEN).glob(f"{digest}_*"))
    if known:
        return str(known[0].relative_to(folder))
    return keep(folder, f"{GIVEN}/{digest}_{slug(path.stem)}", path.suffix.lower()[:8],
                lambda target: shutil.copyfile(path, target))
