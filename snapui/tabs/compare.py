"""The compare tab: clips from one noise side by side, in lockstep, and a blind vote on them."""

import json
import time
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from engine.catalog import model_names
from engine.errors import SnapError
from snapui import estimate, inside, learnt
from snapui.compare import MAX_VALUES, VARIABLE, Axis, Plan, plan_of
from snapui.comparisons import Comparisons
from snapui.controls import FIELDS
from snapui.desk import Desk, order
from snapui.events import EACH, PRESSED, QUIET
from snapui.files import file_url
from snapui.given import checked
from snapui.grid import save_grid
from snapui.guard import answered, guarded
from snapui.jobs import Journal
from snapui.player import Player, component
from snapui.tabs.create import COSTS, EXAMPLES
from snapui.votes import LETTERS, Ballot

NOTHING = "Nothing"
FRESH = "<p>Write two to four values; how many clips that makes appears here.</p>"
VARIES = [(FIELDS[name].metadata["label"], name) for name in VARIABLE]


class CompareTab:
    """The tab's handlers."""

    def __init__(self, journal: Journal, desk: Desk, models_directory: Path | None) -> None:
        self.journal, self.models_directory = journal, models_directory
        self.comparisons = Comparisons(journal, models_directory)
        self.player = Player(journal.output_directory)
        self._names = tuple(desk.controls.by_name)
        self.axes: list[Any] = []  # the placed fields of what varies

    def plan(self, axes: tuple[Any, ...], values: tuple[Any, ...]) -> Plan:
        """Return the plan of the tab's fields and the Create tab's. Raises: RequestError."""
        field, text, row_field, row_text = axes
        rows = None if row_field == NOTHING else Axis.parse(row_field, row_text)
        return plan_of(dict(zip(self._names, values, strict=True)), Axis.parse(field, text), rows)

    def run(self, kept: str, fit: str, *fields: Any) -> Any:
        """Queue the cells. Returns: the list of comparisons with the new one chosen.

        kept, fit: see `desk.order`.
        """
        kept = checked(self.journal.output_directory, kept)
        plan = self.plan(fields[:4], fields[4:])
        return self.listed(self.comparisons.submit(plan, order(kept, fit)))

    def told(self, *fields: Any) -> str:
        """Return how many clips this makes and how long they take, or what keeps them from it."""
        _, text, row_field, row_text = fields[:4]
        if not text.strip() or (row_field != NOTHING and not row_text.strip()):
            return FRESH
        try:
            plan = self.plan(fields[:4], fields[4:])
            self.comparisons.check(plan)
        except SnapError as error:
            return f'<p class="failed">{escape(str(error))}</p>'
        timings = self.journal.timings()
        seconds = [estimate.whole_seconds(request, timings) for *_, request in plan.cells()]
        known = "" if None in seconds else f", about {estimate.spoken(sum(seconds))}"
        notes = learnt.notes([request for *_, request in plan.cells()], self.models_directory)
        return (f"<p>{len(seconds)} clips{known}. Everything else as on the Create tab.</p>"
                f"{learnt.paragraphs(notes)}")

    def stop(self, event: gr.EventData) -> None:
        """Stop what is still to come of the comparison in the event."""
        self.comparisons.stop(int(event.id))

    def hint(self, field: str) -> Any:
        """Return the values field of an axis with a hint that suits what varies."""
        if field == NOTHING:
            return gr.Textbox(visible=False)
        return gr.Textbox(visible=True, info=_hint(field, self.models_directory))

    def listed(self, chosen: int | None) -> Any:
        """Return the list of comparisons, newest first."""
        choices = self._choices()
        known = [number for _, number in choices]
        if chosen not in known:
            chosen = known[0] if known else None
        return gr.Dropdown(choices=choices, value=chosen, visible=bool(choices))

    def listed_anew(self, chosen: int | None) -> Any:
        """Return the list of comparisons, also of other pages; what is chosen stays."""
        return self.listed(None) if chosen is None else gr.Dropdown(choices=self._choices())

    def _choices(self) -> list[tuple[str, int]]:
        return [(f"{number}: {plan.title[:80]}", number)
                for number, plan in self.comparisons.newest_first()]

    def look(self, chosen: int | None, ballot: Ballot | None) -> dict:
        """Return what the player shows."""
        if chosen is None:
            return self.player.empty()
        standing = self.comparisons.standing(chosen)
        if ballot is not None and ballot.comparison == chosen:
            return self.player.ballot(standing, ballot)
        return self.player.value(standing)

    def put_together(self, event: gr.EventData) -> list[Any]:
        """Return the open tab and the comparison of the clips in the event chosen."""
        return [gr.Tabs(selected="compare"), self.listed(self.comparisons.put_together(event.ids))]

    def start_ballot(self, chosen: int) -> Ballot:
        """Shuffle the chosen comparison for a vote."""
        return self.comparisons.ballot(chosen)

    def vote(self, ballot: Ballot, event: gr.EventData) -> None:
        """Count a ballot and say who was who; nothing of it is left to vote on."""
        self.comparisons.vote(ballot, event.choices)
        heads = self.comparisons.standing(ballot.comparison).plan.heads
        named = [f"{letter}: {heads[column]}"
                 for letter, column in zip(LETTERS, ballot.order, strict=False)]
        gr.Info(escape("; ".join(named)), title="Counted")

    def save(self, asked: dict) -> dict:
        """Return where a comparison as one file is found."""
        folder, still = self.journal.output_directory, asked["still"]
        standing = self.comparisons.standing(int(asked["id"]))
        name = time.strftime(f"%Y-%m-%d/%H%M%S_comparison_{standing.id}")
        path = save_grid(folder, name, standing, None if still is None else int(still),
                         tells=inside.tells(self.journal))
        return {"url": file_url(folder, path), "name": Path(path).name}


def filled(plan: Plan | None) -> list[Any]:
    """Return what the fields of what varies show of a plan; nothing changes without one."""
    if plan is None:
        return [gr.skip()] * 4
    rows = [NOTHING, ""] if plan.rows is None else [plan.rows.field, plan.rows.text]
    return [plan.columns.field, plan.columns.text, *rows]


def _hint(field: str, models_directory: Path | None) -> str:
    """Return how the values of a field are written."""
    spec = FIELDS[field]
    if field == "model":
        known = ", ".join(model_names(models_directory))
        hint = f"Out of {known}, or a model's folder; one a line."
    elif spec.type is bool:
        hint = "yes or no, one a line."
    elif "choices" in spec.metadata:
        hint = f"Out of {', '.join(spec.metadata['choices'])}; one a line."
    elif "maximum" in spec.metadata and spec.metadata["maximum"] < 2**53:
        hint = f"From {spec.metadata['minimum']:g} to {spec.metadata['maximum']:g}; one a line."
    else:
        hint = "One a line."
    return f"{hint} Up to {MAX_VALUES}."


def beginnings(models_directory: Path | None) -> dict[str, str]:
    """Return by field the values it begins with; none for numbers, of which any may be meant."""
    values = {"prompt": EXAMPLES[:2], "model": model_names(models_directory)}
    for name in VARIABLE:
        if FIELDS[name].type is bool:
            values[name] = ("yes", "no")
        elif "choices" in FIELDS[name].metadata:
            values[name] = FIELDS[name].metadata["choices"]
    return {name: "\n".join(few[:MAX_VALUES]) for name, few in values.items()}


def build(journal: Journal, desk: Desk, memory: gr.BrowserState,
          models_directory: Path | None) -> tuple[CompareTab, gr.Dropdown]:
    """Place the tab inside the open Blocks.

    desk: the Create tab's controls; they say what all clips share. memory: keeps what is
    compared, see events.memory. models_directory: holds models besides the shipped ones.
    Returns: the tab, and the list of comparisons, for what else of the page works with it.
    """
    tab = CompareTab(journal, desk, models_directory)
    with gr.Row(elem_id="compare-desk"):
        with gr.Column(elem_id="compare-settings"):
            columns = _axis(tab, "Columns", "What differs from left to right.", VARIES)
            rows = _axis(tab, "Rows", "What differs from top to bottom, if anything.",
                         [(NOTHING, NOTHING), *VARIES])
            run = gr.Button("Compare", variant="primary", elem_id="run-comparison")
            told = gr.HTML(elem_id="compare-told", apply_default_css=False, js_on_load=None)
            chosen = gr.Dropdown([], label="Comparison", elem_id="comparisons", visible=False,
                                 info="All comparisons made so far, newest first.")
        with gr.Column(elem_id="compare-results"):
            player = component(answered(tab.save))
    ballot = gr.State(None)
    tab.axes = axes = [*columns[:2], *rows[:2]]
    fields = [*axes, *desk.controls.components()]
    look = {"fn": guarded(tab.look), "inputs": [chosen, ballot], "outputs": player} | QUIET
    run.click(guarded(tab.run), [*desk.beginning.inputs, *fields], chosen, **PRESSED)
    chosen.change(lambda: None, outputs=ballot, **QUIET).then(**look)
    page = gr.context.Context.root_block
    costs = [*axes, *desk.controls.components(COSTS)]
    gr.on([page.load, *(field.change for field in costs)], guarded(tab.told), fields, told,
          trigger_mode="always_last", **QUIET)
    player.look_again(**look)
    player.stop_comparison(guarded(tab.stop, has_outputs=False), **EACH).then(**look)
    player.start_ballot(guarded(tab.start_ballot), chosen, ballot, **PRESSED).then(**look)
    player.end_ballot(lambda: None, outputs=ballot, **QUIET).then(**look)
    player.cast_vote(guarded(tab.vote), ballot, ballot, **PRESSED).then(**look)
    _tie_memory(tab, [*axes, columns[2], rows[2], chosen], look, memory)
    return tab, chosen


def _axis(tab: CompareTab, label: str, info: str, choices: list[tuple[str, str]]) -> list[Any]:
    """Place the controls of an axis: what varies, at first the first choice, and its values.

    Returns: both, and what holds the values that were typed by field.
    """
    name, first = label.lower(), beginnings(tab.models_directory)
    text = first.get(choices[0][1], "")
    varies = gr.Dropdown(choices, value=choices[0][1], label=f"{label} vary", info=info,
                         elem_id=f"{name}-field")
    values = gr.Textbox(text, lines=2, max_lines=MAX_VALUES, label=f"Values of the {name}",
                        info=f"One a line. Up to {MAX_VALUES}.", elem_id=f"{name}-values",
                        visible=bool(text))
    varies.change(guarded(tab.hint), varies, values, **QUIET)
    # Each field has values of its own, or prompts would stand there as models. In the browser, or
    # who is quicker than the answer loses what was typed meanwhile.
    typed = gr.JSON({}, visible="hidden")
    values.change(fn=None, js="(field, text, typed) => ({ ...typed, [field]: text })",
                  inputs=[varies, values, typed], outputs=typed)
    varies.input(fn=None, inputs=[varies, typed], outputs=values,
                 js=f'(field, typed) => typed[field] ?? ({json.dumps(first)})[field] ?? ""')
    return [varies, values, typed]


def _tie_memory(tab: CompareTab, fields: list[Any], look: dict, memory: gr.BrowserState) -> None:
    """Keep what was typed in the browser, and put it and the comparison back after a refresh.

    fields: the axes, what was typed for other fields of each, and the list of comparisons.
    """
    def restore(kept: Any) -> list[Any]:
        if not isinstance(kept, list) or len(kept) != len(fields):
            kept = [None] * len(fields)
        column_field, column_text, row_field, row_text, *typed, number = kept
        usable = (column_field in VARIABLE, isinstance(column_text, str),
                  row_field in (NOTHING, *VARIABLE), isinstance(row_text, str),
                  *(_are_texts(one) for one in typed))
        return [*(value if is_usable else gr.skip()
                  for value, is_usable in zip(kept, usable, strict=False)), tab.listed(number)]

    gr.context.Context.root_block.load(guarded(restore), memory, fields, **QUIET).then(**look)
    gr.on([one.change for one in fields], fn=None, js="(...values) => [values]", inputs=fields,
          outputs=memory)


def _are_texts(typed: Any) -> bool:
    return isinstance(typed, dict) and all(isinstance(text, str) for text in typed.values())
