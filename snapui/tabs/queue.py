"""The queue panel: the jobs in line with how far they are, and what can be done to each."""

from collections.abc import Callable
from functools import partial
from html import escape

import gradio as gr

from engine.request import GenerationRequest
from snapui import queue
from snapui.editor import EDITABLE, Editor
from snapui.guard import answered, guarded
from snapui.jobs import CANCELS, Journal
from snapui.rows import Read
from snapui.schema import Job, JournalError
from snapui.sheet import GO_ON
from snapui.space import HELD, trouble
from snapui.standing import model_told, standing
from snapui.theme import scripts

SHOWN_ENDED = 5
TEMPLATE = f"""<div class="head"><p class="told" role="status"></p><p class="crew"></p>
<button type="button" data-act="pause_all">Pause the queue</button>
<button type="button" data-act="resume_all" hidden>{GO_ON}</button></div>
<ol class="line"></ol>
<dialog aria-label="Change a job"></dialog>"""
LABELS = {"up": "Up", "down": "Down", "front": "First", "pause": "Pause", "resume": "Go on",
          "drop": "Stop", "keep": "Keep as it is", "after": "Pause after this one",
          "retry": "Try again", "again": "Run again", "edit": "Edit"}
KINDS = {"upscale": "Upscale: ", "extension": "Longer: ", "edit": "Edit: "}
MOVES = ("up", "down", "front")
OFFERED = {"running": ("pause", "drop", "keep", "after"),
           "queued": (*MOVES, "edit", "pause", "drop"),
           "paused": (*MOVES, "edit", "resume", "drop"), "failed": ("retry", "again"),
           "cancelled": ("retry", "again"), "done": ("again",)}


def _moved(where: str, journal: Journal, job_id: int) -> None:
    queue.move(journal, job_id, where)


def _cancelled(how: str, journal: Journal, job_id: int) -> None:
    journal.cancel(job_id, how)


ACTIONS: dict[str, Callable[[Journal, int], object]] = {
    **{where: partial(_moved, where) for where in MOVES},
    **{how: partial(_cancelled, how) for how in CANCELS},
    "pause": queue.pause, "resume": queue.resume, "retry": queue.retry, "again": queue.run_again,
    "pause_all": lambda journal, _: queue.pause_all(journal),
    "resume_all": lambda journal, _: queue.resume_all(journal),
}


class Panel:
    """The queue of one journal. read: what reads the jobs of a query."""

    def __init__(self, journal: Journal, read: Read = list) -> None:
        self._journal, self._read = journal, read
        self._drawn: dict[int, tuple[tuple[int, int], str]] = {}  # cards, by what they show

    def value(self) -> dict:
        """Return what the component shows: jobs in line, then those that ended last."""
        line = queue.in_line(read=self._read)
        ended = queue.last_ended(SHOWN_ENDED, self._read)
        running = sum(job.state == "running" for job in line)
        told = f"{running} running, {len(line) - running} waiting" if line else "Nothing waits."
        is_paused = queue.is_paused()
        if is_paused:
            told = f"Paused. {told}"
        elif len(line) > running and trouble(self._journal.output_directory):
            told = f"{told}. {HELD}"
        self._drawn = {job.id: self._kept_card(job, place)
                       for place, job in enumerate([*line, *ended])}
        return {"told": told, "is_paused": is_paused, "crew": _crew(self._journal),
                "cards": [[f"queue-{job_id}", card] for job_id, (_, card) in self._drawn.items()]}

    def _kept_card(self, job: Job, ahead: int) -> tuple[tuple[int, int], str]:
        """Return what a card is drawn from and the card, drawn anew only if that has changed."""
        source = (job.changed, ahead)
        known = self._drawn.get(job.id)
        return known if known and known[0] == source else (source, _card(job, ahead))

    def act(self, event: gr.EventData) -> None:
        """Do what the pressed button says. Raises: JournalError."""
        action = ACTIONS.get(event.act)
        if action is None:
            raise JournalError("This button is of another version; load the page again.")
        action(self._journal, int(event.id or 0))


def component(editor: Editor) -> gr.HTML:
    """Return the empty panel, which live.js fills. Its event: queue_act (act, id)."""
    return gr.HTML(value={}, html_template=TEMPLATE, elem_id="queue", apply_default_css=False,
                   js_on_load=scripts("morph.js", "around.js", "queue.js"),
                   server_functions=[answered(editor.form), answered(editor.change)])


def tie(panel: Panel, shown: gr.HTML, look: dict, **how: object) -> None:
    """Let the panel's buttons act, and then look at the journal again."""
    shown.queue_act(guarded(panel.act, has_outputs=False), **how).then(**look)


def _crew(journal: Journal) -> str:
    """Return how many workers are alive, here and elsewhere."""
    alive = [worker for worker in journal.workers() if worker.state != "failed"]
    machines = len({worker.host for worker in alive})
    where = f" on {machines} machines" if machines > 1 else ""
    return f"{len(alive) or 'No'} worker{'s' * (len(alive) > 1)} alive{where}"


def _offered(job: Job) -> list[str]:
    """Return the buttons of a job."""
    return [act for act in OFFERED[job.state] if act != "edit" or job.kind in EDITABLE]


def _card(job: Job, ahead: int) -> str:
    request = GenerationRequest.from_json(job.request)
    name = escape(f"{KINDS.get(job.kind, '')}{request.prompt}", quote=True)
    told = f"{standing(job, ahead)} · {model_told(request)}"
    why = f'<span class="why">{escape(job.error)}</span>' * bool(job.error)
    buttons = "".join(
        f'<button type="button" data-key="{act}" data-act="{act}" data-id="{job.id}" '
        f'aria-label="{LABELS[act]}: {name}">{LABELS[act]}</button>' for act in _offered(job))
    return (f'<li class="is-{job.state}"><span class="what" dir="auto">{name}</span>'
            f'<span class="told">{escape(told)}</span>'
            f'<span class="actions">{buttons}</span>{why}</li>')
