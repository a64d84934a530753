"""What a clip file can be: the endings we write, the first bytes we recognise, the limits we read.

Files are recognised by their first bytes, never by their name, and each is opened with the one
decoder those bytes call for: a playlist named clip.mp4 cannot make a decoder open other files.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from engine.errors import MediaError

MAX_FPS = 1000
MAX_TAKEN_FPS, UNTOLD_FPS = 60.0, 24.0
VIDEO, GIF, PICTURES, ZIP = "video", "gif", "pictures", "zip"

WRITERS = {
    ".mp4": VIDEO,
    ".webm": VIDEO,
    ".mov": VIDEO,
    ".gif": GIF,
    ".webp": PICTURES,
    ".png": PICTURES,
    ".apng": PICTURES,
    ".zip": ZIP,
}


@dataclass(frozen=True)
class MediaClip:
    """Decoded frames, uint8 (t, h, w, 3) RGB, and their rate. A still picture is one frame at 1."""

    frames: np.ndarray
    fps: float

    @property
    def is_image(self) -> bool:
        """Whether the file held a single picture."""
        return len(self.frames) == 1

    def count_at(self, fps: float) -> int:
        """Return how many frames the clip has at another rate; a still picture stays one."""
        return 1 if self.is_image else max(1, round(len(self.frames) * fps / self.fps))

    def at_rate(self, fps: float) -> "MediaClip":
        """Return the same clip at another rate, each time showing the frame shown then."""
        shown = ((np.arange(self.count_at(fps)) + 0.5) * self.fps / fps).astype(int)
        return MediaClip(self.frames[shown.clip(0, len(self.frames) - 1)], fps)


@dataclass(frozen=True)
class FrameStream:
    """A clip whose frames are made one by one while it is written, never all held at once.

    shape: (t, h, w, 3). frames: gives t of them once, each uint8 (h, w, 3) RGB.
    """

    shape: tuple[int, int, int, int]
    frames: Iterable[np.ndarray]

    def __len__(self) -> int:
        return self.shape[0]

    def __iter__(self) -> Iterator[np.ndarray]:
        return iter(self.frames)


@dataclass(frozen=True)
class ReadLimits:
    """How much of an untrusted file is decoded before it is refused."""

    max_file_bytes: int = 2**31
    max_frames: int = 10_000
    max_side_pixels: int = 8192
    max_decoded_bytes: int = 2**31

    def check(self, path: Path, frames: int, height: int, width: int) -> None:
        """Raise MediaError if a clip of this size is more than these limits allow."""
        if not 0 < max(height, width) <= self.max_side_pixels or min(height, width) < 1:
            raise MediaError(f"{path.name} is {width}x{height} pixels, more than the "
                             f"{self.max_side_pixels} a side allowed; scale it down first.")
        if frames > self.max_frames or frames * height * width * 3 > self.max_decoded_bytes:
            raise MediaError(f"{path.name} is too long to read at {width}x{height} pixels; "
                             "cut it into shorter pieces or scale it down first.")


def known_suffixes() -> tuple[str, ...]:
    """Return the file endings `write_clip` knows."""
    return tuple(WRITERS)


def writer_kind(path: Path) -> str:
    """Return which writer the ending of a name asks for. Raises: MediaError."""
    kind = WRITERS.get(path.suffix.lower())
    if kind is None:
        given = f"{path.suffix!r}" if path.suffix else "no ending"
        raise MediaError(f"{path.name or path} has {given}, which names no clip format: "
                         f"end the name in {', '.join(WRITERS)}.")
    return kind


def sniff(path: Path, limits: ReadLimits) -> str:
    """Return the decoder the first bytes of a file call for.

    Returns: an ffmpeg demuxer ("mov", "matroska", "avi"), a Pillow format ("GIF", "WEBP", "PNG",
        "JPEG", "BMP", "TIFF") or "zip".
    Raises: MediaError if the file cannot be read, is too large or is no media file.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(16)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "its name is not valid"
        raise MediaError(f"{path} cannot be read ({reason}); check the name.") from error
    if size > limits.max_file_bytes:
        raise MediaError(f"{path.name} is {size / 2**30:.1f} GiB, larger than the "
                         f"{limits.max_file_bytes / 2**30:.1f} GiB allowed; cut it first.")
    decoder = _decoder_of(head)
    if decoder is None:
        raise MediaError(f"{path.name} is not a video or picture this program knows; "
                         "choose an mp4, mov, webm, gif, webp, png, jpg, bmp, tif or zip of "
                         "PNGs.")
    return decoder


def _decoder_of(head: bytes) -> str | None:
    """Name the decoder for the first 16 bytes of a file."""
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free"):
        return "mov"
    if head[:4] == b"RIFF":
        return {b"WEBP": "WEBP", b"AVI ": "avi"}.get(head[8:12])
    starts = {b"\x1aE\xdf\xa3": "matroska", b"GIF8": "GIF", b"\x89PNG": "PNG",
              b"\xff\xd8\xff": "JPEG", b"BM": "BMP", b"II*\0": "TIFF", b"MM\0*": "TIFF",
              b"PK\x03\x04": "zip"}
    return next((name for start, name in starts.items() if head.startswith(start)), None)


def rate(fps: float) -> Fraction:
    """Return frames per second as the fraction video containers store."""
    if not (math.isfinite(fps) and 0 < fps <= MAX_FPS):
        raise ValueError(f"fps must be above 0 and at most {MAX_FPS}, not {fps}")
    return Fraction(fps).limit_denominator(1001)


def taken_rate(own_fps: float) -> float:
    """Return the rate at which a video is taken, by its frames' own times, that names `own_fps`.

    A variable rate may be named as a clock's tick, a thousand a second: no clip is that fast.
    """
    return own_fps if 1 <= own_fps <= MAX_TAKEN_FPS else UNTOLD_FPS


def frame_repeats(seconds: list[float], fps: float | None = None) -> list[int]:
    """Return how many even frames each stored frame stands for.

    Picture formats store equal neighbours as one frame shown longer, and round to 1 or 10 ms.
    seconds: how long each stored frame is shown.
    fps: the true rate if it is known; otherwise the shortest frames give the beat.
    """
    if fps is None:
        short = [one for one in seconds if one <= 1.6 * min(seconds)]
        fps = len(short) / sum(short)
    return [max(1, round(one * fps)) for one in seconds]
