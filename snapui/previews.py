"""Moving previews of a running job: written beside the work, and skipped when nobody waits.

The newest estimate waits in a slot of one; a thread of its own encodes it and writes its path to
the journal together with the step. A newer estimate replaces one that was not taken yet. What an
earlier run of the job showed stays until there is something newer, so numbers go on from there:
a browser would not look again at a name it knows.
"""

import json
import re
import threading
import time
from collections import deque

import numpy as np

from engine.progress import StepEvent, WindowEvent
from engine.request import GenerationRequest
from snapui.files import PREVIEWS, preview_folder, write_loop
from snapui.jobs import Journal
from snapui.schema import Job

PREVIEW_SECONDS = 0.4  # a page looks twice a second; more pictures would never be seen
NAME = re.compile(r"[a-z]+-(\d+)-\d+\.webp")
KEPT = 12  # how many superseded previews stay on disk, for a page that is slow to fetch one


class Previewer:
    """Writes the progress and the moving previews of one job to the journal."""

    def __init__(self, journal: Journal, job: Job, request: GenerationRequest) -> None:
        self._journal, self._job, self._request = journal, job, request
        self._folder = preview_folder(journal.output_directory, job.id)
        earlier = [match for path in self._folder.iterdir() if (match := NAME.fullmatch(path.name))]
        self._written: deque[list[str]] = deque([[match[0] for match in earlier]])
        self._slot: tuple[str, np.ndarray, float] | None = None  # stage, clips, rate
        self._changed = threading.Condition()
        self._is_open = True
        self._last = -PREVIEW_SECONDS
        self._count = max((int(match[1]) for match in earlier), default=0)
        self._thread = threading.Thread(target=self._write_all, daemon=True)
        self._thread.start()

    def on_step(self, event: StepEvent) -> None:
        """Write a step at once; hand its picture over if the last one is old enough."""
        self._journal.report(self._job, stage=event.stage, step=event.step, steps=event.steps,
                             seconds_left=event.seconds_left)
        if time.monotonic() - self._last < PREVIEW_SECONDS or event.step == event.steps:
            return
        self._hand_over(event.stage, event.preview(), self._request.fps)

    def on_window(self, event: WindowEvent) -> None:
        """Hand a long clip so far over if the last picture is old enough."""
        if time.monotonic() - self._last >= PREVIEW_SECONDS:
            self._hand_over(event.stage, event.preview()[None], event.fps)

    def _hand_over(self, stage: str, clips: np.ndarray, fps: float) -> None:
        """Let the thread write clips, uint8 (b, t, h, w, 3), unless newer ones come first."""
        self._last = time.monotonic()
        with self._changed:
            self._slot = (stage, clips, fps)
            self._changed.notify()

    def close(self) -> None:
        """Stop writing and wait until the thread has ended."""
        with self._changed:
            self._is_open = False
            self._changed.notify()
        self._thread.join()

    def _write_all(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._slot is not None or not self._is_open)
                if not self._is_open:
                    break
                taken, self._slot = self._slot, None
            self._write(*taken)
        self._journal.close()  # the connection of this thread

    def _write(self, stage: str, clips: np.ndarray, fps: float) -> None:
        self._count += 1
        names = [f"{stage}-{self._count}-{index}.webp" for index in range(len(clips))]
        try:
            for name, frames in zip(names, clips, strict=True):
                write_loop(self._folder / name, frames, fps)
        except OSError:
            return  # a preview is not worth losing the work for; the final write will say why
        paths = [f"{PREVIEWS}/{self._job.id}/{name}" for name in names]
        self._journal.report(self._job, previews=json.dumps(paths))
        self._written.append(names)
        if len(self._written) > KEPT:
            for name in self._written.popleft():
                (self._folder / name).unlink(missing_ok=True)
