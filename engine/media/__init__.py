"""Read and write clips as files: mp4, webm, mov, gif, webp, apng/png, and numbered PNGs in a zip.

Every file can carry the request that made it (`request_metadata`) and give it back
(`read_request`). Imports neither torch, Pillow nor ffmpeg until a file is touched.
"""

from engine.media.files import (
    check_destination,
    count_frames,
    read_clip,
    read_metadata,
    read_picture,
    read_rate,
    write_clip,
)
from engine.media.formats import FrameStream, MediaClip, ReadLimits, known_suffixes
from engine.media.settings import (
    COMPARISON_KEY,
    EDIT_KEY,
    KEPT_FRAMES_KEY,
    KEPT_KEY,
    MEDIA_KEY,
    MODEL_NAME,
    OPENING_KEY,
    PROGRAM,
    read_request,
    read_settings,
    request_metadata,
)

__all__ = [
    "COMPARISON_KEY",
    "EDIT_KEY",
    "KEPT_FRAMES_KEY",
    "KEPT_KEY",
    "MEDIA_KEY",
    "MODEL_NAME",
    "OPENING_KEY",
    "PROGRAM",
    "FrameStream",
    "MediaClip",
    "ReadLimits",
    "check_destination",
    "count_frames",
    "known_suffixes",
    "read_clip",
    "read_metadata",
    "read_picture",
    "read_rate",
    "read_request",
    "read_settings",
    "request_metadata",
    "write_clip",
]
