"""Brings the settings of a clip or of a dropped file back into their tab.

page.js hands a file dropped anywhere on the page to the button here, so that both take the same,
checked way: gradio stores the upload in a folder of its own and gives only that path.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from engine.media import known_suffixes
from snapui.desk import Desk
from snapui.events import PRESSED
from snapui.extend_form import files_shown, filled
from snapui.guard import guarded
from snapui.library import Library
from snapui.restore import Restored, restored
from snapui.tabs import compare
from snapui.tabs.compare import CompareTab
from snapui.tabs.create import settings_of
from snapui.tabs.extend import Extend

CLOSE = """element.addEventListener("click", (event) => {
  if (event.target.closest("button")) props.value = "";
});"""


@dataclass(frozen=True)
class Fields:
    """What a file fills in, by tab."""

    desk: Desk
    longer: Extend
    beside: CompareTab


def button() -> gr.UploadButton:
    """Place the button that takes a file."""
    return gr.UploadButton("Open a clip", elem_id="restore", size="sm",
                           file_types=list(known_suffixes()))


def notice() -> gr.HTML:
    """Place where it is said what came back and what did not."""
    return gr.HTML("", elem_id="restored", apply_default_css=False, js_on_load=CLOSE)


def tie(taken: gr.UploadButton, said: gr.HTML, tabs: gr.Tabs, fields: Fields,
        models_directory: Path | None) -> None:
    """Fill in the fields from an uploaded file and open their tab."""
    desk, longer, beside = fields.desk, fields.longer, fields.beside
    library = Library(beside.journal)

    def restore(path: str) -> list[Any]:
        back = restored(path, models_directory, library.backend())
        is_longer = back.extension is not None
        # Pictures of another clip would go into this one; its own are not in the file.
        files = (files_shown(beside.journal.output_directory, None) if is_longer
                 else [gr.skip()] * len(longer.form.shown_files))
        return [gr.Tabs(selected=_tab_of(back)),
                told(Path(path).name, back.differences), *desk.filled(back.values),
                longer.tab.listed(0) if is_longer else gr.skip(),
                *filled(back.extension), *files, *compare.filled(back.plan)]

    taken.upload(guarded(restore), taken,
                 [tabs, said, *desk.outputs, longer.chosen, *longer.form.typed,
                  *longer.form.shown_files, *beside.axes], **PRESSED)


def _tab_of(back: Restored) -> str:
    """Return the tab whose fields make what a file shows."""
    if back.extension is not None:
        return "extend"
    return "create" if back.plan is None else "compare"


def use_of(desk: Desk, longer: Extend) -> Callable[[gr.EventData], list[Any]]:
    """Return the handler that puts the settings of the clip in the event back into their tab.

    It fills `use_outputs`. A clip that is gone on from is chosen again; one that is gone is not.
    """
    films = longer.tab.films
    short = settings_of(films.journal, desk)

    def use(event: gr.EventData) -> list[Any]:
        grown = films.grown_by(films.journal.clip(int(event.id)))
        if grown is None:
            untouched = [gr.skip()] * (1 + len(longer.form.typed) + len(longer.form.shown_files))
            return [gr.Tabs(selected="create"), *short(event), *untouched]
        order, source = grown
        kept = [order.start_picture, order.end_picture, order.video]
        return [gr.Tabs(selected="extend"),
                *desk.filled(json.loads(order.request.clip.to_json())),
                longer.tab.listed(source.id if source else 0), *filled(order.request, source),
                *files_shown(films.journal.output_directory, kept)]
    return use


def use_outputs(tabs: gr.Tabs, desk: Desk, longer: Extend) -> list[Any]:
    """Return the components that the handler of `use_of` fills."""
    return [tabs, *desk.outputs, longer.chosen, *longer.form.typed, *longer.form.shown_files]


def told(name: str, differences: tuple[str, ...]) -> str:
    """Return what happened as HTML."""
    lead = (f"The settings of {name} are back."
            if not differences else f"The settings of {name} are back, except:")
    items = "".join(f"<li>{escape(line)}</li>" for line in differences)
    return (f'<div class="box"><div role="status"><p>{escape(lead)}</p>'
            f'{f"<ul>{items}</ul>" * bool(items)}</div><button type="button">Close</button></div>')
