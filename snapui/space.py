"""Says what keeps the output folder from taking more clips, before work is lost to it."""

import errno
import os
import shutil
from pathlib import Path

MIN_FREE_BYTES = 64 * 2**20
HELD = "Held until the output folder takes clips again, and then it goes on by itself."
FULL_DISK = (errno.ENOSPC, errno.EDQUOT)


def trouble(folder: Path) -> str:
    """Return what is wrong with a folder and what to do, or nothing if it takes clips."""
    if not os.access(folder, os.W_OK):
        return (f"The output folder {folder} cannot be written to: change its permissions, or "
                "name another with --output-directory. Nothing made so far is lost.")
    if free_bytes(folder) < MIN_FREE_BYTES:
        return (f"The disk with {folder} has less than {MIN_FREE_BYTES // 2**20} MB left: free "
                "some space before starting more. Nothing made so far is lost.")
    return ""


def free_bytes(folder: Path) -> int:
    """Return how much room there is on the disk of a folder."""
    return shutil.disk_usage(folder).free


def may_pass(error: BaseException, folder: Path) -> bool:
    """Say whether an error is one of a folder that took no more, and may again later.

    A disk that was full is believed even if it has room by now; anything else that went wrong with
    a file is the folder's fault only while there is trouble with it.
    """
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, OSError):
        cause = cause.__cause__
    return cause is not None and (cause.errno in FULL_DISK or bool(trouble(folder)))
