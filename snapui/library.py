"""Everything made, newest first: find clips by the words of their prompt, name, star and bin them.

Each change is an update of the clip's row; the bin is a mark, and files are deleted only when the
bin is emptied, but for those that unfinished jobs still need.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from peewee import SqliteDatabase, fn

from snapui.copies import drop_copies
from snapui.jobs import Journal
from snapui.schema import ACTIVE, LONG, Clip, Job, JournalError, Number

PAGE_CLIPS = 24
MAX_TITLE_CHARACTERS = 200
VIEWS = ("All", "Starred", "Bin")


@dataclass(frozen=True)
class Page:
    """One page of what was found.

    number: from 0; pages: how many there are, at least one; found: clips on all pages together.
    binned: in the bin's view, how many clips the whole bin holds, found or not.
    """

    clips: list[Clip]
    number: int
    pages: int
    found: int
    binned: int = 0


class Library:
    """The clips of one journal."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal

    def page(self, words: str = "", view: str = "All", number: int = 0) -> Page:
        """Return one page of the clips whose name or prompt holds every word.

        view: one of VIEWS. number: from 0; beyond the last page means the last page.
        """
        clips = Clip.select().where(_shown(view))
        for word in words.split():
            clips = clips.where(self._holds(word))
        found = clips.count()
        pages = max(1, -(-found // PAGE_CLIPS))
        number = min(max(0, number), pages - 1)
        newest = clips.order_by(Clip.id.desc()).limit(PAGE_CLIPS).offset(number * PAGE_CLIPS)
        binned = Clip.select().where(_shown(view)).count() if view == "Bin" else 0
        return Page(list(newest), number, pages, found, binned)

    def among(self, clip_ids: Sequence[int], is_binned: bool) -> list[int]:
        """Return which of these clips are in the bin, or else out of it."""
        there = Clip.binned.is_null(not is_binned)
        return [clip.id for clip in Clip.select(Clip.id).where(Clip.id.in_(clip_ids), there)]

    def _holds(self, word: str) -> Any:
        """Return the condition of clips whose name or prompt holds a word, in any case."""
        named = Clip.title.concat("\n").concat(Clip.prompt)  # no word goes over the line's end
        if isinstance(self.journal.database, SqliteDatabase):
            return fn.instr(fn.casefold(named), word.casefold()) > 0
        return named.contains(word)

    def rename(self, clip_id: int, title: str) -> None:
        """Give a clip a name of its own; an empty one goes back to the prompt."""
        self._update(clip_id, title=" ".join(title.split())[:MAX_TITLE_CHARACTERS])

    def star(self, clip_id: int, is_starred: bool) -> None:
        """Star a clip, or take its star away."""
        self._update(clip_id, starred=is_starred)

    def bin(self, clip_id: int) -> None:
        """Put a clip in the bin; its file stays until the bin is emptied."""
        self._update(clip_id, binned=time.time())

    def put_back(self, clip_id: int) -> None:
        """Take a clip out of the bin."""
        self._update(clip_id, binned=None)

    def empty_bin(self) -> int:
        """Delete the binned clips and their files for good. Returns: how many.

        Those that unfinished jobs go on from stay in the bin, and one whose file cannot be deleted.
        Raises: OSError.
        """
        free = list(Clip.select().where(_shown("Bin"), ~_needed()))
        return sum(self._deleted(clip) for clip in free)

    def needed(self) -> int:
        """Return how many binned clips unfinished jobs go on from."""
        return Clip.select().where(_shown("Bin"), _needed()).count()

    def _deleted(self, clip: Clip) -> bool:
        """Delete a clip and its files. Returns: False if a job goes on from it by now."""
        folder = self.journal.output_directory
        with self.journal.change():
            if Clip.select().where(Clip.id == clip.id, _needed()).exists():
                return False
            for file in (clip.path, clip.loop):
                (folder / file).unlink(missing_ok=True)
            drop_copies(folder, clip.id)
            self._remember(clip.id)
            Clip.delete().where(Clip.id == clip.id).execute()
        return True

    def backend(self) -> str:
        """Return what computes clips here: what made the newest one; nothing before the first."""
        newest = Clip.select(Clip.backend).where(Clip.backend != "").order_by(Clip.id.desc())
        clip = newest.first()
        return "" if clip is None else clip.backend

    def _remember(self, clip_id: int) -> None:
        """Write the highest number a deleted clip had: SQLite would count on from what is left."""
        if isinstance(self.journal.database, SqliteDatabase):
            highest = Number.get_or_create(name="last_clip")[0].value
            Number.update(value=max(highest, clip_id)).where(Number.name == "last_clip").execute()

    def _update(self, clip_id: int, **values: Any) -> None:
        with self.journal.change():
            if not Clip.update(**values).where(Clip.id == clip_id).execute():
                raise JournalError(f"There is no clip number {clip_id} any more.")


def _needed() -> Any:
    """Return the condition of clips that unfinished jobs go on from.

    An upscale makes a draft that is gone again.
    """
    return Clip.id.in_(Job.select(Job.source).where(
        Job.kind.in_(LONG), Job.state.in_(ACTIVE), Job.source.is_null(False)))


def _shown(view: str) -> Any:
    """Return the condition of one view. Raises: JournalError for an unknown one."""
    if view not in VIEWS:
        raise JournalError(f"The library has no view {view!r}: choose {', '.join(VIEWS)}.")
    if view == "Bin":
        return Clip.binned.is_null(False)
    shown = Clip.binned.is_null()
    return shown & Clip.starred if view == "Starred" else shown
