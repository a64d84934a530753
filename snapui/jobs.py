"""The job journal: what may happen to a job, each as one transaction that leaves a whole row.

The page submits, cancels and reads; a worker claims, reports and finishes. What an artist does to
the jobs in line is in queue.py, workers that come and go are in crew.py. A job is written before
its work starts, and a worker's later writes count only while the job is still its own, so a worker
taken for dead cannot overwrite what its successor does.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from peewee import fn

from engine.request import GenerationRequest
from snapui.patience import goes_on_without, waits
from snapui.rows import Read
from snapui.schema import (
    ACTIVE,
    LONG,
    PAUSED,
    Clip,
    Film,
    Job,
    JournalError,
    Number,
    Timing,
    Worker,
)
from snapui.snapshot import Snapshot, snapshot_of
from snapui.space import trouble
from snapui.store import Store

CANCELS = ("drop", "keep", "after")
DELETED = ("The clip it goes on from was deleted for good, so this cannot be made any more: choose "
           "another clip to go on from.")


class Journal(Store):
    """The jobs and clips of one output folder."""

    # ---- the page's side

    def submit(self, request: GenerationRequest, *, source: int | None = None, kind: str = "",
               order: str = "") -> int:
        """Write a job and wake a worker. Returns: its id. Raises: JournalError.

        kind: an upscale or a draft if left out. order: see orders.py.
        """
        self._check_space()
        kind = kind or ("draft" if source is None else "upscale")
        with self.change() as revision:
            job = Job.create(kind=kind, request=request.to_json(), order=order, source=source,
                             changed=revision)
            self.source_of(job)
            Job.update(position=job.id).where(Job.id == job.id).execute()
        self.wake()
        return job.id

    def submit_upscale(self, clip_id: int, *, steps: int, noise: float) -> int:
        """Write the job that upscales one draft. Returns: its id. Raises: JournalError."""
        clip = self.clip(clip_id)
        made = GenerationRequest.from_json(clip.request)
        if clip.kind != "draft" or made.upscale:
            raise JournalError("This clip is an upscale already; pick a draft.")
        request = replace(made, upscale=True, upscale_steps=steps, upscale_noise=noise)
        return self.submit(request, source=clip.id, order=clip.job.order)

    def cancel(self, job_id: int, how: str = "drop") -> str:
        """Stop a job. Returns: the state it had. Raises: JournalError.

        how: "drop" keeps nothing, within one network evaluation; "keep" makes the clips of what
        there is after this step; "after" finishes the job and then pauses the queue.
        """
        if how not in CANCELS:
            raise JournalError(f"A job is cancelled by {', '.join(CANCELS)}, not by {how!r}.")
        with self.change() as revision:
            job = self.job(job_id)
            if job.state in ACTIVE:
                Job.update(**_cancelled(job, how), changed=revision).where(
                    Job.id == job_id).execute()
        if how == "keep":
            self.wake()
        return job.state

    def job(self, job_id: int) -> Job:
        """Return a job's row. Raises: JournalError if there is none."""
        job = Job.get_or_none(Job.id == job_id)
        if job is None:
            raise JournalError(f"There is no job number {job_id}.")
        return job

    def clip(self, clip_id: int) -> Clip:
        """Return a clip's row. Raises: JournalError if there is none."""
        clip = Clip.get_or_none(Clip.id == clip_id)
        if clip is None:
            raise JournalError(f"There is no clip number {clip_id}.")
        return clip

    def source_of(self, job: Job) -> Clip | None:
        """Return the clip a job starts from, if any. Raises: JournalError if a long job's is gone.

        An upscale makes a draft that is gone again.
        """
        clip = Clip.get_or_none(Clip.id == job.source)
        if clip is None and job.source is not None and job.kind in LONG:
            raise JournalError(DELETED)
        return clip

    def clips_of(self, job_id: int) -> list[Clip]:
        """Return the clips a job made, in order."""
        return list(Clip.select().where(Clip.job == job_id).order_by(Clip.id))

    def snapshot(self, limit: int, read: Read = list) -> Snapshot:
        """Return everything active, the newest `limit` jobs of drafts, and upscales as new.

        read: what reads the jobs of a query.
        """
        return snapshot_of(self, limit, read)

    def workers(self) -> list[Worker]:
        """Return the workers that are alive, as far as is known, and those that failed."""
        return list(Worker.select())

    def _check_space(self) -> None:
        said = trouble(self.output_directory)
        if said:
            raise JournalError(said)

    # ---- the worker's side, which outlasts a journal that does not answer for a while

    @goes_on_without(None)
    def claim(self, worker: str) -> Job | None:
        """Take the next job in one atomic update, or return None when none may start.

        One that was put down shows its step and previews until its worker has newer ones.
        """
        may_start = (Job.state == "queued") & ~fn.EXISTS(Number.select().where(PAUSED))
        following = (Job.select(Job.id).where(may_start)
                     .order_by(Job.priority.desc(), Job.position, Job.id).limit(1))
        while job := following.get_or_none():
            with self.change() as revision:
                taken = Job.update(state="running", worker=worker, started=time.time(), error="",
                                   changed=revision).where(
                    Job.id == job.id, may_start).execute()
            if taken:
                return self.job(job.id)
        return None

    @goes_on_without(True)
    def has_work(self) -> bool:
        """Say whether a job waits."""
        return Job.select().where(Job.state == "queued").exists()

    @goes_on_without(True)
    def report(self, job: Job, **progress: Any) -> bool:
        """Write a running job's progress. Returns: False if it is no longer the worker's."""
        with self.change() as revision:
            mine = self._mine(Job.update(**progress, changed=revision), job)
            return bool(mine.execute())

    @goes_on_without("")
    def wish(self, job: Job) -> str:
        """Return what a claimed job's worker should do: go on (""), or one of the words below.

        "drop", also when the job is another worker's by now; "keep" or "after", see `cancel`;
        "pause" or "requeue": stop, and leave the job to be gone on with.
        """
        row = Job.select(Job.cancel, Job.state, Job.worker).where(Job.id == job.id).get_or_none()
        mine = row is not None and (row.state, row.worker) == ("running", job.worker)
        return row.cancel if mine else "drop"

    @waits
    def finish(self, job: Job, clips: Sequence[dict], notes: Sequence[str]) -> bool:
        """Write a job's clips and mark it done. Returns: False if it was cancelled meanwhile.

        clips: fields of a Clip; those with a "film", fields of a Film, each follow the one before.
        """
        with self.change() as revision:
            done = self._mine(Job.update(state="done", finished=time.time(), seconds_left=None,
                                         notes=json.dumps(list(notes)), previews="[]",
                                         changed=revision), job).where(
                Job.cancel != "drop").execute()
            if done:
                _create(job, clips)
                self._pause_after(job)
        return bool(done)

    @waits
    def end(self, job: Job, state: str, error: str = "") -> None:
        """Mark a claimed job cancelled or failed."""
        with self.change() as revision:
            ended = self._mine(Job.update(state=state, error=error, finished=time.time(),
                                          previews="[]", seconds_left=None, changed=revision), job)
            if ended.execute():
                self._pause_after(job)

    @waits
    def put_down(self, job: Job, why: str = "") -> None:
        """Write that a worker stopped a claimed job: as it was asked to, or as it says."""
        with self.change() as revision:
            left = put_down(self.job(job.id))
            said = why if left["state"] == "queued" else ""
            self._mine(Job.update(**left, error=said, changed=revision), job).execute()

    def _pause_after(self, job: Job) -> None:
        """Pause the queue if the job that ended was to be the last."""
        if self.job(job.id).cancel == "after":
            Number.insert(name="paused").on_conflict_ignore().execute()

    def _mine(self, update: Any, job: Job) -> Any:
        return update.where(Job.id == job.id, Job.worker == job.worker, Job.state == "running")

    # ---- measured times

    def timings(self) -> dict[str, float]:
        """Return measured seconds of one clip through one evaluation by "model/stage"."""
        return {row.name: row.seconds for row in Timing.select()}

    @goes_on_without()
    def measure(self, name: str, seconds: float) -> None:
        """Blend one more measurement into a timing."""
        with self.change():
            known = Timing.get_or_none(Timing.name == name)
            if known is None:
                Timing.create(name=name, seconds=seconds)
            else:
                Timing.update(seconds=0.5 * known.seconds + 0.5 * seconds).where(
                    Timing.name == name).execute()


def _create(job: Job, clips: Sequence[dict]) -> None:
    """Write the rows of the clips a job made."""
    source = job.source
    for values in clips:
        film = values.get("film")
        columns = {name: value for name, value in values.items() if name != "film"}
        clip = Clip.create(job=job.id, kind=job.kind, source=source, **columns | _fresh_number())
        if film is not None:
            Film.create(clip=clip, **film)
            source = clip.id


def _fresh_number() -> dict[str, int]:
    """Return a clip's number where the database would give that of a deleted one once more.

    Upscales and comparisons name clips by their numbers, and would take another for theirs.
    """
    highest = Number.get_or_none(Number.name == "last_clip")
    newest = Clip.select(fn.MAX(Clip.id)).scalar() or 0
    return {} if highest is None or newest >= highest.value else {"id": highest.value + 1}


def _cancelled(job: Job, how: str) -> dict[str, Any]:
    """Return the fields of an active job that is to be cancelled.

    A waiting job that has begun is queued to be kept; one that has not has nothing to keep.
    """
    if how == "after" or job.state == "running":
        return {"cancel": how}
    if how == "keep" and job.step:
        return {"cancel": how, "state": "queued"}
    return {"state": "cancelled", "finished": time.time(), "previews": "[]"}


def put_down(job: Job) -> dict[str, Any]:
    """Return the fields of a running job that its worker left as its row asks.

    Step and previews stay: they say how far it is, and it goes on from there.
    """
    if job.cancel == "drop":
        return {"state": "cancelled", "finished": time.time(), "previews": "[]",
                "seconds_left": None}
    state = "paused" if job.cancel == "pause" else "queued"
    wish = job.cancel if job.cancel in CANCELS else ""
    return {"state": state, "cancel": wish, "worker": None, "seconds_left": None}
