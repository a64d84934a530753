from dataclasses import replace

import pytest

from engine.errors import DataError
from engine.presets import PRESETS
from engine.training.recipe import RECIPES, Phase, Recipe

RECIPE = Recipe(steps=100, phases=(Phase(0.3, 5, 2), Phase(0.5, 7, 4), Phase(0.2, 3, 16)),
                lr=0.4, warmup_steps=10, decay_share=0.5, final_lr=0.1)


def test_rate_warms_up_in_a_line_holds_and_falls_as_a_cosine():
    assert RECIPE.learning_rate(0) == pytest.approx(0.04)
    assert RECIPE.learning_rate(4) == pytest.approx(0.2)
    assert RECIPE.learning_rate(9) == RECIPE.learning_rate(50) == pytest.approx(0.4)
    assert RECIPE.learning_rate(75) == pytest.approx(0.4 * (0.1 + 0.9 / 2))
    assert RECIPE.learning_rate(100) == RECIPE.learning_rate(1000) == pytest.approx(0.04)


def test_paper_schedule_is_one_cosine_over_the_whole_run():
    paper = Recipe()
    assert paper.learning_rate(10_000) == pytest.approx(5e-3, rel=1e-2)
    assert paper.learning_rate(275_000) == pytest.approx(2.5e-3, rel=1e-3)
    assert paper.learning_rate(550_000) == pytest.approx(0, abs=1e-12)


def test_phases_meet_without_gap_or_overlap():
    spans = RECIPE.phase_spans()
    assert [(start, end) for start, end, _ in spans] == [(0, 30), (30, 80), (80, 100)]
    assert [RECIPE.phase(step).batch for step in (0, 29, 30, 79, 80, 99)] == [5, 5, 7, 7, 3, 3]
    assert RECIPE.phase(100) == RECIPE.phases[-1]


def test_clips_before_a_step_add_up_over_phases():
    assert [RECIPE.clips_before(step) for step in (0, 1, 30, 31, 80, 100)] == [
        0, 5, 150, 157, 500, 560]


def test_every_preset_has_a_recipe_and_every_recipe_a_preset():
    assert RECIPES.keys() == PRESETS.keys()


@pytest.mark.parametrize("change", [{"steps": 0}, {"phases": (Phase(0.5, 1, 1),)},
                                    {"phases": ()}])
def test_impossible_recipes_are_refused(change):
    with pytest.raises(DataError, match="at least one step"):
        replace(RECIPE, **change)


def test_a_phase_may_have_noise_of_its_own():
    calm, loud = Phase(0.5, 4, 2), Phase(0.5, 4, 2, noise_mean=3.0)
    recipe = replace(RECIPE, phases=(calm, loud))
    assert recipe.noise(calm).mean == recipe.noise_mean != 3.0
    assert recipe.noise(loud).mean == 3.0
    assert recipe.noise(calm).std == recipe.noise(loud).std == recipe.noise_std
