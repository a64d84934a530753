"""One claimed job for a longer clip, or for an edit of one, on its way to finished files.

Each segment of a longer clip becomes a clip of its own that ends with it, so that any of them can
be gone back to; see films.py.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.drift import eased_end, loop_warnings, measure, thinned
from engine.errors import Cancelled
from engine.extension.material import Material, read_material
from engine.extension.plan import Plan, window_starts
from engine.extension.request import EXTENSION_KEY
from engine.media import EDIT_KEY, KEPT_FRAMES_KEY
from engine.progress import StepEvent, WindowEvent
from engine.request import GenerationRequest
from snapui.clock import StageClock
from snapui.copies import frames_of
from snapui.edits import Cut, cut_of, edited, film_of
from snapui.errand import STOPS, Engine, tell_notes
from snapui.files import work_folder
from snapui.jobs import Journal
from snapui.keeping import Finished, Piece, kept_files
from snapui.orders import Edit, Order, takes_of
from snapui.previews import Previewer
from snapui.schema import Job
from snapui.upscaling import is_closed

WINDOWS = {"base": "Window", "upsampler": "Upscaling window"}
KEPT = "Stopped after {after} and kept as it was, at {fps:g} frames per second."


class LongErrand:
    """The work on one long job of a journal."""

    def __init__(self, journal: Journal, engine: Engine, job: Job) -> None:
        self._journal, self._engine, self._job = journal, engine, job
        self._folder = journal.output_directory
        self._source = journal.source_of(job)

    def run(self, is_stopping: Callable[[], bool]) -> None:
        """Make the job's clips, write their files and mark it done.

        Raises: Cancelled if the job was stopped, or the worker is; whatever the engine raises.
        """
        if self._job.kind == "edit":
            finished, notes = [self._edited(Edit.from_json(self._job.order))], []
        else:
            finished, notes = self._extended(Order.from_json(self._job.order), is_stopping)
        with kept_files(self._journal, self._job, self._engine.write, finished) as rows:
            if not self._journal.finish(self._job, rows, notes):
                raise Cancelled("The job was stopped while its files were written.")

    def _edited(self, edit: Edit) -> Finished:
        source = self._source
        cut = edited(cut_of(source, frames_of(self._folder, source)), edit)
        if len(cut.frames) == source.frames and is_closed(source):    # and it stays one
            cut.frames[-1] = eased_end(cut.frames)
        film = film_of(cut, self._job.order, measure(thinned(cut.frames)))
        piece = Piece(GenerationRequest.from_json(source.request), cut.frames, source.model_hash)
        return Finished(piece, {"parents": self._parents(), EDIT_KEY: edit.to_json()},
                        film=film)

    def _extended(self, order: Order,
                  is_stopping: Callable[[], bool]) -> tuple[list[Finished], list[str]]:
        material = self._material(order)
        tell_notes(self._journal, self._job, self._engine.read(order.request))
        watch = _Watch(self._journal, self._job, order.request.clip, is_stopping)
        try:
            made = self._engine.extend(
                order.request, material, watch.hooks(),
                work_folder(self._folder, self._job.id))
        finally:
            watch.close()
        about = {EXTENSION_KEY: order.request.to_json(),
                 "parents": self._parents() + order.given_names}
        given = material.given.video
        is_whole = len(made.frames) == made.clip.plan.layout.frames
        finished = (self._taken(order, made, about, given) if is_whole
                    else [self._kept_early(order, made, about, given)])
        notes = list(made.text_notes)
        if watch.kept_after:  # a whole clip's last window may have lost steps
            notes.append(KEPT.format(after=watch.kept_after, fps=made.clip.fps))
        return [replace(one, kept_after=watch.kept_after) for one in finished], notes

    def _taken(self, order: Order, made: Any, about: dict, given: int) -> list[Finished]:
        """Return a clip for each new segment; the last is the whole."""
        layout, request = made.clip.plan.layout, order.request
        takes = takes_of(request, layout, given)
        whole = self._cut(made, given, [take.end_frame for take in takes[:-1]],
                          request.in_between)
        shown = thinned(made.frames)    # an upscale may drift where its draft does not
        measures = measure(shown)
        closing = loop_warnings(shown, measures) if request.is_loop else []
        finished = []
        for take in takes:
            is_last = take is takes[-1]
            cut = whole.until(take.end_frame)
            part = {} if is_last else {KEPT_FRAMES_KEY: str(take.end_frame)}
            piece = Piece(made.request, cut.frames, made.model_hash, made.backend)
            film = film_of(cut, self._job.order, measures, closing if is_last else [])
            if take is takes[0]:    # the others go on from it
                film["redo_of"] = order.redo_of
            finished.append(Finished(piece, about | part, take.prompt, film))
        return finished

    def _kept_early(self, order: Order, made: Any, about: dict, given: int) -> Finished:
        """Return what there was of a clip when it was stopped, all its joins but few frames."""
        sparse = order.request.clip.fps / made.clip.fps
        takes = takes_of(order.request, made.clip.plan.layout, given)
        last = next(take for take in takes if take.end_frame >= len(made.frames) * sparse
                    or take is takes[-1])
        whole = self._cut(made, given, [take.end_frame for take in takes[:-1]],
                          order.request.in_between)
        cut = replace(whole, joins=tuple(round(join / sparse) for join in whole.joins),
                      seams=tuple(round(seam / sparse) for seam in whole.seams),
                      first_frames=max(1, round(whole.first_frames / sparse)))
        film = film_of(cut.until(len(cut.frames)), self._job.order,
                       measure(thinned(made.frames))) | {"redo_of": order.redo_of}
        piece = Piece(made.request, cut.frames, made.model_hash, made.backend)
        return Finished(piece, about, last.prompt, film)

    def _cut(self, made: Any, given: int, ends: list[int], times: int) -> Cut:
        """Return what was made with all its joins: the source's, its end, and between segments.

        Its seams are the source's and those of the windows that were made.
        times: how many frames were made of each of the source's.
        """
        layout = made.clip.plan.layout
        if self._source is not None:
            before = cut_of(self._source)
            joins = [join * times for join in before.joins]
            seams = {seam * times for seam in before.seams}
            first = before.first_frames * times
        else:
            joins, seams = [], set()
            first = given or (ends[0] if ends else layout.window * layout.coarsest)
        if given and times == 1:
            joins.append(given)
        joins += ends
        seams = sorted(seams.union(window_starts(made.clip.plan)) - set(joins))
        return Cut(made.frames, made.clip.fps, tuple(joins), min(first, layout.frames),
                   tuple(seams))

    def _parents(self) -> list[str]:
        return [] if self._source is None else [Path(self._source.path).name]

    def _material(self, order: Order) -> Material:
        """Read what the clip starts from, exact frames where they exist."""
        start, end, video = (self._folder / one if one else None for one in (
            order.start_picture, order.end_picture, order.video))
        material = read_material(start, end, video,
                                 order.request.clip.fps / order.request.in_between)
        if self._source is None:
            return material
        return replace(material, video=frames_of(self._folder, self._source))


class _Watch:
    """Follows a long run: writes how far it is, and asks the journal whether it is wanted."""

    def __init__(self, journal: Journal, job: Job, request: GenerationRequest,
                 is_stopping: Callable[[], bool]) -> None:
        self._journal, self._job, self._is_stopping = journal, job, is_stopping
        self._previewer = Previewer(journal, job, request)
        self._windows: dict[str, int] = {}
        self._done: dict[str, int] = {}
        self._clock = StageClock(request)
        self._window_seconds = 0.0
        self._window = ""
        self.kept_after = ""

    def hooks(self) -> dict[str, Callable]:
        """Return the callbacks by their names in the engine's Followers."""
        return {"on_plan": self._on_plan, "on_step": self._on_step,
                "on_window": self._on_window, "should_keep": self._is_ended,
                "should_stop": lambda: self._is_stopping()
                or self._journal.wish(self._job) in STOPS}

    def close(self) -> None:
        """Wait until the last preview is written."""
        self._previewer.close()

    def _on_plan(self, plan: Plan) -> None:
        self._windows = {"base": len(plan.base), "upsampler": len(plan.upsampler)}

    def _on_step(self, event: StepEvent) -> bool:
        self._clock.on_step(event)
        windows, done = self._windows[event.stage], self._done.get(event.stage, 0)
        if event.step < event.steps:
            self._window_seconds = event.seconds_left / (1 - event.step / event.steps)
        stage = f"{WINDOWS[event.stage]} {done + 1} of {windows}"
        self._window = stage.lower()
        self._journal.report(
            self._job, stage=stage, step=event.step,
            steps=event.steps,
            seconds_left=event.seconds_left + (windows - done - 1) * self._window_seconds)
        is_kept = self._is_kept()
        if is_kept and event.step < event.steps:
            self.kept_after = f"step {event.step} of {event.steps} of {self._window}"
        return is_kept

    def _is_ended(self) -> bool:
        """Answer whether the clip ends with the window that was just made, though more follow."""
        is_kept = self._is_kept()
        if is_kept and not self.kept_after:
            self.kept_after = self._window
        return is_kept

    def _on_window(self, event: WindowEvent) -> None:
        self._done[event.stage] = event.window
        if event.stage == "upsampler":    # drafts measure the base stage, which guidance slows
            self._clock.write(self._journal)
        self._clock = StageClock(self._clock.request)
        self._previewer.on_window(event)

    def _is_kept(self) -> bool:
        return self._journal.wish(self._job) == "keep"
