"""The pictures and videos a clip starts from, as pixels; reads them from files without torch."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.extension.request import GivenFrames
from engine.media import count_frames, read_clip, read_picture

# Height and width of the largest clip made here: larger videos are read no larger than covers it,
# for a minute of full-size frames would not fit into memory.
COVER = (288, 512)


@dataclass(frozen=True)
class Material:
    """What a clip starts from: uint8 RGB pixels of any size.

    start, end: pictures (h, w, 3) for the first and the last frame.
    video: frames (t, h, w, 3) that come first, or that in-betweens go between.
    """

    start: np.ndarray | None = None
    end: np.ndarray | None = None
    video: np.ndarray | None = None

    @property
    def given(self) -> GivenFrames:
        """The same in numbers."""
        return GivenFrames(0 if self.video is None else len(self.video),
                           self.start is not None, self.end is not None)

    @property
    def digest(self) -> str:
        """A text that differs where the pixels do."""
        digest = hashlib.sha256()
        for pixels in (self.start, self.end, self.video):
            digest.update(repr(None if pixels is None else pixels.shape).encode())
            digest.update(b"" if pixels is None else np.ascontiguousarray(pixels))
        return digest.hexdigest()

    def placed(self, frames: int, *, step: int = 1,
               least_height: int = 0) -> list[tuple[list[int], np.ndarray]]:
        """Return the places and pixels (t, h, w, 3) of what is at least so high.

        frames: of the finished clip. step: how far apart a video's frames lie in it.
        """
        found = []
        if self.video is not None:
            found.append(([number * step for number in range(len(self.video))], self.video))
        if self.start is not None:
            found.append(([0], self.start[None]))
        if self.end is not None:
            found.append(([frames - 1], self.end[None]))
        return [one for one in found if one[1].shape[1] >= least_height]


def read_material(start: Path | None, end: Path | None, video: Path | None,
                  video_fps: float) -> Material:
    """Read what is given. video_fps: rate at which the video is taken, by its frames' own times.

    Raises: MediaError if a file is missing, damaged, too large or of the wrong kind.
    """
    return Material(None if start is None else read_picture(start),
                    None if end is None else read_picture(end),
                    None if video is None
                    else read_clip(video, fps=video_fps, cover=COVER).frames)


def count_material(video: Path, fps: float) -> int:
    """Return how many frames `read_material` reads of a video; raises what it raises."""
    return count_frames(video, fps, cover=COVER)
