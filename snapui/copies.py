"""Other forms of a finished clip, made when somebody asks for them and kept for the next time.

They live in `copies/<clip>/` inside the output folder and may be deleted at any time. Pixels come
from the draft's exact frames while they exist, else from the file; settings from the file itself.
"""

import math
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
from einops import rearrange

from engine.errors import MediaError
from engine.media import known_suffixes, read_clip, read_metadata, write_clip
from snapui.files import read_loop
from snapui.schema import Clip

COPIES = "copies"
BARE = "bare"  # in there: copies that carry no settings
# Whoever encodes for a page holds this: it takes a core from the workers, and room for whole clips.
ENCODING = threading.Lock()


def frames_of(folder: Path, clip: Clip) -> np.ndarray:
    """Return a clip's frames, uint8 (t, h, w, 3). Raises: MediaError if its file is gone."""
    exact = read_loop(folder / clip.loop, clip.frames)
    return read_clip(folder / clip.path).frames if exact is None else exact


def converted(folder: Path, clip: Clip, suffix: str, *, tells: bool = True) -> str:
    """Return the path of a clip in another format, relative to the output folder.

    suffix: one of the endings engine.media writes. tells: whether it is to carry the settings that
    the clip's file carries, or none. Raises: MediaError.
    """
    if suffix not in known_suffixes():
        raise MediaError(f"Clips cannot be saved as {suffix[:20]!r}: choose one of "
                         f"{', '.join(known_suffixes())}.")
    is_own = suffix == Path(clip.path).suffix
    if is_own and tells and (folder / clip.path).exists():
        return clip.path
    metadata = read_metadata(folder / clip.path)  # says so if the file is gone
    if is_own and not metadata:
        return clip.path
    name = Path(clip.path).with_suffix(suffix).name
    target = _place(clip.id, name if tells else f"{BARE}/{name}")
    _make_once(folder / target, lambda path: write_clip(
        path, frames_of(folder, clip), clip.fps, metadata if tells else {}))
    return target


def filmstrip(folder: Path, clip: Clip) -> str:
    """Return the path of one lossless picture that holds all of a clip's frames, row by row.

    A page draws exact frames from it, which no browser's video player promises.
    """
    target = _place(clip.id, "frames.png")
    _make_once(folder / target, lambda path: write_clip(
        path, _tiled(frames_of(folder, clip))[None], 1.0))
    return target


def _tiled(frames: np.ndarray) -> np.ndarray:
    """Return frames (t, h, w, 3) side by side as one picture; places that are left are black."""
    across = strip_width(len(frames))
    blank = np.zeros((-len(frames) % across, *frames.shape[1:]), np.uint8)
    return rearrange(np.concatenate([frames, blank]), "(y x) h w c -> (y h) (x w) c", x=across)


def strip_width(count: int) -> int:
    """Return how many of so many frames stand side by side: the picture is about square."""
    return math.isqrt(count - 1) + 1


def drop_copies(folder: Path, clip_id: int) -> None:
    """Delete all other forms of a clip."""
    shutil.rmtree(folder / COPIES / str(clip_id), ignore_errors=True)


def _make_once(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file unless it is there, also if somebody else makes it meanwhile."""
    if path.exists():  # before all, or who only looks would wait for what others convert
        return
    with ENCODING:
        if not path.exists():
            write(path)


def _place(clip_id: int, name: str) -> str:
    return f"{COPIES}/{clip_id}/{name}"
