"""Write a clip whole or not at all, and read any clip without trusting it.

A file is made under a temporary name in its own folder, its settings are read back to prove they
are there, and only then does it get its name: what has the name is complete.
"""

import errno
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import numpy as np

from engine.errors import MediaError
from engine.media import ffmpeg, pictures, sequence
from engine.media.formats import (
    GIF,
    VIDEO,
    ZIP,
    FrameStream,
    MediaClip,
    ReadLimits,
    rate,
    sniff,
    writer_kind,
)

FULL_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
MAX_GIF_FPS = 50.0
VIDEO_DECODERS = ("mov", "matroska", "avi")


def write_clip(path: Path | str, frames: np.ndarray | FrameStream, fps: float,
               metadata: Mapping[str, str] | None = None, *, loop: bool = True,
               may_replace: bool = True) -> Path:
    """Write a clip in the format its name ends in; a file of that name is replaced when complete.

    .mp4 H.264 yuv420p, even sizes only (odd ones play in no browser); .webm VP9; .mov ProRes 4444;
    .gif one palette, at most 50 frames a second (players slow faster ones to a crawl);
    .webp lossless up to 128 rows, then quality 90; .png and .apng lossless animated PNG, a plain
    PNG for one frame; .zip numbered PNGs and settings.json. Sizes are exact in every format.

    path: where to; missing folders are made.
    frames: uint8 (t, h, w, 3) RGB, or a stream of as much.
    fps: frames per second.
    metadata: text by lower-case key, kept inside the file and read back before it gets its name.
    loop: whether gif, webp and png play for ever.
    may_replace: whether a file of that name is replaced.
    Returns: the path.
    Raises: MediaError, with nothing left behind; FileExistsError if there is a file of that name
        that may not be replaced, even one that another process has just finished.
    """
    path = Path(path)
    shape = frames.shape
    is_bytes = isinstance(frames, FrameStream) or frames.dtype == np.uint8
    if not is_bytes or len(shape) != 4 or shape[3] != 3 or not all(shape):
        raise ValueError(f"frames must be uint8 (t, h, w, 3), not {type(frames)} {shape}")
    rate(fps)
    kept = _storable(metadata or {})
    check_destination(path)
    _check_size(path, *shape[1:3])
    temporary = _temporary(path)
    try:
        with _explained(path):
            _write(temporary, path, frames, fps, kept, loop=loop)
            _prove(temporary, path, kept)
            _flush_to_disk(temporary)
            is_named = _got_name(temporary, path, may_replace=may_replace)
    finally:
        temporary.unlink(missing_ok=True)
    if not is_named:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
    return path


def check_destination(path: Path | str) -> None:
    """Raise MediaError now if `write_clip` could not write here later, after minutes of work."""
    path = Path(path)
    writer_kind(path)
    with _explained(path):
        if path.is_dir():
            raise MediaError(f"{path} is a folder: add a file name such as clip.mp4.")
        path.parent.mkdir(parents=True, exist_ok=True)
        probe = _temporary(path)
        try:
            probe.write_bytes(b"\0" * 4096)
        finally:
            probe.unlink(missing_ok=True)


def read_clip(path: Path | str, *, limits: ReadLimits | None = None, fps: float | None = None,
              cover: ffmpeg.Size | None = None) -> MediaClip:
    """Read the frames of a video, an animated or still picture, or a zip written here.

    fps: rate to play it at, frames repeated or left out by their own times; None for its own.
    cover: height and width; a larger video (nothing else) is scaled, keeping its shape, to the
    least size that covers them.
    Raises: MediaError if the file is missing, damaged, too large or no clip at all.
    """
    path, limits = Path(path), limits or ReadLimits()
    decoder = sniff(path, limits)
    if decoder in VIDEO_DECODERS:
        return ffmpeg.decode(path, decoder, limits, fps, cover)
    with _untrusted(path):
        clip = sequence.read_zip(path, limits) if decoder == "zip" \
            else pictures.read_pictures(path, decoder, limits)
    if fps is None or clip.is_image:
        return clip
    _checked_count(path, clip, fps, limits)
    return clip.at_rate(fps)


def read_rate(path: Path | str, *, limits: ReadLimits | None = None) -> float:
    """Return the frames per second a clip names; with a variable rate that is but a clock's tick.

    Raises: MediaError if the file is missing, damaged, too large or no clip at all.
    """
    path, limits = Path(path), limits or ReadLimits()
    decoder = sniff(path, limits)
    if decoder in VIDEO_DECODERS:
        return ffmpeg.probe(path, decoder, limits)[2]
    return read_clip(path, limits=limits).fps


def count_frames(path: Path | str, fps: float, *, limits: ReadLimits | None = None,
                 cover: ffmpeg.Size | None = None) -> int:
    """Return how many frames `read_clip` gives at a rate; little memory, whatever the length.

    Raises: MediaError where `read_clip` would: a missing, damaged or cut file, one that is too
    large or too long, or no clip at all.
    """
    path, limits = Path(path), limits or ReadLimits()
    decoder = sniff(path, limits)
    if decoder not in VIDEO_DECODERS:
        return _checked_count(path, read_clip(path, limits=limits), fps, limits)
    return ffmpeg.count_frames(path, decoder, limits, fps, cover)


def read_picture(path: Path | str, *, limits: ReadLimits | None = None) -> np.ndarray:
    """Read a still picture, uint8 (h, w, 3) RGB, upright.

    Raises: MediaError if the file is missing, damaged, too large or moves.
    """
    clip = read_clip(path, limits=limits)
    if not clip.is_image:
        raise MediaError(f"{Path(path).name} is no still picture but {len(clip.frames)} frames: "
                         "choose a picture, or give it as the video.")
    return clip.frames[0]


def read_metadata(path: Path | str, *, limits: ReadLimits | None = None) -> dict[str, str]:
    """Return the text stored in a media file by key. It is untrusted: never use it as a path.

    Raises: MediaError if the file is missing, damaged, too large or no media file.
    """
    path, limits = Path(path), limits or ReadLimits()
    decoder = sniff(path, limits)
    if decoder in VIDEO_DECODERS:
        return ffmpeg.read_tags(path, decoder, limits)
    with _untrusted(path):
        if decoder == "zip":
            return sequence.read_tags(path)
        return pictures.read_tags(path, decoder, limits)


def _checked_count(path: Path, clip: MediaClip, fps: float, limits: ReadLimits) -> int:
    """Return how many frames a clip has at a rate. Raises: MediaError if those are too many."""
    with _untrusted(path):    # at the rate that a file names, a division may leave all numbers
        count = clip.count_at(fps)
        limits.check(path, count, *clip.frames.shape[1:3])
    return count


def _write(temporary: Path, path: Path, frames: np.ndarray | FrameStream, fps: float,
           metadata: Mapping[str, str], *, loop: bool) -> None:
    """Write the clip under its temporary name with the writer the real name asks for."""
    kind, suffix = writer_kind(path), path.suffix.lower()
    if kind == VIDEO:
        ffmpeg.encode(temporary, frames, fps, suffix, metadata, loop=loop)
    elif kind == ZIP:
        sequence.write_zip(temporary, frames, fps, metadata)
    elif kind == GIF:
        fps = min(fps, MAX_GIF_FPS)
        ffmpeg.encode(temporary, frames, fps, suffix, {}, loop=loop)
        pictures.add_gif_comment(temporary, fps, metadata)
    elif suffix == ".webp":
        pictures.write_webp(temporary, frames, fps, metadata, loop=loop)
    else:
        ffmpeg.encode(temporary, frames, fps, ".apng", {}, loop=loop)
        pictures.add_png_text(temporary, metadata)


def _check_size(path: Path, height: int, width: int) -> None:
    """Raise MediaError if the format cannot hold this size exactly."""
    if path.suffix.lower() == ".mp4" and (height % 2 or width % 2):
        raise MediaError(f"{path.name} cannot be an mp4, which needs an even width and height, "
                         f"not {width}x{height}: end the name in .webm, .mov or .png instead.")


def _storable(metadata: Mapping[str, str]) -> dict[str, str]:
    """Return metadata as every container can hold it: no NUL, one kind of line end, not empty."""
    clean = {}
    for key, value in metadata.items():
        if not (key.isascii() and key.replace("_", "a").isalnum() and key == key.lower()):
            raise ValueError(f"metadata key {key!r} must be lower-case letters, digits and _")
        text = value.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
        clean[key] = text.encode("utf-8", "replace").decode()
    return {key: value for key, value in clean.items() if value}


def _prove(temporary: Path, path: Path, metadata: Mapping[str, str]) -> None:
    """Raise MediaError unless the finished file gives its metadata back."""
    found = read_metadata(temporary) if metadata else {}
    lost = [key for key, value in metadata.items() if found.get(key) != value]
    if lost:
        raise MediaError(f"The settings ({', '.join(lost)}) could not be stored in {path.name}; "
                         "save it in another format.")


def _flush_to_disk(path: Path) -> None:
    """Wait until the file survives a power cut."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _got_name(temporary: Path, path: Path, *, may_replace: bool) -> bool:
    """Give a finished file its name. Returns: whether it could have it."""
    if not may_replace:
        try:
            os.link(temporary, path)
            return True
        except FileExistsError:
            return False
        except OSError:    # a file system without links
            if path.exists():
                return False
    os.replace(temporary, path)
    return True


def _temporary(path: Path) -> Path:
    """Return a fresh hidden name in the same folder, so that renaming is atomic."""
    return path.parent / f".{uuid4().hex[:12]}.tmp"


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn what the system says about writing a file into a sentence with what to do."""
    folder = path.parent.absolute()
    try:
        yield
    except OSError as error:
        if error.errno in FULL_DISK:
            raise MediaError(f"{path.name} could not be written because the disk is full; free "
                             "some space or choose another folder.") from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise MediaError(f"{path.name} cannot be written because the folder {folder} is "
                             "protected; choose another folder.") from error
        reason = (error.strerror or str(error)).lower()
        raise MediaError(f"{path.name} cannot be written to {folder} ({reason}); choose another "
                         "folder or name.") from error


@contextmanager
def _untrusted(path: Path) -> Iterator[None]:
    """Turn anything a decoder raises on hostile bytes into one sentence."""
    try:
        yield
    except MediaError:
        raise
    except Exception as error:    # decoders raise every kind there is on damaged bytes
        raise MediaError(f"{path.name} is damaged or not what it seems and cannot be read; "
                         "use another copy of the file.") from error
