"""Picture formats through Pillow: animated WebP out, and GIF, WebP, (A)PNG, JPEG, BMP, TIFF in.

GIF and APNG are encoded by ffmpeg, which keeps every frame; their settings are put in here as the
formats' own text blocks, because ffmpeg drops them.
"""

import itertools
import json
import struct
import zlib
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from engine.errors import MediaError
from engine.media.formats import MAX_FPS, MediaClip, ReadLimits, frame_repeats

if TYPE_CHECKING:
    from PIL import Image

PNG_HEADER_BYTES = 33    # 8 of signature and the 25 of the IHDR chunk
UNTIMED_SECONDS = 0.1    # what browsers make of a frame without a duration
# Further pages hold no motion: a phone's JPEG keeps a map of its brightness there.
STILL = ("JPEG", "BMP", "TIFF")
DEEP_GREY = ("I", "I;16", "I;16L", "I;16B", "I;16N", "F")
EXIF_DESCRIPTION, EXIF_IFD, EXIF_USER_COMMENT = 0x010E, 0x8769, 0x9286


def write_webp(path: Path, frames: np.ndarray, fps: float, metadata: Mapping[str, str],
               *, loop: bool) -> None:
    """Write an animated WebP: lossless while small, quality 90 above 128 rows.

    Equal neighbours are stored as one frame shown longer (the format's library insists), which
    `read_pictures` undoes; a clip of nothing but equal frames becomes a still picture.
    """
    from PIL import Image
    pictures = [Image.fromarray(frame) for frame in frames]
    ends = [round(1000 * n / fps) for n in range(len(frames) + 1)]
    shown = [max(1, end - start) for start, end in itertools.pairwise(ends)]
    with path.open("wb") as file:
        pictures[0].save(
            file, format="WEBP", save_all=True, append_images=pictures[1:], duration=shown,
            loop=0 if loop else 1, lossless=frames.shape[1] <= 128, quality=90, method=4,
            **_webp_settings(fps, metadata))


def _webp_settings(fps: float, metadata: Mapping[str, str]) -> dict[str, bytes]:
    """Return the EXIF and XMP blocks: ours as JSON in the description, others' where they look."""
    if not metadata:
        return {}
    from PIL import Image
    exif = Image.Exif()
    exif[EXIF_DESCRIPTION] = to_settings(fps, metadata)
    if "parameters" in metadata:
        text = metadata["parameters"].encode("utf-16-be")
        exif.get_ifd(EXIF_IFD)[EXIF_USER_COMMENT] = b"UNICODE\0" + text
    blocks = {"exif": exif.tobytes()}
    if "digital_source_type" in metadata:
        blocks["xmp"] = _xmp(metadata["digital_source_type"]).encode()
    return blocks


def _xmp(digital_source_type: str) -> str:
    """Return the IPTC mark that says how a picture came about, as an XMP packet."""
    return ('<x:xmpmeta xmlns:x="adobe:ns:meta/">'
            '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
            '<rdf:Description rdf:about="" '
            'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
            f'Iptc4xmpExt:DigitalSourceType="{escape(digital_source_type)}"/>'
            '</rdf:RDF></x:xmpmeta>')


def add_png_text(path: Path, metadata: Mapping[str, str]) -> None:
    """Put metadata into a PNG or APNG as text chunks right after its header."""
    data = path.read_bytes()
    chunks = b"".join(_png_text(key, value) for key, value in metadata.items())
    path.write_bytes(data[:PNG_HEADER_BYTES] + chunks + data[PNG_HEADER_BYTES:])


def _png_text(key: str, value: str) -> bytes:
    """Return one text chunk: tEXt where Latin-1 can say it (every reader knows it), else iTXt."""
    try:
        kind, body = b"tEXt", key.encode("latin-1") + b"\0" + value.encode("latin-1")
    except UnicodeEncodeError:
        kind, body = b"iTXt", key.encode("latin-1") + b"\0\0\0\0\0" + value.encode()
    checksum = zlib.crc32(kind + body)
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", checksum)


def add_gif_comment(path: Path, fps: float, metadata: Mapping[str, str]) -> None:
    """Put metadata into a GIF as one ASCII comment block of JSON, before the first frame."""
    if not metadata:
        return
    data = path.read_bytes()
    flags = data[10]
    header = 13 + (3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0)
    text = to_settings(fps, metadata).encode("ascii")
    blocks = b"".join(bytes([len(part)]) + part
                      for part in (text[n:n + 255] for n in range(0, len(text), 255)))
    path.write_bytes(data[:header] + b"\x21\xfe" + blocks + b"\0" + data[header:])


def read_pictures(path: Path, decoder: str, limits: ReadLimits) -> MediaClip:
    """Read every frame of a picture file on an even timeline.

    Clear areas become white. A still picture is one frame, turned upright as its camera says.
    Raises: MediaError, and whatever Pillow raises on hostile bytes (the caller turns it into one).
    """
    from PIL import ImageOps
    with _opened(path, decoder, limits) as picture:
        width, height = picture.size
        limits.check(path, 1, height, width)
        frames, seconds = [], []
        while True:
            frames.append(_rgb(picture))
            seconds.append(picture.info.get("duration", 0) / 1000)
            limits.check(path, len(frames), height, width)
            if decoder in STILL:
                break
            try:
                picture.seek(len(frames))
            except EOFError:
                break
        _, fps = _settings(picture, decoder)
        if len(frames) == 1:
            return MediaClip(_rgb(ImageOps.exif_transpose(picture))[None], 1.0)
    seconds = [one if one > 0 else UNTIMED_SECONDS for one in seconds]
    repeats = frame_repeats(seconds, fps)
    limits.check(path, sum(repeats), height, width)
    return MediaClip(np.repeat(np.stack(frames), repeats, axis=0),
                     fps or sum(repeats) / sum(seconds))


def read_tags(path: Path, decoder: str, limits: ReadLimits) -> dict[str, str]:
    """Return the text a picture file carries, without decoding its pixels."""
    with _opened(path, decoder, limits) as picture:
        limits.check(path, 1, picture.height, picture.width)
        return _settings(picture, decoder)[0]


def _opened(path: Path, decoder: str, limits: ReadLimits) -> "Image.Image":
    """Open a picture with the one decoder. Raises: MediaError if Pillow itself finds it too big."""
    from PIL import Image
    try:
        return Image.open(path, formats=(decoder,))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise MediaError(f"{path.name} has far more than the {limits.max_side_pixels} pixels a "
                         "side allowed; scale it down first.") from error


def _settings(picture: "Image.Image", decoder: str) -> tuple[dict[str, str], float | None]:
    """Return the text of an open picture, and its exact rate if the format rounds durations."""
    if decoder == "PNG":
        return {key.lower(): str(value) for key, value in picture.info.items()
                if isinstance(value, str)}, None
    if decoder == "GIF":
        return from_settings(picture.info.get("comment", b""))
    return from_settings(picture.getexif().get(EXIF_DESCRIPTION, ""))


def to_settings(fps: float, metadata: Mapping[str, str]) -> str:
    """Return the rate and metadata as the one line of ASCII JSON that GIF, WebP and zip keep."""
    return json.dumps({"fps": fps, "metadata": dict(metadata)})


def from_settings(text: str | bytes) -> tuple[dict[str, str], float | None]:
    """Return metadata and rate from untrusted JSON; nothing of what is not as we write it."""
    try:
        values = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        return {}, None
    if not isinstance(values, dict):
        return {}, None
    fps, metadata = values.get("fps"), values.get("metadata")
    is_rate = isinstance(fps, int | float) and 0 < fps <= MAX_FPS
    tags = metadata.items() if isinstance(metadata, dict) else ()
    return ({key: value for key, value in tags if isinstance(value, str)},
            float(fps) if is_rate else None)


def _rgb(picture: "Image.Image") -> np.ndarray:
    """Return a Pillow picture as uint8 (h, w, 3), clear areas white."""
    from PIL import Image
    if picture.mode in DEEP_GREY:
        picture = Image.fromarray(_eight_bits(picture))
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture)
    return np.asarray(picture.convert("RGB"))


def _eight_bits(picture: "Image.Image") -> np.ndarray:
    """Return grey of 16 bits, or of floats whose white is 1, as uint8 (h, w).

    Pillow's own conversion makes everything above 255 white.
    """
    levels = np.nan_to_num(np.asarray(picture, np.float64)) * (255 if picture.mode == "F"
                                                               else 255 / 65535)
    return levels.round().clip(0, 255).astype(np.uint8)
