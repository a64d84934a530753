"""Clips as tensors and as bytes; an image is a clip of repeated frames.

A clip is (b, c, t, h, w) float32 in [-1, 1]; frames are uint8 (t, h, w, c).
"""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor


def to_clips(frames: Sequence[np.ndarray]) -> Tensor:
    """Turn uint8 arrays (t, h, w, c) into clips (b, c, t, h, w)."""
    stacked = torch.from_numpy(np.stack(frames)).permute(0, 4, 1, 2, 3)
    return stacked.float() / 127.5 - 1


def to_frames(clips: Tensor) -> np.ndarray:
    """Turn clips (b, c, t, h, w) into uint8 arrays (b, t, h, w, c)."""
    levels = ((clips.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return levels.permute(0, 2, 3, 4, 1).cpu().numpy()


def upscale(clips: Tensor, height: int, width: int) -> Tensor:
    """Enlarge clips (b, c, t, h, w) bicubically, frame by frame: 1 dB nearer the truth than
    bilinearly, which leaves the upsampler less to draw.
    """
    b, c, t = clips.shape[:3]
    frames = clips.transpose(1, 2).flatten(0, 1)                              # (b t, c, h, w)
    large = F.interpolate(frames, (height, width), mode="bicubic", align_corners=False)
    return large.view(b, t, c, height, width).transpose(1, 2)


def fitted(frames: np.ndarray, height: int, width: int, *, crop: bool) -> np.ndarray:
    """Fit frames (t, h, w, 3) of any size into another, uint8, without stretching them.

    crop: whether what sticks out is cut off; else the rest is filled with black bars.
    """
    rows, columns = frames.shape[1:3]
    if crop:
        kept = (min(rows, max(1, round(columns * height / width))),
                min(columns, max(1, round(rows * width / height))))
        return np.stack([_resized(_middle(frame, kept), (height, width)) for frame in frames])
    scale = min(height / rows, width / columns)
    size = max(1, round(rows * scale)), max(1, round(columns * scale))
    bars = np.zeros((len(frames), height, width, 3), np.uint8)
    for frame, barred in zip(frames, bars, strict=True):
        _middle(barred, size)[:] = _resized(frame, size)
    return bars


def _middle(frame: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return a view of the middle of a picture (h, w, 3)."""
    top, left = (frame.shape[0] - size[0]) // 2, (frame.shape[1] - size[1]) // 2
    return frame[top:top + size[0], left:left + size[1]]


def _resized(frame: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    if frame.shape[:2] == size:
        return frame
    picture = torch.tensor(frame).permute(2, 0, 1)[None].float()               # (1, c, h, w)
    resized = F.interpolate(picture, size, mode="bilinear", align_corners=False, antialias=True)
    return resized[0].permute(1, 2, 0).round().clamp(0, 255).to(torch.uint8).numpy()
