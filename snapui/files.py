"""Where finished clips and previews go inside the output folder, and how they are named.

A finished file is written under a temporary name and linked to its own name only when complete;
linking fails if the name is taken, so nothing is ever overwritten. Previews live in `previews/`
and may be deleted at any time; states of unfinished work live in `.work/`.
"""

import os
import re
import shutil
import time
import unicodedata
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import numpy as np
from PIL import Image

from engine.request import GenerationRequest

PREVIEWS = "previews"
WORK = ".work"
PREVIEW_WIDTH = 256
SLUG_CHARACTERS = 48


def slug(prompt: str) -> str:
    """Return a prompt as a piece of a file name: lower-case letters and digits of any script."""
    plain = unicodedata.normalize("NFKC", prompt).lower()
    words = re.sub(r"[\W_]+", "-", plain).strip("-")
    return words[:SLUG_CHARACTERS].strip("-").encode()[:120].decode(errors="ignore") or "clip"


def clip_name(request: GenerationRequest, job_id: int, when: float) -> str:
    """Return `YYYY-MM-DD/HHMMSS_<prompt>_<seed>_<job>` without an ending."""
    clock = time.localtime(when)
    return (f"{time.strftime('%Y-%m-%d', clock)}/{time.strftime('%H%M%S', clock)}_"
            f"{slug(request.prompt)}_{request.seed}_{job_id}")


def file_url(folder: Path, relative: str) -> str:
    """Return where the page finds a file of the output folder."""
    return "gradio_api/file=" + quote(str(folder / relative))


def keep(folder: Path, name: str, suffix: str, write: Callable[[Path], object]) -> str:
    """Write a file completely, then give it its name, counting up if the name is taken.

    folder: output folder. name: relative path without ending. write: writes the file it is given.
    Returns: the relative path it got.
    """
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{os.getpid()}-{target.name}{suffix}")
    try:
        write(unfinished)
        for count in range(1, 1000):
            relative = f"{name}{'' if count == 1 else f'-{count}'}{suffix}"
            if _got_name(unfinished, folder / relative):
                return relative
        raise FileExistsError(f"a thousand files are called {name}")
    finally:
        unfinished.unlink(missing_ok=True)


def _got_name(unfinished: Path, target: Path) -> bool:
    """Give a whole file its name. Returns: whether the name was free."""
    try:
        os.link(unfinished, target)
    except FileExistsError:
        return False
    except OSError:  # a file system without links
        if target.exists():
            return False
        unfinished.rename(target)
    return True


def write_loop(path: Path, frames: np.ndarray, fps: float) -> None:
    """Write a small endless WebP for the page, not for keeping.

    frames: uint8 (t, h, w, 3); wider ones than 256 pixels are halved until they fit.
    """
    factor = 1
    while frames.shape[2] // factor > PREVIEW_WIDTH:
        factor *= 2
    # One at a time: all frames of a large long clip at once are gigabytes.
    images = [Image.fromarray(frame).reduce(factor) for frame in frames]
    unfinished = path.with_name("." + path.name)
    images[0].save(unfinished, save_all=True, append_images=images[1:], loop=0,
                   duration=max(1, round(1000 / fps)), lossless=factor == 1, quality=60, method=0)
    unfinished.rename(path)


def read_loop(path: Path, count: int) -> np.ndarray | None:
    """Read back the exact frames of a draft's loop, uint8 (t, h, w, 3).

    count: how many frames it must have. Returns: None if the file is gone or not the exact frames
    (a shrunken one, or one whose equal neighbours the format merged).
    """
    try:
        with Image.open(path) as image:
            if image.n_frames != count or image.width >= PREVIEW_WIDTH:
                return None
            frames = []
            for place in range(count):
                image.seek(place)
                frames.append(np.asarray(image.convert("RGB")))
    except (OSError, ValueError):
        return None
    return np.stack(frames)


def preview_folder(folder: Path, job_id: int) -> Path:
    """Return the folder of one job's previews, made if it is missing."""
    path = folder / PREVIEWS / str(job_id)
    path.mkdir(parents=True, exist_ok=True)
    return path


def work_folder(folder: Path, job_id: int) -> Path:
    """Return where the engine may keep what it needs to go on with a job; never served."""
    return folder / WORK / str(job_id)


def drop_job_folders(parent: Path, wanted: Callable[[], Collection[int]],
                     older_seconds: float = 0.0) -> None:
    """Delete the folders of jobs that are not wanted, if nothing was written there for a while.

    wanted: asked after the folders are listed, so one made meanwhile is not taken for an old one.
    """
    paths = list(parent.glob("*"))
    numbers = wanted() if paths else ()
    for path in paths:
        with suppress(OSError):
            is_wanted = path.name.isdigit() and int(path.name) in numbers
            if not is_wanted and time.time() - path.stat().st_mtime >= older_seconds:
                shutil.rmtree(path)
