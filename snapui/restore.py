"""Reads the settings out of a file made here, and says in words what cannot be brought back.

A file is untrusted: each field is checked on its own, a model is only ever looked up by name among
the models of this machine, and a field that is wrong is left out instead of spoiling the rest.
"""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.catalog import list_models
from engine.errors import RequestError
from engine.extension.request import EXTENSION_KEY, ExtensionRequest
from engine.media import MEDIA_KEY, MODEL_NAME, OPENING_KEY, ReadLimits, read_settings
from engine.request import MAX_PROMPT_CHARACTERS, GenerationRequest
from snapui.controls import FIELDS

LIMITS = ReadLimits(max_file_bytes=2**28, max_decoded_bytes=2**28)
SHOWN_CHARACTERS = 60


@dataclass(frozen=True)
class Restored:
    """What a file gave back.

    values: by field name, each one that its control accepts. differences: one sentence for each
    thing that will not be as it was in the file. extension: of a longer clip.
    """

    values: dict[str, Any]
    differences: tuple[str, ...]
    extension: ExtensionRequest | None = None


def restored(path: Path | str, models_directory: Path | None = None) -> Restored:
    """Return the settings a file made here carries.

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
    differences += _model_differences(values, metadata.get("model_hash", ""), models_directory)
    if OPENING_KEY in metadata:
        differences.append("It begins with a picture that is not in the file: hand that over again "
                           "as the start picture.")
    extension = None
    if EXTENSION_KEY in metadata:
        try:
            extension = ExtensionRequest.from_json(metadata[EXTENSION_KEY])
            differences += _missing_parents(metadata.get("parents", ""))
        except RequestError as error:
            differences.append(str(error))
    return Restored(values, tuple(differences), extension)


def _missing_parents(text: str) -> Iterator[str]:
    """Say what a longer clip went on from, which its file does not hold."""
    try:
        names = [str(name) for name in json.loads(text)]
    except (ValueError, TypeError, RecursionError):
        names = []
    if names:
        yield (f"It was made from {_quoted(', '.join(names))}: choose that under Go on from, or "
               "hand it over again.")


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
                       models_directory: Path | None) -> Iterator[str]:
    """Say how the file's model differs from this machine's; an unknown one leaves the values."""
    name = values.get("model")
    if name is None:
        return
    card = next((card for card in list_models(models_directory)
                 if card.name == name and MODEL_NAME.fullmatch(name)), None)
    if card is None:
        del values["model"]
        yield (f"The model {_quoted(name)} is not on this machine; the model chosen now stays, so "
               "the clip will look different.")
    elif stored_hash and stored_hash != card.model_hash:
        yield (f"The model {name} has other weights here ({card.model_hash}) than when the file "
               f"was made ({_quoted(stored_hash)}), so the clip will look different.")


def _quoted(value: Any) -> str:
    """Return any value from a file as short, printable text on one line."""
    text = "".join(one if one.isprintable() else " " for one in str(value)[:SHOWN_CHARACTERS + 1])
    return text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "…"
