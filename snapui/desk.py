"""The Create tab's controls as one thing that other parts of the page read and fill in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr

from snapui.controls import Controls


@dataclass(frozen=True)
class Desk:
    """The controls of a request and the lock of its seed."""

    controls: Controls
    lock: gr.Checkbox

    @property
    def outputs(self) -> list[Any]:
        """The components that `filled` fills."""
        return [self.lock, *self.controls.components()]

    def filled(self, values: Mapping[str, Any]) -> list[Any]:
        """Return what the components show for these settings, the seed locked."""
        return [True, *self.controls.show(values)]
