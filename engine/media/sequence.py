"""A clip as numbered PNG frames in one zip, with its rate and settings in settings.json."""

import io
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from engine.errors import MediaError
from engine.media.formats import MediaClip, ReadLimits
from engine.media.pictures import from_settings, to_settings

SETTINGS = "settings.json"
FRAME_NAME = re.compile(r"frame_\d{5}\.png")
MAX_SETTINGS_BYTES = 2**20
UNKNOWN_FPS = 12.0
THE_DATE = (1980, 1, 1, 0, 0, 0)    # the same request makes the same file, whenever it is written


def write_zip(path: Path, frames: np.ndarray, fps: float, metadata: Mapping[str, str]) -> None:
    """Write frame_00001.png, frame_00002.png, ... and settings.json."""
    from PIL import Image
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo(SETTINGS, THE_DATE), to_settings(fps, metadata))
        for number, frame in enumerate(frames, start=1):
            png = io.BytesIO()
            Image.fromarray(frame).save(png, format="PNG")
            archive.writestr(zipfile.ZipInfo(f"frame_{number:05d}.png", THE_DATE), png.getvalue())


def read_zip(path: Path, limits: ReadLimits) -> MediaClip:
    """Read the frames of a zip this program wrote; nothing is unpacked to disk.

    Raises: MediaError, and whatever the decoders raise (the caller turns it into one).
    """
    from PIL import Image
    with zipfile.ZipFile(path) as archive:
        names = sorted(name for name in archive.namelist() if FRAME_NAME.fullmatch(name))
        if not names:
            raise MediaError(f"{path.name} holds no frame_00001.png; choose a zip that "
                             "this program wrote.")
        _, fps = _settings(archive)
        frames = []
        for name in names:
            with Image.open(io.BytesIO(_member(archive, name, limits)), formats=("PNG",)) as frame:
                limits.check(path, len(names), frame.height, frame.width)
                frames.append(np.asarray(frame.convert("RGB")))
    if len({frame.shape for frame in frames}) > 1:
        raise MediaError(f"The frames in {path.name} differ in size; make them all the same.")
    return MediaClip(np.stack(frames), fps or UNKNOWN_FPS)


def read_tags(path: Path) -> dict[str, str]:
    """Return the metadata kept in settings.json; nothing if there is none."""
    with zipfile.ZipFile(path) as archive:
        return _settings(archive)[0]


def _settings(archive: zipfile.ZipFile) -> tuple[dict[str, str], float | None]:
    """Return metadata and rate from the untrusted settings.json; nothing if it is none."""
    if SETTINGS not in archive.namelist():
        return {}, None
    with archive.open(SETTINGS) as file:
        return from_settings(file.read(MAX_SETTINGS_BYTES))


def _member(archive: zipfile.ZipFile, name: str, limits: ReadLimits) -> bytes:
    """Return one frame's bytes, never more than a picture within the limits could need."""
    most = limits.max_decoded_bytes
    if archive.getinfo(name).file_size > most:
        raise MediaError(f"{name} is too large to be a frame; choose another zip.")
    with archive.open(name) as file:
        return file.read(most)
