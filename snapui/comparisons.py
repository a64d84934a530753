"""The comparisons in the journal: their cells are ordinary jobs, tied together by one number.

A comparison and all its jobs are written in one transaction, so a restart finds all or nothing.
"""

from collections import Counter
from dataclasses import dataclass

from snapui.compare import Plan
from snapui.jobs import Journal
from snapui.schema import ACTIVE, Cell, Clip, Comparison, Job, JournalError, Vote
from snapui.votes import Ballot, Score, aspects_of, draw_ballot, scores

Place = tuple[int, int]  # row and column


@dataclass(frozen=True)
class Standing:
    """How far a comparison is.

    jobs: by place; clips: by place, for the cells that are done and not in the bin; tally: each
    column's score by aspect.
    """

    id: int
    plan: Plan
    jobs: dict[Place, Job]
    clips: dict[Place, Clip]
    tally: dict[str, list[Score]]

    @property
    def is_active(self) -> bool:
        """Whether a cell is still to come."""
        return any(job.state in ACTIVE for job in self.jobs.values())


class Comparisons:
    """The comparisons of one journal."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal

    def submit(self, plan: Plan) -> int:
        """Write a comparison and the jobs of its cells. Returns: its number."""
        with self.journal.change():
            comparison = Comparison.create(plan=plan.to_json())
            for row, column, request in plan.cells():
                Cell.create(comparison=comparison, row=row, column=column,
                            job=self.journal.submit(request))
        return comparison.id

    def newest(self, limit: int) -> list[tuple[int, Plan]]:
        """Return the number and plan of the newest comparisons."""
        rows = Comparison.select().order_by(Comparison.id.desc()).limit(limit)
        return [(row.id, Plan.from_json(row.plan)) for row in rows]

    def standing(self, comparison_id: int) -> Standing:
        """Return how far a comparison is. Raises: JournalError if there is none."""
        comparison = Comparison.get_or_none(Comparison.id == comparison_id)
        if comparison is None:
            raise JournalError(f"There is no comparison number {comparison_id}.")
        plan = Plan.from_json(comparison.plan)
        cells = Cell.select(Cell, Job).join(Job).where(Cell.comparison == comparison)
        jobs = {(cell.row, cell.column): cell.job for cell in cells}
        made = {clip.job_id: clip for clip in Clip.select().where(
            Clip.job.in_([job.id for job in jobs.values()]), Clip.binned.is_null())}
        clips = {place: made[job.id] for place, job in jobs.items() if job.id in made}
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


def _tally(comparison: Comparison, plan: Plan) -> dict[str, list[Score]]:
    winners: dict[str, list[int | None]] = {aspect: [] for aspect in aspects_of(plan)}
    for vote in Vote.select().where(Vote.comparison == comparison):
        winners[vote.aspect].append(vote.winner)
    return {aspect: scores(found, len(plan.columns.values)) for aspect, found in winners.items()}
