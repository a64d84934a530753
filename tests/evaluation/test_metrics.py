"""Every figure against a case whose value is known."""

import numpy as np
import pytest

from engine.evaluation import metrics


def _clip(t=3, h=8, w=12):
    return np.random.default_rng(0).integers(0, 256, (t, h, w, 3), dtype=np.uint8)


def test_frechet_distance_of_diagonal_gaussians_is_the_closed_form():
    mean1, mean2 = np.array([1.0, -2.0, 0.5]), np.array([0.0, 1.0, 0.5])
    var1, var2 = np.array([1.0, 4.0, 0.25]), np.array([9.0, 1.0, 0.25])
    expected = np.square(mean1 - mean2).sum() + np.square(np.sqrt(var1) - np.sqrt(var2)).sum()
    found = metrics.gaussian_frechet((mean1, np.diag(var1)), (mean2, np.diag(var2)))
    assert found == pytest.approx(expected, rel=1e-12)


def test_frechet_distance_of_turned_gaussians_does_not_change():
    rng = np.random.default_rng(1)
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    var1, var2 = np.array([1.0, 4.0, 0.25]), np.array([9.0, 1.0, 2.0])
    expected = np.square(np.sqrt(var1) - np.sqrt(var2)).sum()
    one, two = (turn @ np.diag(v) @ turn.T for v in (var1, var2))
    assert metrics.gaussian_frechet((np.zeros(3), one), (np.zeros(3), two)) == pytest.approx(
        expected, rel=1e-9)


def test_frechet_distance_when_covariances_do_not_commute_is_symmetric_and_known():
    # Tr (S1 S2)^1/2 of 2 x 2 matrices is sqrt(Tr S1 S2 + 2 sqrt(det S1 S2)).
    one, two = np.array([[2.0, 0.7], [0.7, 1.0]]), np.array([[1.0, -0.4], [-0.4, 3.0]])
    product = one @ two
    cross = np.sqrt(np.trace(product) + 2 * np.sqrt(np.linalg.det(product)))
    expected = np.trace(one) + np.trace(two) - 2 * cross
    zero = np.zeros(2)
    assert metrics.gaussian_frechet((zero, one), (zero, two)) == pytest.approx(expected, rel=1e-12)
    assert metrics.gaussian_frechet((zero, two), (zero, one)) == pytest.approx(expected, rel=1e-12)


def test_frechet_distance_of_a_set_to_itself_is_nothing_even_with_few_samples():
    features = np.random.default_rng(2).normal(size=(5, 11))
    assert metrics.frechet_distance(features, features) == pytest.approx(0, abs=1e-6)


def test_frechet_distance_of_a_shifted_set_is_the_square_of_the_shift():
    features = np.random.default_rng(3).normal(size=(50, 3))
    shift = np.array([1.0, 2.0, -2.0])
    assert metrics.frechet_distance(features, features + shift) == pytest.approx(9.0, rel=1e-9)


def test_motion_energy_of_a_still_clip_is_nothing():
    assert metrics.motion_energy(np.repeat(_clip(1), 5, axis=0)) == 0


def test_motion_energy_of_a_flashing_clip_is_one():
    clip = np.zeros((4, 2, 3, 3), np.uint8)
    clip[1::2] = 255
    assert metrics.motion_energy(clip) == 1


def test_gradient_energy_of_a_ramp_is_the_square_of_its_slope():
    ramp = np.broadcast_to(np.arange(0, 120, 10, dtype=np.uint8)[:, None], (2, 7, 12, 3))
    assert metrics.gradient_energy(ramp) == pytest.approx((10 / 255) ** 2)


def test_flicker_sees_flashes_and_neither_stillness_nor_an_even_change():
    even = (np.arange(5)[:, None, None, None] * np.full((1, 2, 3, 3), 20)).astype(np.uint8)
    assert metrics.flicker(even) == pytest.approx(0, abs=1e-9)
    even[2] += 51
    assert metrics.flicker(even) == pytest.approx((0.2**2 + 0.4**2 + 0.2**2) / 3, rel=1e-5)


def test_psnr_of_an_error_of_one_level_is_48_decibels():
    clip = np.full((2, 3, 5, 3), 100, np.uint8)
    assert metrics.psnr(clip, clip + np.uint8(1)) == pytest.approx(20 * np.log10(255))
    assert metrics.psnr(clip, clip) == np.inf


def test_patch_border_ratio_is_large_for_flat_patches_with_a_little_texture():
    rows, columns = np.arange(12) // 4, np.arange(16) // 4
    patches = 40 * ((rows[:, None] + columns) % 2) + np.arange(16) % 2
    clip = np.broadcast_to(patches.astype(np.uint8)[None, ..., None], (2, 12, 16, 3))
    # Down: only borders change, by 40. Across: 39 or 41 at the 9 borders, 1 inside patches.
    expected = (40**2 + (5 * 39**2 + 4 * 41**2) / 9) / (0 + 1)
    assert metrics.patch_border_ratio(clip) == pytest.approx(expected)
    assert metrics.patch_border_ratio(np.stack([clip, clip])) == pytest.approx(expected)


def test_patch_border_ratio_of_a_ramp_is_one_and_of_a_flat_clip_too():
    ramp = np.add.outer(np.arange(12), np.arange(16)).astype(np.uint8)
    clip = np.broadcast_to(ramp[None, ..., None], (2, 12, 16, 3))
    assert metrics.patch_border_ratio(clip) == pytest.approx(1)
    assert metrics.patch_border_ratio(np.zeros((2, 12, 16, 3), np.uint8)) == 1


def test_diversity_is_the_mean_distance_of_the_pairs():
    takes = np.zeros((3, 2, 5))
    takes[1], takes[2] = 1, 3
    assert metrics.diversity(takes) == pytest.approx((1 + 3 + 2) / 3)


def test_diversity_of_equal_takes_is_nothing():
    assert metrics.diversity(np.repeat(_clip()[None, None], 3, axis=0)) == 0


def test_accuracy_confusion_and_overlap_count():
    answers, asked = ["dog", "cat", "dog", "dog"], ["dog", "dog", "dog", "cat"]
    assert metrics.accuracy(answers, asked) == 0.5
    assert metrics.confusion(answers, asked) == {"cat": {"dog": 1}, "dog": {"dog": 2, "cat": 1}}
    assert metrics.overlap(["a", "a", "b", "b"], ["a", "c"]) == 0.5
