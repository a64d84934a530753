"""The judge: a small network that says what a clip shows, so that made clips can be marked.

It sees 16 frames of 36 x 64. One branch looks at single frames (subject, place, size), the other
at what moves, the clip less its own mean over time (travel). Their two summaries, side by side,
are the features in which storybook-FVD is measured. How it is taught stands in `teaching.py`.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.storybook.casting import travels_of
from engine.storybook.places import PAINTED, PLAIN_COLOURS
from engine.storybook.scene import TRAVELS
from engine.storybook.sprites import Sprite

FRAMES, HEIGHT, WIDTH = 16, 36, 64
PLACES = (*PLAIN_COLOURS, *PAINTED)
SIZES = ("small", "medium", "large")
ATTRIBUTES = ("subject", "place", "travel", "size")
# Upper bounds of small and medium: visible height over the frame's, averaged over the clip.
SIZE_BOUNDS = (0.52, 0.60)
LOOKED_AT = (0, 5, 10, 15)
_BATCH = 64


@dataclass(frozen=True)
class JudgeConfig:
    """Shape of a judge. subjects: names it can tell apart. look, motion: widths of features."""

    subjects: tuple[str, ...]
    look: int = 48
    motion: int = 32
    width: int = 24

    def words(self, attribute: str) -> tuple[str, ...]:
        """Every answer to a question, in the order of its scores."""
        known = {"subject": self.subjects, "place": PLACES, "travel": TRAVELS, "size": SIZES}
        return known[attribute]


@dataclass(frozen=True)
class Verdicts:
    """What a judge says of b clips.

    words: attribute -> b answers. features: float64 (b, look + motion).
    """

    words: Mapping[str, tuple[str, ...]]
    features: np.ndarray


class Judge(nn.Module):
    """Scores for each attribute, and features, of clips."""

    def __init__(self, config: JudgeConfig):
        super().__init__()
        self.config = config
        width = config.width
        deep = (2 * width, 4 * width, 4 * width)
        self.look = nn.Sequential(_convolution(3, width, side=5, stride=2),
                                  _tower((width, *deep), config.look))
        # All frames at once, at half the size, so that one filter sees a whole way.
        self.motion = nn.Sequential(nn.AvgPool2d(2),
                                    _convolution(3 * FRAMES, 2 * width, side=3, stride=1),
                                    _tower((2 * width, *deep), config.motion))
        self.heads = nn.ModuleDict({
            name: nn.Linear(config.look + config.motion, len(config.words(name)))
            for name in ATTRIBUTES})

    def features(self, clips: Tensor, looked_at: Sequence[int] = LOOKED_AT) -> Tensor:
        """Summarise clips (b, t, c, h, w) in [-1, 1]. Returns: (b, look + motion)."""
        b = len(clips)
        frames = clips[:, list(looked_at)].flatten(0, 1)                  # (b n, c, h, w)
        look = self.look(_channels_last(frames)).view(b, len(looked_at), -1).mean(dim=1)
        moving = (clips - clips.mean(dim=1, keepdim=True)).flatten(1, 2)  # (b, t c, h, w)
        motion = self.motion(_channels_last(moving))                      # (b, motion)
        return torch.cat((look, motion), dim=1)                           # (b, look + motion)

    def forward(self, clips: Tensor, looked_at: Sequence[int] = LOOKED_AT) -> dict[str, Tensor]:
        """Score every answer to every question: attribute -> (b, answers)."""
        features = self.features(clips, looked_at)
        return {name: head(features) for name, head in self.heads.items()}

    @torch.no_grad()
    def verdicts(self, frames: np.ndarray, cast: Mapping[str, Sprite],
                 subjects: Sequence[str]) -> Verdicts:
        """Judge finished clips.

        frames: uint8 (b, t, h, w, 3). cast: sprites by name. subjects: the b subjects that were
        asked for; a clip's travel is chosen among those that suit its subject.
        """
        features = self.features_of(frames)
        answers = {}
        for name, head in self.heads.items():
            scores = head(torch.from_numpy(features).float())            # (b, answers)
            if name == "travel":
                scores = scores.masked_fill(~_suiting(subjects, cast), -torch.inf)
            words = self.config.words(name)
            answers[name] = tuple(words[i] for i in scores.argmax(dim=1).tolist())
        return Verdicts(answers, features)

    @torch.no_grad()
    def features_of(self, frames: np.ndarray) -> np.ndarray:
        """Summarise finished clips uint8 (b, t, h, w, 3). Returns: float64 (b, look + motion)."""
        self.eval()
        return np.concatenate([
            self.features(to_input(frames[start:start + _BATCH])).double().numpy()
            for start in range(0, len(frames), _BATCH)])

    @property
    def weights_hash(self) -> str:
        """The first 12 hex digits of the SHA-256 of the weights."""
        digest = hashlib.sha256()
        for name, tensor in self.state_dict().items():
            digest.update(name.encode() + tensor.contiguous().numpy().tobytes())
        return digest.hexdigest()[:12]


def size_class(visible_height: float) -> str:
    """Name a size. visible_height: mean over the clip, as a fraction of the frame's height."""
    return SIZES[int(np.searchsorted(SIZE_BOUNDS, visible_height, side="right"))]


def to_input(frames: np.ndarray) -> Tensor:
    """Turn uint8 (b, t, h, w, 3) of any length and size into (b, 16, 3, 36, 64) in [-1, 1]."""
    if frames.shape[1] != FRAMES:
        frames = frames[:, np.linspace(0, frames.shape[1] - 1, FRAMES).round().astype(int)]
    clips = torch.from_numpy(frames.astype(np.float32)) / 127.5 - 1
    clips = clips.permute(0, 1, 4, 2, 3)                                  # (b, t, c, h, w)
    if clips.shape[-2:] == (HEIGHT, WIDTH):
        return clips.contiguous()
    small = F.interpolate(clips.flatten(0, 1), (HEIGHT, WIDTH), mode="area")
    return small.unflatten(0, clips.shape[:2])


def _channels_last(pictures: Tensor) -> Tensor:
    """Lay pictures out as convolutions on a processor like them: a third faster."""
    return pictures.contiguous(memory_format=torch.channels_last)


def _convolution(before: int, after: int, side: int, stride: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(before, after, side, stride, side // 2, bias=False),
                         nn.BatchNorm2d(after), nn.ReLU())


def _tower(widths: Sequence[int], out: int) -> nn.Sequential:
    """Narrow pictures of (18, 32) by convolutions and summarise them in `out` numbers."""
    layers = [_convolution(before, after, side=3, stride=2 if number < 2 else 1)
              for number, (before, after) in enumerate(pairwise(widths))]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d((3, 4)), nn.Flatten(),
                         nn.Linear(widths[-1] * 12, out), nn.BatchNorm1d(out), nn.ReLU())


def _suiting(subjects: Sequence[str], cast: Mapping[str, Sprite]) -> Tensor:
    """Tell which travels suit each subject, (b, travels)."""
    return torch.tensor([[travel in travels_of(cast[subject]) for travel in TRAVELS]
                         for subject in subjects])
