"""On correlated Gaussian frames the best guess of the unknown ones is known in closed form."""

import pytest
import torch

from engine.sampling import (
    SOLVERS,
    KnownFrames,
    SamplerState,
    constant_weights,
    guided,
    sample,
    sigmas,
    with_known_frames,
)

FRAMES, SIGMA_IN = 7, 4.0
MASK = torch.tensor([True, True, False, False, False, True, False])
DISTANCE = (torch.arange(FRAMES)[:, None] - torch.arange(FRAMES)).abs()
COVARIANCE = 0.6**2 * 0.8 ** DISTANCE.double()


def gain(sigma):
    """D = K x_s for N(0, COVARIANCE) frames."""
    noisy = COVARIANCE / SIGMA_IN**2 + sigma**2 * torch.eye(FRAMES, dtype=torch.float64)
    return COVARIANCE / SIGMA_IN @ torch.linalg.inv(noisy)


def ideal(x, sigma, carry):
    return torch.einsum("st,bcthw->bcshw", gain(sigma), x), (carry or 0) + 1


def known(weight, rows=1, seed=5):
    g = torch.Generator().manual_seed(seed)
    factor = torch.linalg.cholesky(COVARIANCE)
    white = torch.randn(rows, FRAMES, dtype=torch.float64, generator=g)
    return KnownFrames((white @ factor.T)[:, None, :, None, None], MASK, weight)


def best_guess(clip):
    """E[x_b | x_a], (b, frames)."""
    cross = COVARIANCE[~MASK][:, MASK] @ torch.linalg.inv(COVARIANCE[MASK][:, MASK])
    return clip[:, 0, MASK, 0, 0] @ cross.T


def error(weight, solver="heun", steps=48, rows=400):
    """RMS distance of the unknown frames' mean path from the best guess."""
    given = known(weight, rows)
    denoise = with_known_frames(ideal, given, SIGMA_IN)
    start = SamplerState(torch.zeros(rows, 1, FRAMES, 1, 1, dtype=torch.float64))
    levels = sigmas(steps, 0.002, 20.0)
    made = sample(denoise, start, levels, SIGMA_IN, SOLVERS[solver])
    return (made[:, 0, ~MASK, 0, 0] - best_guess(given.clip)).square().mean().sqrt().item()


def test_one_estimate_equals_the_closed_form():
    given, sigma, weight = known(3.0), torch.tensor(0.4, dtype=torch.float64), 3.0
    x = torch.randn(1, 1, FRAMES, 1, 1, dtype=torch.float64,
                    generator=torch.Generator().manual_seed(1))
    denoised, _ = with_known_frames(ideal, given, SIGMA_IN)(x, sigma, None)
    matrix = gain(sigma)
    plain, target = (matrix @ x[0, 0, :, 0, 0]), given.clip[0, 0, :, 0, 0]
    moved = plain + weight / SIGMA_IN * matrix[MASK].T @ (target - plain)[MASK]
    torch.testing.assert_close(denoised[0, 0, ~MASK, 0, 0], moved[~MASK])
    assert torch.equal(denoised[0, 0, MASK, 0, 0], target[MASK])


@pytest.mark.parametrize("solver", list(SOLVERS))
def test_guidance_beats_replacement_and_its_best_weight_is_above_one(solver):
    errors = {weight: error(weight, solver) for weight in (0.0, 0.5, 1.0, 5.0, 50.0)}
    assert errors[0.0] > errors[0.5] > errors[1.0] > errors[5.0] < errors[50.0]


@pytest.mark.parametrize("solver", list(SOLVERS))
@pytest.mark.parametrize("weight", [0.0, 5.0])
def test_known_frames_stay_and_do_not_depend_on_the_solver(solver, weight):
    given = known(weight, rows=3)
    seen = []
    denoise = with_known_frames(ideal, given, SIGMA_IN, threshold=lambda clip, _: clip / 2)
    start = SamplerState(20.0 * torch.ones(3, 1, FRAMES, 1, 1, dtype=torch.float64))
    made = sample(denoise, start, sigmas(9, sigma_max=20.0), SIGMA_IN, SOLVERS[solver],
                  seen.append)
    torch.testing.assert_close(made[:, :, MASK], given.clip[:, :, MASK])
    assert torch.equal(given.put_into(made)[:, :, MASK], given.clip[:, :, MASK])
    assert all(torch.equal(state.denoised[:, :, MASK], given.clip[:, :, MASK]) for state in seen)


def test_a_correction_is_at_most_the_error_it_corrects():
    given, sigma = known(1e6, 3), torch.tensor(0.4, dtype=torch.float64)
    x = torch.zeros(3, 1, FRAMES, 1, 1, dtype=torch.float64)
    denoised, _ = with_known_frames(ideal, given, SIGMA_IN)(x, sigma, None)
    moved = denoised[:, 0, ~MASK].square().mean((1, 2, 3))
    torch.testing.assert_close(moved, given.clip[:, 0, MASK].square().mean((1, 2, 3)))


def test_weight_zero_only_replaces():
    x, sigma = torch.ones(2, 1, FRAMES, 1, 1, dtype=torch.float64), torch.tensor(0.3)
    denoised, carry = with_known_frames(ideal, known(0.0, 2), SIGMA_IN)(x, sigma, 4)
    assert torch.equal(denoised, known(0.0, 2).put_into(ideal(x, sigma, None)[0]))
    assert carry == 5


def test_without_a_known_frame_nothing_changes():
    given = KnownFrames(known(5.0).clip, torch.zeros(FRAMES, dtype=torch.bool), 5.0)
    x, sigma = torch.ones(1, 1, FRAMES, 1, 1, dtype=torch.float64), torch.tensor(0.3)
    denoised, _ = with_known_frames(ideal, given, SIGMA_IN)(x, sigma, None)
    assert torch.equal(denoised, ideal(x, sigma, None)[0])


def test_the_gradient_is_of_the_estimate_that_the_prompt_guides():
    """With branches K x and K x / 2 the guided estimate is linear too: (1 + w/2) K x."""
    def pair(x, sigma, carry):
        first, second = ideal(x, sigma, None)[0].chunk(2)
        return torch.cat((first, second / 2)), carry

    prompt_weight, factor = 1.0, 1.5
    given, sigma = known(2.0), torch.tensor(0.4, dtype=torch.float64)
    x = torch.ones(1, 1, FRAMES, 1, 1, dtype=torch.float64)
    steered = guided(pair, constant_weights(prompt_weight, 1, 1))
    denoised, _ = with_known_frames(steered, given, SIGMA_IN)(x, sigma, None)
    expected, _ = with_known_frames(
        lambda x, sigma, carry: (factor * ideal(x, sigma, None)[0], carry),
        given, SIGMA_IN)(x, sigma, None)
    torch.testing.assert_close(denoised, expected)


def test_one_clip_s_error_does_not_move_its_neighbour():
    x, sigma = torch.zeros(2, 1, FRAMES, 1, 1, dtype=torch.float64), torch.tensor(0.4)
    both, _ = with_known_frames(ideal, known(5.0, 2), SIGMA_IN)(x, sigma, None)
    one = KnownFrames(known(5.0, 2).clip[:1], MASK, 5.0)
    alone, _ = with_known_frames(ideal, one, SIGMA_IN)(x[:1], sigma, None)
    torch.testing.assert_close(both[:1], alone)
