"""A folder of clips as training data: what is drawn, at which rates, and what is skipped."""

import subprocess
from functools import partial
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image

from engine.errors import DataError
from engine.media import ReadLimits, write_clip
from engine.training import folder as folder_module
from engine.training.data import Window
from engine.training.folder import FolderSource, resized_to_cover

WINDOW = Window(12, 16, 0, 0, 12, 16, 4)
FRAMES = np.arange(4)
COUNT = 13
STEP = 15


def brightening(count: int = COUNT, height: int = 24, width: int = 32) -> np.ndarray:
    """Grey frames, each STEP levels brighter than the one before, so a frame tells its number."""
    levels = np.arange(count, dtype=np.uint8) * STEP
    return np.broadcast_to(levels[:, None, None, None], (count, height, width, 3)).copy()


def numbers(frames: np.ndarray) -> list[int]:
    """Which frames of `brightening` these are."""
    return [round(frame.mean() / STEP) for frame in frames]


def add_clip(folder: Path, name: str, caption: str | None, frames=None, fps: float = 24) -> Path:
    """Write a clip and, beside it, its caption."""
    path = write_clip(folder / name, brightening() if frames is None else frames, fps)
    if caption is not None:
        path.with_suffix(".txt").write_text(caption)
    return path


def drawn(source: FolderSource, seed: int = 0, image: bool = False, frames=FRAMES, **more):
    """One example of a seed."""
    window = more.pop("window", WINDOW)
    return source.example(np.random.default_rng(seed), frames, window, image=image,
                          low=more.pop("low", False))


def silent(sentence: str) -> None:
    """Fail when anything is reported."""
    raise AssertionError(sentence)


@pytest.fixture
def mixed(tmp_path):
    """A video with a caption beside it and a picture, 40 x 30."""
    add_clip(tmp_path, "sub/rising.mp4", "a light  growing\nbrighter\n")
    Image.new("RGB", (40, 30), (90, 30, 200)).save(tmp_path / "violet.jpg")
    (tmp_path / "violet.txt").write_text("a violet card")
    return tmp_path


def test_clip_is_frames_at_the_native_rate_a_half_or_a_quarter_of_it(mixed):
    source = FolderSource(mixed, silent)
    strides, firsts = set(), set()
    for seed in range(60):
        example = drawn(source, seed)
        first, *rest = numbers(example.frames)
        stride = round(24 / example.fps)
        assert rest == [first + stride * i for i in (1, 2, 3)]
        assert 24 / example.fps == stride and first + 3 * stride < COUNT
        strides.add(stride)
        firsts.add(first)
    assert strides == {1, 2, 4} and len(firsts) > 5
    assert example.caption == "a light growing brighter" and example.source == (24, 32)
    assert example.frames.dtype == np.uint8 and example.frames.shape == (4, 12, 16, 3)


def test_video_too_large_to_be_held_whole_is_read_at_the_size_of_the_window(mixed, monkeypatch):
    whole = brightening().nbytes
    monkeypatch.setattr(folder_module, "read_clip", partial(
        folder_module.read_clip, limits=ReadLimits(max_decoded_bytes=whole - 1)))
    example = drawn(FolderSource(mixed, silent))
    assert example.caption == "a light growing brighter" and example.source == (24, 32)


def test_chosen_frames_of_the_clip_keep_their_spacing(mixed):
    source = FolderSource(mixed, silent)
    for seed in range(20):
        example = drawn(source, seed, frames=np.array([1, 4, 6]))
        stride = round(24 / example.fps)
        one, four, six = numbers(example.frames)
        assert (four - one, six - four) == (3 * stride, 2 * stride)
        assert stride < 4  # frame 6 at a quarter of the rate lies beyond the end


def test_a_variable_rate_is_learned_from_by_its_times(tmp_path):
    """Four of thirteen frames are stored; the others look like the one before them."""
    path = add_clip(tmp_path, "light.webm", "a light", brightening())
    uneven = path.with_name("uneven.mkv")
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(path), "-vf",
                    "select='not(mod(n,8))+eq(n,1)+eq(n,12)'", "-fps_mode", "vfr", "-c:v",
                    "libx264", "-crf", "1", str(uneven)], check=True)
    path.with_suffix(".txt").rename(uneven.with_suffix(".txt"))
    path.unlink()
    source, held = FolderSource(tmp_path, silent), [0, *[1] * 7, *[8] * 4, 12]
    seen = [drawn(source, seed) for seed in range(40)]
    assert {round(24 / one.fps) for one in seen} == {1, 2, 4}
    for one in seen:
        apart = round(24 / one.fps)
        assert numbers(one.frames) in [held[first::apart][:4] for first in range(COUNT)]


def test_a_folder_tells_the_words_and_captions_of_its_files(mixed):
    vocabulary = FolderSource(mixed, silent).vocabulary()
    assert vocabulary.ideas == ("a light growing brighter", "a violet card")
    assert vocabulary.words == ("a", "brighter", "card", "growing", "light", "violet")


def test_picture_repeats_at_an_infinite_rate_with_its_own_resolution(mixed):
    example = drawn(FolderSource(mixed, silent), image=True)
    assert example.fps == float("inf") and example.source == (30, 40)
    assert example.caption == "a violet card"
    assert (example.frames == example.frames[:1]).all()
    assert np.abs(example.frames[0].mean((0, 1)) - (90, 30, 200)).max() < 6


def test_video_alone_lends_its_frames_as_pictures(tmp_path):
    add_clip(tmp_path, "rising.mp4", "a light")
    examples = [drawn(FolderSource(tmp_path, silent), seed, image=True) for seed in range(8)]
    assert all(e.fps == float("inf") for e in examples)
    assert len({numbers(e.frames)[0] for e in examples}) > 2
    assert all(len(set(numbers(e.frames))) == 1 for e in examples)


def test_pictures_alone_stand_in_for_clips(tmp_path):
    Image.new("RGB", (40, 30)).save(tmp_path / "dark.png")
    (tmp_path / "dark.txt").write_text("darkness")
    assert drawn(FolderSource(tmp_path, silent)).fps == float("inf")


def test_video_shorter_than_the_clip_is_a_picture(tmp_path):
    add_clip(tmp_path, "short.mp4", "a light", brightening(3))
    example = drawn(FolderSource(tmp_path, silent))
    assert example.fps == float("inf") and len(set(numbers(example.frames))) == 1


def test_animated_picture_counts_as_a_video(tmp_path):
    add_clip(tmp_path, "rising.webp", "a light", fps=10)
    example = drawn(FolderSource(tmp_path, silent))
    assert example.fps in (10, 5, 2.5) and len(set(numbers(example.frames))) == 4


@pytest.mark.parametrize("name, kind", [("phone.jpg", "MPO"), ("scan.tif", "TIFF"),
                                        ("paint.bmp", "BMP")])
def test_a_format_of_still_pictures_is_one_however_many_the_file_holds(tmp_path, name, kind):
    one, two = (Image.new("RGB", (40, 30), (level, 0, 0)) for level in (90, 200))
    more = {} if kind == "BMP" else {"save_all": True, "append_images": [two]}
    one.save(tmp_path / name, format=kind, **more)
    (tmp_path / name).with_suffix(".txt").write_text("a card")
    source = FolderSource(tmp_path, silent)
    assert len(source.pictures) == 1 and not source.videos


def test_same_rng_gives_the_same_example_whatever_was_drawn_before(mixed):
    used = FolderSource(mixed, silent)
    for seed in range(5):
        drawn(used, seed, image=seed % 2 == 0)
    one, two = drawn(used, 7), drawn(FolderSource(mixed, silent), 7)
    assert np.array_equal(one.frames, two.frames) and one.fps == two.fps


def test_crop_is_a_piece_of_the_whole_window_and_comes_with_the_small_clip(tmp_path):
    ramp = np.broadcast_to(np.linspace(0, 250, 64).astype(np.uint8)[None, None, :, None],
                           (5, 36, 64, 3))
    add_clip(tmp_path, "ramp.zip", "a ramp", ramp)
    source = FolderSource(tmp_path, silent)
    whole = drawn(source, window=Window(72, 128, 0, 0, 72, 128, 4), low=True)
    crop = drawn(source, window=Window(72, 128, 36, 32, 18, 64, 4), low=True)
    assert np.array_equal(crop.frames, whole.frames[:, 36:54, 32:96])
    assert crop.low.shape == (4, 36, 64, 3)
    assert np.abs(crop.low.astype(int) - ramp[:4]).max() <= 6


@pytest.mark.parametrize("size", [(30, 90), (90, 30), (7, 9)])
def test_frame_is_cut_in_the_middle_never_squeezed(size):
    h, w = size
    y, x = np.mgrid[:h, :w]
    radius = np.hypot(y - (h - 1) / 2, x - (w - 1) / 2) / min(h, w)
    disc = np.repeat(((radius < 0.4) * 255).astype(np.uint8)[None, :, :, None], 3, axis=3)
    out = resized_to_cover(disc, 36, 64)[0, :, :, 0] > 127
    assert out.any(0).sum() == pytest.approx(out.any(1).sum(), abs=64 / min(h, w) + 2) or h > w
    assert np.array_equal(out, out[::-1]) and np.array_equal(out, out[:, ::-1])


def test_captions_table_names_files_and_wins_over_text_files(tmp_path):
    add_clip(tmp_path, "one.mp4", "from the text file")
    add_clip(tmp_path, "sub/two.mp4", None)
    (tmp_path / "captions.csv").write_text(
        '\ufefffile,caption,licence\none.mp4,"a light, growing",CC0\nsub/two.mp4,dusk,CC0\n')
    source = FolderSource(tmp_path, silent)
    assert {drawn(source, seed).caption for seed in range(12)} == {"a light, growing", "dusk"}


def test_unusable_files_are_skipped_and_named_in_a_sentence_each(mixed):
    add_clip(mixed, "mute.mp4", None)
    add_clip(mixed, "empty.mp4", "  \n")
    (mixed / "report.pdf").write_bytes(b"%PDF-1.7 not a clip")
    (mixed / "latin.png").write_bytes((mixed / "violet.jpg").read_bytes())
    (mixed / "latin.txt").write_bytes("caf\xe9".encode("latin-1"))
    (mixed / ".hidden.mp4").write_bytes(b"")
    (mixed / "captions.csv").write_text("file,caption\ngone.mp4,a ghost\n../out.mp4,x\n")
    said = []
    source = FolderSource(mixed, said.append)
    assert len(source.videos) == 1 and len(source.pictures) == 1
    text = "\n".join(said)
    assert len(said) == 6 and all(line.endswith(".") for line in said), text
    for name, reason in (("mute.mp4", "has no caption; write one in mute.txt"),
                         ("empty.mp4", "has no caption"), ("report.pdf", "not a video or picture"),
                         ("latin.png", "UTF-8"), ("gone.mp4", "holds no such clip"),
                         ("../out.mp4", "holds no such clip")):
        assert any(line.startswith(f"Skipped {name}: ") and reason in line for line in said), name


def test_file_found_damaged_when_drawn_is_named_once_and_passed_over(mixed):
    damaged = add_clip(mixed, "cut.mp4", "cut short", brightening(40))
    said = []
    source = FolderSource(mixed, said.append)
    assert len(source.videos) == 2 and not said
    data = bytearray(damaged.read_bytes())
    data[len(data) // 2:] = b"\0" * (len(data) - len(data) // 2)
    damaged.write_bytes(data)
    assert {drawn(source, seed).caption for seed in range(12)} == {"a light growing brighter"}
    assert len(said) == 1 and said[0].startswith("Skipped cut.mp4: ")


def test_folder_with_nothing_usable_is_one_sentence(tmp_path):
    said = []
    with pytest.raises(DataError, match=r"holds no video or picture .* caption"):
        FolderSource(tmp_path, said.append)
    add_clip(tmp_path, "mute.mp4", None)
    with pytest.raises(DataError, match="put a text file beside each"):
        FolderSource(tmp_path, said.append)
    assert len(said) == 1


def test_everything_damaged_when_drawn_is_one_sentence(tmp_path):
    path = add_clip(tmp_path, "rising.mp4", "a light")
    source = FolderSource(tmp_path, lambda sentence: None)
    path.write_bytes(b"")
    with pytest.raises(DataError, match="holds no video or picture"):
        drawn(source)


def test_missing_folder_is_one_sentence(tmp_path):
    with pytest.raises(DataError, match="is not a folder: give --data"):
        FolderSource(tmp_path / "none", silent)


@pytest.mark.parametrize("table, reason", [
    (b"name,text\na.mp4,a dog\n", "columns file and caption"),
    (b"", "columns file and caption"),
    ("file,caption\na.mp4,caf\xe9\n".encode("latin-1"), "UTF-8"),
])
def test_unreadable_captions_table_is_one_sentence(tmp_path, table, reason):
    (tmp_path / "captions.csv").write_bytes(table)
    with pytest.raises(DataError, match=reason):
        FolderSource(tmp_path, silent)


def test_clips_are_read_once_while_they_fit_the_cache(mixed, monkeypatch):
    reads = []
    real = folder_module.read_clip
    monkeypatch.setattr(folder_module, "read_clip",
                        lambda path, **more: reads.append(path.name) or real(path, **more))
    source = FolderSource(mixed, silent)
    for seed in range(6):
        drawn(source, seed, image=seed % 2 == 0)
    assert sorted(reads) == ["rising.mp4", "violet.jpg"]
    monkeypatch.setattr(folder_module, "CACHE_BYTES", 0)
    for seed in range(4):
        drawn(source, seed, image=seed % 2 == 0)
    assert len(reads) == 2 + 4 - 1  # one clip always stays: the last one drawn
