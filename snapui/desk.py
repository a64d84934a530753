"""The Create tab's controls as one thing that other parts of the page read and fill in."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from engine.extension.request import FITS
from snapui.controls import Controls
from snapui.events import PRESSED
from snapui.extend_form import START, is_given, taker
from snapui.orders import Opening


@dataclass(frozen=True)
class Beginning:
    """The fields of a start picture. folder: the output folder, where the picture is kept."""

    folder: Path
    file: gr.File
    kept: gr.State
    fit: gr.Radio

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
    with gr.Accordion(label, open=False, elem_id="beginning"):
        file = gr.File(label=label, file_types=kinds, height=110)
        fit = gr.Radio(list(FITS), value=FITS[0], label="A picture of another shape",
                       info="Letterbox adds black bars, crop cuts the edges.", elem_id="begin-fit")
    kept = gr.State("")
    file.change(taker(keep, folder), file, [file, kept], **PRESSED)
    return Beginning(folder, file, kept, fit)


def order(kept: str, fit: str) -> str:
    """Return the order of drafts from the values of `Beginning.inputs`; none without a picture."""
    return Opening(kept, fit).to_json() if kept else ""
