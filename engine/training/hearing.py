"""What a network makes of a text, how far that is from what it makes of another, and which answers
about a scene can be read from it.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine.model import FIT, Conditions
from engine.stage import SampleSettings, Stage, unit_noise

RUN_STEPS = 8         # of the clips that queries are collected from
FLOOR = 0.02          # of a spread, under which differences count no more
CERTAINTY = 4.0       # deviation of an answer's logits, at most: what is half certain counts too


class Hearing:
    """What the network makes of a text: what patches and latents are told, and what the latents of
    every block read in its context.

    queries: latents of each block before it reads, (n, e).
    """

    def __init__(self, network: FIT, queries: Sequence[Tensor]):
        self.network, self.queries = network, queries

    def __call__(self, conditions: Conditions, c_noise: Tensor, chosen: Tensor) -> list[Tensor]:
        """chosen: which queries, (q,) long. Returns: (b, k) or (b, q, e) of each place."""
        network = self.network
        context, mask = network.context(c_noise, conditions)
        heard = [pooled(conditions)[:, 0]
                 for pooled in (network.describing_text, network.pooled_text) if pooled]
        for block, queries in zip(network.blocks, self.queries, strict=True):
            asked = queries[chosen].expand(len(context), -1, -1)
            heard.append(block.context_read(asked, context, mask))
        return heard


def summed_up(heard: Tensor) -> Tensor:
    """Take the mean over latents where several heard, (b, q, e), to (b, e)."""
    return heard if heard.ndim == 2 else heard.mean(1)


def collected_queries(stage: Stage, conditions: Conditions) -> list[Tensor]:
    """Make clips and return the latents that each block read its context with, (n, e)."""
    seen: list[list[Tensor]] = [[] for _ in stage.network.blocks]
    hooks = [block.context_read.register_forward_pre_hook(
        lambda _, inputs, kept=kept: kept.append(inputs[0].float().flatten(0, 1)))
        for block, kept in zip(stage.network.blocks, seen, strict=True)]
    noise = unit_noise(range(len(conditions.fps)), stage.clip_shape)
    stage.sample(noise, conditions, SampleSettings(RUN_STEPS, guidance=0.0))
    for hook in hooks:
        hook.remove()
    return [torch.cat(kept) for kept in seen]


class Difference(nn.Module):
    """How far what is heard is from what is meant, in units of how far captions are apart.

    Every direction counts alike: a way differs from another by a fifteenth of what a subject does.
    meant: what is heard of many captions, (n, k).
    """

    def __init__(self, meant: Tensor):
        super().__init__()
        spread, directions = torch.linalg.eigh(torch.cov(meant.T))
        floor = FLOOR * spread.mean()
        self.register_buffer("scaled", directions * (spread.clamp(min=0) + floor).rsqrt())

    def forward(self, heard: Tensor, meant: Tensor) -> Tensor:
        """heard, meant: (..., k). Returns: the mean square, ()."""
        return ((heard - meant) @ self.scaled).square().mean()


class Question(nn.Module):
    """One question about a scene, its subject say, answered from what is heard in one place.

    Linear discriminants of plain captions. A difference alone is least when an unsure word is heard
    halfway between what it may mean, which draws half of each; an answer's cross-entropy asks for
    one of them.
    heard: of many captions, (n, k); answers: theirs, whole numbers (n,).
    """

    def __init__(self, heard: Tensor, answers: Tensor):
        super().__init__()
        known, which = answers.unique(return_inverse=True)
        means = torch.stack([heard[which == number].mean(0) for number in range(len(known))])
        spread = (heard - means[which]).T @ (heard - means[which]) / len(heard)
        floor = FLOOR * heard.var(0, correction=0).mean() * torch.eye(len(spread))
        weight = torch.linalg.solve(spread + floor, means.T)
        self.register_buffer("known", known)
        self.register_buffer("weight", weight)
        self.register_buffer("bias", -(means.T * weight).sum(0) / 2)

    def forward(self, heard: Tensor) -> Tensor:
        """Return the logits of each answer known, (b, answers)."""
        return heard @ self.weight + self.bias

    def loss(self, heard: Tensor, answers: Tensor) -> Tensor:
        """Return the cross-entropy of softened logits, 0 where no such answer is known, ()."""
        logits = self(heard)
        deviation = logits.detach().std(1, correction=0).mean()
        which = torch.searchsorted(self.known, answers.contiguous()).clamp(max=len(self.known) - 1)
        wrong = F.cross_entropy(logits * (CERTAINTY / deviation).clamp(max=1), which,
                                reduction="none")
        return (wrong * (self.known[which] == answers)).mean()
