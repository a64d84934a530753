"""Where a patch is in the clip: what rides on its token, and what its keys and queries are told."""

import math

import torch
from torch import Tensor, nn


class PatchPositions(nn.Module):
    """Learned position of every patch: a full table, or its sum over frame, row and column.

    The factorised form serves clips of some of the frames, and other sizes.
    """

    def __init__(self, grid: tuple[int, int, int], width: int, *, factorised: bool):
        super().__init__()
        t, h, w = grid
        self.factorised = factorised
        if factorised:
            self.frame = nn.Parameter(0.02 * torch.randn(t, 1, 1, width))
            self.row = nn.Parameter(0.02 * torch.randn(1, h, 1, width))
            self.column = nn.Parameter(0.02 * torch.randn(1, 1, w, width))
        else:
            self.table = nn.Parameter(0.02 * torch.randn(t, h, w, width))

    def forward(self, frame_index: Tensor, repeats: tuple[int, int]) -> Tensor:
        """frame_index: (t,) long. repeats: times the table is tiled down and across.

        Returns: (t, h, w, d).
        """
        if self.factorised:
            table = self.frame[frame_index] + self.row + self.column
        else:
            table = self.table[frame_index]
        return table.repeat(1, *repeats, 1)


class SpaceTimeWaves(nn.Module):
    """Where each patch is, as fixed products of waves over frames, rows and columns.

    Differs from the paper: reading and writing add a linear map of these to the patches' keys and
    queries, in every block, as DETR does. Noise as large as the clip fills narrow patch tokens to
    the brim, so a position that only rides on the token is lost just where the text decides where
    the subject goes. Products let one latent address a subject that moves.
    """

    CYCLES = ((0.5, 1, 2), (0.5, 1), (0.5, 1, 2, 4))

    def __init__(self, grid: tuple[int, int, int]):
        super().__init__()
        t, h, w = (_harmonics(n, cycles) for n, cycles in zip(grid, self.CYCLES, strict=True))
        self.width = t.shape[1] * h.shape[1] * w.shape[1]
        self.register_buffer("table", torch.einsum("ta,hb,wc->thwabc", t, h, w).flatten(3),
                             persistent=False)

    def forward(self, frame_index: Tensor, repeats: tuple[int, int]) -> Tensor:
        """Return (t, h, w, width); the arguments as PatchPositions has them."""
        return self.table[frame_index].repeat(1, *repeats, 1)


def _harmonics(count: int, cycles: tuple[float, ...]) -> Tensor:
    """Return 1 and a sine and cosine of each number of cycles over `count` positions, (count, k),
    root mean square about 1."""
    angle = 2 * math.pi * (torch.arange(count)[:, None] + 0.5) / count * torch.tensor(cycles)
    pairs = math.sqrt(2) * torch.cat((angle.sin(), angle.cos()), dim=1)
    return torch.cat((torch.ones(count, 1), pairs), dim=1)
