"""The paper's user study for one comparison: blind ballots, and what the votes say so far."""

import math
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from snapui.compare import Plan
from snapui.picks import Picks

ASPECTS = {"alignment": "Which shows more of what the prompt says?",
           "motion": "Which moves better?", "looks": "Which looks better?"}
LETTERS = ("A", "B", "C", "D")
CONFIDENCE_Z = 1.959963984540054  # 95% of a normal distribution lies within so many deviations


@dataclass(frozen=True)
class Ballot:
    """One row of a comparison with its columns in an order nobody knows.

    order: the column that stands at each place.
    """

    comparison: int
    row: int
    order: tuple[int, ...]

    def column(self, letter: str) -> int | None:
        """Return the column behind a letter; None for "cannot tell"."""
        return self.order[LETTERS.index(letter)] if letter in LETTERS[:len(self.order)] else None


@dataclass(frozen=True)
class Score:
    """How often a column won in one aspect, and the share of wins this makes plausible."""

    wins: int
    votes: int

    @property
    def interval(self) -> tuple[float, float]:
        """The 95% Wilson interval of the share of wins."""
        return wilson(self.wins, self.votes)


def aspects_of(plan: Plan | Picks) -> tuple[str, ...]:
    """Return what can be voted on: alignment needs one prompt that all columns share."""
    return tuple(aspect for aspect in ASPECTS
                 if aspect != "alignment" or plan.has_one_prompt)


def draw_ballot(comparison: int, plan: Plan | Picks, votes_by_row: dict[int, int]) -> Ballot:
    """Draw a ballot for the row with the fewest votes, columns shuffled."""
    chance = secrets.SystemRandom()
    row = min(range(plan.row_count),
              key=lambda one: (votes_by_row.get(one, 0), chance.random()))
    order = list(range(len(plan.heads)))
    chance.shuffle(order)
    return Ballot(comparison, row, tuple(order))


def scores(winners: Sequence[int | None], columns: int) -> list[Score]:
    """Return each column's score. winners: the winning column of each vote, None for none."""
    return [Score(sum(winner == column for winner in winners), len(winners))
            for column in range(columns)]


def wilson(wins: int, votes: int, z: float = CONFIDENCE_Z) -> tuple[float, float]:
    """Return the interval of shares that a number of wins makes plausible.

    z: deviations of the normal distribution. Returns: low and high, from 0 to 1.
    Source: E. B. Wilson, Probable Inference, the Law of Succession, and Statistical Inference
    (1927).
    """
    if not votes:
        return 0.0, 1.0
    share, z2 = wins / votes, z * z
    middle = (share + z2 / (2 * votes)) / (1 + z2 / votes)
    reach = z / (1 + z2 / votes) * math.sqrt(share * (1 - share) / votes + z2 / (4 * votes**2))
    return max(0.0, middle - reach), min(1.0, middle + reach)
