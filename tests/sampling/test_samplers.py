"""On Gaussian data the ideal denoiser is linear and the ODE has a closed form."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from engine.sampling import SOLVERS, SamplerState, sample, sigmas

DEVIATION = 0.7  # of the data
S_MIN, S_MAX = 0.05, 10.0


def _ideal(sigma_in):
    """E[x | x_s] for x ~ N(0, DEVIATION^2)."""
    def denoise(x, sigma, carry):
        variance = DEVIATION**2 / sigma_in**2
        return sigma_in * variance / (variance + sigma**2) * x, (carry or 0) + 1
    return denoise


def _exact(x, sigma_in, sigma_from, sigma_to):
    variance = DEVIATION**2 / sigma_in**2
    return x * ((variance + sigma_to**2) / (variance + sigma_from**2)) ** 0.5


def _error(name, sigma_in, steps):
    x = torch.ones(1, dtype=torch.float64)
    levels = sigmas(steps, S_MIN, S_MAX)
    last = []

    def on_state(state):
        last.append(state)

    # The step to zero is Euler's in all solvers, so the error is taken at S_MIN.
    sample(_ideal(sigma_in), SamplerState(x), levels, sigma_in, SOLVERS[name], on_state)
    return abs(last[steps - 2].x - _exact(x, sigma_in, S_MAX, S_MIN)).item()


@pytest.mark.parametrize("sigma_in", [1.0, 4.0, 32.0])
@pytest.mark.parametrize(("name", "order"), [("euler", 1), ("heun", 2), ("dpmpp_2m", 2)])
def test_error_falls_with_the_solver_s_order_when_steps_double(name, order, sigma_in):
    ratio = _error(name, sigma_in, 160) / _error(name, sigma_in, 320)
    assert 2**order * 0.8 < ratio < 2**order * 1.3


@pytest.mark.parametrize("name", list(SOLVERS))
def test_scaled_solver_equals_plain_edm_in_y_space(name):
    """y = sigma_in x_s at noise sigma_in sigma, the same denoiser: plain EDM with scaled levels."""
    sigma_in, x = 4.0, torch.tensor([0.3, -1.7], dtype=torch.float64)

    def clip_from(y, noise):
        return torch.tanh(y) / (1 + noise)

    def scaled(x, sigma, carry):
        return clip_from(sigma_in * x, sigma_in * sigma), carry

    def plain(y, sigma, carry):
        return clip_from(y, sigma), carry

    levels = sigmas(11)
    ours = sample(scaled, SamplerState(x), levels, sigma_in, SOLVERS[name])
    edm = sample(plain, SamplerState(sigma_in * x), sigma_in * levels, 1.0, SOLVERS[name])
    torch.testing.assert_close(ours, edm)


@pytest.mark.parametrize(("name", "expected"), [("euler", 7), ("heun", 13), ("dpmpp_2m", 7)])
def test_solver_spends_its_evaluations(name, expected):
    states = []
    sample(_ideal(1.0), SamplerState(torch.ones(1)), sigmas(7), 1.0, SOLVERS[name], states.append)
    assert states[-1].carry == expected


@pytest.mark.parametrize("name", list(SOLVERS))
def test_run_resumed_from_a_saved_state_ends_with_the_same_bits(name):
    states = []
    start = SamplerState(torch.linspace(-2, 2, 5))
    whole = sample(_ideal(4.0), start, sigmas(9), 4.0, SOLVERS[name], states.append)
    resumed = sample(_ideal(4.0), states[3], sigmas(9), 4.0, SOLVERS[name])
    assert torch.equal(whole, resumed)


class WithoutFloat64(TorchDispatchMode):
    """Makes the meta device one that has no float64, as Apple's is, in tensors or beside them."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        is_copy = func in (torch.ops.aten._to_copy.default, torch.ops.aten.copy_.default)
        seen = tree_leaves(out if is_copy else (out, args, kwargs))
        seen = [one for one in seen if isinstance(one, torch.Tensor)]
        if any(one.is_meta for one in seen) and any(one.dtype == torch.float64 for one in seen):
            raise TypeError(f"{func} needs float64, which this device does not have")
        return out


@pytest.mark.parametrize("name", list(SOLVERS))
def test_noise_levels_never_reach_a_device_as_float64(name):
    def halved(x, sigma, carry):
        return x * sigma.to(x), carry

    with WithoutFloat64():
        start = SamplerState(torch.ones(5, device="meta"))
        clip = sample(halved, start, sigmas(4), 2.0, SOLVERS[name])
    assert clip.is_meta and clip.dtype == torch.float32


def test_levels_fall_from_max_to_min_to_zero():
    levels = sigmas(24)
    assert levels[0] == pytest.approx(80.0) and levels[-2] == pytest.approx(0.002)
    assert levels[-1] == 0 and bool((levels[1:] < levels[:-1]).all())


def test_seventh_roots_of_levels_are_evenly_spaced():
    roots = sigmas(9)[:-1] ** (1 / 7)
    assert torch.allclose(roots.diff(), (roots[-1] - roots[0]) / 8)
