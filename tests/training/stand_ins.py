"""A source and a text encoder that cost nothing and depend on nothing but their arguments."""

import zlib

import numpy as np
import torch

from engine.presets import PRESETS
from engine.stage_config import StageConfig
from engine.text import EncodedText
from engine.training.data import LOW_HEIGHT, LOW_WIDTH, Batch, Batches, Example, Lesson
from engine.vocabulary import vocabulary_of

CAPTIONS = ("a dog walking to the left", "a red heart", "a fish in the sea")


class DriftingSquares:
    """Draws a bright square that drifts to the right; an image holds it still."""

    truth_sizes = (len(CAPTIONS),)
    part_count = 2

    def example(self, rng, frame_index, window, *, image, low):
        """Draw one example, as engine.training.data.Source asks."""
        kind = int(rng.integers(len(CAPTIONS)))
        times = np.zeros(len(frame_index)) if image else frame_index
        frames = self._painted(times, window.height, window.width, kind)
        small = self._painted(times, LOW_HEIGHT, LOW_WIDTH, kind) if low else None
        w = window
        crop = frames[:, w.top:w.top + w.crop_height, w.left:w.left + w.crop_width]
        parts = self._parts(frames, w.patch, kind)
        return Example(crop, small, CAPTIONS[kind], float("inf") if image else 12.0, (288, 512),
                       (kind,), None if low else parts)

    def lesson(self, rng, frame_index, window):
        """Draw what an example would show, as engine.training.data.Source asks."""
        kind = int(rng.integers(len(CAPTIONS)))
        frames = self._painted(frame_index, window.height, window.width, kind)
        return Lesson(CAPTIONS[kind], 12.0, (kind,), self._parts(frames, window.patch, kind))

    def vocabulary(self):
        """Tell all captions, as engine.training.data.Source asks."""
        return vocabulary_of(CAPTIONS, CAPTIONS)

    def _parts(self, frames, patch, kind):
        """What the middle of each patch shows: the square or not."""
        return (frames[:, patch // 2::patch, patch // 2::patch, kind] > 100).astype(np.int64)

    def _painted(self, times, height, width, kind):
        frames = np.full((len(times), height, width, 3), 40, np.uint8)
        for frame, time in zip(frames, times, strict=True):
            left = int(time) % width
            frame[height // 4:3 * height // 4, left:left + width // 3, kind] = 230
        return frames


class HashedText:
    """Encodes a prompt as noise seeded by its letters, with a mask as long as its words."""

    def __init__(self, width: int, length: int = 6):
        self.width, self.length = width, length

    def encode(self, prompts):
        """Encode as engine.text.TextEncoder does."""
        tokens = [torch.randn(self.length, self.width, generator=torch.Generator().manual_seed(
            zlib.crc32(prompt.encode()))) for prompt in prompts]
        counts = torch.tensor([len(prompt.split()) for prompt in prompts])
        return EncodedText(torch.stack(tokens), torch.arange(self.length) < counts[:, None])


def tiny_batches(config: StageConfig = PRESETS["tiny"], crop_groups=(0, 0)) -> Batches:
    """Batches of drifting squares."""
    return Batches(DriftingSquares(), config, HashedText(config.network.text_width), crop_groups)


def one_batch(batches: Batches, rng, *asked) -> Batch:
    """A whole step's batch; asked: as Batches.draw has it."""
    return batches.batch(batches.draw(rng, *asked))
