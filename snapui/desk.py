"""The Create tab's controls as one thing that other parts of the page read and fill in."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from engine.extension.request import FITS
from snapui.controls import Controls
from snapui.events import PRESSED, QUIET
from snapui.extend_form import START, holder, taker
from snapui.files import file_url
from snapui.given import is_given
from snapui.orders import Opening


@dataclass(frozen=True)
class Beginning:
    """The fields of a start picture. folder: the output folder, where the picture is kept.

    kept: see `extend_form.holder`. signs: the components that `sign` fills, which show that there
    is one.
    """

    folder: Path
    file: gr.File
    kept: gr.Textbox
    fit: gr.Radio
    signs: tuple[gr.Accordion, gr.HTML] | None = None

    @property
    def look(self) -> dict[str, Any]:
        """What has the signs tell of the kept picture, as arguments of an event."""
        return {"fn": partial(sign, self.folder), "inputs": self.kept,
                "outputs": list(self.signs or ())} | QUIET

    @property
    def inputs(self) -> list[Any]:
        """The components whose values `order` takes."""
        return [self.kept, self.fit]

    @property
    def outputs(self) -> list[Any]:
        """The components that `filled` fills; the file's name follows from the file."""
        return [self.file, self.kept, self.fit]

    def filled(self, opening: Opening | None) -> list[Any]:
        """Return what the components show of how drafts begin; no picture if with nothing given."""
        if opening is None or not (self.folder / opening.picture).exists():
            return [None, "", gr.skip()]
        return [str(self.folder / opening.picture), opening.picture, opening.fit]

    def restored(self, kept: Any) -> list[Any]:
        """Return what the components show of a browser's memory; without one they stay."""
        kept = kept if isinstance(kept, dict) else {}
        if not (is_given(self.folder, kept.get("picture")) and kept.get("fit") in FITS):
            return [gr.skip()] * 3
        return self.filled(Opening(kept["picture"], kept["fit"]))


@dataclass(frozen=True)
class Desk:
    """The controls of a request, the lock of its seed, and the start picture."""

    controls: Controls
    lock: gr.Checkbox
    beginning: Beginning

    @property
    def outputs(self) -> list[Any]:
        """The components that `filled` fills."""
        return [self.lock, *self.controls.components(), *self.beginning.outputs]

    def filled(self, values: Mapping[str, Any], opening: Opening | None = None) -> list[Any]:
        """Return what the components show for these settings, the seed locked."""
        return [True, *self.controls.show(values), *self.beginning.filled(opening)]


def place_beginning(folder: Path) -> Beginning:
    """Place the fields of a start picture inside the open Blocks."""
    label, kinds, keep = START
    with gr.Accordion(label, open=False, elem_id="beginning") as panel:
        preview = gr.HTML("", elem_id="begin-preview", js_on_load=None, apply_default_css=False)
        file = gr.File(label=label, file_types=kinds, height=110)
        fit = gr.Radio(list(FITS), value=FITS[0], label="A picture of another shape",
                       info="Letterbox adds black bars, crop cuts the edges.", elem_id="begin-fit")
    kept = holder()
    file.change(taker(keep, folder), file, [file, kept], **PRESSED)
    beginning = Beginning(folder, file, kept, fit, (panel, preview))
    kept.change(**beginning.look)
    return beginning


def sign(folder: Path, kept: str) -> tuple[gr.Accordion, str]:
    """Return the panel and the preview of a start picture, so that none works unseen.

    The panel opens for a picture, whoever brought it, and is left as it is without one.
    """
    label = START[0]
    if not kept:
        return gr.Accordion(label=label), ""
    name = Path(kept).name.partition("_")[2] or kept  # without the digest, see given.py
    source = escape(file_url(folder, kept), quote=True)
    return (gr.Accordion(label=f"{label}: {name}", open=True),
            f'<img src="{source}" alt="Drafts begin with {escape(name, quote=True)}">')


def order(kept: str, fit: str) -> str:
    """Return the order of drafts from the values of `Beginning.inputs`; none without a picture."""
    return Opening(kept, fit).to_json() if kept else ""
