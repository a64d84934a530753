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
        for axis, n, cycles in zip("thw", grid, self.CYCLES, strict=True):
            self.register_buffer(axis, _harmonics(n, cycles), persistent=False)

    @property
    def shape(self) -> tuple[int, int, int]:
        """How many waves there are over frames, rows and columns."""
        return self.t.shape[1], self.h.shape[1], self.w.shape[1]

    def forward(self, frame_index: Tensor, repeats: tuple[int, int]) -> tuple[Tensor, ...]:
        """Return the waves along each axis, (t, a), (h, b), (w, c), whose products are meant; the
        arguments as PatchPositions has them.
        """
        return self.t[frame_index], self.h.repeat(repeats[0], 1), self.w.repeat(repeats[1], 1)


class WaveMap(nn.Module):
    """A linear map of the products of waves, axis by axis; nothing at first.

    One matrix over all products would cost a quarter of the network.
    """

    def __init__(self, shape: tuple[int, int, int], width: int):
        super().__init__()
        self.shape = shape
        self.weight = nn.Parameter(torch.zeros(width, math.prod(shape)))

    def forward(self, waves: tuple[Tensor, ...]) -> Tensor:
        """waves: (t, a), (h, b), (w, c). Returns: (t, h, w, width)."""
        t, h, w = waves
        weight = self.weight.unflatten(1, self.shape)                         # (k, a, b, c)
        by_column = torch.einsum("kabc,wc->kabw", weight, w)
        by_row = torch.einsum("kabw,hb->kahw", by_column, h)
        return torch.einsum("kahw,ta->thwk", by_row, t)


def _harmonics(count: int, cycles: tuple[float, ...]) -> Tensor:
    """Return 1 and a sine and cosine of each number of cycles over `count` positions, (count, k),
    root mean square about 1."""
    angle = 2 * math.pi * (torch.arange(count)[:, None] + 0.5) / count * torch.tensor(cycles)
    pairs = math.sqrt(2) * torch.cat((angle.sin(), angle.cos()), dim=1)
    return torch.cat((torch.ones(count, 1), pairs), dim=1)
