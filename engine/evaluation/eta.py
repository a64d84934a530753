"""Lines that say how far long work is and how long it still takes."""

import sys
import time
from collections.abc import Callable

Say = Callable[[str], None]
SECONDS_BETWEEN_LINES = 10.0


def say(sentence: str) -> None:
    """Write a line to the terminal's error stream at once."""
    sys.stderr.write(sentence + "\n")
    sys.stderr.flush()


class Eta:
    """Counts finished items and says so now and then. name: what is being done, "Making clips"."""

    def __init__(self, name: str, total: int, tell: Say):
        self.name, self.total, self.tell = name, total, tell
        self.done = 0
        self._begun = self._told = time.monotonic()

    def advance(self, count: int = 1, note: str = "") -> None:
        """Count items; a line appears after the last one and every ten seconds."""
        self.done += count
        now = time.monotonic()
        if now - self._told < SECONDS_BETWEEN_LINES and self.done < self.total:
            return
        self._told, spent = now, now - self._begun
        left = spent / max(self.done, 1) * (self.total - self.done)
        ending = f"{left:.0f} s left" if self.done < self.total else f"took {spent:.0f} s"
        self.tell(f"{self.name}: {self.done} of {self.total}, {ending}{note and ', ' + note}")
