"""Other forms of a finished clip, made when somebody asks for them and kept for the next time.

They live in `copies/<clip>/` inside the output folder and may be deleted at any time. Pixels come
from the draft's exact frames while they exist, else from the file; settings from the file itself.
"""

import math
import shutil
from pathlib import Path

import numpy as np
from einops import rearrange

from engine.errors import MediaError
from engine.media import known_suffixes, read_clip, read_metadata, write_clip
from snapui.files import read_loop
from snapui.schema import Clip

COPIES = "copies"


def frames_of(folder: Path, clip: Clip) -> np.ndarray:
    """Return a clip's frames, uint8 (t, h, w, 3). Raises: MediaError if its file is gone."""
    exact = read_loop(folder / clip.loop, clip.frames)
    return read_clip(folder / clip.path).frames if exact is None else exact


def converted(folder: Path, clip: Clip, suffix: str) -> str:
    """Return the path of a clip in another format, relative to the output folder.

    suffix: one of the endings engine.media writes. Raises: MediaError.
    """
    if suffix not in known_suffixes():
        raise MediaError(f"Clips cannot be saved as {suffix[:20]!r}: choose one of "
                         f"{', '.join(known_suffixes())}.")
    if suffix == Path(clip.path).suffix:
        return clip.path
    target = _place(clip.id, Path(clip.path).with_suffix(suffix).name)
    if not (folder / target).exists():
        metadata = read_metadata(folder / clip.path)
        write_clip(folder / target, frames_of(folder, clip), clip.fps, metadata)
    return target


def filmstrip(folder: Path, clip: Clip) -> str:
    """Return the path of one lossless picture that holds all of a clip's frames, row by row.

    A page draws exact frames from it, which no browser's video player promises.
    """
    target = _place(clip.id, "frames.png")
    if not (folder / target).exists():
        frames = frames_of(folder, clip)
        across = strip_width(len(frames))
        blank = np.zeros((-len(frames) % across, *frames.shape[1:]), np.uint8)
        tiles = rearrange(np.concatenate([frames, blank]), "(y x) h w c -> (y h) (x w) c", x=across)
        write_clip(folder / target, tiles[None], 1.0)
    return target


def strip_width(count: int) -> int:
    """Return how many of so many frames stand side by side: the picture is about square."""
    return math.isqrt(count - 1) + 1


def drop_copies(folder: Path, clip_id: int) -> None:
    """Delete all other forms of a clip."""
    shutil.rmtree(folder / COPIES / str(clip_id), ignore_errors=True)


def _place(clip_id: int, name: str) -> str:
    return f"{COPIES}/{clip_id}/{name}"
