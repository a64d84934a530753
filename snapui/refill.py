"""Brings the settings of a dropped file back into their tab, and says what is different.

page.js hands a file dropped anywhere on the page to the button here, so that both take the same,
checked way: gradio stores the upload in a folder of its own and gives only that path.
"""

from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from engine.media import known_suffixes
from snapui.desk import Desk
from snapui.events import PRESSED
from snapui.extend_form import filled
from snapui.guard import guarded
from snapui.restore import restored
from snapui.tabs.extend import Extend

CLOSE = """element.addEventListener("click", (event) => {
  if (event.target.closest("button")) props.value = "";
});"""


def button() -> gr.UploadButton:
    """Place the button that takes a file."""
    return gr.UploadButton("Open a clip", elem_id="restore", size="sm",
                           file_types=list(known_suffixes()))


def notice() -> gr.HTML:
    """Place where it is said what came back and what did not."""
    return gr.HTML("", elem_id="restored", apply_default_css=False, js_on_load=CLOSE)


def tie(taken: gr.UploadButton, said: gr.HTML, tabs: gr.Tabs, desk: Desk, longer: Extend,
        models_directory: Path | None) -> None:
    """Fill in the fields from an uploaded file and open their tab."""
    def restore(path: str) -> list[Any]:
        back = restored(path, models_directory)
        is_longer = back.extension is not None
        return [gr.Tabs(selected="extend" if is_longer else "create"),
                told(Path(path).name, back.differences), *desk.filled(back.values),
                longer.tab.listed(0) if is_longer else gr.skip(), *filled(back.extension)]

    taken.upload(guarded(restore), taken,
                 [tabs, said, *desk.outputs, longer.chosen, *longer.form.typed], **PRESSED)


def told(name: str, differences: tuple[str, ...]) -> str:
    """Return what happened as HTML."""
    lead = (f"The settings of {name} are back."
            if not differences else f"The settings of {name} are back, except:")
    items = "".join(f"<li>{escape(line)}</li>" for line in differences)
    return (f'<div class="box"><div role="status"><p>{escape(lead)}</p>'
            f'{f"<ul>{items}</ul>" * bool(items)}</div><button type="button">Close</button></div>')
