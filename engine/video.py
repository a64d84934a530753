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
    """Enlarge clips (b, c, t, h, w) bilinearly, frame by frame."""
    b, c, t = clips.shape[:3]
    frames = clips.transpose(1, 2).flatten(0, 1)                              # (b t, c, h, w)
    large = F.interpolate(frames, (height, width), mode="bilinear", align_corners=False)
    return large.view(b, t, c, height, width).transpose(1, 2)
