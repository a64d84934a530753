"""A folder of the user's own clips and pictures as training data (PAPER.md 7).

Every file has its caption in a .txt of the same name, or in one captions.csv with the columns
file and caption. What cannot be used is skipped and named once. Files are decoded when drawn;
the whole frame, resized to the window, is kept for the next time.
"""

import csv
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.errors import DataError, MediaError
from engine.media import MediaClip, ReadLimits, read_clip, read_metadata
from engine.media.ffmpeg import probe
from engine.media.files import VIDEO_DECODERS
from engine.media.formats import sniff, taken_rate
from engine.media.pictures import STILL
from engine.training.data import LOW_HEIGHT, LOW_WIDTH, Example, Window
from engine.vocabulary import IDEAS, Vocabulary, vocabulary_of

CAPTIONS_NAME = "captions.csv"
NOT_MEDIA = {".txt", ".csv"}
MAY_MOVE = ("PNG", "WEBP", "GIF")
STRIDES = (1, 2, 4)
CACHE_BYTES = 2**28


@dataclass(frozen=True)
class CaptionedFile:
    """A usable file: where it is, what it shows, whether it holds more than one frame."""

    path: Path
    caption: str
    moves: bool


@dataclass(frozen=True)
class ResizedClip:
    """Frames uint8 (t, h, w, 3) that fill the window, their rate, and the size they came from."""

    frames: np.ndarray
    fps: float
    source: tuple[int, int]


class FolderSource:
    """Draws examples from a folder. Raises: DataError when it holds nothing to train on.

    report: takes one sentence for every file that is skipped, when that is found out.
    """

    truth_sizes = ()
    part_count = 0

    def __init__(self, folder: Path, report: Callable[[str], None]):
        self.folder, self.report = Path(folder), report
        files = self._usable_files()
        if not files:
            raise self._nothing_usable()
        self.videos = [f for f in files if f.moves]
        self.pictures = [f for f in files if not f.moves]
        self._unreadable: set[Path] = set()
        self._cache: OrderedDict[tuple[Path, int, int], ResizedClip] = OrderedDict()

    def example(self, rng: np.random.Generator, frame_index: np.ndarray, window: Window,
                *, image: bool, low: bool) -> Example:
        """Draw a clip, or an image where one is asked for; the other kind where there is none.

        A clip's rate is the file's, half or a quarter of it. A video too short for the clip gives
        one frame, as an image. What follows depends on the rng and the files alone.
        """
        file, clip = self._drawn(rng, image, window)
        strides = [s for s in STRIDES if frame_index[-1] * s < len(clip.frames)]
        if image or not file.moves or not strides:
            chosen = np.full(len(frame_index), rng.integers(len(clip.frames)))
            fps = float("inf")
        else:
            stride = int(rng.choice(strides))
            first = rng.integers(len(clip.frames) - frame_index[-1] * stride)
            chosen, fps = first + frame_index * stride, clip.fps / stride
        frames, w = clip.frames[chosen], window
        crop = frames[:, w.top:w.top + w.crop_height, w.left:w.left + w.crop_width]
        small = resized_to_cover(frames, LOW_HEIGHT, LOW_WIDTH) if low else None
        return Example(crop, small, file.caption, fps, clip.source)

    def vocabulary(self) -> Vocabulary:
        """Tell the words of all captions; the first of them, of videos before others, are ideas."""
        captions = list(dict.fromkeys(
            file.caption for file in (*self.videos, *self.pictures)))
        return vocabulary_of(captions, captions[:IDEAS])

    def _drawn(self, rng: np.random.Generator, image: bool,
               window: Window) -> tuple[CaptionedFile, ResizedClip]:
        """Draw a file of the wanted kind and read it, passing over those that cannot be read."""
        wanted, other = (self.pictures, self.videos) if image else (self.videos, self.pictures)
        for files in (wanted, other):
            for i in rng.permutation(len(files)):
                clip = self._read(files[i].path, window)
                if clip is not None:
                    return files[i], clip
        raise self._nothing_usable()

    def _read(self, path: Path, window: Window) -> ResizedClip | None:
        key = path, window.height, window.width
        if path in self._unreadable:
            return None
        if key not in self._cache:
            try:
                clip, source = _even(path, (window.height, window.width))
            except MediaError as error:
                self._unreadable.add(path)
                self._skip(path.relative_to(self.folder).as_posix(), str(error))
                return None
            self._cache[key] = ResizedClip(
                resized_to_cover(clip.frames, window.height, window.width), clip.fps, source)
        self._cache.move_to_end(key)
        while len(self._cache) > 1 and \
                sum(c.frames.nbytes for c in self._cache.values()) > CACHE_BYTES:
            self._cache.popitem(last=False)
        return self._cache[key]

    def _usable_files(self) -> list[CaptionedFile]:
        """Look at every file of the folder; report those that have no caption or do not open."""
        if not self.folder.is_dir():
            raise DataError(f"{self.folder} is not a folder: give --data the folder of your clips.")
        table = read_captions(self.folder / CAPTIONS_NAME)
        paths = {p.relative_to(self.folder).as_posix(): p for p in sorted(self.folder.rglob("*"))
                 if p.is_file() and not p.name.startswith(".")
                 and p.suffix.lower() not in NOT_MEDIA}
        for name in sorted(table.keys() - paths.keys()):
            self._skip(name, f"{CAPTIONS_NAME} names it, but the folder holds no such clip.")
        with ThreadPoolExecutor() as pool:
            found = list(pool.map(lambda item: _inspected(item[1], table.get(item[0])),
                                  paths.items()))
        for name, result in zip(paths, found, strict=True):
            if isinstance(result, str):
                self._skip(name, result)
        return [result for result in found if isinstance(result, CaptionedFile)]

    def _skip(self, name: str, reason: str) -> None:
        self.report(f"Skipped {name}: {reason}")

    def _nothing_usable(self) -> DataError:
        return DataError(
            f"{self.folder} holds no video or picture that opens and has a caption: put a text "
            f"file beside each (clip.mp4, clip.txt), or one {CAPTIONS_NAME} with the columns "
            "file and caption.")


def read_captions(path: Path) -> dict[str, str]:
    """Read captions by file name from a table; empty when there is none. Raises: DataError."""
    if not path.is_file():
        return {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file, skipinitialspace=True)
            if not {"file", "caption"} <= set(rows.fieldnames or ()):
                raise DataError(f"{path} must begin with a line that names the columns file and "
                                "caption.")
            return {Path(row["file"]).as_posix(): " ".join((row["caption"] or "").split())
                    for row in rows if row["file"]}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} cannot be read as a table in UTF-8: save it as comma-separated "
                        "text again.") from error


def resized_to_cover(frames: np.ndarray, height: int, width: int) -> np.ndarray:
    """Scale frames uint8 (t, h, w, 3) until they fill the size, and cut what stands over evenly."""
    from PIL import Image

    rows, columns = frames.shape[1:3]
    if (rows, columns) == (height, width):
        return frames
    scale = max(height / rows, width / columns)
    high, wide = height / scale, width / scale
    top, left = (rows - high) / 2, (columns - wide) / 2
    box = (left, top, left + wide, top + high)
    return np.stack([np.asarray(Image.fromarray(frame).resize(
        (width, height), Image.Resampling.BICUBIC, box=box)) for frame in frames])


def _inspected(path: Path, caption: str | None) -> CaptionedFile | str:
    """Return the file ready for use, or the sentence that says why it is not."""
    try:
        read_metadata(path)
        return CaptionedFile(path, caption or _text_beside(path), _moves(path))
    except (MediaError, DataError) as error:
        return str(error)


def _text_beside(path: Path) -> str:
    text = path.with_suffix(".txt")
    try:
        caption = " ".join(text.read_text(encoding="utf-8-sig").split())
    except FileNotFoundError:
        caption = ""
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"its caption {text.name} cannot be read as text in UTF-8; save it "
                        "again.") from error
    if not caption:
        raise DataError(f"it has no caption; write one in {text.name} or in {CAPTIONS_NAME}.")
    return caption


def _even(path: Path, cover: tuple[int, int]) -> tuple[MediaClip, tuple[int, int]]:
    """Return a file's frames, evenly spaced in time, and the height and width it is stored at.

    Those of a video as large as covers a height and width. One of a variable rate stores frames
    unevenly: taken one after another, they would move at a wrong speed.
    """
    limits = ReadLimits()
    decoder = sniff(path, limits)
    if decoder not in VIDEO_DECODERS:
        clip = read_clip(path)
        return clip, clip.frames.shape[1:3]
    width, height, own_fps = probe(path, decoder, limits)
    return read_clip(path, fps=taken_rate(own_fps), cover=cover), (height, width)


def _moves(path: Path) -> bool:
    """Tell a video or an animated picture from a still one by the file's head."""
    from PIL import Image

    decoder = sniff(path, ReadLimits())
    # The other pictures of a phone's JPEG or of a scan are no later frames, and are not read.
    if decoder not in MAY_MOVE:
        return decoder not in STILL
    with Image.open(path, formats=(decoder,)) as picture:
        return getattr(picture, "is_animated", False)
