"""What one training step sees: a batch of clips with their conditions, a pure function of its rng.

A source gives examples; here they become tensors. Because the whole batch follows from
(seed, step), a resumed run needs no data state.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from engine.model import Conditions, Part
from engine.stage_config import StageConfig
from engine.text import TextEncoder
from engine.video import to_clips, upscale
from engine.vocabulary import Vocabulary

LOW_HEIGHT, LOW_WIDTH = 36, 64
LESSON_FRAMES = 4  # asking all 16 costs more than painting a clip


@dataclass(frozen=True)
class Window:
    """The pixels of a clip that are wanted: its full size and a crop of it, and a patch's side."""

    height: int
    width: int
    top: int
    left: int
    crop_height: int
    crop_width: int
    patch: int


@dataclass(frozen=True)
class Example:
    """One captioned clip or image.

    frames: uint8 (t, crop_height, crop_width, 3); low: uint8 (t, 36, 64, 3) of the whole frame,
    for an upsampler. fps: infinite for an image, whose frames repeat. source: height and width
    before any resizing. truth: answers to the questions of its source; parts: what the patches of
    a whole frame show, int64 (t, rows, columns); see truth.py.
    """

    frames: np.ndarray
    low: np.ndarray | None
    caption: str
    fps: float
    source: tuple[int, int]
    truth: tuple[int, ...] = ()
    parts: np.ndarray | None = None


@dataclass(frozen=True)
class Lesson:
    """What the words of a caption mean, without a picture; the fields as Example has them."""

    caption: str
    fps: float
    truth: tuple[int, ...]
    parts: np.ndarray


class Source(Protocol):
    """Where examples come from: the painted world, or a folder of clips.

    truth_sizes: how many answers there are to each question about a clip that the source can
    answer; empty if it knows nothing but the caption. part_count: how many answers to what a
    patch shows.
    """

    truth_sizes: tuple[int, ...]
    part_count: int

    def example(self, rng: np.random.Generator, frame_index: np.ndarray, window: Window,
                *, image: bool, low: bool) -> Example:
        """Draw one example. frame_index: (t,) numbers of the wanted frames in a whole clip."""

    def lesson(self, rng: np.random.Generator, frame_index: np.ndarray,
               window: Window) -> Lesson:
        """Draw what a source that knows parts would show, a hundred times faster."""

    def vocabulary(self) -> Vocabulary:
        """Tell the words of its captions, and some whole ones; the same every time."""


@dataclass(frozen=True)
class Drawn:
    """The examples of a step as bytes, a quarter of their size as tensors; slices become batches.

    frame_index: (t,) numbers of their frames in a whole clip. corners: first group row and column
    of each crop.
    """

    frame_index: np.ndarray
    corners: Sequence[tuple[int, int]]
    examples: Sequence[Example]

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, rows: slice) -> "Drawn":
        return Drawn(self.frame_index, self.corners[rows], self.examples[rows])

    @property
    def truth(self) -> Tensor:
        """Answers to the questions of the source, (b, questions) long."""
        return torch.tensor([e.truth for e in self.examples], dtype=torch.long)

    @property
    def parts(self) -> Tensor | None:
        """What the patches show, (b, t, rows, columns) long; None if that is not known of all."""
        known = [e.parts for e in self.examples if e.parts is not None]
        return torch.from_numpy(np.stack(known)) if len(known) == len(self) else None


@dataclass(frozen=True)
class Batch:
    """Tensors of a step or of a piece of it.

    clips, low: (b, c, t, h, w) in [-1, 1]; low is upscaled, clean.
    truth: (b, questions) long. parts: (b, t, rows, columns) long, where the source knows them.
    """

    clips: Tensor
    low: Tensor | None
    conditions: Conditions
    part: Part
    truth: Tensor
    parts: Tensor | None = None

    def to(self, device: torch.device) -> "Batch":
        """Return the same batch on a device."""
        def moved(tensor: Tensor | None) -> Tensor | None:
            return None if tensor is None else tensor.to(device)

        return Batch(moved(self.clips), moved(self.low), self.conditions.map(moved),
                     Part(moved(self.part.frames), moved(self.part.groups)),
                     moved(self.truth), moved(self.parts))


@dataclass(frozen=True)
class Lessons:
    """Tensors of some lessons, as a Batch has them; parts of the frames of that number, (t,)."""

    conditions: Conditions
    truth: Tensor
    parts: Tensor
    frame_index: Tensor

    def to(self, device: torch.device) -> "Lessons":
        """Return the same lessons on a device."""
        return Lessons(self.conditions.map(lambda values: values.to(device)),
                       *(one.to(device) for one in (self.truth, self.parts, self.frame_index)))


class Batches:
    """Draws batches for a stage from a source."""

    def __init__(self, source: Source, stage: StageConfig, encoder: TextEncoder,
                 crop_groups: tuple[int, int] = (0, 0)):
        self.source = source
        self.network = stage.network
        self.encoder = encoder
        self.crop_groups = crop_groups

    def clip_shape(self, frames: int) -> tuple[int, int, int, int]:
        """(c, t, h, w) of the clips of a batch that asks for so many frames."""
        window = self._window((0, 0))
        return (self.network.channels, min(frames, self.network.frames),
                window.crop_height, window.crop_width)

    def draw(self, rng: np.random.Generator, size: int, frames: int, image_share: float) -> Drawn:
        """Draw `size` clips of `frames` of the stage's frames; a share of them are images."""
        net = self.network
        frames = min(frames, net.frames)
        frame_index = np.sort(rng.permutation(net.frames)[:frames])
        corners = [self._corner(rng) for _ in range(size)]
        return Drawn(frame_index, corners, [
            self.source.example(rng, frame_index, self._window(corner),
                                image=rng.random() < image_share, low=net.augmented)
            for corner in corners])

    def batch(self, drawn: Drawn) -> Batch:
        """Turn examples into tensors."""
        examples = drawn.examples
        return Batch(
            to_clips([e.frames for e in examples]),
            self._low(drawn) if self.network.augmented else None,
            self._told([e.caption for e in examples], [e.fps for e in examples],
                       [e.source for e in examples]),
            Part(torch.from_numpy(drawn.frame_index), self._groups(drawn.corners)),
            drawn.truth, drawn.parts)

    def lessons(self, rng: np.random.Generator, size: int) -> Lessons:
        """Draw lessons on a few frames of clips, the same ones of each."""
        window, frames = self._window((0, 0)), self.network.frames
        chosen = np.sort(rng.permutation(frames)[:LESSON_FRAMES])
        drawn = [self.source.lesson(rng, chosen, window) for _ in range(size)]
        fine = (window.height * 8, window.width * 8)
        return Lessons(
            self._told([d.caption for d in drawn], [d.fps for d in drawn], [fine] * size),
            torch.tensor([d.truth for d in drawn]),
            torch.from_numpy(np.stack([d.parts for d in drawn])), torch.from_numpy(chosen))

    def _corner(self, rng: np.random.Generator) -> tuple[int, int]:
        """First group row and column of a crop."""
        rows, columns = self.network.group_grid
        down, across = self.crop_groups
        if not down:
            return 0, 0
        return int(rng.integers(rows - down + 1)), int(rng.integers(columns - across + 1))

    def _window(self, corner: tuple[int, int]) -> Window:
        net = self.network
        if not self.crop_groups[0]:
            return Window(net.height, net.width, 0, 0, net.height, net.width, net.patch)
        high, wide = net.group_pixels
        return Window(net.height, net.width, corner[0] * high, corner[1] * wide,
                      self.crop_groups[0] * high, self.crop_groups[1] * wide, net.patch)

    def _groups(self, corners: Sequence[tuple[int, int]]) -> Tensor | None:
        """Numbers of the groups each crop holds, (b, g)."""
        down, across = self.crop_groups
        if not down:
            return None
        columns = self.network.group_grid[1]
        return torch.tensor([[(i + di) * columns + j + dj for di in range(down)
                              for dj in range(across)] for i, j in corners])

    def _low(self, drawn: Drawn) -> Tensor:
        crops = []
        for example, corner in zip(drawn.examples, drawn.corners, strict=True):
            w = self._window(corner)
            full = upscale(to_clips([example.low]), w.height, w.width)
            crops.append(full[..., w.top:w.top + w.crop_height, w.left:w.left + w.crop_width])
        return torch.cat(crops)

    def _told(self, captions: Sequence[str], fps: Sequence[float],
              sources: Sequence[tuple[int, int]]) -> Conditions:
        text = self.encoder.encode(captions)
        return Conditions(
            text.tokens, text.mask, torch.ones(len(captions), dtype=torch.bool),
            torch.tensor(fps), torch.tensor(sources, dtype=torch.float32))
