"""A disk of its own for a test: small enough to fill, and to be made read-only."""

import subprocess
import time
from contextlib import contextmanager

import pytest


class SmallDisk:
    """A mounted file system in memory."""

    def __init__(self, path):
        self.path = path

    def fill(self):
        """Leave not one byte."""
        with (self.path / "filler").open("wb", buffering=0) as filler:
            try:
                while True:
                    filler.write(bytes(2**20))
            except OSError:
                while _takes(filler, bytes(512)):
                    pass

    def empty(self):
        """Give back what `fill` took."""
        (self.path / "filler").unlink()

    def remount(self, how):
        """Make it "ro" or "rw", as soon as nobody is writing."""
        for _ in range(200):
            if not _run("mount", "-o", f"remount,{how}", str(self.path)):
                return
            time.sleep(0.05)
        raise AssertionError("the disk could not be remounted")


@contextmanager
def small_disk(path, megabytes):
    """Mount a disk at a path, or skip the test where that is not allowed."""
    path.mkdir()
    if _run("mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(path)):
        pytest.skip("mounting a small disk needs root")
    try:
        yield SmallDisk(path)
    finally:
        _run("umount", "-l", str(path))


def _run(*command):
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode
    except FileNotFoundError:
        return 1


def _takes(file, data):
    try:
        return file.write(data) == len(data)
    except OSError:
        return False
