"""Reads the settings out of a file made here, and says in words what cannot be brought back.

A file is untrusted: each field is checked on its own, a model is only ever looked up by name among
the models of this machine, and a field that is wrong is left out instead of spoiling the rest.
"""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.catalog import list_models
from engine.errors import RequestError
from engine.extension.request import EXTENSION_KEY, ExtensionRequest
from engine.media import (
    COMPARISON_KEY,
    EDIT_KEY,
    KEPT_KEY,
    MEDIA_KEY,
    MODEL_NAME,
    OPENING_KEY,
    ReadLimits,
    read_settings,
)
from engine.request import MAX_PROMPT_CHARACTERS, GenerationRequest
from snapui.compare import UPSCALE_FIELDS, Plan
from snapui.controls import FIELDS
from snapui.orders import Edit
from snapui.picks import Picks, plan_from

UPSCALED = ("It was upscaled, which is done to finished drafts: make the draft, tick it and press "
            "Upscale.")
LIMITS = ReadLimits(max_file_bytes=2**28, max_decoded_bytes=2**28)
SHOWN_CHARACTERS = 60


@dataclass(frozen=True)
class Restored:
    """What a file gave back.

    values: by field name, each one that its control accepts. differences: one sentence for each
    thing that will not be as it was in the file. extension: of a longer clip. plan: of a grid.
    """

    values: dict[str, Any]
    differences: tuple[str, ...]
    extension: ExtensionRequest | None = None
    plan: Plan | None = None


def restored(path: Path | str, models_directory: Path | None = None,
             backend: str = "") -> Restored:
    """Return the settings a file made here carries.

    backend: what makes clips here, if that is known.
    Raises: MediaError if the file cannot be read or was not made here; RequestError if its
        settings are no list of named fields.
    """
    metadata = read_settings(path, limits=LIMITS)
    stored = _named_fields(metadata[MEDIA_KEY])
    values: dict[str, Any] = {}
    differences = []
    for name, spec in FIELDS.items():
        label = spec.metadata["label"]
        if name not in stored:
            differences.append(f"{label} is not in the file; it stays as it is now.")
            continue
        value, told = _usable(name, stored[name])
        if told:
            differences.append(f"{label} {told}")
        if value is not None:
            values[name] = value
    if unknown := sorted(set(stored) - set(FIELDS)):
        differences.append("This version of the program does not know "
                           f"{_quoted(', '.join(unknown))}.")
    models = {card.name: card.model_hash for card in list_models(models_directory)
              if MODEL_NAME.fullmatch(card.name)}
    differences += _model_differences(values, metadata.get("model_hash", ""), models)
    differences += _other_backend(metadata.get("backend", ""), backend)
    extension, told = _extension(metadata)
    plan, told_of_plan = _plan(metadata, models)
    differences += [*told, *told_of_plan, *_lost(metadata)]
    if values.get("upscale") and extension is None and not _compares_upscales(plan):
        differences.append(UPSCALED)
    return Restored(values, tuple(differences), extension, plan)


def _lost(metadata: Mapping[str, str]) -> Iterator[str]:
    """Say what was done that the settings do not do."""
    if OPENING_KEY in metadata:
        yield ("It begins with a picture that is not in the file: hand that over again as the "
               "start picture.")
    if KEPT_KEY in metadata:
        yield (f"It was kept early, after {_quoted(metadata[KEPT_KEY])}; these settings make it "
               "whole.")
    if EDIT_KEY in metadata:
        parent = _parents(metadata) or "another clip"
        yield (f"It is an edit ({_edit_name(metadata[EDIT_KEY])}) of {parent}, which these "
               "settings alone do not make: open that on the Extend tab and edit it again.")


def _edit_name(text: str) -> str:
    try:
        return Edit.from_json(text).name
    except (RequestError, ValueError, TypeError, RecursionError):
        return "of a kind not known here"


def _extension(metadata: Mapping[str, str]) -> tuple[ExtensionRequest | None, list[str]]:
    """Return how a longer clip is made, if it is one, and what its file does not hold."""
    if EXTENSION_KEY not in metadata:
        return None, []
    try:
        extension = ExtensionRequest.from_json(metadata[EXTENSION_KEY])
    except RequestError:  # its sentence may repeat any text of the file, at any length
        return None, ["How it was extended is damaged, so the Extend tab stays as it is now."]
    parents = _parents(metadata)
    return extension, [f"It was made from {parents}: choose that under Go on from, or hand it over "
                       "again."] * bool(parents)


def _parents(metadata: Mapping[str, str]) -> str:
    """Return the names of the files that a file was made from; nothing if it names none."""
    try:
        return _quoted(", ".join(str(name) for name in json.loads(metadata.get("parents", ""))))
    except (ValueError, TypeError, RecursionError):
        return ""


def _plan(metadata: Mapping[str, str],
          models: Mapping[str, str]) -> tuple[Plan | None, list[str]]:
    """Return what a grid compares, if the file is one, and what of it cannot come back."""
    if COMPARISON_KEY not in metadata:
        return None, []
    try:
        plan = plan_from(metadata[COMPARISON_KEY])
    except RequestError:  # its sentence may repeat any text of the file, at any length
        return None, ["What the grid compares is damaged, so the columns and rows stay as they are "
                      "now."]
    if isinstance(plan, Picks):
        return None, ["It shows finished clips side by side; only the settings of the first are "
                      "back."]
    missing = [name for axis in plan.axes if axis.field == "model" for name in axis.values
               if name not in models]
    if missing:
        return None, [f"It compares {_quoted(', '.join(missing))}, which is not on this machine, "
                      "so the columns and rows stay as they are now."]
    return plan, []


def _compares_upscales(plan: Plan | None) -> bool:
    return plan is not None and any(axis.field in UPSCALE_FIELDS for axis in plan.axes)


def _named_fields(text: str) -> dict[str, Any]:
    try:
        stored = json.loads(text)
    except (ValueError, RecursionError):
        stored = None
    if not isinstance(stored, dict):
        raise RequestError("The settings in this file are damaged, so they cannot be restored. "
                           "Choose the original file.")
    return stored


def _usable(name: str, value: Any) -> tuple[Any, str]:
    """Return a field's value as near to the file's as the field allows, and what is different.

    The value is None if there is no such thing.
    """
    if (checked := _checked(name, value)) is not None:
        return checked, ""
    limits = FIELDS[name].metadata
    if "maximum" in limits and _is_number(value):
        nearest = min(max(value, limits["minimum"]), limits["maximum"])
        if (checked := _checked(name, nearest)) is not None:
            return checked, (f"was {_quoted(value)} and can be from {limits['minimum']:g} to "
                             f"{limits['maximum']:g}; it is {nearest:g} now.")
    if isinstance(value, str) and len(value) > MAX_PROMPT_CHARACTERS:
        checked = _checked(name, value[:MAX_PROMPT_CHARACTERS])
        if checked is not None:
            return checked, (f"was {len(value)} characters long; only the first "
                             f"{MAX_PROMPT_CHARACTERS} are used.")
    return None, f"was {_quoted(value)}, which it cannot be; it stays as it is now."


def _checked(name: str, value: Any) -> Any:
    """Return the value of one field in its own type, or None if the field does not allow it."""
    try:
        return getattr(GenerationRequest(**{"prompt": "any", name: value}), name)
    except RequestError:
        return None


def _is_number(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    return isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))


def _model_differences(values: dict[str, Any], stored_hash: str,
                       models: Mapping[str, str]) -> Iterator[str]:
    """Say how the file's model differs from this machine's; an unknown one leaves the values.

    models: the hashes of this machine's models by name.
    """
    name = values.get("model")
    if name is None:
        return
    if name not in models:
        del values["model"]
        yield (f"The model {_quoted(name)} is not on this machine; the model chosen now stays, so "
               "the clip will look different.")
    elif stored_hash and stored_hash != models[name]:
        yield (f"The model {name} has other weights here ({models[name]}) than when the file "
               f"was made ({_quoted(stored_hash)}), so the clip will look different.")


def _other_backend(stored: str, here: str) -> Iterator[str]:
    if stored and here and stored != here:
        yield (f"It was made with another backend ({_quoted(stored)}, here {here}), so the frames "
               "may differ.")


def _quoted(value: Any) -> str:
    """Return any value from a file as short, printable text on one line."""
    text = "".join(one if one.isprintable() else " " for one in str(value)[:SHOWN_CHARACTERS + 1])
    return text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "…"
