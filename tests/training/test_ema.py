import pytest
import torch
from torch import nn

from engine.training.ema import EMA, RAMP, half_life_beta


def test_half_the_past_is_left_after_a_half_life():
    assert half_life_beta(10**6, 7) ** 7 == pytest.approx(0.5)
    assert half_life_beta(10**7, 6000) == pytest.approx(0.99988448, abs=1e-8)


def test_half_life_grows_with_the_steps_taken_until_it_is_reached():
    assert half_life_beta(400, 6000) ** (RAMP * 400) == pytest.approx(0.5)
    at_full = int(100 / RAMP)
    assert half_life_beta(at_full // 2, 100) < half_life_beta(at_full, 100)
    assert half_life_beta(at_full, 100) == half_life_beta(10 * at_full, 100)
    assert half_life_beta(0, 100) == 0


def test_average_halves_its_distance_in_a_half_life():
    network = nn.Linear(3, 2)
    ema = EMA(network, half_life=5)
    with torch.no_grad():
        for p in network.parameters():
            p.add_(1.0)
    before = {name: value.clone() for name, value in ema.tensors.items()}
    for step in range(1000, 1005):
        ema.update(network, step)
    for name, value in ema.tensors.items():
        assert torch.allclose(value - before[name], torch.full_like(value, 0.5), atol=1e-5)


def test_first_update_forgets_the_starting_weights():
    network = nn.Linear(3, 2)
    ema = EMA(network, half_life=5)
    with torch.no_grad():
        network.weight.add_(1.0)
    ema.update(network, 1)
    assert torch.allclose(ema.tensors["weight"], network.weight, atol=1e-5)
