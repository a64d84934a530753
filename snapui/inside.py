"""Whether files tell inside how they were made: one switch for everybody who shares a journal.

It is asked when a file is written. The journal knows every clip's settings either way.
"""

from snapui.jobs import Journal
from snapui.patience import waits
from snapui.schema import Number

BARE = Number.name == "bare"  # a row that is there while files are to tell nothing


@waits
def tells(journal: Journal) -> bool:
    """Say whether a file that is written now carries its settings."""
    with journal.reading():
        return not Number.select().where(BARE).exists()


def tell(journal: Journal, is_wanted: bool) -> None:
    """Have files written from now on carry their settings, or nothing at all."""
    with journal.change():
        if is_wanted:
            Number.delete().where(BARE).execute()
        else:
            Number.insert(name="bare").on_conflict_ignore().execute()
