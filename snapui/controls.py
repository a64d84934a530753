"""The request's fields as controls of the page: each declared once, in engine/request.py.

Label, help and range come from the field's metadata; a control is placed where the page asks for
it by name, and values travel back as a dict by field name.
"""

import secrets
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import gradio as gr

from engine.errors import RequestError
from engine.request import QUALITY_STEPS, GenerationRequest

FIELDS = {spec.name: spec for spec in fields(GenerationRequest)}
SLIDER_STEPS = {"guidance": 0.5, "upscale_noise": 0.05}
HIGHEST_DRAWN_SEED = 1_000_000  # short enough to read out loud


class WithinRange(gr.Slider):
    """A slider that takes the nearest number of its range for one typed beyond it.

    Gradio answers such a number with an error of the server, before any handler of ours is asked.
    """

    is_template = True  # drawn as the slider that it is

    def preprocess(self, payload: float | None) -> float | None:
        """Return the number for the handlers; none for an emptied field, which they refuse."""
        if payload is None:
            return None
        return super().preprocess(min(max(payload, self.minimum), self.maximum))


class Controls:
    """The controls placed so far, by the name of their request field."""

    def __init__(self) -> None:
        self.by_name: dict[str, gr.components.Component] = {}

    def place(self, name: str, **looks: Any) -> Any:
        """Add the control of a request field here. Returns: the gradio component."""
        spec = FIELDS[name]
        common = {"label": spec.metadata["label"], "info": spec.metadata["help"],
                  "value": spec.default, "elem_id": f"control-{name}"} | looks
        if spec.type is bool:
            component = gr.Checkbox(**common)
        elif "choices" in looks or "choices" in spec.metadata:
            component = gr.Dropdown(**{"choices": list(spec.metadata.get("choices", ()))} | common)
        elif spec.type is str or spec.metadata["maximum"] > 2**53:  # beyond a browser's numbers
            component = gr.Textbox(**common | {"value": str(common["value"])})
        else:
            component = WithinRange(minimum=spec.metadata["minimum"],
                                    maximum=spec.metadata["maximum"],
                                    step=SLIDER_STEPS.get(name, 1), **common)
        self.by_name[name] = component
        return component

    def components(self, names: tuple[str, ...] = ()) -> list[Any]:
        """Return the components of these fields, or of all placed ones."""
        return [self.by_name[name] for name in names or self.by_name]

    def request(self, *values: Any) -> GenerationRequest:
        """Build the request from the values of all placed controls. Raises: RequestError."""
        return GenerationRequest(**dict(zip(self.by_name, values, strict=True)))

    def show(self, values: Mapping[str, Any]) -> list[Any]:
        """Return what each placed control shows for these values; unusable ones stay as they are.

        values: by field name; may come from a browser's memory, so each is checked on its own.
        """
        return [_shown(name, values[name]) if name in values else gr.skip()
                for name in self.by_name]


def _shown(name: str, value: Any) -> Any:
    """Return one value as its control shows it, or a skip if the field does not allow it."""
    stand_in = {} if name == "prompt" else {"prompt": "any"}
    if name == "prompt" and value == "":
        return ""
    try:
        checked = getattr(GenerationRequest(**stand_in, **{name: value}), name)
    except RequestError:
        return gr.skip()
    return str(checked) if name == "seed" else checked


def quality_of(steps: Any) -> str | None:
    """Return the quality level with this number of steps, or None between the levels."""
    return next((name for name, count in QUALITY_STEPS.items() if count == steps), None)


def drawn_seed() -> str:
    """Return a new random seed as the seed field shows it."""
    return str(secrets.randbelow(HIGHEST_DRAWN_SEED))
