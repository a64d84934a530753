"""Whatever a file holds, reading it ends in a clip or in one MediaError sentence."""

import io
import random
import struct
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image

from engine.errors import MediaError, RequestError
from engine.media import (
    ReadLimits,
    count_frames,
    known_suffixes,
    read_clip,
    read_metadata,
    read_request,
    request_metadata,
    write_clip,
)
from engine.request import GenerationRequest

FRAMES = np.random.default_rng(0).integers(0, 256, (5, 36, 64, 3), dtype=np.uint8)
MUTANTS_PER_FORMAT = 13    # of eight formats: more than a hundred files


def mutated(data: bytes, chance: random.Random) -> bytes:
    """Cut, flip, erase, repeat or insert bytes somewhere, more often near the front."""
    data = bytearray(data)
    at = chance.choice([chance.randrange(len(data)), chance.randrange(min(600, len(data)))])
    length = chance.choice([1, 4, 40, 400])
    kind = chance.randrange(6)
    if kind == 0:
        del data[at:]
    elif kind == 1:
        for _ in range(length):
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    elif kind == 2:
        data[at:at + length] = bytes(length)
    elif kind == 3:
        data[at:at] = data[at:at + length]
    elif kind == 4:
        data[at:at + length] = chance.randbytes(length)
    else:
        data[at:at + 4] = chance.choice([b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\1"])
    return bytes(data)


@pytest.mark.parametrize("suffix", known_suffixes())
def test_mutated_files_end_in_a_clip_or_a_sentence(tmp_path, suffix):
    metadata = request_metadata(GenerationRequest(prompt="a dog"))
    whole = write_clip(tmp_path / f"whole{suffix}", FRAMES, 12, metadata).read_bytes()
    chance = random.Random(suffix)
    limits = ReadLimits(max_decoded_bytes=2**24)
    failures = 0
    for number in range(MUTANTS_PER_FORMAT):
        path = tmp_path / f"{number}{suffix}"
        path.write_bytes(mutated(whole, chance))
        try:
            clip = read_clip(path, limits=limits)
            assert clip.frames.dtype == np.uint8
            assert clip.frames.nbytes <= limits.max_decoded_bytes
        except MediaError as error:
            failures += 1
            assert len(str(error)) > 20
        try:
            assert isinstance(read_metadata(path, limits=limits), dict)
            read_request(path, limits=limits)
        except (MediaError, RequestError) as error:
            assert str(error)
    assert failures > 0    # the mutations do reach the decoders


@pytest.mark.parametrize("suffix", known_suffixes())
@pytest.mark.parametrize("share", [0.35, 0.85])
def test_a_truncated_file_is_never_taken_for_a_whole_one(tmp_path, suffix, share):
    path = write_clip(tmp_path / f"clip{suffix}", FRAMES, 12)
    data = path.read_bytes()
    path.write_bytes(data[:int(len(data) * share)])
    with pytest.raises(MediaError, match=r"use another copy|not a video"):
        read_clip(path)


@pytest.mark.parametrize("content", [
    b"", b"x", b"hello, I am a text file", b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n",
    b"ffconcat version 1.0\nfile /etc/passwd\n", b"%PDF-1.7", b"\x7fELF" + bytes(100),
    b"RIFF\0\0\0\0WAVE", b"\0\0\0\x18", b"<svg xmlns='http://www.w3.org/2000/svg'/>"])
def test_what_is_no_media_file_is_called_so(tmp_path, content):
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)
    for read in (read_clip, read_metadata, read_request):
        with pytest.raises(MediaError, match="not a video or picture this program knows"):
            read(path)


@pytest.mark.parametrize("start", [b"\0\0\0\x18ftypisom", b"\x1aE\xdf\xa3", b"GIF89a",
                                   b"\x89PNG\r\n\x1a\n", b"PK\x03\x04", b"\xff\xd8\xff\xe0",
                                   b"RIFF\xff\0\0\0WEBP", b"RIFF\xff\0\0\0AVI "])
def test_a_right_start_with_nothing_behind_it_is_damaged(tmp_path, start):
    path = tmp_path / "clip.mp4"
    path.write_bytes(start + b"and then nonsense" * 20)
    with pytest.raises(MediaError, match="use another copy"):
        read_clip(path)
    with pytest.raises(MediaError):
        read_request(path)


def test_a_missing_file_and_a_folder_are_sentences(tmp_path):
    for path in (tmp_path / "none.mp4", tmp_path, tmp_path / "a\0b.mp4"):
        with pytest.raises(MediaError, match="cannot be read"):
            read_clip(path)


@pytest.mark.parametrize("suffix", known_suffixes())
@pytest.mark.parametrize(("limits", "sentence"), [
    (ReadLimits(max_frames=4), "too long"),
    (ReadLimits(max_decoded_bytes=4 * 36 * 64 * 3), "too long"),
    (ReadLimits(max_side_pixels=63), "63 a side|no video that can be read"),
    (ReadLimits(max_file_bytes=100), "larger than")])
def test_a_file_over_the_limits_is_refused(tmp_path, suffix, limits, sentence):
    path = write_clip(tmp_path / f"clip{suffix}", FRAMES, 12)
    with pytest.raises(MediaError, match=sentence):
        read_clip(path, limits=limits)
    assert len(read_clip(path).frames) == 5


@pytest.mark.parametrize("fps", [1.0, 12.0])
def test_pictures_shown_for_long_are_counted_as_often_as_a_rate_repeats_them(tmp_path, fps):
    path = tmp_path / "slides.gif"
    first, *others = (Image.new("RGB", (64, 36), (level, 0, 0)) for level in (10, 120, 240))
    first.save(path, save_all=True, append_images=others, duration=60_000)
    limits = ReadLimits(max_frames=179)
    for read in (read_clip, count_frames):
        with pytest.raises(MediaError, match="too long"):
            read(path, fps=fps, limits=limits)
    assert len(read_clip(path, limits=limits).frames) == 3
    assert count_frames(path, fps) == len(read_clip(path, fps=fps).frames) == 180 * fps


@pytest.mark.parametrize(("fps", "sentence"), [("1e-7", "too long"), ("1e-320", "damaged")])
def test_a_rate_of_next_to_nothing_is_a_sentence(tmp_path, fps, sentence):
    path = write_clip(tmp_path / "slow.zip", FRAMES, 12)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, f'{{"fps": {fps}}}' if name == "settings.json" else content)
    for read in (read_clip, count_frames):
        with pytest.raises(MediaError, match=sentence):
            read(path, fps=12.0)


def test_a_picture_bomb_is_refused_before_it_is_decoded(tmp_path):
    def chunk(kind: bytes, body: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + checksum
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    path = tmp_path / "bomb.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
                     + chunk(b"IDAT", zlib.compress(bytes(10**6))) + chunk(b"IEND", b""))
    for read in (read_clip, read_metadata):
        with pytest.raises(MediaError):
            read(path)


def test_a_zip_bomb_and_foreign_members_are_refused(tmp_path):
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("frame_00001.png", bytes(10**7))
    with pytest.raises(MediaError, match="too large to be a frame"):
        read_clip(path, limits=ReadLimits(max_decoded_bytes=10**6))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../frame_00001.png", b"x")
    with pytest.raises(MediaError, match="holds no frame_00001"):
        read_clip(path)


def test_frames_of_different_sizes_are_refused(tmp_path):
    path = tmp_path / "clip.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number, size in ((1, (4, 4)), (2, (4, 5))):
            png = io.BytesIO()
            Image.new("RGB", size).save(png, "PNG")
            archive.writestr(f"frame_0000{number}.png", png.getvalue())
    with pytest.raises(MediaError, match="differ in size"):
        read_clip(path)
