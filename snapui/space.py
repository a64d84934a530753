"""Says what keeps the output folder from taking more clips, before work is lost to it."""

import os
import shutil
from pathlib import Path

MIN_FREE_BYTES = 64 * 2**20


def trouble(folder: Path) -> str:
    """Return what is wrong with a folder and what to do, or nothing if it takes clips."""
    if not os.access(folder, os.W_OK):
        return (f"The output folder {folder} cannot be written to: change its permissions, or "
                "name another with --output-directory. Nothing made so far is lost.")
    if shutil.disk_usage(folder).free < MIN_FREE_BYTES:
        return (f"The disk with {folder} has less than {MIN_FREE_BYTES // 2**20} MB left: free "
                "some space before starting more. Nothing made so far is lost.")
    return ""
