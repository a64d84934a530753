"""Rows of jobs as they were read last, so that a queue that is looked at often is not read anew.

Every change of a job raises the number in its `changed`, which is cheap to ask of many.
"""

from collections.abc import Callable

from peewee import ModelSelect

from snapui.schema import Job

KEPT = 4096
Read = Callable[[ModelSelect], list[Job]]


class Rows:
    """The jobs that one reader has seen; not for more than one thread at a time."""

    def __init__(self) -> None:
        self._known: dict[int, Job] = {}

    def read(self, query: ModelSelect) -> list[Job]:
        """Return the jobs of a query in its order; read from the journal only those that changed.
        """
        found = list(query.select(Job.id, Job.changed).tuples())
        if len(self._known) > KEPT:
            self._known.clear()
        new = [number for number, changed in found
               if number not in self._known or self._known[number].changed != changed]
        if new:
            self._known |= {job.id: job for job in Job.select().where(Job.id.in_(new))}
        return [self._known[number] for number, _ in found if number in self._known]
