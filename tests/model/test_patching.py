import pytest
import torch
from torch.nn import functional as F

from engine.model import FITConfig
from engine.model.patching import PixelSkip, ToPixels


@pytest.mark.parametrize(("patch", "overlap"), [(4, 2), (2, 1), (3, 3), (5, 1), (4, 0)])
def test_tokens_become_the_pixels_of_a_transposed_convolution(patch, overlap):
    torch.manual_seed(0)
    to_pixels, tokens = ToPixels(7, 3, patch, overlap), torch.randn(2, 7, 5, 11)
    expected = F.conv_transpose2d(tokens, to_pixels.weight, to_pixels.bias, patch, overlap)
    made = to_pixels(tokens)
    assert made.shape == (2, 3, 5 * patch, 11 * patch)
    assert torch.allclose(made, expected, atol=1e-5)


def test_the_skip_is_a_sum_of_pictures_with_a_factor_a_patch():
    torch.manual_seed(0)
    skip = PixelSkip(7, 2, 0, 0)
    torch.nn.init.normal_(skip.factor.weight)
    grid, pictures = torch.randn(1, 3, 5, 2, 7), torch.randn(1, 4 * 3, 3, 10, 4)
    made, factor = skip(grid, pictures, None), skip.factor(skip.norm(grid, None))
    t, row, column = 2, 7, 3
    expected = sum(factor[0, t, row // 2, column // 2, view]
                   * pictures[0, 3 * view:3 * view + 3, t, row, column] for view in range(4))
    assert torch.allclose(made[0, :, t, row, column], expected, atol=1e-6)


def test_patches_reach_no_further_than_their_neighbours():
    with pytest.raises(ValueError, match="overlap 5 reaches beyond"):
        FITConfig(patch=4, overlap=5)
