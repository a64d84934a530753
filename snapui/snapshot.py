"""What a page shows of the journal: which jobs have a card on the sheet, read in one go."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from peewee import Expression

from snapui.rows import Read
from snapui.schema import ACTIVE, LONG, PAUSED, Cell, Clip, Job, Number, Worker
from snapui.store import Store


@dataclass(frozen=True)
class Snapshot:
    """What a page shows, read in one go.

    jobs: newest first: of drafts, and of upscales that have no draft among these, but for stopped
    ones, which kept nothing; clips: by job, those not in the bin; upscales: by the job that made
    their drafts; elsewhere: active jobs that other tabs show, long ones and comparisons' cells.
    """

    revision: int
    jobs: list[Job]
    clips: dict[int, list[Clip]] = field(default_factory=dict)
    upscales: dict[int, list[Job]] = field(default_factory=dict)
    elsewhere: list[Job] = field(default_factory=list)
    workers: list[Worker] = field(default_factory=list)
    is_paused: bool = False


def snapshot_of(store: Store, limit: int, read: Read) -> Snapshot:
    """Return everything active, the newest `limit` jobs of drafts, and upscales as new.

    read: what reads the jobs of a query.
    """
    with store.reading():
        revision = store.revision()
        oldest = _oldest_of_newest(limit)
        is_shown = _is_draft() & ((Job.id >= oldest) | Job.state.in_(ACTIVE))
        drafts = read(Job.select().where(is_shown).order_by(Job.id.desc()))
        upscales, alone = _upscales_of(is_shown, oldest, read)
        jobs = sorted(drafts + alone, key=lambda job: -job.id)
        begun = [job.id for job in (*jobs, *itertools.chain(*upscales.values()))
                 if job.state != "queued" or job.step]  # the others have made nothing
        clips = list(Clip.select().where(Clip.job.in_(begun),
                                         Clip.binned.is_null()).order_by(Clip.id))
        elsewhere = read(Job.select().where(
            Job.kind.in_(LONG) | Job.id.in_(_cells()), Job.state.in_(ACTIVE)))
        workers = list(Worker.select())
        is_paused = Number.select().where(PAUSED).exists()
    return Snapshot(revision, jobs, _grouped(clips), upscales, elsewhere, workers, is_paused)


def _is_draft() -> Expression:
    """Return the condition of jobs whose drafts the sheet shows."""
    return (Job.kind == "draft") & (Job.state != "cancelled") & Job.id.not_in(_cells())


def _cells() -> Any:
    return Cell.select(Cell.job)


def _oldest_of_newest(limit: int) -> int:
    """Return the lowest number among the newest `limit` jobs of drafts."""
    numbers = Job.select(Job.id).where(_is_draft()).order_by(Job.id.desc()).limit(limit)
    return min((number for number, in numbers.tuples()), default=0)


def _upscales_of(is_shown: Expression, oldest: int, read: Read
                 ) -> tuple[dict[int, list[Job]], list[Job]]:
    """Return the upscales of what the shown jobs made, by job, and those that stand alone.

    A draft in the bin keeps its upscales beside it. One that is not shown any more, or was deleted,
    leaves alone what is active or has a number above `oldest`: nobody may lose sight of it.
    """
    home = dict(Clip.select(Clip.id, Clip.job).join(Job).where(is_shown).tuples())
    is_new = Job.state.in_(ACTIVE) | (Job.id > oldest)
    beside: dict[int, list[Job]] = {}
    alone = []
    is_upscale = (Job.kind == "upscale") & (Job.state != "cancelled")
    for job in read(Job.select().where(is_upscale, is_new | Job.source.in_(list(home))).order_by(
            Job.source, Job.id)):
        if job.source in home:
            beside.setdefault(home[job.source], []).append(job)
        else:
            alone.append(job)
    return beside, alone


def _grouped(clips: Sequence[Clip]) -> dict[int, list[Clip]]:
    groups: dict[int, list[Clip]] = {}
    for clip in clips:
        groups.setdefault(clip.job_id, []).append(clip)
    return groups
