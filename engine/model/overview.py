"""What patches know before they look at each other; ours, nothing of it in the paper.

At much noise a patch alone says nothing: in a base clip under sigma 3 its own mean is half noise,
which a layer norm makes as loud as ever, so that where the patch is and what the words say of its
frame are drowned. Yet there it is decided where the subject goes.
"""

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn


class Overview(nn.Module):
    """Turn the pixels' tokens down as far as their noise asks, add means over wide squares and
    what the words say of each frame. It changes nothing at first.
    """

    def __init__(self, frames: int, channels: int, width: int, patch: int,
                 description_width: int):
        super().__init__()
        self.loudness = nn.Linear(description_width, width)
        nn.init.zeros_(self.loudness.weight)
        nn.init.zeros_(self.loudness.bias)
        self.coarse = CoarseLook(channels, width, patch)
        self.words = FrameWords(frames, width, description_width)

    def forward(self, grid: Tensor, noisy: Tensor, description: Tensor,
                frame_index: Tensor) -> Tensor:
        """grid: tokens (b, t, h/p, w/p, d) of the noisy clip (b, c, t, h, w), padded; description:
        (b, k); frame_index: (t,) long. Returns: like grid.
        """
        loudness = 1 + self.loudness(F.silu(description))[:, None, None, None]
        return grid * loudness + self.coarse(noisy) + self.words(description, frame_index)


class CoarseLook(nn.Module):
    """What lies around each patch, far wider than the patch: means over squares, nothing at first.

    Each mean is brought to unit size, whatever noise is left in it.
    """

    SPANS = (3, 5)                                  # sides of the squares, in patches

    def __init__(self, channels: int, width: int, patch: int):
        super().__init__()
        self.patch = patch
        self.to_tokens = nn.Conv2d(len(self.SPANS) * channels, width, 3, padding=1)
        nn.init.zeros_(self.to_tokens.weight)
        nn.init.zeros_(self.to_tokens.bias)

    def forward(self, noisy: Tensor) -> Tensor:
        """noisy clip (b, c, t, h, w), padded -> (b, t, h/p, w/p, d)."""
        frames = noisy.shape[2]
        patches = F.avg_pool2d(rearrange(noisy, "b c t h w -> (b t) c h w"), self.patch)
        means = torch.cat([_unit(F.avg_pool2d(patches, span, 1, span // 2,
                                              count_include_pad=False), frames)
                           for span in self.SPANS], dim=1)
        return rearrange(self.to_tokens(means), "(b t) d h w -> b t h w d", t=frames)


class FrameWords(nn.Module):
    """What a description means at a moment of the clip: a subject that goes to the left is first
    on the right. Nothing at first.
    """

    def __init__(self, frames: int, width: int, description_width: int):
        super().__init__()
        self.read = nn.Linear(description_width, 2 * width)
        self.moment = nn.Parameter(torch.randn(frames, 2 * width))
        self.tell = nn.Linear(2 * width, width)
        nn.init.zeros_(self.tell.weight)
        nn.init.zeros_(self.tell.bias)

    def forward(self, description: Tensor, frame_index: Tensor) -> Tensor:
        """description: (b, k); frame_index: (t,) long. Returns: (b, t, 1, 1, d)."""
        heard = self.read(F.silu(description))[:, None]                       # (b, 1, 2 d)
        return self.tell(F.gelu(heard + self.moment[frame_index]))[:, :, None, None]


def _unit(pictures: Tensor, frames: int) -> Tensor:
    """Give each clip of pictures (b t, c, h, w) a mean square of one."""
    clips = pictures.unflatten(0, (-1, frames))
    size = clips.square().mean(dim=(1, 2, 3, 4), keepdim=True)
    return (clips * (size + 1e-6).rsqrt()).flatten(0, 1)
