"""One claimed job for drafts or an upscale on its way from the journal to finished files."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import Cancelled
from engine.media import OPENING_KEY, read_picture
from engine.progress import StepEvent
from engine.request import GenerationRequest
from snapui.clock import StageClock
from snapui.files import read_loop, work_folder
from snapui.jobs import Journal
from snapui.keeping import Finished, Write, kept_files
from snapui.orders import opening_of
from snapui.previews import Previewer
from snapui.schema import Job

STOPS = ("drop", "pause", "requeue")


@dataclass(frozen=True)
class Engine:
    """What a worker needs from the engine: its doors, and how to write a clip.

    generate: takes a request and, as `start`, what is there before the work begins: a dict of
    draft_frames, picture, crop and work_folder as in engine.generate.Start. read: returns what is
    to be said of a request's texts before the work begins.
    """

    generate: Callable[..., list]
    write: Write
    extend: Callable[..., Any] | None = None
    read: Callable[[Any], Sequence[str]] = lambda request: ()


def tell_notes(journal: Journal, job: Job, notes: Sequence[str]) -> None:
    """Write what is to be said of a job already when it begins, not only when it ends."""
    if notes or job.notes != "[]":  # of an earlier run, with other settings
        journal.report(job, notes=json.dumps(list(notes)))


class Errand:
    """The work on one job of a journal."""

    def __init__(self, journal: Journal, engine: Engine, job: Job) -> None:
        self._journal, self._engine, self._job = journal, engine, job
        self._folder = journal.output_directory
        self._request = GenerationRequest.from_json(job.request)
        self._opening = opening_of(job)
        self._source = journal.source_of(job)
        self._kept_after = ""
        self._draft_kept_after = ""  # then its upscale is not what its settings make either

    def run(self, is_stopping: Callable[[], bool]) -> None:
        """Make the job's clips, write their files and mark it done.

        Raises: Cancelled if the job was stopped, or the worker is; whatever the engine raises.
        """
        clock = StageClock(self._request)
        tell_notes(self._journal, self._job, self._engine.read(self._request))
        clips = self._generate(clock, is_stopping)
        notes = dict.fromkeys(note for clip in clips for note in clip.notes)
        if self._kept_after:
            notes[f"Stopped after {self._kept_after} and kept as it was."] = None
        kept_after = self._kept_after or self._draft_kept_after
        about: dict[str, Any] = {"parents": self._parents()}
        if self._opening is not None:
            about[OPENING_KEY] = self._opening.fit
        with kept_files(self._journal, self._job, self._engine.write,
                        [Finished(clip, about, kept_after=kept_after) for clip in clips]) as rows:
            if not self._journal.finish(self._job, rows, list(notes)):
                raise Cancelled("The job was stopped while its files were written.")
        clock.write(self._journal)

    def _generate(self, clock: StageClock, is_stopping: Callable[[], bool]) -> list:
        previewer = Previewer(self._journal, self._job, self._request)

        def on_step(event: StepEvent) -> bool:
            clock.on_step(event)
            previewer.on_step(event)
            is_kept = self._journal.wish(self._job) == "keep"
            if is_kept and event.step < event.steps:
                self._kept_after = f"step {event.step} of {event.steps}"
            return is_kept

        try:
            return self._engine.generate(
                self._request, start=self._start(), on_step=on_step,
                should_stop=lambda: is_stopping() or self._journal.wish(self._job) in STOPS)
        finally:
            previewer.close()

    def _start(self) -> dict[str, Any]:
        """Return what is there before the work begins."""
        start = {"draft_frames": self._draft(),
                 "work_folder": work_folder(self._folder, self._job.id)}
        if self._opening is None:
            return start
        return start | {"picture": read_picture(self._folder / self._opening.picture),
                        "crop": self._opening.fit == "crop"}

    def _draft(self) -> np.ndarray | None:
        """Return the kept draft an upscale starts from; without it the engine makes it again."""
        if self._source is None:
            return None
        frames = read_loop(self._folder / self._source.loop, self._source.frames)
        self._draft_kept_after = "" if frames is None else self._source.kept_after
        return frames

    def _parents(self) -> list[str]:
        """Return the file names of the clip and the picture the job starts from."""
        parents = [] if self._source is None else [Path(self._source.path).name]
        return parents + ([] if self._opening is None else [self._opening.name])
