import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from engine.model import FIT
from engine.presets import PRESETS
from engine.stage import Stage
from engine.training import optimizer
from engine.training.optimizer import (
    LAMB,
    NEWTON_SCHULZ,
    Muon,
    build_optimizers,
    orthogonalised,
)


@pytest.fixture(autouse=True)
def is_short(request, monkeypatch):
    """Iterate as on processors without fast bfloat16, whatever this one has, or as parametrized."""
    short = getattr(request, "param", False)
    monkeypatch.setattr(optimizer, "has_fast_bfloat16", lambda device: short)


def one_step(optimizer_class, value, gradient, **settings):
    """The change one step makes to one parameter."""
    p = nn.Parameter(torch.tensor(value, dtype=torch.float32))
    p.grad = torch.tensor(gradient, dtype=torch.float32)
    before = p.detach().clone()
    optimizer_class([p], **settings).step()
    return p.detach() - before


def newton_schulz(matrix, iterations=5):
    """The iteration as it is written down, on one matrix."""
    a, b, c = NEWTON_SCHULZ
    x = matrix / matrix.norm()
    for _ in range(iterations):
        gram = x @ x.T
        x = a * x + b * gram @ x + c * gram @ gram @ x
    return x


def test_lamb_first_step_matches_a_hand_computation():
    # moments are g and g^2, so the direction is sign(g) + 0.1 theta = (1.3, -0.6); |theta| = 5
    change = one_step(LAMB, [[3.0, 4.0]], [[2.0, -7.0]], lr=0.01, weight_decay=0.1)
    ratio = 5 / math.hypot(1.3, -0.6)
    assert torch.allclose(change, -0.01 * ratio * torch.tensor([[1.3, -0.6]]), atol=1e-6)


def test_lamb_second_step_matches_a_hand_computation():
    p = nn.Parameter(torch.tensor([[2.0]]))
    optimizer = LAMB([p], lr=0.1, betas=(0.5, 0.75), weight_decay=0.0)
    for gradient in (1.0, 3.0):
        before = p.item()
        p.grad = torch.tensor([[gradient]])
        optimizer.step()
    # a single number: whatever the moments are, the adapted step is lr times its own size
    assert p.item() == pytest.approx(before * 0.9, rel=1e-6)
    m = 0.5 * (0.5 * 1) + 0.5 * 3
    v = 0.75 * (0.25 * 1) + 0.25 * 9
    assert optimizer.state[p]["m"].item() == pytest.approx(m)
    assert optimizer.state[p]["v"].item() == pytest.approx(v)


def test_lamb_gives_vectors_neither_adaptation_nor_decay():
    change = one_step(LAMB, [3.0, 4.0], [2.0, -7.0], lr=0.01, weight_decay=0.1)
    assert torch.allclose(change, torch.tensor([-0.01, 0.01]), atol=1e-6)


def test_lamb_moves_a_zero_matrix_by_the_plain_step():
    change = one_step(LAMB, [[0.0, 0.0]], [[2.0, -7.0]], lr=0.01)
    assert torch.allclose(change, torch.tensor([[-0.01, 0.01]]), atol=1e-6)


def test_lamb_leaves_a_matrix_without_gradient_or_decay_where_it_is():
    assert not one_step(LAMB, [[3.0, 4.0]], [[0.0, 0.0]], lr=0.01, weight_decay=0.0).any()


@pytest.mark.parametrize("is_short", [False, True], indirect=True)
@pytest.mark.parametrize("shape", [(24, 24), (16, 48), (48, 16)])
def test_orthogonalised_singular_values_come_near_one(shape):
    generator = torch.Generator().manual_seed(0)
    u, _, v = torch.linalg.svd(torch.randn(3, *shape, generator=generator), full_matrices=False)
    spread = torch.linspace(0.3, 1.0, min(shape))
    values = torch.linalg.svdvals(orthogonalised(u * spread @ v))
    assert values.min() > 0.65 and values.max() < 1.25


@pytest.mark.parametrize("shape", [(13, 29), (29, 13), (17, 17)])
def test_orthogonalised_equals_the_plain_iteration(shape):
    matrices = torch.randn(2, *shape, generator=torch.Generator().manual_seed(1))
    for given, got in zip(matrices, orthogonalised(matrices), strict=True):
        expected = newton_schulz(given.double())
        assert torch.allclose(got.double(), expected, atol=2e-4)


@pytest.mark.parametrize("is_short", [True], indirect=True)
@pytest.mark.parametrize("shape", [(13, 29), (29, 13), (17, 17)])
def test_orthogonalised_in_bfloat16_is_near_the_plain_iteration(shape):
    matrices = torch.randn(2, *shape, generator=torch.Generator().manual_seed(1))
    for given, got in zip(matrices, orthogonalised(matrices), strict=True):
        assert got.dtype == torch.float32
        expected = newton_schulz(given.double())
        assert (got - expected).norm() < 0.03 * expected.norm()


def test_muon_steps_along_the_orthogonalised_momentum():
    gradient = torch.randn(6, 4, generator=torch.Generator().manual_seed(2))
    change = one_step(Muon, torch.ones(6, 4).tolist(), gradient.tolist(),
                      lr=0.1, weight_decay=0.5)
    # a tall matrix steps sqrt(rows / columns) further; decay takes lr * 0.5 of ones
    expected = -0.1 * math.sqrt(6 / 4) * orthogonalised(gradient[None])[0] - 0.05
    assert torch.allclose(change, expected, atol=1e-4)


def test_muon_looks_ahead_along_the_newest_gradient():
    generator = torch.Generator().manual_seed(2)
    p = nn.Parameter(torch.zeros(5, 5))
    muon, momentum = Muon([p], lr=0.1, weight_decay=0.0), torch.zeros(5, 5)
    for _ in range(2):    # both directions are one at first
        before, p.grad = p.detach().clone(), torch.randn(5, 5, generator=generator)
        momentum = 0.95 * momentum + 0.05 * p.grad
        muon.step()
    ahead = orthogonalised((0.05 * p.grad + 0.95 * momentum)[None])[0]
    assert torch.allclose(before - p.detach(), 0.1 * ahead, atol=1e-4)


def test_what_is_not_muon_s_learns_at_a_tenth_of_its_rate_and_never_decays():
    network = Stage(PRESETS["tiny"]).network
    groups = [one.param_groups for one in build_optimizers(
        network, "muon", lr=0.02, weight_decay=0.1)]
    settings = [[(group["lr"], group["weight_decay"]) for group in one] for one in groups]
    assert settings == [[(0.02, 0.1)], [(pytest.approx(0.002), 0.0)]]


def test_muon_treats_a_fused_projection_as_separate_matrices():
    torch.manual_seed(3)
    network = Stage(PRESETS["tiny"]).network
    muon, _ = build_optimizers(network, "muon", lr=0.1, weight_decay=0.0)
    attention = network.blocks[0].global_layers[0].attention
    read = network.blocks[0].read
    for fused, parts in ((attention.to_qkv.weight, 3), (read.to_kv.weight, 2)):
        before = fused.detach().clone()
        fused.grad = torch.randn_like(fused) * torch.logspace(0, 2, len(fused))[:, None]
        muon.step()
        pieces = fused.grad.chunk(parts)
        scale = 0.1 * max(1, pieces[0].shape[0] / pieces[0].shape[1]) ** 0.5
        apart = torch.cat([orthogonalised(piece[None])[0] for piece in pieces])
        assert torch.allclose(before - fused.detach(), scale * apart, atol=1e-3)
        assert not torch.allclose(apart, orthogonalised(fused.grad[None])[0], atol=0.05)
        fused.grad = None


def test_muon_steps_a_kernel_as_the_matrix_of_its_outputs():
    torch.manual_seed(3)
    network = FIT(replace(PRESETS["tiny"].network, refiner_levels=1))
    muon, _ = build_optimizers(network, "muon", lr=0.1, weight_decay=0.0)
    kernel = network.refiner.coarser.before[0].expand.weight                # (32, 32, 3, 3)
    before, kernel.grad = kernel.detach().clone(), torch.randn_like(kernel)
    muon.step()
    step = orthogonalised(kernel.grad.flatten(1)[None])[0].view_as(kernel)
    assert torch.allclose(before - kernel.detach(), 0.1 * step, atol=1e-4)


def test_convolutions_of_single_channels_and_those_that_touch_pixels_are_not_muon_s():
    network = FIT(replace(PRESETS["tiny"].network, refiner_levels=1))
    names = {id(p): name for name, p in network.named_parameters()}
    muon, rest = ({names[id(p)] for group in o.param_groups for p in group["params"]}
                  for o in build_optimizers(network, "muon", 0.1, 0.0))
    assert {"refiner.coarser.down.weight", "refiner.before.0.expand.weight",
            "refiner.blocks.0.expand.weight", "blocks.0.convolutions.0.contract.weight"} <= muon
    assert {"refiner.from_pixels.weight", "refiner.to_pixels.weight",
            "stem.to_tokens.weight"} <= rest
    assert any("local" in name and name.endswith("mix.weight") for name in rest)


@pytest.mark.parametrize("kind", ["lamb", "adamw", "muon"])
def test_every_parameter_has_exactly_one_optimizer(kind):
    network = Stage(PRESETS["tiny"]).network
    held = [p for o in build_optimizers(network, kind, 1e-3, 0.01)
            for group in o.param_groups for p in group["params"]]
    assert len(held) == len({id(p) for p in held}) == len(list(network.parameters()))


def test_unknown_optimizer_is_named():
    with pytest.raises(ValueError, match="'sgd' is not one of"):
        build_optimizers(nn.Linear(2, 2), "sgd", 1e-3, 0.0)
