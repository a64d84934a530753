"""Run ffmpeg: raw frames in, a video file out, and back; settings travel as an ffmetadata file.

Our own argument lists, because size, colour and settings must be exact: wrappers round sizes to
multiples of 16 and drop the settings. Source: the ffmpeg of the imageio-ffmpeg package.
"""

import errno
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Timer
from typing import IO

import numpy as np

from engine.errors import MediaError
from engine.media.formats import FrameStream, MediaClip, ReadLimits, rate

READ_SECONDS = 600.0
METADATA_SECONDS = 30.0
MAX_METADATA_BYTES = 2**24
CHUNK_BYTES = 2**20
VIDEO = "0:V:0"    # the first video stream; not the cover of a song, which is stored as one
SIGXFSZ = 25    # the kernel's "file larger than this process may write", absent on Windows

Size = tuple[int, int]    # height, width

# BT.709 limited range both in the numbers and in the tags, or players guess and shift the colours
TO_YUV = ("scale=in_range=pc:out_range=tv:out_color_matrix=bt709"
          ":flags=bicubic+accurate_rnd+full_chroma_int,format=")
TO_RGB = "scale=out_range=pc:flags=bicubic+accurate_rnd+full_chroma_int+full_chroma_inp"
BT709 = ["-color_range", "tv", "-colorspace", "bt709",
         "-color_primaries", "bt709", "-color_trc", "bt709"]
MOV_FLAGS = ["-movflags", "+faststart+use_metadata_tags"]
GIF_FILTER = ("split[a][b];[a]palettegen=stats_mode=full[p];"
              "[b][p]paletteuse=dither=sierra2_4a:diff_mode=rectangle")


def encode(path: Path, frames: np.ndarray | FrameStream, fps: float, suffix: str,
           metadata: Mapping[str, str], *, loop: bool) -> None:
    """Encode frames to one file with ffmpeg, overwriting it; they are handed over one by one.

    frames: uint8 (t, h, w, 3).
    suffix: ".mp4", ".webm", ".mov", ".gif" or ".apng": what to encode to, whatever path ends in.
    metadata: goes into the video containers; the picture formats take theirs elsewhere.
    Raises: OSError (ENOSPC for a full disk) with ffmpeg's reason; MediaError without ffmpeg.
    """
    height, width = frames.shape[1:3]
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder, "settings.txt")
        settings.write_text(to_ffmetadata(metadata), encoding="utf-8")
        arguments = [
            "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}",
            "-r", str(rate(fps)), "-i", "pipe:0", "-f", "ffmetadata", "-i", f"file:{settings}",
            "-map_metadata", "1", "-threads", "1", "-fflags", "+bitexact", "-flags:v", "+bitexact",
            *_format_arguments(suffix, height, loop), f"file:{path.absolute()}",
        ]
        returncode, stderr = _feed(arguments, frames)
    if returncode:
        is_full = _is_full_disk(stderr, returncode)
        raise OSError(errno.ENOSPC if is_full else errno.EIO, _reason(stderr, returncode))


def _feed(arguments: list[str], frames: Iterable[np.ndarray]) -> tuple[int, bytes]:
    """Run ffmpeg on frames, uint8 (h, w, 3). Returns: its exit code and its complaints."""
    with tempfile.TemporaryFile() as complaints:
        process = _start(arguments, stdin=subprocess.PIPE, stderr=complaints)
        try:  # a pipe that breaks means that ffmpeg has stopped early: its complaints say why
            with suppress(BrokenPipeError), process.stdin as pipe:
                for frame in frames:
                    pipe.write(np.ascontiguousarray(frame).data)
        except BaseException:
            process.kill()
            raise
        finally:
            process.wait()
        complaints.seek(0)
        return process.returncode, complaints.read(CHUNK_BYTES)


def _format_arguments(suffix: str, height: int, loop: bool) -> list[str]:
    """Return the output arguments of one format."""
    # At 64x36 every block is a face: spend the bits, the file stays small
    crf = "12" if height <= 128 else "16"
    if suffix == ".mp4":
        return ["-map", "0:v", "-vf", TO_YUV + "yuv420p", *BT709, "-c:v", "libx264",
                "-preset", "medium", "-crf", crf, *MOV_FLAGS, "-f", "mp4"]
    if suffix == ".webm":
        return ["-map", "0:v", "-vf", TO_YUV + "yuv420p", *BT709, "-c:v", "libvpx-vp9",
                "-b:v", "0", "-crf", crf, "-cpu-used", "2", "-f", "webm"]
    if suffix == ".mov":
        return ["-map", "0:v", "-vf", TO_YUV + "yuv444p10le", *BT709, "-c:v", "prores_ks",
                "-profile:v", "4444", "-vendor", "apl0", *MOV_FLAGS, "-f", "mov"]
    if suffix == ".gif":
        return ["-filter_complex", f"[0:v]{GIF_FILTER}", "-loop", "0" if loop else "-1",
                "-f", "gif"]
    return ["-map", "0:v", "-c:v", "apng", "-pred", "mixed", "-plays", "0" if loop else "1",
            "-f", "apng"]


def decode(path: Path, demuxer: str, limits: ReadLimits, fps: float | None,
           cover: Size | None = None) -> MediaClip:
    """Decode the first video stream of an untrusted file. Raises: MediaError.

    fps: rate to play it at by the frames' own times; None for every stored frame once, at the
    rate the file names. cover: height and width; a larger video is scaled, keeping its shape, to
    the least size that covers them.
    """
    (height, width), own_fps = _size_and_rate(path, demuxer, limits, cover)
    clock = "" if fps is None else f"fps={rate(fps)},"
    arguments = ["-vf", f"{clock}{TO_RGB}:w={width}:h={height}", "-pix_fmt", "rgb24"]
    pixels, count = _checked_frames(path, demuxer, limits, arguments,
                                    (height, width, width * height * 3))
    frames = np.frombuffer(pixels, np.uint8).reshape(count, height, width, 3)
    return MediaClip(frames, fps or own_fps)


def count_frames(path: Path, demuxer: str, limits: ReadLimits, fps: float,
                 cover: Size | None = None) -> int:
    """Return how many frames `decode` gives, without keeping them; raises what it raises."""
    (height, width), _ = _size_and_rate(path, demuxer, limits, cover)
    arguments = ["-vf", f"fps={rate(fps)},scale=1:1", "-pix_fmt", "gray"]
    return _checked_frames(path, demuxer, limits, arguments, (height, width, 1))[1]


def _size_and_rate(path: Path, demuxer: str, limits: ReadLimits,
                   cover: Size | None) -> tuple[Size, float]:
    """Return the height and width that a video is read at, and the rate it names."""
    width, height, own_fps = probe(path, demuxer, limits)
    limits.check(path, 1, height, width)
    if cover is None:
        return (height, width), own_fps
    scale = min(1.0, max(cover[0] / height, cover[1] / width))
    return (round(height * scale), round(width * scale)), own_fps


def _checked_frames(path: Path, demuxer: str, limits: ReadLimits, arguments: list[str],
                    shape: tuple[int, int, int]) -> tuple[bytearray, int]:
    """Return what ffmpeg writes of every frame, and how many there are. Raises: MediaError.

    arguments: filters and pixel format. shape: height and width of a frame as it is to be read,
    which the limits are about, and the bytes of it that are written here.
    """
    height, width, frame_bytes = shape
    most = min(limits.max_frames, limits.max_decoded_bytes // (height * width * 3)) + 1
    # -fps_mode passthrough: what comes out of the filters once, none repeated or dropped
    pixels, complaint = _output(
        [*_input(path, demuxer, limits), "-map", VIDEO, "-fps_mode", "passthrough",
         "-frames:v", str(most), *arguments, "-f", "rawvideo", "pipe:1"],
        most * frame_bytes, READ_SECONDS)
    count = len(pixels) // frame_bytes
    limits.check(path, count, height, width)
    if complaint or not count or len(pixels) % frame_bytes:
        raise MediaError(f"{path.name} is damaged or cut short: only {count} frames could be "
                         "read; use another copy of the file.")
    return pixels, count


def probe(path: Path, demuxer: str, limits: ReadLimits) -> tuple[int, int, float]:
    """Return width, height and frames per second of the first video stream.

    Where a video's pixels are not square, its size is the one it is shown at.
    """
    arguments = [*_input(path, demuxer, limits), "-map", VIDEO, "-frames:v", "1",
                 "-pix_fmt", "gray", "-strict", "-1", "-f", "yuv4mpegpipe", "pipe:1"]
    header, _ = _output(arguments, limits.max_side_pixels**2 + 1024, METADATA_SECONDS)
    fields = {part[:1]: part[1:] for part in bytes(header[:200]).split(b"\n")[0].split(b" ")[1:]}
    try:
        numerator, denominator = fields[b"F"].split(b":")
        width, height = _shown(int(fields[b"W"]), int(fields[b"H"]), fields.get(b"A", b"0:0"))
        return width, height, int(numerator) / int(denominator)
    except (KeyError, ValueError, ZeroDivisionError) as error:
        raise MediaError(f"{path.name} holds no video that can be read; it may be damaged or "
                         "cut short, so use another copy of the file.") from error


def _shown(width: int, height: int, pixel: bytes) -> tuple[int, int]:
    """Return width and height in square pixels, none lost. pixel: its "w:h", 0 if not known."""
    wide, high = map(int, pixel.split(b":"))
    if not wide or not high:
        return width, height
    return (round(width * wide / high), height) if wide > high \
        else (width, round(height * high / wide))


def read_tags(path: Path, demuxer: str, limits: ReadLimits) -> dict[str, str]:
    """Return the container's metadata of an untrusted video file. Raises: MediaError."""
    arguments = [*_input(path, demuxer, limits), "-f", "ffmetadata", "pipe:1"]
    text, complaint = _output(arguments, MAX_METADATA_BYTES, METADATA_SECONDS)
    if not text.startswith(b";FFMETADATA"):
        raise MediaError(f"{path.name} cannot be read as a video ({complaint or 'damaged'}); "
                         "use another copy of the file.")
    tags = from_ffmetadata(text.decode("utf-8", "replace"))
    ours = ("major_brand", "minor_version", "compatible_brands", "encoder")
    return {key: value for key, value in tags.items() if key not in ours}


def to_ffmetadata(metadata: Mapping[str, str]) -> str:
    """Return metadata in ffmpeg's own text format."""
    def escaped(text: str) -> str:
        return "".join("\\" + one if one in "=;#\\\n" else one for one in text)
    lines = [f"{escaped(key)}={escaped(value)}\n" for key, value in metadata.items()]
    return ";FFMETADATA1\n" + "".join(lines)


def from_ffmetadata(text: str) -> dict[str, str]:
    """Return the global keys of ffmpeg's text format; keys in lower case (Matroska shouts)."""
    tags: dict[str, str] = {}
    key, current, is_escaped = None, [], False
    for one in text + "\n":
        if is_escaped:
            current.append(one)
            is_escaped = False
        elif one == "\\":
            is_escaped = True
        elif one == "=" and key is None:
            key, current = "".join(current).lower(), []
        elif one == "\n":
            if key is None and current[:1] == ["["]:    # a chapter or stream section begins
                break
            if key is not None:
                tags[key] = "".join(current)
            key, current = None, []
        else:
            current.append(one)
    return tags


def _input(path: Path, demuxer: str, limits: ReadLimits) -> list[str]:
    """Return the arguments that open one untrusted file with one demuxer and nothing else."""
    return ["-nostdin", "-xerror", "-protocol_whitelist", "file,pipe",
            "-max_pixels", str(limits.max_side_pixels**2), "-threads", "1",
            "-f", demuxer, "-i", f"file:{path.absolute()}"]


def _start(arguments: list[str], **streams: IO[bytes] | int) -> subprocess.Popen:
    """Start ffmpeg quietly, away from the terminal's Ctrl-C so that a file is never cut short."""
    import imageio_ffmpeg
    try:
        program = imageio_ffmpeg.get_ffmpeg_exe()
        return subprocess.Popen([program, "-hide_banner", "-v", "error", *arguments],
                                start_new_session=True, **streams)
    except (OSError, RuntimeError, ValueError) as error:
        raise MediaError(f"ffmpeg cannot be started ({error}); reinstall it with "
                         "pip install --force-reinstall imageio-ffmpeg.") from error


def _output(arguments: list[str], most_bytes: int, seconds: float) -> tuple[bytearray, str]:
    """Run ffmpeg and return at most so many bytes of its output, and why it failed or ""."""
    output = bytearray()
    with tempfile.TemporaryFile() as complaints:
        process = _start(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=complaints)
        timer = Timer(seconds, process.kill)
        timer.start()
        try:
            while len(output) < most_bytes and (
                    chunk := process.stdout.read(min(CHUNK_BYTES, most_bytes - len(output)))):
                output += chunk
        finally:
            timer.cancel()
            if len(output) >= most_bytes:
                process.kill()
            process.stdout.close()
            returncode = process.wait()
        complaints.seek(0)
        stderr = complaints.read(CHUNK_BYTES)
    # A Matroska file that stops early is no error to ffmpeg, an MP4 that does is
    failed = returncode != 0 or b"ended prematurely" in stderr
    return output, _reason(stderr, returncode) if failed else ""


def _is_full_disk(stderr: bytes, returncode: int) -> bool:
    """Return whether ffmpeg stopped because nothing more could be written."""
    texts = (b"No space left", b"File too large", b"Disk quota")
    return returncode == -SIGXFSZ or any(text in stderr for text in texts)


def _reason(stderr: bytes, returncode: int) -> str:
    """Return the last thing ffmpeg complained of."""
    lines = stderr.decode("utf-8", "replace").strip().splitlines()
    return (lines or [f"ffmpeg stopped with code {returncode}"])[-1][:200]
