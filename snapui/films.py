"""The long clips in the journal: a tree of segments, and what an artist does to it.

Every node is a clip that holds all the clips before it and one segment more, so going back is
opening another clip, and no branch ever loses its file.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path

import peewee

from engine.catalog import find_model
from engine.errors import SnapError
from engine.extension.request import GivenFrames
from engine.request import GenerationRequest
from snapui.asked import Asked, Before, before, given, order_of
from snapui.controls import drawn_seed
from snapui.jobs import Journal
from snapui.orders import Edit, Order, made_anew, order_from
from snapui.outlook import Outlook, outlook
from snapui.schema import ACTIVE, LONG, Clip, Film, Job, JournalError
from snapui.upscaling import upscaling_of


@dataclass(frozen=True)
class Node:
    """One clip of a tree, what goes on from it, and the jobs that will. film: of a long one.

    again: of the first, those that were made again in its place, which begin trees of their own.
    """

    clip: Clip
    film: Film | None
    children: list["Node"] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    again: list["Node"] = field(default_factory=list)

    def path_to(self, clip_id: int) -> list["Node"]:
        """Return the nodes from here to a clip's, both included; none if it is not below."""
        if self.clip.id == clip_id:
            return [self]
        for child in self.children:
            if found := child.path_to(clip_id):
                return [self, *found]
        return next((found for other in self.again if (found := other.path_to(clip_id))), [])


class Films:
    """The long clips of one journal."""

    def __init__(self, journal: Journal, models_directory: Path | None = None) -> None:
        self.journal = journal
        self._models_directory = models_directory

    # ---- asking for more

    def order(self, asked: Asked, settings: dict, source: int | None) -> tuple[Order, Outlook]:
        """Return an order and what it takes. settings: see asked.py. Raises: SnapError."""
        clip = None if source is None else self.journal.clip(source)
        there = before(asked, clip, self.journal.output_directory)
        order = order_of(asked, settings, there, clip)
        return order, self._outlook(order, asked, there)

    def extend(self, asked: Asked, settings: dict, source: int | None) -> int:
        """Write the job that makes a clip longer. Returns: its id. Raises: SnapError."""
        order, _ = self.order(asked, settings, source)
        return self._submit(order, source)

    def redo(self, clip_id: int) -> int:
        """Write the job that makes a clip's last segment again. Returns: its id."""
        clip, film = self.journal.clip(clip_id), self._film(clip_id)
        if clip.kind == "edit":
            raise JournalError("An edit makes the same clip every time; redo the segment before "
                               "it instead.")
        made = self.journal.job(clip.job_id)
        is_last = not Clip.select().where(Clip.job == made.id, Clip.id > clip.id).exists()
        order = made_anew(Order.from_json(film.order), int(drawn_seed()), frames=clip.frames,
                          is_first=clip.source == made.source, is_last=is_last)
        if clip.source is None:
            order = replace(order, redo_of=film.redo_of or clip_id)
        return self._submit(order, clip.source)

    def trim(self, clip_id: int, seconds: float) -> int:
        """Write the job that leaves the first seconds of a clip. Returns: its id."""
        clip = self.journal.clip(clip_id)
        frames = round(seconds * clip.fps)
        if not 0 < frames < clip.frames:
            raise JournalError(f"A trim leaves more than nothing and less than the whole "
                               f"{clip.frames / clip.fps:.3g} s, not {seconds:g} s.")
        return self._submit_edit(clip, Edit("trim", frames))

    def remedy(self, clip_id: int, what: str) -> int:
        """Write the job that mends a clip's drift: "colour" or "dissolve". Returns: its id."""
        self._film(clip_id)
        return self._submit_edit(self.journal.clip(clip_id), Edit(what))

    def upscale(self, clip_id: int, *, steps: int | None = None,
                noise: float | None = None) -> int:
        """Write the job that makes a draft large, a long one in windows. Returns: its id.

        steps, noise: as typed or as numbers, the clip's own if left out. Raises: SnapError.
        """
        clip = self.journal.clip(clip_id)
        made = GenerationRequest.from_json(clip.request)
        steps = made.upscale_steps if steps is None else steps
        noise = made.upscale_noise if noise is None else noise
        if clip.kind not in LONG:
            return self.journal.submit_upscale(clip_id, steps=steps, noise=noise)
        order = upscaling_of(clip, steps, noise)
        self._upscale_outlook(order, clip)    # says what is in the way
        return self._submit(order, clip_id)

    def upscaling(self, clip: Clip) -> Outlook | None:
        """Return what it takes to make a long draft large; None where that cannot be."""
        made = GenerationRequest.from_json(clip.request)
        try:
            order = upscaling_of(clip, made.upscale_steps, made.upscale_noise)
            return self._upscale_outlook(order, clip)
        except SnapError:
            return None

    def _submit(self, order: Order, source: int | None) -> int:
        return self.journal.submit(order.request.clip, source=source, kind="extension",
                                   order=order.to_json())

    def _submit_edit(self, clip: Clip, edit: Edit) -> int:
        return self.journal.submit(GenerationRequest.from_json(clip.request), source=clip.id,
                                   kind="edit", order=edit.to_json())

    def _outlook(self, order: Order, asked: Asked, there: Before) -> Outlook:
        return self._outlook_of(order, given(asked, there), there.height)

    def _upscale_outlook(self, order: Order, clip: Clip) -> Outlook:
        return self._outlook_of(order, GivenFrames(clip.frames), clip.height)

    def _outlook_of(self, order: Order, there: GivenFrames, height: int) -> Outlook:
        card = find_model(order.request.clip.model, self._models_directory)
        return outlook(order.request, there, height, card, self.journal.timings())

    def grown_by(self, clip: Clip) -> tuple[Order, Clip | None] | None:
        """Return the order by which a long clip grew, and what it went on from; None of others.

        An edit and an upscale add nothing: they grew as the clip they were made of.
        """
        while clip is not None and (film := Film.get_or_none(Film.clip == clip.id)) is not None:
            order = order_from(clip.kind, film.order)
            if isinstance(order, Order) and not order.is_upscale:
                return order, Clip.get_or_none(Clip.id == clip.job.source)
            clip = Clip.get_or_none(Clip.id == clip.source)
        return None

    # ---- the tree

    def undo(self, clip_id: int) -> int | None:
        """Take a clip's last segment back. Returns: the clip before it, if there is one.

        Nothing is deleted: the clip stays in the tree and can be taken up again.
        """
        clip = self.journal.clip(clip_id)
        self._film(clip_id)
        self._mark(clip_id, is_undone=True)
        return clip.source

    def take_up(self, clip_id: int) -> None:
        """Take back an undo."""
        self._mark(clip_id, is_undone=False)

    def tree(self, clip_id: int) -> Node:
        """Return the tree a clip belongs to. Raises: JournalError if there is no such clip."""
        with self.journal.reading():
            clip = self.journal.clip(clip_id)
            while clip.kind in LONG and (above := Clip.get_or_none(Clip.id == clip.source)):
                clip = above
            roots = level = _roots(clip)
            while level:
                level = _grow(level)
        return replace(roots[0], again=roots[1:])

    def running(self) -> list[Job]:
        """Return the jobs for long clips that are not done, in the order they were asked for."""
        return list(Job.select().where(Job.kind.in_(LONG), Job.state.in_(ACTIVE)).order_by(Job.id))

    def made_by(self, job_id: int) -> int | None:
        """Return the last clip of a job; None while there is none."""
        made = self.journal.clips_of(job_id)
        return made[-1].id if made else None

    def _film(self, clip_id: int) -> Film:
        film = Film.get_or_none(Film.clip == clip_id)
        if film is None:
            raise JournalError("This clip has no segment after its first: make it longer first.")
        return film

    def _mark(self, clip_id: int, *, is_undone: bool) -> None:
        with self.journal.change():
            Film.update(is_undone=is_undone).where(Film.clip == clip_id).execute()


def shown_name(node: Node) -> str:
    """Return what a node is: its segment's prompt, and what was special about it."""
    if node.film is None:
        return node.clip.title or node.clip.prompt
    name = order_from(node.clip.kind, node.film.order).name
    return f"{name}: {node.clip.prompt}" if name else node.clip.prompt


def job_name(job: Job) -> str:
    """Return what a long job makes: its segments' prompts, or what it does to the one prompt."""
    order = order_from(job.kind, job.order)
    segments = order.request.segments if isinstance(order, Order) else ()
    told = ", then ".join(one.prompt for one in segments)
    told = told or GenerationRequest.from_json(job.request).prompt
    return f"{order.name}: {told}" if order.name else told


def _roots(clip: Clip) -> list[Node]:
    """Return a clip at the beginning of a tree and all that were made in its place, by age."""
    film = _lightly().where(Film.clip == clip).first()
    first = (film and film.redo_of) or clip.id
    repeated = {one.clip_id: one for one in _lightly().where(
        (Film.redo_of == first) | (Film.clip == first))}
    clips = Clip.select().where(Clip.id.in_([*repeated, clip.id])).order_by(Clip.id)
    return [Node(one, repeated.get(one.id)) for one in clips]


def _lightly() -> peewee.ModelSelect:
    """Select films without their measures, which can be long."""
    return Film.select(Film.clip, Film.order, Film.joins, Film.first_frames, Film.warnings,
                       Film.is_undone, Film.redo_of)


def _grow(level: list[Node]) -> list[Node]:
    """Hang what goes on from these nodes onto them. Returns: the new nodes."""
    by_id = {node.clip.id: node for node in level}
    below = []
    clips = list(Clip.select().where(Clip.kind.in_(LONG), Clip.source.in_(list(by_id)))
                 .order_by(Clip.id))
    films = {film.clip_id: film for film in _lightly().where(Film.clip.in_(clips))}
    for clip in clips:
        below.append(Node(clip, films.get(clip.id)))
        by_id[clip.source].children.append(below[-1])
    for job in Job.select().where(Job.kind.in_(LONG), Job.state.in_(ACTIVE),
                                  Job.source.in_(list(by_id))):
        by_id[job.source].jobs.append(job)
    return below
