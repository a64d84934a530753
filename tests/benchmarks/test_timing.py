"""Matrix products are counted, those of gradients too."""

import pytest
import torch
import torch.nn.functional as F

from benchmarks.timing import MatrixProducts


def flops(run, *inputs):
    """Operations of the products of a computation and its gradients, and of it alone."""
    with MatrixProducts() as both:
        run(*(one.requires_grad_() for one in inputs)).sum().backward()
    with MatrixProducts() as forward:
        run(*(one.detach() for one in inputs))
    return both.flops, forward.flops


@pytest.mark.parametrize(("run", "shapes", "expected"), [
    (lambda a, b: a @ b, ((8, 16), (16, 4)), 2 * 8 * 16 * 4),
    (lambda a, b: F.conv2d(a, b, padding=1), ((2, 3, 6, 5), (4, 3, 3, 3)),
     2 * 2 * 6 * 5 * 27 * 4),
])
def test_gradients_take_two_products_more(run, shapes, expected):
    assert flops(run, *map(torch.randn, shapes)) == (3 * expected, expected)


def test_pixels_that_need_no_gradient_take_no_product():
    pixels, weight = torch.randn(2, 3, 6, 5), torch.randn(4, 3, 3, 3, requires_grad=True)
    with MatrixProducts() as products:
        F.conv2d(pixels, weight, padding=1).sum().backward()
    assert products.flops == 2 * (2 * 2 * 6 * 5 * 27 * 4)


def test_attention_counts_its_scores_and_its_values():
    q, k, v = (torch.randn(2, 3, n, 8) for n in (5, 7, 7))
    both, forward = flops(F.scaled_dot_product_attention, q, k, v)
    assert forward == 2 * 2 * (2 * 3) * 5 * 7 * 8
    assert both == 7 / 2 * forward  # fused kernels compute the scores once more
