"""The database of one output folder: transactions, the revision they raise, and wake-up messages.

Every change raises one revision number: a page that has seen it has nothing to fetch. A message of
the queue engine only says that there is work; which job is next is written in the journal alone.
"""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from huey.contrib.sql_huey import SqlHuey
from peewee import Database, SqliteDatabase

from snapui.patience import goes_on_without
from snapui.schema import Number, open_database


class Store:
    """The open database of a journal.

    url: database URL, see `schema.database_url`. output_directory: where clips are kept.
    changes: another number after every change that this process makes.
    Raises: JournalError.
    """

    def __init__(self, url: str, output_directory: Path) -> None:
        self.url = url
        self.output_directory = output_directory.resolve()
        self.changes = 0
        self.giving_up = threading.Event()  # set when the program ends, see patience.py
        self.database: Database = open_database(url)
        self.huey = SqlHuey("snapui", database=self.database, results=False)
        self._work = self.huey.task(name="work")(_there_is_work)

    def close(self) -> None:
        """Close this thread's connection."""
        self.database.close()

    @contextmanager
    def change(self) -> Iterator[int]:
        """Open a writing transaction and raise the revision; yields the new number."""
        with self.database.atomic():
            Number.update(value=Number.value + 1).where(Number.name == "revision").execute()
            yield self.revision()
        self.changes += 1

    def reading(self) -> AbstractContextManager:
        """Open a transaction that sees one state throughout and stops nobody from writing."""
        lock = ("DEFERRED",) if isinstance(self.database, SqliteDatabase) else ()
        return self.database.atomic(*lock)

    def revision(self) -> int:
        """Return the number that every change raises."""
        return Number.select(Number.value).where(Number.name == "revision").scalar()

    def wake(self) -> None:
        """Tell one sleeping worker that there is work; the message says nothing else."""
        self._work()

    @goes_on_without(False)
    def is_woken(self) -> bool:
        """Take one waiting message, if there is any, and say whether there was."""
        return self.huey.dequeue() is not None


def _there_is_work() -> None:
    """Stand for the message."""
