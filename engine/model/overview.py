"""What patches know before they look at each other; ours, nothing of it in the paper.

At much noise a patch alone says nothing: in a base clip under sigma 3 its own mean is half noise,
which a layer norm makes as loud as ever, so that where the patch is and what the words say of it
are drowned. Yet there it is decided where the subject goes.
"""

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn


class Emphasis(nn.Module):
    """What the text adds to a description, however loud the noise level is in it; nothing at first.

    The scalars of a description have grown to 13 a channel in training, where a word for the
    direction made a difference of 0.2: patches knew nothing of it.
    """

    def __init__(self, width: int):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.out = nn.Linear(width, width, bias=False)
        nn.init.zeros_(self.out.weight)

    def forward(self, words: Tensor) -> tuple[Tensor, Tensor]:
        """words: (b, k), zero where the text is dropped. Returns: what to add to the description
        and the words at unit size, both (b, k).
        """
        heard = self.norm(words)
        return self.out(heard), heard


class Overview(nn.Module):
    """Turn the pixels' tokens down as far as their noise asks, add means over wide squares and
    what the words let each expect. It changes nothing at first.
    """

    def __init__(self, grid: tuple[int, int, int], channels: int, width: int, patch: int,
                 description_width: int):
        """grid: frames, rows and columns of patches in the whole clip, padding included."""
        super().__init__()
        self.emphasis = Emphasis(description_width)
        self.loudness = nn.Linear(description_width, width)
        nn.init.zeros_(self.loudness.weight)
        nn.init.zeros_(self.loudness.bias)
        self.coarse = CoarseLook(channels, width, patch)
        self.words = WordMap(grid, width, description_width)

    def forward(self, grid: Tensor, noisy: Tensor, description: Tensor, heard: Tensor,
                frame_index: Tensor) -> Tensor:
        """grid: tokens (b, t, h/p, w/p, d) of the noisy clip (b, c, t, h, w), padded; description,
        heard: (b, k); frame_index: (t,) long. Returns: like grid.
        """
        loudness = 1 + self.loudness(description)[:, None, None, None]
        return (grid * loudness + self.coarse(noisy)
                + self.words(description, heard, frame_index))


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


class WordMap(nn.Module):
    """What the words let each patch expect: a subject that goes to the left is first on the right.
    Nothing at first.

    A sum of few products of a profile down the rows and one across the columns, both of which
    follow from the description and the moment: where the text decides where a subject goes, noise
    hides the patches from each other, and their place from themselves.
    """

    PRODUCTS = 16

    def __init__(self, grid: tuple[int, int, int], width: int, description_width: int):
        super().__init__()
        frames, *self.sides = grid
        self.read = nn.Linear(description_width, 2 * width)
        self.hear = nn.Linear(description_width, 2 * width)
        self.moment = nn.Parameter(torch.randn(frames, 2 * width))
        self.profiles = nn.ModuleList(
            nn.Linear(2 * width, self.PRODUCTS * side) for side in self.sides)
        self.tell = nn.Linear(self.PRODUCTS, width, bias=False)
        nn.init.zeros_(self.tell.weight)

    def forward(self, description: Tensor, heard: Tensor, frame_index: Tensor) -> Tensor:
        """description, heard: (b, k); frame_index: (t,) long. Returns: (b, t, h/p, w/p, d)."""
        told = (self.read(description) + self.hear(heard))[:, None]           # (b, 1, 2 d)
        moment = self.moment[frame_index]                                     # (t, 2 d)
        # Left and right differ by the sign of time: a product, which sums learn slowly.
        now = F.gelu(told + moment) + told * moment                           # (b, t, 2 d)
        down, across = (profile(now).unflatten(2, (self.PRODUCTS, side))      # (b, t, k, side)
                        for profile, side in zip(self.profiles, self.sides, strict=True))
        return self.tell(torch.einsum("btkh,btkw->bthwk", down, across))


def _unit(pictures: Tensor, frames: int) -> Tensor:
    """Give each clip of pictures (b t, c, h, w) a mean square of one."""
    clips = pictures.unflatten(0, (-1, frames))
    size = clips.square().mean(dim=(1, 2, 3, 4), keepdim=True)
    return (clips * (size + 1e-6).rsqrt()).flatten(0, 1)
