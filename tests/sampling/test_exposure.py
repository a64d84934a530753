"""A network hears of more noise than the sampler counts, where it should."""

import pytest
import torch

from engine.sampling import overstated


@pytest.mark.parametrize(("sigma", "told"), [(0.4, 0.5), (0.5, 0.5), (0.6, 0.6), (0.0, 0.0)])
def test_noise_is_overstated_below_a_level_only(sigma, told):
    seen = []

    def denoise(x, sigma, carry):
        seen.append((x, sigma.item(), carry))
        return -x, "next"

    x = torch.ones(1, 2)
    denoised, carry = overstated(denoise, 1.25, 0.5)(x, torch.tensor(sigma), "now")
    assert seen == [(x, pytest.approx(told), "now")]
    assert (carry, denoised.tolist()) == ("next", [[-1, -1]])
