"""One claimed job on its way from the journal to finished files."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import Cancelled
from engine.progress import StepEvent
from engine.request import GenerationRequest
from snapui.clock import StageClock
from snapui.files import clip_name, keep, read_loop, work_folder, write_loop
from snapui.jobs import Journal
from snapui.previews import Previewer
from snapui.schema import Job

STOPS = ("drop", "pause", "requeue")


@dataclass(frozen=True)
class Engine:
    """What a worker needs from the engine: its door, and how to write a clip and its parents."""

    generate: Callable[..., list]
    write: Callable[[Path, Any, list[str]], object]


class Errand:
    """The work on one job of a journal."""

    def __init__(self, journal: Journal, engine: Engine, job: Job) -> None:
        self._journal, self._engine, self._job = journal, engine, job
        self._folder = journal.output_directory
        self._request = GenerationRequest.from_json(job.request)
        self._kept_after: StepEvent | None = None

    def run(self, is_stopping: Callable[[], bool]) -> None:
        """Make the job's clips, write their files and mark it done.

        Raises: Cancelled if the job was stopped, or the worker is; whatever the engine raises.
        """
        clock = StageClock(self._request)
        clips = self._generate(clock, is_stopping)
        notes = dict.fromkeys(note for clip in clips for note in clip.notes)
        if self._kept_after is not None:
            notes[f"Stopped after step {self._kept_after.step} of {self._kept_after.steps} and "
                  "kept as it was."] = None
        with self._files(clips) as rows:
            if not self._journal.finish(self._job, rows, list(notes)):
                raise Cancelled("The job was stopped while its files were written.")
        clock.write(self._journal)

    def _generate(self, clock: StageClock, is_stopping: Callable[[], bool]) -> list:
        previewer = Previewer(self._journal, self._job, self._request)

        def on_step(event: StepEvent) -> bool:
            clock.on_step(event)
            previewer.on_step(event)
            is_kept = self._journal.wish(self._job) == "keep"
            self._kept_after = event if is_kept else None
            return is_kept

        try:
            return self._engine.generate(
                self._request, on_step=on_step, draft_frames=self._draft(),
                should_stop=lambda: is_stopping() or self._journal.wish(self._job) in STOPS,
                work_folder=work_folder(self._folder, self._job.id))
        finally:
            previewer.close()

    def _draft(self) -> np.ndarray | None:
        """Return the kept draft an upscale starts from; without it the engine makes it again."""
        if self._job.source is None:
            return None
        draft = self._journal.clip(self._job.source)
        return read_loop(self._folder / draft.loop, draft.frames)

    @contextmanager
    def _files(self, clips: list) -> Iterator[list[dict[str, Any]]]:
        """Write the clips' files and yield their rows; none is left if anything fails."""
        rows: list[dict[str, Any]] = []
        try:
            rows.extend(self._keep(clip) for clip in clips)
            yield rows
        except BaseException:
            for row in rows:
                (self._folder / row["path"]).unlink(missing_ok=True)
                (self._folder / row["loop"]).unlink(missing_ok=True)
            raise

    def _keep(self, clip: Any) -> dict[str, Any]:
        """Write one clip's files and return its row."""
        request = clip.request
        path = keep(self._folder, clip_name(request, self._job.id, self._job.created), ".mp4",
                    lambda target: self._engine.write(target, clip, self._parents()))
        loop = keep(self._folder, f"loops/{Path(path).stem}", ".webp",
                    lambda target: write_loop(target, clip.frames, request.fps))
        frames, height, width, _ = clip.frames.shape
        return {"request": request.to_json(), "prompt": request.prompt, "seed": request.seed,
                "path": path, "loop": loop, "width": width, "height": height, "frames": frames,
                "fps": request.fps, "model_hash": clip.model_hash}

    def _parents(self) -> list[str]:
        """Return the file names of the clips the job starts from."""
        source = self._job.source
        return [] if source is None else [Path(self._journal.clip(source).path).name]
