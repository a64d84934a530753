"""What is handed over is read once as the job will read it, so that no job fails by it later."""

from functools import partial

import numpy as np
import pytest

from engine.errors import MediaError
from engine.extension.material import read_material
from engine.media import ReadLimits, write_clip
from snapui.given import GIVEN, frames_of_video, kept_video
from tests.test_cli_extension import ffmpeg

NOISE = np.random.default_rng(0).integers(0, 256, (24, 36, 64, 3), dtype=np.uint8)


@pytest.mark.parametrize("suffix", [".mp4", ".webm", ".mov"])
def test_a_cut_video_is_refused_when_it_is_handed_over(tmp_path, suffix):
    data = write_clip(tmp_path / f"whole{suffix}", NOISE, 12).read_bytes()
    path = tmp_path / f"cut{suffix}"
    path.write_bytes(data[:int(0.85 * len(data))])
    with pytest.raises(MediaError, match=r"damaged or cut short: only .* use another copy"):
        kept_video(tmp_path, path)
    assert not (tmp_path / GIVEN).exists()


def test_a_video_of_too_many_frames_is_refused_when_it_is_handed_over(tmp_path):
    frames = np.zeros((ReadLimits.max_frames + 1, 16, 16, 3), np.uint8)
    path = write_clip(tmp_path / "long.mp4", frames, 60)
    with pytest.raises(MediaError, match="too long to read at 16x16"):
        kept_video(tmp_path, path)
    kept = kept_video(tmp_path, write_clip(tmp_path / "fits.mp4", frames[:-1], 60))
    assert frames_of_video(tmp_path / kept, 60.0) == ReadLimits.max_frames


def test_a_video_that_decodes_to_too_many_bytes_is_refused_when_it_is_handed_over(
        tmp_path, monkeypatch):
    monkeypatch.setattr("engine.media.files.ReadLimits",
                        partial(ReadLimits, max_decoded_bytes=NOISE[1:].nbytes))
    with pytest.raises(MediaError, match="too long to read at 64x36"):
        kept_video(tmp_path, write_clip(tmp_path / "long.mp4", NOISE, 12))
    assert kept_video(tmp_path, write_clip(tmp_path / "fits.mp4", NOISE[1:], 12))


@pytest.mark.parametrize(("given", "turned", "read"), [
    ((720, 1280), 0, (288, 512)),
    ((900, 1200), 0, (384, 512)),    # covers the width
    ((400, 1600), 0, (288, 1152)),
    ((720, 1280), 90, (910, 512)),    # stands upright, as its flag says
    ((100, 900), 0, (100, 900))])
def test_a_large_video_is_read_at_the_least_size_that_covers_a_clip(
        tmp_path, monkeypatch, given, turned, read):
    frames = np.zeros((8, *given, 3), np.uint8)
    frames[:, :, :given[1] // 2] = 250
    write_clip(tmp_path / "flat.mp4", frames, 12)
    ffmpeg("-display_rotation", str(turned), "-i", tmp_path / "flat.mp4", "-c", "copy",
           tmp_path / "clip.mp4")
    monkeypatch.setattr("engine.media.files.ReadLimits",    # too few for any but the scaled frames
                        partial(ReadLimits, max_decoded_bytes=8 * 3 * read[0] * read[1]))
    kept = kept_video(tmp_path, tmp_path / "clip.mp4")
    video = read_material(None, None, tmp_path / kept, 12.0).video
    assert video.shape == (8, *read, 3)
    ends = video[:, :read[0] // 3].mean(), video[:, -(read[0] // 3):].mean()
    sides = video[:, :, :read[1] // 3].mean(), video[:, :, -(read[1] // 3):].mean()
    across, along = (ends, sides) if turned else (sides, ends)
    assert abs(across[0] - across[1]) > 200 and abs(along[0] - along[1]) < 5
