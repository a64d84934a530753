"""The extend tab: a clip grows by segments, which form a tree, under a meter of its drift."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, TypedDict

import gradio as gr

from engine.errors import SnapError
from snapui import extend_form, learnt, reel
from snapui.asked import Asked
from snapui.controls import drawn_seed
from snapui.desk import Desk
from snapui.events import EACH, PRESSED, QUIET
from snapui.extend_form import FILES, TYPED, Form, asked, files_shown, moved_rows, taker
from snapui.films import Films
from snapui.given import checked
from snapui.guard import guarded
from snapui.jobs import Journal
from snapui.reel import Reel
from snapui.schema import ACTIVE, Clip, Film, Job, JournalError
from snapui.theme import scripts

LISTED = 50
ANEW = ("Nothing: start anew", 0)
FRESH = "<p>Say what each segment shows; what it takes to make appears here.</p>"
FIELDS = TYPED + len(FILES)  # of the form, before those of the Create tab


class Awaited(TypedDict):
    """A job whose clip is to be opened; the browser keeps it, and so it outlives this program.

    chosen, rows: the form's when the job was asked for. is_told: whether the rows say what the job
    makes.
    """

    job: int
    chosen: int
    rows: dict
    is_told: bool


class ExtendTab:
    """The tab's handlers. The clip to go on from is its number, or 0."""

    def __init__(self, journal: Journal, desk: Desk, models_directory: Path | None) -> None:
        self.journal, self._models_directory = journal, models_directory
        self.films = Films(journal, models_directory)
        self.reel = Reel(journal.output_directory, self.films.upscaling)
        self._names = tuple(desk.controls.by_name)
        self._acts: dict[str, Callable[[int, float], tuple[Any, Any]]] = {
            "open": lambda number, _: (self.listed(number), gr.skip()),
            "undo": lambda number, _: (self.listed(self.films.undo(number) or 0), gr.skip()),
            "take_up": self._take_up,
            "stop": lambda number, _: self._cancel(number, "drop"),
            "keep": lambda number, _: self._cancel(number, "keep"),
            "redo": lambda number, _: (gr.skip(), self.films.redo(number)),
            "upscale": lambda number, _: (gr.skip(), self.films.upscale(number)),
            "trim": lambda number, seconds: (gr.skip(), self.films.trim(number, seconds)),
            "colour": lambda number, _: (gr.skip(), self.films.remedy(number, "colour")),
            "dissolve": lambda number, _: (gr.skip(), self.films.remedy(number, "dissolve"))}

    def run(self, chosen: int, is_locked: bool, *values: Any) -> Awaited:
        """Queue the extension. Returns: the job to wait for."""
        settings = self._settings(values[FIELDS:])
        if not is_locked:
            settings["seed"] = drawn_seed()
        work, rows, *_ = values
        job = self.films.extend(self._asked(values), settings, chosen or None)
        return Awaited(job=job, chosen=chosen, rows=rows, is_told=extend_form.is_longer(work))

    def told(self, chosen: int, *values: Any) -> str:
        """Return what pressing Extend takes, or what keeps it from being made."""
        settings = self._settings(values[FIELDS:])
        try:
            wanted = self._asked(values)
            if not (chosen or wanted.is_begun):
                return FRESH
            order, outlook = self.films.order(wanted, settings | {"seed": 0}, chosen or None)
        except SnapError as error:
            return f'<p class="failed">{escape(str(error))}</p>'
        note = learnt.note(order.request.timeline.prompts, order.request.clip.model,
                           self._models_directory)
        return reel.told(outlook, note)

    def listed(self, chosen: int) -> Any:
        """Return the list of clips to go on from, with one of them chosen."""
        return gr.Dropdown(choices=self._choices(chosen), value=chosen if _is_there(chosen) else 0)

    def listed_anew(self, chosen: int) -> Any:
        """Return the list of clips to go on from; what is chosen stays, unless it was deleted."""
        if chosen and not _is_there(chosen):
            return self.listed(0)
        return gr.Dropdown(choices=self._choices(chosen))

    def _choices(self, chosen: int) -> list[tuple[str, int]]:
        """Return the newest clips and the chosen one, the newest first."""
        undone = Film.select(Film.clip).where(Film.is_undone)
        newest = list(Clip.select().where(Clip.binned.is_null(), Clip.id.not_in(undone))
                      .order_by(Clip.id.desc()).limit(LISTED))
        clip = Clip.get_or_none(Clip.id == chosen)
        if clip is not None and clip not in newest:
            newest.append(clip)
        return [ANEW, *((_title(one), one.id) for one in newest)]

    def turn_to(self, chosen: int, rows: dict) -> list[Any]:
        """Return rows, rate and size that suit the chosen clip; what was written stays."""
        clip = self.journal.clip(chosen) if chosen else None
        kept = rows.get("source") == (chosen or None)
        return [gr.skip() if kept else moved_rows(rows, clip),
                gr.skip() if kept else 0,
                gr.Number(interactive=True) if clip is None
                else gr.Number(value=clip.fps, interactive=False),
                gr.skip() if kept else clip is not None and json.loads(clip.request)["upscale"]]

    def look(self, chosen: int, rows: dict, awaited: Awaited | None) -> tuple[Any, ...]:
        """Return what the reel shows, what became of the awaited job, and the rows that are left.

        Its clip is opened, and what is made goes from the rows, unless the form has changed
        meanwhile: then it is only listed, for what somebody is writing must not go.
        """
        jobs, opened, left, unmade = self.films.running(), gr.skip(), gr.skip(), gr.skip()
        waited = awaited and Job.get_or_none(Job.id == awaited["job"])
        if waited is not None and waited.state not in ACTIVE:
            if made := self.films.made_by(waited.id):
                if (chosen, rows) == (awaited["chosen"], awaited["rows"]):
                    chosen, opened = made, self.listed(made)
                    unmade = _unwritten(rows) if awaited["is_told"] else gr.skip()
                else:
                    opened = self.listed_anew(chosen)
                left = None
            else:
                jobs.append(waited)
        tree = self.films.tree(chosen) if _is_there(chosen) else None
        if chosen and tree is None:
            opened = self.listed(0)
        return self.reel.value(jobs, tree, chosen), opened, left, unmade

    def act(self, chosen: int, rows: dict, event: gr.EventData) -> tuple[Any, Any]:
        """Do what the pressed button says. Returns: the clip to open, and the job to wait for."""
        if event.act not in self._acts:
            raise JournalError("This button is of another version; load the page again.")
        opened, job = self._acts[event.act](int(event.id), float(event.seconds))
        if not isinstance(job, int):
            return opened, job
        return opened, Awaited(job=job, chosen=chosen, rows=rows, is_told=False)

    def open_clip(self, event: gr.EventData) -> list[Any]:
        """Return the open tab and the clip in the event chosen."""
        return [gr.Tabs(selected="extend"), self.listed(int(event.id))]

    def _take_up(self, number: int, _: float) -> tuple[Any, Any]:
        self.films.take_up(number)
        return self.listed(number), gr.skip()

    def _cancel(self, number: int, how: str) -> tuple[Any, Any]:
        self.journal.cancel(number, how)
        return gr.skip(), gr.skip()

    def _asked(self, values: tuple[Any, ...]) -> Asked:
        """Return what the fields ask for. Raises: RequestError if a file is none that was given."""
        folder = self.journal.output_directory
        return asked(*values[:TYPED], *(checked(folder, one) for one in values[TYPED:FIELDS]))

    def _settings(self, values: tuple[Any, ...]) -> dict[str, Any]:
        return dict(zip(self._names, values, strict=True))


def _unwritten(rows: dict) -> dict:
    return rows | {"rows": [[start, end, ""] for start, end, _ in rows["rows"]]}


def _is_there(number: int) -> bool:
    return Clip.select().where(Clip.id == number).exists()


def _title(clip: Clip) -> str:
    return f"{clip.id}: {(clip.title or clip.prompt)[:60]}, {clip.frames / clip.fps:.3g} s"


@dataclass(frozen=True)
class _Parts:
    """What the tab's events tie together."""

    form: Form
    chosen: gr.Dropdown
    run: gr.Button
    plan: gr.HTML
    reel: gr.HTML
    awaited: gr.JSON


@dataclass(frozen=True)
class Extend:
    """The placed tab for what else of the page works with it. opened: what to do when it is."""

    tab: ExtendTab
    form: Form
    chosen: gr.Dropdown
    opened: dict


def build(journal: Journal, desk: Desk, memory: gr.BrowserState, files: gr.BrowserState,
          models_directory: Path | None) -> Extend:
    """Place the tab inside the open Blocks.

    desk: the Create tab's controls; they say how a clip that starts anew is made. memory, files:
    keep what was typed and where the handed over files are, see events.memory.
    """
    tab = ExtendTab(journal, desk, models_directory)
    with gr.Row(elem_id="extend-desk"):
        with gr.Column(elem_id="extend-settings"):
            chosen = gr.Dropdown([ANEW], value=0, label="Go on from", elem_id="extend-from",
                                 info="A new clip is made as the Create tab says.")
            form = extend_form.place()
            with gr.Column(elem_id="extend-go"):
                plan = gr.HTML("", elem_id="extend-plan", apply_default_css=False,
                               js_on_load=scripts("plan.js"))
                run = gr.Button("Extend", variant="primary", elem_id="run-extension")
        with gr.Column(elem_id="extend-results"):
            shown = reel.component()
    parts = _Parts(form, chosen, run, plan, shown, gr.JSON(None, visible="hidden"))
    look = _tie_work(tab, parts, desk)
    _tie_memory(tab, parts, look, memory)
    _tie_files(tab, form, files)
    return Extend(tab, form, chosen,
                  {"fn": guarded(tab.listed_anew), "inputs": chosen, "outputs": chosen} | QUIET)


def _tie_work(tab: ExtendTab, parts: _Parts, desk: Desk) -> dict:
    """Tie the fields to the plan, and the buttons to the journal. Returns: how to look at it."""
    form, chosen, awaited = parts.form, parts.chosen, parts.awaited
    settings = desk.controls.components()
    look = {"fn": guarded(tab.look), "inputs": [chosen, form.rows, awaited],
            "outputs": [parts.reel, chosen, awaited, form.rows]} | QUIET
    for component, kept, (_, _, keep) in zip(form.files, form.kept, FILES, strict=True):
        component.change(taker(keep, tab.journal.output_directory), component, [component, kept],
                         **PRESSED)
    gr.on([one.change for one in (chosen, *form.inputs)], guarded(tab.told),
          [chosen, *form.inputs, *settings], parts.plan, trigger_mode="always_last", **QUIET)
    form.work.change(_longer_only, form.work, [form.rows, form.seconds, form.loop], **QUIET)
    chosen.change(guarded(tab.turn_to), [chosen, form.rows],
                  [form.rows, form.seconds, form.fps, form.upscale], **QUIET).then(**look)
    parts.run.click(guarded(tab.run), [chosen, desk.lock, *form.inputs, *settings], awaited,
                    **PRESSED).then(**look)
    parts.reel.reel_act(guarded(tab.act), [chosen, form.rows], [chosen, awaited],
                        **EACH).then(**look)
    parts.reel.look_again(**look)
    return look


def _longer_only(work: str) -> list[Any]:
    """Hide what a smoother clip, which keeps its length, has no use for."""
    is_longer = extend_form.is_longer(work)
    return [gr.HTML(visible=is_longer), gr.Number(visible=is_longer),
            gr.Checkbox(visible=is_longer)]


def _tie_memory(tab: ExtendTab, parts: _Parts, look: dict, memory: gr.BrowserState) -> None:
    """Keep what was typed in the browser, and put it and the open clip back after a refresh.

    A clip that is waited for is waited for then too.
    """
    kept_parts = [parts.chosen, *parts.form.typed, parts.awaited]

    def restore(kept: Any) -> list[Any]:
        kept = kept if isinstance(kept, list) and kept else [0]
        number = kept[0] if isinstance(kept[0], int) else 0
        awaited = kept[1 + TYPED:]
        return [tab.listed(number), *extend_form.restored(kept[1:1 + TYPED]),
                awaited[0] if awaited and _is_awaited(awaited[0]) else gr.skip()]

    gr.context.Context.root_block.load(guarded(restore), memory, kept_parts, **QUIET).then(**look)
    gr.on([one.change for one in kept_parts], fn=None, js="(...values) => [values]",
          inputs=kept_parts, outputs=memory)


def _is_awaited(value: Any) -> bool:
    return (isinstance(value, dict) and value.keys() == Awaited.__annotations__.keys()
            and isinstance(value["job"], int))


def _tie_files(tab: ExtendTab, form: Form, memory: gr.BrowserState) -> None:
    """Remember where the pictures and the video are kept, and show them again after a refresh."""
    def restore(kept: Any) -> list[Any]:
        shown = form.shown_files
        return files_shown(tab.journal.output_directory, kept) if kept else [gr.skip()] * len(shown)

    gr.context.Context.root_block.load(guarded(restore), memory, form.shown_files, **QUIET)
    gr.on([one.change for one in form.kept], fn=None, js="(...kept) => [kept]",
          inputs=list(form.kept), outputs=memory)
