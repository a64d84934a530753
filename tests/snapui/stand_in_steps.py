"""How far the pretended engine was when its process died, as the real one's saved states tell."""

import os


def done_steps(folder, stage):
    """Return how many steps of a stage an earlier run has done."""
    path = folder and folder / stage
    return int(path.read_text()) if path and path.exists() else 0


def write_done(folder, stage, step):
    """Keep the count at once or not at all: tests kill this process at any moment."""
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = folder / f"{stage}.tmp"
        unfinished.write_text(str(step))
        os.replace(unfinished, folder / stage)
