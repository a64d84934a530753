"""The form that changes a job in line: the settings of its request, and its priority.

Python writes it as HTML with every text escaped; queue.js sends back what was typed as text.
"""

from collections.abc import Mapping
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import Any

from engine.catalog import find_model
from engine.errors import RequestError
from engine.request import GenerationRequest
from snapui import queue
from snapui.controls import FIELDS
from snapui.jobs import Journal
from snapui.schema import Job, JournalError

UPSCALE_FIELDS = ("upscale_steps", "upscale_noise")
# What a draft may be changed in, by the kind of job; whether it upscales is asked for elsewhere.
EDITABLE = {"draft": tuple(name for name in FIELDS if name != "upscale"),
            "upscale": UPSCALE_FIELDS}
LONG = ("prompt", "negative_prompt")
HIGHEST_PRIORITY = 100


class Editor:
    """Shows and changes the waiting jobs of one journal."""

    def __init__(self, journal: Journal, models_directory: Path | None = None) -> None:
        self._journal = journal
        self._models_directory = models_directory

    def form(self, asked: Mapping[str, Any]) -> dict[str, str]:
        """Return the form of a job as HTML. Raises: JournalError."""
        job = self._job(asked)
        request = GenerationRequest.from_json(job.request)
        fields = "".join(_field(name, getattr(request, name)) for name in EDITABLE[job.kind])
        title = escape(f"Change job {job.id}")
        return {"html": (
            f'<form data-id="{job.id}" novalidate><header><h3>{title}</h3>'
            '<button type="button" data-act="close">Close</button></header>'
            f'<div class="fields">{fields}{_priority(job.priority)}</div>'
            '<p class="failed" role="alert" hidden></p>'
            '<div class="actions"><button class="primary">Save changes</button></div></form>')}

    def change(self, asked: Mapping[str, Any]) -> dict[str, str]:
        """Change a job to what was typed. Raises: JournalError, RequestError or ModelError."""
        job, typed = self._job(asked), asked["values"]
        changes = {name: name in typed if FIELDS[name].type is bool else typed[name]
                   for name in EDITABLE[job.kind]}
        old = GenerationRequest.from_json(job.request)
        request = replace(old, **changes)
        with self._journal.change():
            if request.model != old.model:
                find_model(request.model, self._models_directory)  # a worker would say it late
            if request != old:  # what a job has done already stays good
                queue.edit(self._journal, job.id, request)
            queue.prioritise(self._journal, job.id, _checked_priority(typed["priority"]))
        return {}

    def _job(self, asked: Mapping[str, Any]) -> Job:
        job = self._journal.job(int(asked["id"]))
        if job.kind not in EDITABLE:
            raise JournalError(f"Job {job.id} cannot be changed here; stop it and start it anew.")
        return job


def _field(name: str, value: Any) -> str:
    """Return one setting as a labelled control with its sentence of help."""
    spec = FIELDS[name]
    how = f'id="edit-{name}" name="{name}" aria-describedby="edit-{name}-help"'
    look = "wide" if name in LONG else ""
    if spec.type is bool:
        look, control = "tick", f'<input type="checkbox" {how}{" checked" if value else ""}>'
    elif "choices" in spec.metadata:
        options = "".join(f'<option{" selected" if one == value else ""}>{escape(one)}</option>'
                          for one in spec.metadata["choices"])
        control = f"<select {how}>{options}</select>"
    elif name in LONG:
        control = f'<textarea rows="2" dir="auto" {how}>{escape(value)}</textarea>'
    else:
        control = _input(how, f"{value:g}" if isinstance(value, float) else str(value))
    return _labelled(name, spec.metadata["label"], control, spec.metadata["help"], look)


def _input(how: str, text: str) -> str:
    return f'<input {how} value="{escape(text, quote=True)}" autocomplete="off">'


def _labelled(name: str, label: str, control: str, about: str, look: str = "") -> str:
    return (f'<div class="field {look}"><label for="edit-{name}">{escape(label)}</label>{control}'
            f'<small id="edit-{name}-help">{escape(about)}</small></div>')


def _priority(value: int) -> str:
    how = 'id="edit-priority" name="priority" aria-describedby="edit-priority-help"'
    return _labelled("priority", "Priority", _input(how, str(value)),
                     "Higher goes first; 0 is usual.")


def _checked_priority(text: str) -> int:
    try:
        priority = int(text)
    except ValueError:
        priority = HIGHEST_PRIORITY + 1
    if abs(priority) > HIGHEST_PRIORITY:
        raise RequestError(f"Priority must be a whole number from {-HIGHEST_PRIORITY} to "
                           f"{HIGHEST_PRIORITY}, not {text[:40]!r}.")
    return priority
