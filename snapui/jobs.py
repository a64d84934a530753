"""The job journal: what may happen to a job, each as one transaction that leaves a whole row.

The page submits, cancels and reads; a worker claims, reports and finishes. A job is written before
its work starts, and a worker's later writes count only while the job is still its own, so a worker
taken for dead cannot overwrite what its successor does. Every change raises one revision number:
a page that has seen it has nothing to fetch.
"""

import json
import os
import shutil
import signal
import time
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from huey.contrib.sql_huey import SqlHuey
from peewee import Database, SqliteDatabase

from engine.request import GenerationRequest
from snapui.schema import ACTIVE, Clip, Job, JournalError, Number, Timing, Worker, open_database

MAX_DEATHS = 3
MIN_FREE_BYTES = 64 * 2**20


@dataclass(frozen=True)
class Snapshot:
    """What a page shows, read in one go.

    jobs: newest first, upscales left out; upscales: by the clip they start from.
    """

    revision: int
    jobs: list[Job]
    clips: dict[int, list[Clip]] = field(default_factory=dict)
    upscales: dict[int, list[Job]] = field(default_factory=dict)
    workers: list[Worker] = field(default_factory=list)


class Journal:
    """The journal of one output folder.

    url: database URL, see `schema.database_url`. output_directory: where clips are kept.
    Raises: JournalError.
    """

    def __init__(self, url: str, output_directory: Path) -> None:
        self.url = url
        self.output_directory = output_directory.resolve()
        self.database: Database = open_database(url)
        self.huey = SqlHuey("snapui", database=self.database, results=False)
        self._work = self.huey.task(name="work")(_there_is_work)

    def close(self) -> None:
        """Close this thread's connection."""
        self.database.close()

    @contextmanager
    def _change(self):
        """Open a writing transaction and raise the revision; yields the new number."""
        with self.database.atomic():
            Number.update(value=Number.value + 1).where(Number.name == "revision").execute()
            yield self.revision()

    def change(self):
        """Open a writing transaction for another module of the journal; raises the revision."""
        return self._change()

    def _reading(self):
        """Open a transaction that sees one state throughout and stops nobody from writing."""
        lock = ("DEFERRED",) if isinstance(self.database, SqliteDatabase) else ()
        return self.database.atomic(*lock)

    def wake(self) -> None:
        """Tell one sleeping worker that there is work; the message says nothing else."""
        self._work()

    def is_woken(self) -> bool:
        """Take one waiting message, if there is any, and say whether there was."""
        return self.huey.dequeue() is not None

    # ---- the page's side

    def revision(self) -> int:
        """Return the number that every change raises."""
        return Number.select(Number.value).where(Number.name == "revision").scalar()

    def submit(self, request: GenerationRequest, *, source: int | None = None) -> int:
        """Write a job and wake a worker. Returns: its id. Raises: JournalError."""
        self._check_space()
        kind = "upscale" if source is not None else "draft"
        with self._change() as revision:
            job = Job.create(kind=kind, request=request.to_json(), source=source, changed=revision)
            Job.update(position=job.id).where(Job.id == job.id).execute()
        self.wake()
        return job.id

    def submit_upscale(self, clip_id: int, *, steps: int, noise: float) -> int:
        """Write the job that upscales one draft. Returns: its id. Raises: JournalError."""
        clip = self.clip(clip_id)
        if clip.kind != "draft":
            raise JournalError("This clip is an upscale already; pick the draft beside it.")
        request = replace(GenerationRequest.from_json(clip.request), upscale=True,
                          upscale_steps=steps, upscale_noise=noise)
        return self.submit(request, source=clip.id)

    def cancel(self, job_id: int) -> str:
        """Stop a job: at once if it waits, within one network evaluation if it runs.

        Returns: the state it had. Raises: JournalError for an unknown job.
        """
        with self._change() as revision:
            state = self.job(job_id).state
            if state == "queued":
                Job.update(state="cancelled", finished=time.time(), changed=revision).where(
                    Job.id == job_id).execute()
            elif state == "running":
                Job.update(cancel="drop", changed=revision).where(Job.id == job_id).execute()
        return state

    def running_ids(self) -> list[int]:
        """Return the numbers of the running jobs."""
        return [job.id for job in Job.select(Job.id).where(Job.state == "running")]

    def cancel_running(self) -> int:
        """Stop every running job. Returns: how many there were."""
        running = self.running_ids()
        for job_id in running:
            self.cancel(job_id)
        return len(running)

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

    def clips_of(self, job_id: int) -> list[Clip]:
        """Return the clips a job made, in order."""
        return list(Clip.select().where(Clip.job == job_id).order_by(Clip.id))

    def snapshot(self, limit: int) -> Snapshot:
        """Return everything active and the newest `limit` jobs with their clips."""
        with self._reading():
            revision = self.revision()
            drafts = Job.select().where(Job.source.is_null())
            newest = list(drafts.order_by(Job.id.desc()).limit(limit))
            shown = {job.id for job in newest}
            waiting = drafts.where(Job.state.in_(ACTIVE)).order_by(Job.id.desc())
            jobs = newest + [job for job in waiting if job.id not in shown]
            clips = list(Clip.select().where(Clip.job.in_([job.id for job in jobs]),
                                             Clip.binned.is_null()).order_by(Clip.id))
            upscales = list(Job.select().where(Job.source.in_([clip.id for clip in clips]))
                            .order_by(Job.id))
            clips += list(Clip.select().where(Clip.job.in_([job.id for job in upscales]),
                                              Clip.binned.is_null()))
            workers = list(Worker.select())
        return Snapshot(revision, jobs, _grouped(clips, "job_id"), _grouped(upscales, "source"),
                        workers)

    def waiting(self) -> list[Job]:
        """Return the queued and running jobs in the order they will be done."""
        return list(Job.select().where(Job.state.in_(ACTIVE)).order_by(
            Job.state.desc(), Job.priority.desc(), Job.position))

    def _check_space(self) -> None:
        free = shutil.disk_usage(self.output_directory).free
        if free < MIN_FREE_BYTES:
            raise JournalError(f"The disk with {self.output_directory} has only "
                               f"{free // 2**20} MB left: free some space before starting.")

    # ---- the worker's side

    def claim(self, worker: str) -> Job | None:
        """Take the next job in one atomic update, or return None when none waits."""
        following = (Job.select(Job.id).where(Job.state == "queued")
                     .order_by(Job.priority.desc(), Job.position, Job.id).limit(1))
        while job := following.get_or_none():
            with self._change() as revision:
                taken = Job.update(state="running", worker=worker, started=time.time(), step=0,
                                   previews="[]", changed=revision).where(
                    Job.id == job.id, Job.state == "queued").execute()
            if taken:
                return self.job(job.id)
        return None

    def has_work(self) -> bool:
        """Say whether a job waits."""
        return Job.select().where(Job.state == "queued").exists()

    def report(self, job: Job, **progress: Any) -> bool:
        """Write a running job's progress. Returns: False if it is no longer the worker's."""
        with self._change() as revision:
            mine = self._mine(Job.update(**progress, changed=revision), job)
            return bool(mine.execute())

    def is_cancelled(self, job: Job) -> bool:
        """Say whether the work on a claimed job should stop: cancelled, or given to another."""
        row = Job.select(Job.cancel, Job.state, Job.worker).where(Job.id == job.id).get_or_none()
        return row is None or bool(row.cancel) or (row.state, row.worker) != ("running", job.worker)

    def finish(self, job: Job, clips: Sequence[dict], notes: Sequence[str]) -> bool:
        """Write a job's clips and mark it done. Returns: False if it was cancelled meanwhile."""
        with self._change() as revision:
            done = self._mine(Job.update(state="done", finished=time.time(), seconds_left=None,
                                         notes=json.dumps(list(notes)), previews="[]",
                                         changed=revision), job).where(Job.cancel == "").execute()
            if done:
                for values in clips:
                    Clip.create(job=job.id, kind=job.kind, source=job.source, **values)
        return bool(done)

    def end(self, job: Job, state: str, error: str = "") -> None:
        """Mark a claimed job cancelled or failed."""
        with self._change() as revision:
            self._mine(Job.update(state=state, error=error, finished=time.time(), previews="[]",
                                  seconds_left=None, changed=revision), job).execute()

    def _mine(self, update: Any, job: Job) -> Any:
        return update.where(Job.id == job.id, Job.worker == job.worker, Job.state == "running")

    # ---- workers that come and go

    def hello(self, name: str, host: str, pid: int) -> None:
        """Write that a worker is alive and loading."""
        with self._change():
            Worker.delete().where((Worker.name == name) | (Worker.host == host)
                                  & (Worker.state == "failed")).execute()
            Worker.create(name=name, host=host, pid=pid)

    def set_worker(self, name: str, state: str, message: str = "") -> None:
        """Write a worker's state: loading, ready or failed with a sentence."""
        with self._change():
            Worker.update(state=state, message=message).where(Worker.name == name).execute()

    def forget_worker(self, name: str, *, died: bool, why: str = "") -> None:
        """Queue a gone worker's job again; a death counts, and the third is the last.

        A worker that said why it failed stays listed until another starts, so the page can say it.
        """
        with self._change() as revision:
            Worker.delete().where(Worker.name == name, Worker.state != "failed").execute()
            for job in Job.select().where(Job.worker == name, Job.state == "running"):
                Job.update(**_released(job, died, why), changed=revision).where(
                    Job.id == job.id).execute()
        if self.has_work():
            self.wake()

    def forget_dead_workers(self, host: str) -> None:
        """Queue again what workers of this machine were doing when they ended unseen."""
        for worker in Worker.select().where(Worker.host == host):
            if not _is_alive(worker.pid):
                self.forget_worker(worker.name, died=True, why="the program ended")

    # ---- measured times

    def timings(self) -> dict[str, float]:
        """Return measured seconds of one clip through one evaluation by "model/stage"."""
        return {row.name: row.seconds for row in Timing.select()}

    def measure(self, name: str, seconds: float) -> None:
        """Blend one more measurement into a timing."""
        with self._change():
            known = Timing.get_or_none(Timing.name == name)
            if known is None:
                Timing.create(name=name, seconds=seconds)
            else:
                Timing.update(seconds=0.5 * known.seconds + 0.5 * seconds).where(
                    Timing.name == name).execute()


def _there_is_work() -> None:
    """Stand for the huey message; which job is next is written in the journal alone."""


def _released(job: Job, died: bool, why: str) -> dict[str, Any]:
    """Return the fields of a job whose worker is gone."""
    deaths = job.deaths + int(died)
    if job.cancel:
        return {"state": "cancelled", "finished": time.time(), "previews": "[]", "deaths": deaths}
    if deaths >= MAX_DEATHS:
        return {"state": "failed", "finished": time.time(), "previews": "[]", "deaths": deaths,
                "error": f"The worker died {deaths} times on this job, the last time because "
                         f"{why or 'it ended without a word'}. Try fewer drafts or close other "
                         "programs to free memory, then run it again."}
    return {"state": "queued", "worker": None, "step": 0, "seconds_left": None, "deaths": deaths}


def describe_exit(code: int) -> str:
    """Return why a process ended, in words, from its return code."""
    if code == -signal.SIGKILL:
        return "it was killed, most often because memory ran out"
    if code < 0:
        return f"it was ended by signal {signal.Signals(-code).name}"
    return f"it ended with code {code}"


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _grouped(rows: Sequence[Any], name: str) -> dict[int, list[Any]]:
    groups: dict[int, list[Any]] = {}
    for row in rows:
        groups.setdefault(getattr(row, name), []).append(row)
    return groups
