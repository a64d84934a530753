"""Heads that ask the tokens what the clip shows; they are dropped after training.

Differs from the paper: the error of F hardly notices the one word that says where the subject
goes, so a network that reads its text by that error alone learns it last. A painted world knows
the answer, which makes it the teacher of an alignment loss in the spirit of REPA (arXiv
2410.06940). What patches are told and, after the first block, the latents of each group are asked
for the words; before the last block every patch is asked which part of the subject it shows. So is
the map of what the words let each patch expect, which knows nothing but words and time, and so
learns the mean way of a subject.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from einops import rearrange, repeat
from torch import Tensor, nn

from engine.model import FIT

UNKNOWN = -1
LEARNING_RATE = 3e-3


class TruthHead(nn.Module):
    """Linear readout of a mean: of the latents of each group, or of what patches are told.

    sizes: how many answers each question has, such as subject, place and travel. width, groups:
    of the tokens (b, groups m, width) that `layer` returns, alone or after others.
    """

    def __init__(self, sizes: Sequence[int], width: int, groups: int, layer: nn.Module):
        super().__init__()
        self.sizes, self.groups = tuple(sizes), groups
        self.norm = nn.LayerNorm(width)
        self.readout = nn.Linear(width, sum(self.sizes))
        self._tokens: Tensor | None = None
        layer.register_forward_hook(self._listen)

    def _listen(self, layer: nn.Module, inputs: tuple, output: Tensor | tuple) -> None:
        self._tokens = output if isinstance(output, Tensor) else output[-1]

    def forward(self, tokens: Tensor) -> Tensor:
        """tokens: (b, groups m, width). Returns: scores of all answers (b, g, sum of sizes)."""
        groups = rearrange(tokens.float(), "b (g m) e -> b g m e", g=self.groups)
        return self.readout(self.norm(groups).mean(dim=2))

    def loss(self, truth: Tensor, is_told: Tensor) -> Tensor:
        """Return the mean cross-entropy of the answers in the network's last evaluation.

        truth: (b, questions) long, UNKNOWN where there is no answer. is_told: (b,) bool, the rows
        whose text was kept; others are not asked.
        """
        scores, answers = self(self._tokens), _answers(truth, is_told)
        by_question = zip(scores.split(self.sizes, dim=2), answers.unbind(1), strict=True)
        losses = [
            F.cross_entropy(rearrange(part, "b g k -> (b g) k"),
                            repeat(answer, "b -> (b g)", g=self.groups), ignore_index=UNKNOWN,
                            reduction="sum")
            for part, answer in by_question]
        return sum(losses) / self.asked(truth, is_told).clamp(min=1)

    def asked(self, truth: Tensor, is_told: Tensor) -> Tensor:
        """Return over how many answers `loss` of the same takes its mean, ()."""
        return self.groups * (_answers(truth, is_told) != UNKNOWN).sum()


class PartsHead(nn.Module):
    """Linear readout of each patch: which part of the subject is here.

    Where a subject is under much noise is what moving pixels need, and a part of a subject is the
    same answer for all of them. count: how many answers there are. layer: whose output is asked:
    a block's patch tokens (b, g, n, d), or a grid of them (b, t, h, w, d).
    """

    def __init__(self, network: FIT, count: int, layer: nn.Module):
        super().__init__()
        self.high = network.config.group[0]
        self.grid = network.config.group_grid
        self.norm = nn.LayerNorm(network.config.patch_width)
        self.readout = nn.Linear(network.config.patch_width, count)
        self._tokens: Tensor | None = None
        layer.register_forward_hook(self._listen)

    def _listen(self, layer: nn.Module, inputs: tuple, output: Tensor | tuple) -> None:
        self._tokens = output if isinstance(output, Tensor) else output[0]

    def loss(self, parts: Tensor) -> Tensor:
        """Return the mean cross-entropy over the patches of the network's last evaluation.

        parts: (b, t, rows, columns) long, of whole frames without their padding.
        """
        answers = F.pad(parts, (0, 0, 0, -parts.shape[2] % self.high), value=UNKNOWN)
        if self._tokens.ndim == 4:
            rows, columns = self.grid
            answers = rearrange(answers, "b t (i h) (j w) -> b i j t h w", i=rows, j=columns)
        scores = self.readout(self.norm(self._tokens.float()))                # (..., answers)
        return F.cross_entropy(scores.flatten(0, -2), answers.flatten(), ignore_index=UNKNOWN)

    def asked(self, parts: Tensor) -> Tensor:
        """Return over how many answers `loss` of the same takes its mean, ()."""
        return (parts != UNKNOWN).sum()


def _answers(truth: Tensor, is_told: Tensor) -> Tensor:
    return torch.where(is_told[:, None], truth, UNKNOWN)


def heads_of(network: FIT, sizes: Sequence[int], part_count: int) -> nn.ModuleDict:
    """Return the heads that suit a network and what a source of clips knows; see Source."""
    heads, config = nn.ModuleDict(), network.config
    if sizes:
        heads["truth"] = TruthHead(sizes, config.latent_width, config.groups, network.blocks[0])
    if sizes and network.describing_text is not None:
        heads["told"] = TruthHead(sizes, config.context_width, 1, network.describing_text)
    if part_count:
        heads["parts"] = PartsHead(network, part_count, network.blocks[-2])
    if part_count and network.overview is not None:
        heads["expected"] = PartsHead(network, part_count, network.overview.words)
    return heads
