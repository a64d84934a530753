"""What --from-file makes: a clip once more, or a sentence where its file does not say how.

A file is untrusted, see media/settings.py.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from engine.cli_extension import LongerJob
from engine.errors import RequestError
from engine.extension.material import Material
from engine.extension.request import EXTENSION_KEY, ExtensionRequest
from engine.media import (
    COMPARISON_KEY,
    EDIT_KEY,
    KEPT_FRAMES_KEY,
    OPENING_KEY,
    read_metadata,
    read_request,
)
from engine.request import GenerationRequest

SOME_FRAMES = re.compile(r"[1-9]\d{0,5}")
NO_PARENTS = "[]"


@dataclass(frozen=True)
class Again:
    """What a file asks for, and all it tells. longer: what makes it a longer clip."""

    request: GenerationRequest
    metadata: Mapping[str, str]
    longer: LongerJob | None


def read_again(path: Path, given: Mapping[str, Any]) -> Again:
    """Read what makes the clip of a file again.

    given: fields of its request that are to be others.
    Raises: MediaError; RequestError if the settings inside do not make what the file shows.
    """
    request, metadata = read_request(path), read_metadata(path)
    _check_is_made(path.name, metadata)
    request = GenerationRequest(**{**asdict(request), **given})
    if EXTENSION_KEY not in metadata:
        return Again(request, metadata, None)
    extension = ExtensionRequest.from_json(metadata[EXTENSION_KEY])
    # The file's own rate is a lower one if the clip was kept early; made again it is whole.
    request = replace(request, fps=extension.clip.fps)
    return Again(request, metadata, LongerJob(replace(extension, clip=request), Material(),
                                              kept_frames=_kept_frames(path.name, metadata)))


def _check_is_made(name: str, metadata: Mapping[str, str]) -> None:
    """Raise RequestError if a file shows what its settings alone do not make."""
    parents = metadata.get("parents", NO_PARENTS)
    told = parents[:200] if parents != NO_PARENTS else "files it does not name"
    if COMPARISON_KEY in metadata:
        raise RequestError(f"{name} is a grid of several clips ({told}): give --from-file one of "
                           "those, or make the grid again on the page's Compare tab.")
    if EDIT_KEY in metadata:
        raise RequestError(f"{name} is a clip that was trimmed, colour-matched or dissolved "
                           f"({told}), which its settings do not make: give --from-file the clip "
                           "it was made of, or edit that again on the page's Extend tab.")
    if OPENING_KEY in metadata:
        raise RequestError(f"{name} begins with a picture that is not inside it: give that as "
                           "--start-picture, with --seconds and the same options.")
    if EXTENSION_KEY in metadata and parents != NO_PARENTS:
        raise RequestError(f"{name} was made from other files ({told}): give them again with the "
                           "same options.")


def _kept_frames(name: str, metadata: Mapping[str, str]) -> int | None:
    """Return how many frames of its longer clip a file shows; None if all. Raises: RequestError."""
    text = metadata.get(KEPT_FRAMES_KEY)
    if text is None:
        return None
    if not SOME_FRAMES.fullmatch(text):
        raise RequestError(f"{name} does not say in a number which part of a longer clip it is: "
                           "choose the original file.")
    return int(text)
