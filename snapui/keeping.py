"""Writes the files of a job's finished clips, all of them or none."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from engine.media import KEPT_KEY
from engine.request import GenerationRequest
from snapui import inside
from snapui.files import clip_name, keep, write_loop
from snapui.jobs import Journal
from snapui.schema import Job

# A file, a clip, and more metadata than its request; or None for no metadata at all.
Write = Callable[[Path, Any, dict | None], object]


@dataclass(frozen=True)
class Piece:
    """Frames to be kept, uint8 (t, h, w, 3), and what made them."""

    request: GenerationRequest
    frames: np.ndarray
    model_hash: str
    backend: str = ""


@dataclass(frozen=True)
class Finished:
    """One finished clip.

    clip: a Piece, or what the engine made, which has the same fields. about: metadata for
    its file besides its request; None if it is to carry none at all. prompt: what it shows at its
    end, if that is not its request's. film: fields of its Film, if it is a long one.
    kept_after: how far it was if it was kept before its end, so that its request makes another.
    """

    clip: Any
    about: dict[str, Any] | None = field(default_factory=dict)
    prompt: str = ""
    film: dict[str, Any] | None = None
    kept_after: str = ""


@contextmanager
def kept_files(journal: Journal, job: Job, write: Write,
               finished: Sequence[Finished]) -> Iterator[list[dict[str, Any]]]:
    """Write the files and yield the rows of their clips; none is left if anything fails."""
    folder, rows = journal.output_directory, []
    if not inside.tells(journal):
        finished = [replace(one, about=None) for one in finished]
    try:
        rows.extend(_kept(folder, job, write, one) for one in finished)
        yield rows
    except BaseException:
        for row in rows:
            (folder / row["path"]).unlink(missing_ok=True)
            (folder / row["loop"]).unlink(missing_ok=True)
        raise


def _kept(folder: Path, job: Job, write: Write, finished: Finished) -> dict[str, Any]:
    """Write one clip's files and return its row."""
    clip, request = finished.clip, finished.clip.request
    if finished.prompt:
        request = replace(request, prompt=finished.prompt)
    about = finished.about
    if about is not None and finished.kept_after:
        about = about | {KEPT_KEY: finished.kept_after}
    path = keep(folder, clip_name(request, job.id, job.created), ".mp4",
                lambda target: write(target, clip, about))
    loop = keep(folder, f"loops/{Path(path).stem}", ".webp",
                lambda target: write_loop(target, clip.frames, request.fps))
    frames, height, width, _ = clip.frames.shape
    row = {"request": request.to_json(), "prompt": request.prompt, "seed": request.seed,
           "path": path, "loop": loop, "width": width, "height": height, "frames": frames,
           "fps": request.fps, "model_hash": clip.model_hash, "backend": clip.backend,
           "kept_after": finished.kept_after}
    return row if finished.film is None else row | {"film": finished.film}
