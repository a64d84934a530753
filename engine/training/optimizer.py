"""LAMB for the paper's presets; Muon with AdamW for the small ones (PAPER.md 8, SPIKE.md)."""

from collections import defaultdict
from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from engine.precision import has_fast_bfloat16
from engine.training.team import ALONE, Team

# Quintic whose iteration pushes every singular value towards one (Jordan et al., Muon).
NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)

# Projections that are several matrices in one.
FUSED = {"to_qkv": 3, "to_kv": 2, "to_shift_scale": 2}


class LAMB(Optimizer):
    """Adam whose step is rescaled, tensor by tensor, to the size of the tensor (PAPER.md 8).

    1-D tensors are exempt from adaptation and decay: a zero-initialised gain has norm zero and
    would grow by a factor (1 + lr) a step at most, which switches self-conditioning off for good.
    """

    def __init__(self, params: Iterable[Tensor], lr: float = 5e-3,
                 betas: tuple[float, float] = (0.9, 0.99), eps: float = 1e-8,
                 weight_decay: float = 0.01):
        super().__init__(params, dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self, closure=None):
        """Update every parameter that has a gradient."""
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    self._update(p, group)

    def _update(self, p: Tensor, group: dict) -> None:
        state = self.state[p]
        if not state:
            state.update(step=0, m=torch.zeros_like(p), v=torch.zeros_like(p))
        state["step"] += 1
        beta1, beta2 = group["betas"]
        m = state["m"].lerp_(p.grad, 1 - beta1)
        v = state["v"].lerp_(p.grad.square(), 1 - beta2)
        m_hat, v_hat = (x / (1 - b ** state["step"]) for x, b in ((m, beta1), (v, beta2)))
        direction = m_hat / (v_hat.sqrt() + group["eps"])
        ratio = 1.0
        if p.ndim > 1:
            direction = direction + group["weight_decay"] * p
            size, step_size = p.norm(), direction.norm()
            if size > 0 and step_size > 0:
                ratio = (size / step_size).item()
        p.add_(direction, alpha=-group["lr"] * ratio)


class Muon(Optimizer):
    """Momentum whose every matrix step is made orthogonal, batched over shapes.

    Fused projections count as the matrices they are made of: `splits` says how many (by
    parameter id). The processes of a team share the iterations.
    """

    def __init__(self, params: Iterable[Tensor], lr: float = 0.02, weight_decay: float = 0.01, *,
                 splits: dict[int, int] | None = None, team: Team = ALONE):
        super().__init__(params, dict(lr=lr, momentum=0.95, weight_decay=weight_decay))
        self.splits, self.team = splits or {}, team

    @torch.no_grad()
    def step(self, closure=None):
        """Update every matrix that has a gradient."""
        for group in self.param_groups:
            by_shape = defaultdict(list)
            for p in (one for one in group["params"] if one.grad is not None):
                for matrix, direction in self._directions(p, group["momentum"]):
                    by_shape[tuple(matrix.shape)].append((matrix, direction))
            for (rows, columns), pairs in by_shape.items():
                steps = self.team.split(orthogonalised, torch.stack([d for _, d in pairs]))
                scale = group["lr"] * max(1.0, rows / columns) ** 0.5
                for (matrix, _), step in zip(pairs, steps, strict=True):
                    matrix.mul_(1 - group["lr"] * group["weight_decay"]).add_(step, alpha=-scale)

    def _directions(self, p: Tensor, momentum: float):
        state = self.state[p]
        if not state:
            state["momentum"] = torch.zeros_like(p)
        buffer = state["momentum"].lerp_(p.grad, 1 - momentum)
        nesterov = p.grad.lerp(buffer, momentum)
        parts = self.splits.get(id(p), 1)
        # A kernel (out, in, h, w) counts as the matrix (out, in h w): views, so that p is updated.
        return zip(*(one.view(len(p), -1).chunk(parts) for one in (p, nesterov)), strict=True)


def orthogonalised(matrices: Tensor, iterations: int = 5) -> Tensor:
    """Replace each matrix (n, rows, columns) by about its nearest orthogonal one.

    Muon's own iteration in bfloat16 where that is fast, else the same polynomials in float32 on
    the Gram matrix alone, where small singular values would explode in bfloat16.
    """
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if tall else matrices
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    x = _iterated_short(x, iterations) if has_fast_bfloat16(x.device) \
        else _iterated_on_gram(x, iterations)
    return x.mT if tall else x


def _iterated_short(x: Tensor, iterations: int) -> Tensor:
    """Iterate on wide matrices (n, rows, columns) in bfloat16. Returns: float32."""
    a, b, c = NEWTON_SCHULZ
    x = x.bfloat16()
    for _ in range(iterations):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.float()


def _iterated_on_gram(x: Tensor, iterations: int) -> Tensor:
    """Iterate on the small X X^T of wide matrices only: X is multiplied once, at the end, which
    halves the work on the feed-forwards' long matrices.
    """
    a, b, c = NEWTON_SCHULZ
    gram, product = x @ x.mT, None
    for i in range(iterations):
        step = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
        step.diagonal(dim1=1, dim2=2).add_(a)
        product = step if product is None else step @ product
        if i < iterations - 1:
            gram = step @ gram @ step
    return product @ x


def build_optimizers(network: nn.Module, kind: str, lr: float, weight_decay: float,
                     team: Team = ALONE) -> list[Optimizer]:
    """Return the optimizers of a network: LAMB or AdamW alone, or Muon with AdamW.

    Muon takes the matrices between hidden layers and the kernels of dense convolutions, as
    matrices of their outputs; vectors, tables, convolutions of single channels and the layers that
    touch pixels or raw text go to AdamW, at a tenth of Muon's rate.
    """
    if kind == "lamb":
        return [LAMB(network.parameters(), lr=lr, weight_decay=weight_decay)]
    if kind == "adamw":
        return [AdamW(network.parameters(), lr=lr, betas=(0.9, 0.99), weight_decay=weight_decay)]
    if kind != "muon":
        raise ValueError(f"optimizer {kind!r} is not one of lamb, adamw, muon")
    matrices, rest, splits = [], [], {}
    for name, p in network.named_parameters():
        hidden = p.ndim > 1 and p.shape[1] > 1 and name.endswith("weight") and name.startswith(
            ("blocks.", "self_conditioning.", "refiner.")) and "pixels" not in name
        (matrices if hidden else rest).append(p)
        splits[id(p)] = next((n for part, n in FUSED.items() if part in name), 1)
    return [Muon(matrices, lr=lr, weight_decay=weight_decay, splits=splits, team=team),
            AdamW(rest, lr=lr / 10, betas=(0.9, 0.99), weight_decay=0.0)]
