"""What an artist does to the jobs in line; each is a plain update of rows in one transaction.

A job's place is its priority and then its position: to move a job is to change that pair. Paused
jobs keep their place and are passed by. While the queue is paused nothing is claimed, and what
runs goes back to its place in line with its sampler's state.
"""

import time
from collections.abc import Sequence
from dataclasses import replace

from engine.request import GenerationRequest
from snapui.jobs import Journal
from snapui.rows import Read
from snapui.schema import ACTIVE, LONG, PAUSED, Cell, Job, JournalError, Number

WAITING = ("queued", "paused")
ENDED = ("failed", "cancelled")


def in_line(states: tuple[str, ...] = ACTIVE, read: Read = list) -> list[Job]:
    """Return the jobs in these states in the order they will be done, running ones first.

    read: what reads the jobs of a query.
    """
    running = (Job.state == "running").desc()
    return read(Job.select().where(Job.state.in_(states)).order_by(
        running, Job.priority.desc(), Job.position, Job.id))


def last_ended(limit: int, read: Read = list) -> list[Job]:
    """Return the jobs that ended last, the newest first, whatever the clock said then.

    read: see `in_line`.
    """
    return read(Job.select().where(Job.finished.is_null(False), Job.state.not_in(ACTIVE))
                .order_by(Job.changed.desc()).limit(limit))


def move(journal: Journal, job_id: int, where: str) -> None:
    """Move a waiting job "up" or "down" by one, or to the "front". Raises: JournalError."""
    with journal.change() as revision:
        line = in_line(WAITING)
        place = [job.id for job in line].index(_waiting(journal, job_id).id)
        job, first = line[place], line[0]
        if where == "front":
            moved = {} if place == 0 else {job.id: (first.priority, first.position - 1)}
        elif where in ("up", "down"):
            other = place + (1 if where == "down" else -1)
            moved = _swapped(job, line[other]) if 0 <= other < len(line) else {}
        else:
            raise JournalError(f"A job is moved up, down or to the front, not {where!r}.")
        for number, (priority, position) in moved.items():
            Job.update(priority=priority, position=position, changed=revision).where(
                Job.id == number).execute()


def _swapped(one: Job, other: Job) -> dict[int, tuple[int, float]]:
    return {one.id: (other.priority, other.position), other.id: (one.priority, one.position)}


def prioritise(journal: Journal, job_id: int, priority: int) -> None:
    """Give a waiting job a priority; a higher one goes first. Raises: JournalError."""
    with journal.change() as revision:
        _waiting(journal, job_id)
        Job.update(priority=priority, changed=revision).where(Job.id == job_id).execute()


def edit(journal: Journal, job_id: int, request: GenerationRequest) -> None:
    """Replace what a waiting job asks for. Raises: JournalError.

    An upscale takes everything but its own two settings from its draft.
    """
    with journal.change() as revision:
        job = _waiting(journal, job_id)
        if job.kind in LONG:
            raise JournalError("A longer clip is changed on the Extend tab: stop this job, and ask "
                               "for it again.")
        old = GenerationRequest.from_json(job.request)
        as_before = replace(request, upscale_steps=old.upscale_steps,
                            upscale_noise=old.upscale_noise)
        if job.source is not None and as_before != old:
            raise JournalError("An upscale takes its settings from its draft; only Upscale steps "
                               "and Upscale freedom can be changed.")
        if Cell.select().where(Cell.job == job_id).exists():
            raise JournalError(f"Job {job_id} is part of a comparison, which would compare "
                               "something else; stop it and compare anew.")
        Job.update(request=request.to_json(), step=0, previews="[]", changed=revision).where(
            Job.id == job_id).execute()


def pause(journal: Journal, job_id: int) -> None:
    """Keep a job from running until it is resumed. Raises: JournalError.

    A running one stops at its next network evaluation and can be gone on with.
    """
    with journal.change() as revision:
        job = journal.job(job_id)
        if job.state == "queued":
            Job.update(state="paused", changed=revision).where(Job.id == job_id).execute()
        elif job.state == "running" and job.cancel in ("", "requeue"):
            Job.update(cancel="pause", changed=revision).where(Job.id == job_id).execute()


def resume(journal: Journal, job_id: int) -> None:
    """Let a paused job run again; one that has not stopped yet does not. Raises: JournalError."""
    with journal.change() as revision:
        job = journal.job(job_id)
        if job.state == "paused":
            Job.update(state="queued", changed=revision).where(Job.id == job_id).execute()
        elif job.cancel == "pause":
            wish = "requeue" if is_paused() else ""
            Job.update(cancel=wish, changed=revision).where(Job.id == job_id).execute()
    journal.wake()


def is_paused() -> bool:
    """Say whether the whole queue is paused."""
    return Number.select().where(PAUSED).exists()


def pause_all(journal: Journal) -> None:
    """Pause the queue; what runs stops and goes back to its place in line."""
    with journal.change() as revision:
        Number.insert(name="paused").on_conflict_ignore().execute()
        Job.update(cancel="requeue", changed=revision).where(
            Job.state == "running", Job.cancel == "").execute()


def resume_all(journal: Journal) -> None:
    """Let the queue go on; jobs that were paused by themselves stay so."""
    with journal.change() as revision:
        Number.delete().where(PAUSED).execute()
        Job.update(cancel="", changed=revision).where(
            Job.state == "running", Job.cancel == "requeue").execute()
        waiting = Job.select().where(Job.state == "queued").count()
    for _ in range(waiting):
        journal.wake()


def retry(journal: Journal, job_id: int) -> None:
    """Put a failed or cancelled job at the end of the line again. Raises: JournalError."""
    with journal.change() as revision:
        job = journal.job(job_id)
        if job.state not in ENDED:
            raise JournalError(f"Job {job_id} is {job.state}; only a failed or cancelled job can "
                               "be tried again.")
        journal.source_of(job)    # says if it is gone
        last = in_line()[-1:]
        position = max([job.position, *(one.position + 1 for one in last)])
        Job.update(state="queued", cancel="", error="", deaths=0, step=0, worker=None,
                   finished=None, created=time.time(), position=position,
                   changed=revision).where(Job.id == job_id).execute()
    journal.wake()


def run_again(journal: Journal, job_id: int) -> int:
    """Submit a job's request once more. Returns: the new job's id. Raises: JournalError."""
    job = journal.job(job_id)
    return journal.submit(GenerationRequest.from_json(job.request), source=job.source,
                          kind=job.kind, order=job.order)


def drop_newest(journal: Journal, asked: Sequence[int]) -> None:
    """Drop the newest of these jobs that runs. Raises: JournalError if none does."""
    running = sorted({*ids_in(("running",))} & {*asked})
    if not running:
        raise JournalError("Nothing that was asked for on this page is running. Any job is ended "
                           "with its own Stop, here and in the queue.")
    journal.cancel(running[-1])


def ids_in(states: tuple[str, ...]) -> list[int]:
    """Return the numbers of the jobs in these states."""
    return [job.id for job in Job.select(Job.id).where(Job.state.in_(states))]


def _waiting(journal: Journal, job_id: int) -> Job:
    """Return a waiting job's row. Raises: JournalError if it does not wait."""
    job = journal.job(job_id)
    if job.state not in WAITING:
        raise JournalError(f"Job {job_id} is {job.state}; only a waiting job can be changed.")
    return job
