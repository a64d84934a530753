"""Deterministic solvers of the probability-flow ODE of x_s = x / sigma_in + sigma eps.

Written once over `denoise(x, sigma, carry) -> (denoised, carry)`. The slope is
d = (x - D / sigma_in) / sigma, and the clip is sigma_in * x at sigma = 0 (PAPER.md 3). A state
holds all a solver needs to go on, so it can be saved between steps.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

Denoise = Callable[[Tensor, Tensor, Any], tuple[Tensor, Any]]


@dataclass(frozen=True)
class SamplerState:
    """Between two steps: noisy clip, steps done, the denoiser's carry, the last estimate."""

    x: Tensor
    step: int = 0
    carry: Any = None
    denoised: Tensor | None = None


OnState = Callable[[SamplerState], bool | None]


@dataclass(frozen=True)
class Solver:
    """A solver's step and how often it asks the network: fewer evaluations on the last step."""

    advance: Callable[[Denoise, SamplerState, Tensor, float], SamplerState]
    evaluations_per_step: int


def euler(denoise: Denoise, state: SamplerState, sigmas: Tensor, sigma_in: float) -> SamplerState:
    """Take one first-order step. Source: EDM Alg. 1 without its correction."""
    sigma, sigma_next = sigmas[state.step], sigmas[state.step + 1]
    denoised, carry = denoise(state.x, sigma, state.carry)
    slope = (state.x - denoised / sigma_in) / sigma.item()
    x = state.x + (sigma_next - sigma).item() * slope
    return SamplerState(x, state.step + 1, carry, denoised)


def heun(denoise: Denoise, state: SamplerState, sigmas: Tensor, sigma_in: float) -> SamplerState:
    """Take one second-order step, first-order on the last. Source: EDM Alg. 1."""
    sigma, sigma_next = sigmas[state.step], sigmas[state.step + 1]
    predicted = euler(denoise, state, sigmas, sigma_in)
    if sigma_next == 0:
        return predicted
    denoised, carry = denoise(predicted.x, sigma_next, predicted.carry)
    length = (sigma_next - sigma).item()
    slope = (predicted.x - state.x) / length
    slope_next = (predicted.x - denoised / sigma_in) / sigma_next.item()
    x = state.x + length * (slope + slope_next) / 2
    return SamplerState(x, state.step + 1, carry, denoised)


def dpmpp_2m(denoise: Denoise, state: SamplerState, sigmas: Tensor,
             sigma_in: float) -> SamplerState:
    """Take one second-order multistep step. Source: DPM-Solver++(2M), PAPER.md 3."""
    sigma, sigma_next = sigmas[state.step], sigmas[state.step + 1]
    denoised, carry = denoise(state.x, sigma, state.carry)
    if sigma_next == 0:
        return SamplerState(denoised / sigma_in, state.step + 1, carry, denoised)
    h = (sigma / sigma_next).log()
    extrapolated = denoised
    if state.denoised is not None:
        ratio = (h / (2 * (sigmas[state.step - 1] / sigma).log())).item()
        extrapolated = (1 + ratio) * denoised - ratio * state.denoised
    kept, added = (sigma_next / sigma).item(), (1 - (-h).exp()).item()
    x = kept * state.x + added * extrapolated / sigma_in
    return SamplerState(x, state.step + 1, carry, denoised)


SOLVERS = {"euler": Solver(euler, 1), "heun": Solver(heun, 2), "dpmpp_2m": Solver(dpmpp_2m, 1)}


def sample(denoise: Denoise, state: SamplerState, sigmas: Tensor, sigma_in: float, solver: Solver,
           on_state: OnState | None = None) -> Tensor:
    """Run a solver from a state to sigma = 0 and return the clip, in data units.

    state.x at step 0: sigma_max * eps, (b, c, t, h, w). sigmas: (steps + 1,) float64, ending in
    zero; they stay on the CPU, and only plain numbers of them meet the clip: Apple's processors
    have no float64.
    on_state: told every new state, in order; what it raises ends the run, and a true answer ends
    it with the estimate so far.
    """
    while state.step < len(sigmas) - 1:
        dtype = state.x.dtype
        state = solver.advance(denoise, state, sigmas, sigma_in)
        state = replace(state, x=state.x.to(dtype))
        if on_state is not None and on_state(state):
            return state.denoised
    return sigma_in * state.x
