"""Which frames of a training clip are given, as they are given when longer clips are made.

Differs from the paper, whose network never sees known frames: it is steered around them by
replacement and reconstruction guidance (PAPER.md 6). A network that sees them needs neither.
"""

import torch
from torch import Tensor


def known_masks(count: int, frames: int, share: float, generator: torch.Generator) -> Tensor:
    """Draw masks (count, frames) bool, true where a frame is known.

    share: of the clips that have known frames at all. Theirs are the first few, as in a window
    that goes on; both ends, as between two pictures; every other, as between two rates; or any.
    Something is always left to make.
    """
    def one() -> Tensor:
        if torch.rand((), generator=generator) >= share:
            return torch.zeros(frames, dtype=torch.bool)
        draw = torch.rand(frames, generator=generator)
        index = torch.arange(frames)
        few = 1 + (draw[0] ** 2 * (frames - 1)).long()    # one frame more often than many
        kinds = (index < few, (index == 0) | (index == frames - 1), index % 2 == 0,
                 draw < draw.roll(1)[0])
        return kinds[torch.randint(len(kinds), (), generator=generator)]

    masks = torch.stack([one() for _ in range(count)])
    return masks & ~masks.all(dim=1, keepdim=True)
