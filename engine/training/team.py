"""Processes that train one network together: each takes a share of every batch.

Differs from the paper only in scale: its GPUs may be processor cores here. A core that computes
alone is up to twice as fast as half of a pair, which waits at the end of every operation: the more
the smaller those are, or the busier the machine.
Started by torchrun, which says through the environment who is who.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor

from engine.errors import DataError

BACKENDS = {"cpu": "gloo", "cuda": "nccl"}
PAUSE = timedelta(days=7)  # a team whose machine sleeps or that is paused goes on afterwards


@dataclass(frozen=True)
class Team:
    """One process's place among those of a run; alone unless told otherwise."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process writes files and speaks."""
        return self.rank == 0

    def average(self, parameters: Sequence[Tensor], stop: bool) -> bool:
        """Average every gradient over the team, in place. What nobody used keeps none, as it does
        of one process: an optimizer would decay it for a zero.

        Returns: whether any process wants to stop, the same answer in all of them.
        """
        if self.size == 1:
            return stop
        grads = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
        told = grads[0].new_tensor([*(p.grad is not None for p in parameters), stop])
        flat = torch.cat([*(g.flatten() for g in grads), told])
        dist.all_reduce(flat)
        flat /= self.size
        *used, stopped = (flat[-len(told):] > 0).tolist()
        means = flat[:-len(told)].split([p.numel() for p in parameters])
        for p, mean, is_used in zip(parameters, means, used, strict=True):
            p.grad = mean.view_as(p) if is_used else None
        return stopped

    def split(self, work: Callable[[Tensor], Tensor], items: Tensor) -> Tensor:
        """Apply work, shape for shape, to items (n, ...), each process to its share of the n."""
        if self.size == 1:
            return work(items)
        done = torch.zeros_like(items)
        own = slice(self.rank, None, self.size)
        if len(items[own]):
            done[own] = work(items[own])
        dist.all_reduce(done)  # the others' rows are zero, so that the sum is exact
        return done


ALONE = Team()


def own_device(name: str) -> str:
    """Return the device this process computes on: of several GPUs, the one that is its own."""
    return f"cuda:{os.environ['LOCAL_RANK']}" if name == "cuda" and _is_started() else name


def join_team(device: torch.device) -> Team:
    """Join the processes torchrun started, or be alone. Raises: DataError where there is no team.

    device: of the tensors they exchange.
    """
    if not _is_started():
        return ALONE
    if device.type not in BACKENDS:
        raise DataError(f"Several processes train together on {' or '.join(BACKENDS)}, not on "
                        f"{device.type}: start one without torchrun.")
    if device.type == "cuda":
        torch.cuda.set_device(device)
    if not dist.is_initialized():
        dist.init_process_group(BACKENDS[device.type], timeout=PAUSE)
    return Team(dist.get_rank(), dist.get_world_size())


def _is_started() -> bool:
    """Tell whether torchrun started this process."""
    return "WORLD_SIZE" in os.environ
