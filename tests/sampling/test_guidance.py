import pytest
import torch

from engine.sampling import (
    SOLVERS,
    SamplerState,
    constant_weights,
    dynamic_threshold,
    guided,
    guided_above,
    oscillating_weights,
    sample,
    sigmas,
    threshold_above,
)


def _pair(x, sigma, carry):
    """Conditional half says 3, unconditional half says 1; carries count each half's calls."""
    b = len(x) // 2
    rows = torch.cat((torch.full((b, 1), 3.0), torch.full((b, 1), 1.0)))
    seen = torch.zeros(2 * b) if carry is None else carry
    return rows, seen + rows[:, 0]


@pytest.mark.parametrize(("weight", "expected"), [(0.0, 3.0), (1.0, 5.0), (2.5, 8.0)])
def test_guidance_extrapolates_from_unconditional(weight, expected):
    denoise = guided(_pair, [weight])
    denoised, _ = denoise(torch.zeros(2, 1), torch.tensor(1.0), None)
    torch.testing.assert_close(denoised, torch.full((2, 1), expected))


def test_branches_keep_their_own_carry():
    denoise = guided(_pair, [1.0, 1.0])
    _, carry = denoise(torch.zeros(2, 1), torch.tensor(1.0), None)
    _, carry = denoise(torch.zeros(2, 1), torch.tensor(1.0), carry)
    assert carry.inner.tolist() == [6.0, 6.0, 2.0, 2.0]


def test_below_its_lowest_level_only_the_conditional_branch_runs_and_keeps_its_carry():
    def alone(x, sigma, carry):
        return torch.full((len(x), 1), 4.0), carry + 1

    denoise = guided_above(0.5, guided(_pair, [1.0, 1.0]), alone)
    x, carry = torch.zeros(2, 1), None
    for sigma, expected, told in ((0.5, 5.0, [3.0, 3.0, 1.0, 1.0]), (0.4, 4.0, [4.0, 4.0]),
                                  (0.1, 4.0, [5.0, 5.0])):
        denoised, carry = denoise(x, torch.tensor(sigma), carry)
        assert denoised.tolist() == [[expected]] * 2 and carry.inner.tolist() == told
    assert carry.evaluation == 3


def test_oscillating_weights_open_high_then_alternate_and_hold_within_a_step():
    weights = oscillating_weights(4.0, 20, 2)
    assert weights[0::2] == weights[1::2]
    assert weights[0:10:2] == [8.0, 8.0, 0.5, 8.0, 0.5]
    assert oscillating_weights(0.2, 4, 1) == [0.4, 0.2, 0.4, 0.2]    # low is never above the weight


def test_heun_never_runs_out_of_weights():
    steps = 5
    denoise = guided(lambda x, s, c: (x * 0, c), constant_weights(1.0, steps, 2))
    sample(denoise, SamplerState(torch.ones(1, 1)), sigmas(steps), 1.0, SOLVERS["heun"])


def test_threshold_leaves_a_clip_in_range_alone():
    clip = torch.linspace(-1, 1, 101)[None]
    assert torch.equal(dynamic_threshold(clip), clip)


def test_threshold_pulls_each_clip_back_by_its_own_extremes():
    clips = torch.stack((torch.linspace(-3, 3, 1001), torch.linspace(-1, 1, 1001)))
    pulled = dynamic_threshold(clips, 0.995)
    assert pulled.abs().max() <= 1 + 1e-6
    assert torch.equal(pulled[1], clips[1])
    torch.testing.assert_close(pulled[0, 600], clips[0, 600] / (0.995 * 3), rtol=0.01, atol=0)


def test_a_threshold_takes_one_value_in_two_hundred_for_an_extreme():
    clip = torch.arange(1.0, 201)[None]
    torch.testing.assert_close(dynamic_threshold(clip), clip.clamp(max=199) / 199)


def test_below_its_lowest_level_a_threshold_cuts_and_does_not_pull():
    clip = torch.tensor([[-3.0, 0.5, 1.2]])
    threshold = threshold_above(0.5)
    assert torch.equal(threshold(clip, torch.tensor(0.4)), torch.tensor([[-1.0, 0.5, 1.0]]))
    assert torch.equal(threshold(clip, torch.tensor(0.5)), dynamic_threshold(clip))
