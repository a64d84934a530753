import math

import pytest
import torch

from engine.diffusion import (
    NoiseDistribution,
    Preconditioning,
    add_noise,
    broadcast,
    input_scale,
    output_errors,
    vp_corrupt,
)

SHAPE = (5, 3, 7, 2, 11)
SIGMA = torch.tensor([0.002, 0.1, 1.0, 7.0, 80.0], dtype=torch.float64)
CASES = [(s_in, s_d) for s_in in (1.0, 4.0, 32.0) for s_d in (0.5, 1.0)]


def _draw(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    g = torch.Generator().manual_seed(seed)
    return tuple(torch.randn(SHAPE, generator=g, dtype=torch.float64) for _ in range(2))


@pytest.mark.parametrize(("sigma_in", "sigma_data"), CASES)
def test_ideal_output_gives_back_the_clip(sigma_in, sigma_data):
    pre, (clip, noise) = Preconditioning(sigma_in, sigma_data), _draw(1)
    sigma = broadcast(SIGMA, clip)
    noisy = add_noise(clip, SIGMA, noise, sigma_in)
    denoised = pre.c_skip(sigma) * noisy + pre.c_out(sigma) * pre.target(clip, noise, sigma)
    torch.testing.assert_close(denoised, clip)


@pytest.mark.parametrize(("sigma_in", "sigma_data"), CASES)
def test_output_loss_equals_denoised_loss(sigma_in, sigma_data):
    pre, (clip, noise) = Preconditioning(sigma_in, sigma_data), _draw(2)
    output, _ = _draw(3)
    sigma = broadcast(SIGMA, clip)
    noisy = add_noise(clip, SIGMA, noise, sigma_in)
    denoised = pre.c_skip(sigma) * noisy + pre.c_out(sigma) * output
    torch.testing.assert_close(
        pre.loss_weight_output(sigma) * output_errors(output, clip, noise, SIGMA, pre),
        pre.loss_weight_denoised(sigma) * (denoised - clip).square())


@pytest.mark.parametrize(("sigma_in", "sigma_data"), CASES)
def test_weight_is_lambda_times_c_out_squared(sigma_in, sigma_data):
    pre = Preconditioning(sigma_in, sigma_data)
    torch.testing.assert_close(pre.loss_weight_output(SIGMA),
                               pre.loss_weight_denoised(SIGMA) * pre.c_out(SIGMA) ** 2)


@pytest.mark.parametrize(("sigma_in", "sigma_data"), CASES)
def test_input_and_target_have_unit_variance(sigma_in, sigma_data):
    pre = Preconditioning(sigma_in, sigma_data)
    variance_in = pre.c_in(SIGMA) ** 2 * (sigma_data**2 / sigma_in**2 + SIGMA**2)
    variance_target = pre.c_nrm(SIGMA) ** 2 * (sigma_data**4 + SIGMA**2 * sigma_data**2)
    torch.testing.assert_close(variance_in, torch.ones_like(SIGMA))
    torch.testing.assert_close(variance_target, torch.ones_like(SIGMA))


@pytest.mark.parametrize("sigma_data", [0.5, 1.0])
def test_sigma_in_one_is_edm_with_the_opposite_sign_of_the_output(sigma_data):
    pre, total = Preconditioning(1.0, sigma_data), SIGMA**2 + sigma_data**2
    torch.testing.assert_close(pre.c_in(SIGMA), total.rsqrt())
    torch.testing.assert_close(pre.c_skip(SIGMA), sigma_data**2 / total)
    torch.testing.assert_close(pre.c_out(SIGMA), -SIGMA * sigma_data * total.rsqrt())
    torch.testing.assert_close(pre.c_noise(SIGMA), SIGMA.log() / 4)
    torch.testing.assert_close(pre.loss_weight_denoised(SIGMA), total / (SIGMA * sigma_data) ** 2)
    torch.testing.assert_close(pre.loss_weight_output(SIGMA), torch.ones_like(SIGMA))


def test_target_is_v_prediction_at_unit_deviation():
    clip, noise = _draw(4)
    sigma = broadcast(SIGMA, clip)
    phi = sigma.atan()
    torch.testing.assert_close(Preconditioning(4.0).target(clip, noise, sigma),
                               phi.cos() * noise - phi.sin() * clip)


def test_inverse_recovers_the_clip_from_the_raw_target():
    clip, noise = _draw(5)
    sigma, s_in, s_d = broadcast(SIGMA, clip), 4.0, 0.5
    noisy = add_noise(clip, SIGMA, noise, s_in)
    raw = s_d**2 * noise - sigma * clip
    torch.testing.assert_close(
        (noisy - sigma / s_d**2 * raw) / (1 / s_in + sigma**2 / s_d**2), clip)


@pytest.mark.parametrize(("scale", "expected"), [(1.0, 4.0), (8.0, 32.0)])
def test_input_scale_of_both_stages(scale, expected):
    assert input_scale(scale, 16) == expected


def test_noise_levels_follow_the_log_normal():
    drawn = NoiseDistribution(-1.2, 1.2).sample(50_000, torch.Generator().manual_seed(0)).log()
    assert abs(drawn.mean().item() + 1.2) < 0.01
    assert abs(drawn.std().item() - 1.2) < 0.01


def test_a_small_batch_has_a_noise_level_in_each_equal_part_of_the_distribution():
    drawn = NoiseDistribution(-1.2, 1.2).sample(8, torch.Generator().manual_seed(0)).log()
    share = torch.special.ndtr((drawn + 1.2) / 1.2)
    assert (8 * share).floor().tolist() == list(range(8))


def test_corruption_keeps_unit_variance_and_level_zero_changes_nothing():
    clip, noise = _draw(6)
    level = torch.tensor([0.0, 0.3, 0.6, 0.9, 1.0], dtype=torch.float64)
    corrupted = vp_corrupt(clip, level, noise)
    assert torch.equal(corrupted[0], clip[0])
    torch.testing.assert_close(corrupted[4], noise[4])
    assert math.isclose(corrupted.var().item(), 1.0, rel_tol=0.1)
