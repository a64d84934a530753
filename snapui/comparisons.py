"""The comparisons in the journal: their cells are ordinary jobs, tied together by one number.

A comparison and all its jobs are written in one transaction, so a restart finds all or nothing.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.catalog import find_model
from snapui.compare import Clock, Place, Plan
from snapui.jobs import Journal
from snapui.picks import Picks, picked, plan_from
from snapui.schema import ACTIVE, Cell, Clip, Comparison, Job, JournalError, Vote
from snapui.votes import Ballot, Score, aspects_of, draw_ballot, scores


@dataclass(frozen=True)
class Standing:
    """How far a comparison is.

    jobs: by place; clips: by place, for the cells that are done and not in the bin; tally: each
    column's score by aspect.
    """

    id: int
    plan: Plan | Picks
    jobs: dict[Place, Job]
    clips: dict[Place, Clip]
    tally: dict[str, list[Score]]

    @property
    def is_active(self) -> bool:
        """Whether a cell is still to come."""
        return any(job.state in ACTIVE for job in self.jobs.values())

    @property
    def is_stopping(self) -> bool:
        """Whether all that is still to come is about to be stopped."""
        coming = [job.cancel for job in self.jobs.values() if job.state in ACTIVE]
        return bool(coming) and set(coming) == {"drop"}

    @property
    def clock(self) -> Clock:
        """How its clips play together."""
        return self.plan.clock(self.clips)


class Comparisons:
    """The comparisons of one journal, made by the models of a folder and the shipped ones."""

    def __init__(self, journal: Journal, models_directory: Path | None = None) -> None:
        self.journal = journal
        self._models_directory = models_directory

    def submit(self, plan: Plan, order: str = "") -> int:
        """Write a comparison and the jobs of its cells. Returns: its number.

        order: how all of them begin, see orders.py. Raises: RequestError, ModelError, JournalError.
        """
        self.check(plan)
        with self.journal.change():
            comparison = Comparison.create(plan=plan.to_json())
            for row, column, request in plan.cells():
                Cell.create(comparison=comparison, row=row, column=column,
                            job=self.journal.submit(request, order=order))
        return comparison.id

    def check(self, plan: Plan) -> None:
        """Say before anything is made what a worker would say late. Raises: SnapError."""
        for name, is_large in {(one.model, one.upscale): None for *_, one in plan.cells()}:
            card = find_model(name, self._models_directory)
            if is_large:
                card.need_upsampler("compare drafts")

    def stop(self, comparison_id: int) -> None:
        """Stop what is still to come of a comparison, all or nothing. Raises: JournalError."""
        with self.journal.change():
            for job in self.standing(comparison_id).jobs.values():
                if job.state in ACTIVE:
                    self.journal.cancel(job.id)

    def put_together(self, clip_ids: Sequence[int]) -> int:
        """Write a comparison of finished clips, unless there is one. Returns: its number.

        Raises: JournalError.
        """
        plan = picked([self.journal.clip(clip_id) for clip_id in clip_ids]).to_json()
        with self.journal.change():
            known = Comparison.get_or_none(Comparison.plan == plan)
            return (known or Comparison.create(plan=plan)).id

    def newest_first(self) -> list[tuple[int, Plan | Picks]]:
        """Return the number and plan of every comparison; a thousand take 0.1 to 0.3 s."""
        rows = Comparison.select().order_by(Comparison.id.desc())
        return [(row.id, plan_from(row.plan)) for row in rows]

    def standing(self, comparison_id: int) -> Standing:
        """Return how far a comparison is. Raises: JournalError if there is none."""
        comparison = Comparison.get_or_none(Comparison.id == comparison_id)
        if comparison is None:
            raise JournalError(f"There is no comparison number {comparison_id}.")
        plan = plan_from(comparison.plan)
        jobs, clips = _picked(plan) if isinstance(plan, Picks) else _made(comparison)
        return Standing(comparison.id, plan, jobs, clips, _tally(comparison, plan))

    def ballot(self, comparison_id: int) -> Ballot:
        """Draw a ballot. Raises: JournalError while a cell is missing."""
        standing = self.standing(comparison_id)
        if len(standing.clips) < len(standing.jobs):
            raise JournalError("Voting needs every clip of the comparison; wait until all are "
                               "made, or compare again if some failed.")
        votes = Counter(vote.row for vote in Vote.select(Vote.row).where(
            Vote.comparison == comparison_id))
        return draw_ballot(comparison_id, standing.plan, votes)

    def vote(self, ballot: Ballot, choices: dict[str, str]) -> None:
        """Write the answers of a ballot. Raises: JournalError unless every aspect has one.

        choices: by aspect, a letter of the ballot or anything else for "cannot tell".
        """
        aspects = aspects_of(self.standing(ballot.comparison).plan)
        if set(choices) != set(aspects):
            raise JournalError(f"Please answer all of it: {', '.join(aspects)}.")
        with self.journal.change():
            for aspect, letter in choices.items():
                Vote.create(comparison=ballot.comparison, row=ballot.row, aspect=aspect,
                            winner=ballot.column(letter))


def _made(comparison: Comparison) -> tuple[dict[Place, Job], dict[Place, Clip]]:
    """Return the jobs of the cells, and what they made."""
    cells = Cell.select(Cell, Job).join(Job).where(Cell.comparison == comparison)
    jobs = {(cell.row, cell.column): cell.job for cell in cells}
    made = {clip.job_id: clip for clip in Clip.select().where(
        Clip.job.in_([job.id for job in jobs.values()]), Clip.binned.is_null())}
    return jobs, {place: made[job.id] for place, job in jobs.items() if job.id in made}


def _picked(picks: Picks) -> tuple[dict[Place, Job], dict[Place, Clip]]:
    """Return the clips that are still there; all of them were made once."""
    places = {clip_id: (0, column) for column, clip_id in enumerate(picks.clips)}
    found = Clip.select().where(Clip.id.in_(picks.clips), Clip.binned.is_null())
    return ({place: Job(state="done") for place in places.values()},
            {places[clip.id]: clip for clip in found})


def _tally(comparison: Comparison, plan: Plan | Picks) -> dict[str, list[Score]]:
    winners: dict[str, list[int | None]] = {aspect: [] for aspect in aspects_of(plan)}
    for vote in Vote.select().where(Vote.comparison == comparison):
        winners[vote.aspect].append(vote.winner)
    return {aspect: scores(found, len(plan.heads)) for aspect, found in winners.items()}
