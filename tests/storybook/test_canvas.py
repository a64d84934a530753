"""Shapes cover what their geometry says, however small they are beside a pixel."""

import numpy as np
import pytest

from engine.storybook.canvas import Canvas

WHITE = (255, 255, 255)


def covered(height: int, draw) -> float:
    """Return the area a white shape covers on black, in squares of the frame's height."""
    width = 2 * height
    canvas = Canvas(height, width, (0, 0, height, width))
    draw(canvas)
    return float(canvas.image[..., 0].sum() / 255 / height**2)


@pytest.mark.parametrize("height", [13, 36, 288])
def test_a_small_disc_covers_its_area_at_any_resolution(height):
    radius = 0.012
    area = covered(height, lambda canvas: canvas.disc(0.61, 0.47, radius, WHITE))
    assert area == pytest.approx(np.pi * radius**2, rel=0.15)


@pytest.mark.parametrize("height", [13, 36, 288])
def test_a_box_covers_its_area_exactly(height):
    area = covered(height, lambda canvas: canvas.box(0.61, 0.47, (0.007, 0.031), WHITE))
    assert area == pytest.approx(4 * 0.007 * 0.031, rel=1e-4)


def test_a_cone_covers_half_its_box_and_stands_on_its_base():
    area = covered(288, lambda canvas: canvas.cone(0.61, 0.47, (0.1, 0.2), WHITE))
    assert area == pytest.approx(2 * 0.1 * 0.2, rel=0.02)
    canvas = Canvas(100, 200, (0, 0, 100, 200))
    canvas.cone(1.0, 0.5, (0.1, 0.2), WHITE)
    widths = (canvas.image[..., 0] > 128).sum(axis=1)
    assert widths[65] > widths[50] > widths[35]


def test_shapes_reach_over_the_seam_of_the_period():
    canvas = Canvas(30, 40, (0, 70, 30, 20))
    canvas.disc(0.0, 0.5, 0.2, WHITE)
    painted = canvas.image[15, :, 0] > 128
    assert painted[5:15].all()
    np.testing.assert_array_equal(painted, painted[::-1])
