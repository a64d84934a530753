"""Work of the command line that was stopped and goes on: long clips by window, prompts by file.

What is done of a long clip lies in a folder beside the file it will be, as a worker keeps it. The
folder is named by that file and the seed, so that the same command finds it, even with no seed.
"""

import re
import shlex
import shutil
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from glob import escape
from pathlib import Path

from engine.errors import Cancelled, MediaError
from engine.media import MEDIA_KEY, read_metadata, request_metadata
from engine.request import MAX_SEED, GenerationRequest

PART = re.compile(r"\.(\d{1,19})\.part")


class Unfinished(Cancelled):
    """The user stopped work that can be gone on with; the message says how."""


@contextmanager
def going_on(path: Path, seed: int, options: Namespace) -> Iterator[Path]:
    """Give the folder where a long clip grows; it is gone when the clip is saved.

    path: the file it will be. options: those that may name it.
    Raises: Unfinished if the work is stopped and anything is done.
    """
    part = _part(path, seed)
    try:
        yield part
    except (Cancelled, KeyboardInterrupt) as stopped:
        if not part.is_dir():
            raise
        how = "again" if options.output else f"again with -o {shlex.quote(str(path))}"
        if options.output_directory:
            how += " in place of --output-directory"
        raise Unfinished(f"Stopped; {part} keeps what is done: run the same command {how} to go "
                         "on.") from stopped
    shutil.rmtree(part, ignore_errors=True)


def found_note(part: Path) -> Callable[[], None]:
    """Return what says, once, that what a folder holds is of this clip and is gone on with."""
    @cache
    def say() -> None:
        sys.stderr.write(f"Going on with what {part} holds of this clip.\n")

    return say


def begun_seed(path: Path) -> int | None:
    """Return the seed of the newest unfinished work on a file; None if there is none."""
    found = [(part.stat().st_mtime, int(seed[1]))
             for part in path.parent.glob(f"{escape(path.name)}.*.part")
             if (seed := PART.fullmatch(part.name.removeprefix(path.name)))]
    seeds = [seed for _, seed in sorted(found) if seed <= MAX_SEED]
    return seeds[-1] if seeds else None


def holds(path: Path, request: GenerationRequest, model_hash: str) -> bool:
    """Say whether a file is the clip of a request, made by these weights."""
    try:
        metadata = read_metadata(path)
    except MediaError:
        return False
    return (metadata.get(MEDIA_KEY), metadata.get("model_hash")) == (
        request_metadata(request)[MEDIA_KEY], model_hash)


def _part(path: Path, seed: int) -> Path:
    return path.with_name(f"{path.name}.{seed}.part")
