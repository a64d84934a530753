"""The shipped weights and the code together are still the function that was trained.

A constant of an embedding may be changed so that everything else agrees, and the weights no longer
understand what they are told. New weights need new numbers here.
"""

import pytest
import torch

from engine.cascade import Cascade
from engine.catalog import SHIPPED
from engine.model import Part
from engine.stage import load_stage, unit_noise
from engine.text import TextEncoder

CAPTION = "a dog walking to the left in the meadow"


@pytest.fixture(scope="module")
def encoder():
    return TextEncoder()


def mean_and_deviation(clip):
    return pytest.approx((clip.mean().item(), clip.std().item()), abs=2e-3)


@pytest.mark.parametrize(("name", "told", "untold"), [
    ("storybook", (0.225, 0.422), (0.136, 0.252)),
    ("storybook-forty", (0.245, 0.436), (-0.039, 0.236))])
@torch.no_grad()
def test_a_base_estimates_what_it_did_when_it_was_trained(name, told, untold, encoder):
    stage = load_stage(SHIPPED / name / "base")
    stage.is_short = False    # the same numbers on every processor
    conditions = Cascade(stage, None, encoder).conditions([CAPTION], [12.0])
    noisy, sigma = 8 * unit_noise([1], stage.clip_shape), torch.tensor([8.0])
    for expected, given in ((told, conditions), (untold, conditions.without_text())):
        assert expected == mean_and_deviation(stage.denoise(noisy, sigma, given)[0])


@torch.no_grad()
def test_the_upsampler_answers_as_it_did_when_it_was_trained(encoder):
    stage = load_stage(SHIPPED / "storybook" / "upsampler")    # storybook-forty has the same
    stage.is_short = False
    conditions = Cascade(stage, None, encoder).conditions([CAPTION], [12.0]).corrupted_by(0.1)
    shape = (*stage.clip_shape[:2], *stage.config.network.group_pixels)
    low = (0.3 * unit_noise([2], shape)).clamp(-1, 1)
    noisy, part = unit_noise([1], shape), Part(groups=torch.tensor([[9]]))
    output, _ = stage.output(noisy, torch.tensor([0.5]), conditions, low, part=part)
    assert mean_and_deviation(output) == (-0.007, 2.383)
