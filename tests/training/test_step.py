"""One training step: both passes see the same draws, and the first sees only the rows it must."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.diffusion import add_noise, output_errors
from engine.presets import PRESETS
from engine.stage import Stage
from engine.training import draws as draws_of_a_step
from engine.training import step
from engine.training.draws import Noise, draw
from engine.training.recipe import RECIPES, Phase
from tests.training.stand_ins import one_batch, tiny_batches

RECIPE = replace(RECIPES["tiny"], label_dropout=0.5)
PHASE = Phase(1.0, 4, 4, self_conditioning=0.5)
TINY = PRESETS["tiny"]
UPSAMPLER = replace(TINY, scale=8.0, network=replace(
    TINY.network, height=16, condition_channels=3, known_frames=False, augmented=True,
    shared_positions=True, overview=False))


class Recorded(Stage):
    """A stage that remembers every evaluation."""

    def output(self, noisy, sigma, conditions, beside=None, carry=None, part=None):
        """Evaluate and remember arguments, latents and whether a gradient is kept."""
        output, latents = super().output(noisy, sigma, conditions, beside, carry, part)
        self.calls.append(dict(noisy=noisy, sigma=sigma, conditions=conditions, beside=beside,
                               carry=carry, part=part, latents=latents,
                               has_gradient=output.requires_grad))
        return output, latents


def dealt(batch, recipe, phase, seed):
    """The draws of a step that is not split."""
    draws = draw(batch.clips.shape, recipe, phase, torch.Generator().manual_seed(seed),
                 augmented=batch.low is not None)
    return draws.deal(slice(None), batch)


def evaluated(config=TINY, crop_groups=(0, 0), kept=None, size=7):
    """Run one step's loss. Returns: evaluations, draws, errors, batch and stage."""
    torch.manual_seed(0)
    stage = Recorded(config)
    torch.nn.init.normal_(stage.network.self_conditioning.gate.weight)
    stage.calls = []
    batch = one_batch(tiny_batches(config, crop_groups), np.random.default_rng(5), size, 3, 0.3)
    draws = dealt(batch, RECIPE, PHASE, seed=4)
    if kept is not None:
        draws = replace(draws, kept=torch.tensor(kept))
    return stage.calls, draws, step.errors_of(stage, batch, draws), batch, stage


KEPT = [True, False, True, True, False, False, True]
ROWS = [0, 2, 3, 6]


def test_dropped_texts_are_drawn_once_for_both_passes():
    (first, second), draws, *_ = evaluated(kept=KEPT)
    assert 0 < draws.conditions.text_kept.sum() < 7
    assert torch.equal(second["conditions"].text_kept, draws.conditions.text_kept)
    assert torch.equal(first["conditions"].text_kept, draws.conditions.text_kept[ROWS])


def test_first_pass_runs_without_gradient_on_the_kept_rows_of_the_same_noisy_clips():
    (first, second), draws, *_ = evaluated(kept=KEPT)
    assert torch.equal(first["noisy"], second["noisy"][ROWS])
    assert torch.equal(first["sigma"], draws.sigma[ROWS])
    assert first["carry"] is None
    assert not first["has_gradient"] and second["has_gradient"]


def test_second_pass_carries_the_first_ones_latents_in_their_own_rows():
    (first, second), *_ = evaluated(kept=KEPT)
    carry = second["carry"]
    assert carry.kept.tolist() == KEPT
    assert torch.equal(carry.latents[ROWS], first["latents"])
    assert not carry.latents[[1, 4, 5]].any()


def test_rows_that_keep_no_latents_are_evaluated_as_if_alone():
    _, draws, errors, batch, stage = evaluated(kept=KEPT)
    noisy = add_noise(batch.clips, draws.sigma, draws.noise, stage.preconditioning.sigma_in)
    output, _ = stage.output(
        noisy, draws.sigma, draws.conditions, draws.beside, part=batch.part)
    alone = output_errors(output, batch.clips, draws.noise, draws.sigma, stage.preconditioning)
    same = torch.isclose(errors, alone, rtol=1e-3, atol=1e-5).flatten(1).all(1)
    assert same.tolist() == [not kept for kept in KEPT]


def test_no_first_pass_when_no_row_keeps_its_latents():
    calls, *_ = evaluated(kept=[False] * 7)
    assert len(calls) == 1 and calls[0]["carry"] is None


def test_crops_and_low_resolution_rows_follow_the_kept_rows():
    (first, second), draws, _, batch, _ = evaluated(UPSAMPLER, (1, 1), KEPT)
    assert batch.part.groups.shape == (7, 1)
    assert torch.equal(first["part"].groups, batch.part.groups[ROWS])
    assert torch.equal(first["beside"], draws.beside[ROWS])
    assert torch.equal(first["conditions"].augmentation, second["conditions"].augmentation[ROWS])


def test_low_resolution_input_is_corrupted_by_its_own_level():
    _, draws, _, batch, _ = evaluated(UPSAMPLER, size=7)
    level = draws.conditions.augmentation
    noise = draws.beside - (1 - level ** 2).sqrt()[:, None, None, None, None] * batch.low
    assert torch.allclose(noise.flatten(1).std(dim=1), level, rtol=0.1)


def test_the_levels_of_corruption_are_drawn_to_the_recipe_s_power():
    plain, cubed = (draw((7, 3, 1, 8, 16), replace(RECIPE, corruption_power=power), PHASE,
                         torch.Generator().manual_seed(0), augmented=True).corruption.level
                    for power in (1.0, 3.0))
    assert torch.allclose(cubed, plain ** 3) and not torch.allclose(cubed, plain)


@pytest.mark.parametrize("share, expected", [(0.0, 0), (1.0, 7)])
def test_dropout_shares_at_their_ends_drop_none_or_all(share, expected):
    batch = one_batch(tiny_batches(), np.random.default_rng(0), 7, 2, 0.0)
    recipe = replace(RECIPE, label_dropout=share)
    phase = replace(PHASE, self_conditioning=1 - share)
    draws = dealt(batch, recipe, phase, seed=0)
    assert (~draws.conditions.text_kept).sum() == expected
    assert (~draws.kept).sum() == expected


def test_paper_loss_weighs_each_clip_by_its_noise_level():
    stage = Stage(TINY)
    errors, sigma = torch.tensor([1.0, 2.0]), torch.tensor([0.1, 3.0])
    w = stage.preconditioning.loss_weight_output(sigma)
    assert step.loss(stage, errors, sigma, "unit") == 1.5
    assert torch.isclose(step.loss(stage, errors, sigma, "paper"), (w[0] + 2 * w[1]) / 2)


def test_grain_is_of_the_small_clip_s_pixels_and_each_clip_has_its_own():
    low = torch.zeros(64, 3, 2, 64, 128)
    draws = draw(low.shape, replace(RECIPE, grain=0.1), PHASE, torch.Generator().manual_seed(0),
                 augmented=True)
    corruption = draws.corruption
    grain = draws_of_a_step.grain(corruption.coarse.next(64), corruption.deviation)
    assert grain.shape == low.shape
    spread = grain.flatten(1).std(dim=1)
    assert 0 < spread.min() < 0.02 and 0.05 < spread.max() < 0.1
    assert (grain[..., 1:] - grain[..., :-1]).abs().mean() < 0.2 * grain.abs().mean()
    plain = draw(low.shape, RECIPE, PHASE, torch.Generator(), augmented=True).corruption
    assert plain.coarse is plain.deviation is None


def test_the_error_of_an_anchored_stage_is_the_error_of_the_detail():
    _, draws, errors, batch, stage = evaluated(replace(UPSAMPLER, detail=0.1), (1, 1), [False] * 7)
    anchor = stage.anchor(draws.beside, draws.conditions)
    detail = anchor.detail(batch.clips)
    noisy = add_noise(detail, draws.sigma, draws.noise, stage.preconditioning.sigma_in)
    output, _ = stage.output(noisy, draws.sigma, draws.conditions, draws.beside, part=batch.part)
    expected = output_errors(output, detail, draws.noise, draws.sigma, stage.preconditioning)
    assert torch.allclose(errors, expected, rtol=1e-3, atol=1e-5)


def test_what_shows_the_subject_counts_more_and_nothing_does_where_nobody_knows():
    errors, parts = torch.ones(2, 3, 2, 4, 6), torch.zeros(2, 2, 2, 3, dtype=torch.long)
    parts[1, 0, 1, 2] = 5    # one patch of 2 x 2 pixels in one of two frames
    errors[1, :, 0, 2:, 4:] = 3
    plain = 1 + 2 * 4 / 48
    assert step.stressed(errors, parts, 1).tolist() == pytest.approx([1, plain])
    assert step.stressed(errors, None, 5).tolist() == pytest.approx([1, plain])
    assert step.stressed(errors, parts, 5).tolist() == pytest.approx([1, plain + 4 * 3 * 4 / 48])


@pytest.mark.parametrize("shape", [(3, 2, 7, 5), (3, 16)])
def test_noise_is_the_same_in_any_pieces_and_the_generator_goes_on_behind_it(shape):
    generators = [torch.Generator().manual_seed(3) for _ in range(2)]
    one, two = (Noise(5, shape, generator) for generator in generators)
    assert torch.equal(one.next(5), torch.cat((two.next(2), two.next(3))))
    after = torch.rand(4, generator=generators[0])
    assert torch.equal(after, torch.rand(4, generator=generators[1]))
    fresh = torch.Generator().manual_seed(3)
    assert torch.equal(torch.stack([torch.randn(shape, generator=fresh) for _ in range(5)]),
                       Noise(5, shape, torch.Generator().manual_seed(3)).next(5))
    assert torch.equal(torch.rand(4, generator=fresh), after)
