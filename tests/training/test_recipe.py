from dataclasses import replace

import pytest

from engine.errors import DataError, SnapError
from engine.presets import PRESETS
from engine.training.recipe import RECIPES, Phase, Recipe, check_fits
from engine.training.recipe_file import as_json, changes, read_recipe

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


@pytest.mark.parametrize("change, mistake", [
    ({"steps": 0}, "steps must be a whole number above 0, not 0"),
    ({"steps": 2.5}, "steps must be a whole number"),
    ({"warmup_steps": True}, "warmup_steps must be a whole number from 0, not True"),
    ({"lr": "fast"}, "lr must be a number above 0, not 'fast'"),
    ({"lr": float("nan")}, "lr must be a number above 0, not nan"),
    ({"lr": None}, "lr must be a number above 0, not None"),
    ({"weight_decay": -1}, "weight_decay must be a number from 0, not -1"),
    ({"image_share": 1.5}, "image_share must be a number from 0 to 1, not 1.5"),
    ({"noise_mean": "low"}, "noise_mean must be a number, not 'low'"),
    ({"optimizer": "sgd"}, "optimizer must be one of lamb, adamw, muon, not 'sgd'"),
    ({"loss": ["unit"]}, "loss must be one of paper, unit"),
    ({"crop_groups": [1]}, "crop_groups must be"), ({"crop_groups": [0, 1]}, "crop_groups must be"),
    ({"newcomers": "zebra"}, "newcomers must be a list of names, not 'zebra'"),
    ({"learns": "refiner"}, "learns must be a list of names, not 'refiner'"),
    ({"newcomers": [1]}, "newcomers must be"), ({"newcomer_share": 2}, "newcomer_share must be"),
    ({"newcomer_share": 0.5}, "newcomer_share must be 0 where newcomers names nobody"),
    ({"phases": (Phase(0.5, 1, 1),)}, "phases must have shares that add to one"),
    ({"phases": ()}, "phases must have shares that add to one"),
])
def test_impossible_recipes_are_refused_by_name(change, mistake):
    with pytest.raises(ValueError, match=mistake):
        replace(RECIPE, **change)


@pytest.mark.parametrize("change", [{"share": 0}, {"batch": 0}, {"frames": 1.5},
                                    {"self_conditioning": 2}, {"noise_mean": "x"}])
def test_impossible_phases_are_refused_by_name(change):
    with pytest.raises(ValueError, match=f"{next(iter(change))} must be"):
        replace(Phase(0.5, 4, 2), **change)


@pytest.mark.parametrize("preset, change, mistake", [
    ("paper_500m", {"known_share": 0.2}, "known_share must be 0"),
    ("paper_3b9_upsampler", {"truth_weight": 0.2}, "truth_weight must be 0 for an upsampler"),
    ("tiny", {"crop_groups": (1, 1)}, "groups do not share positions"),
    ("storybook_upsampler", {"crop_groups": (5, 1)}, r"at most \[4, 8\]"),
])
def test_a_recipe_that_asks_too_much_of_a_preset_is_one_sentence(preset, change, mistake):
    check_fits(RECIPES[preset], PRESETS[preset].network)
    with pytest.raises(DataError, match=mistake):
        check_fits(replace(RECIPES[preset], **change), PRESETS[preset].network)


@pytest.mark.parametrize("preset", RECIPES)
def test_a_recipe_that_is_written_and_read_is_the_same(tmp_path, preset):
    path = tmp_path / "recipe.json"
    path.write_text(as_json(RECIPES[preset]))
    assert read_recipe(path, RECIPE) == RECIPES[preset]
    assert changes(path, RECIPES[preset]) == []


def test_a_recipe_file_changes_what_it_names_and_no_more(tmp_path):
    path = tmp_path / "recipe.toml"
    path.write_text('lr = 1\nloss = "unit"\n[[phases]]\nshare = 1\nbatch = 9\nframes = 4\n'
                    'noise_mean = -0.5\n')
    assert read_recipe(path, RECIPE) == replace(
        RECIPE, lr=1, loss="unit", phases=(Phase(1, 9, 4, noise_mean=-0.5),))


@pytest.mark.parametrize("text, mistake", [
    ('{"colour": 3, "lr": 1}', "does not know: colour"),
    ('{"lr": "fast"}', "does not describe a recipe: lr must be"),
    ('{"phases": [{"share": 1, "batch": 3}]}', "does not describe a phase: it lacks frames"),
    ('{"phases": [{"share": 1, "batch": 3, "frames": 2, "colour": 1}]}', "know: colour"),
    ('{"phases": [{"share": 1, "batch": -3, "frames": 2}]}', "a phase: batch must be"),
    ('{"phases": 3}', "phases must be a list of share, batch"),
    ("[]", "named settings"), ("{", "neither JSON nor"), (None, "cannot be read"),
])
def test_a_mistake_in_a_recipe_file_is_one_sentence_that_names_it(tmp_path, text, mistake):
    path = tmp_path / "my.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(SnapError, match=rf"my\.json .*{mistake}") as raised:
        read_recipe(path, RECIPE)
    assert "\n" not in str(raised.value)


def test_changes_name_every_setting_and_need_a_file_that_can_be_read(tmp_path):
    path = tmp_path / "recipe.json"
    other = replace(RECIPE, lr=0.1, phases=(Phase(1.0, 5, 2),))
    assert changes(path, other) == []
    path.write_text("{")
    assert changes(path, other) == []
    path.write_text(as_json(RECIPE))
    assert changes(path, other) == ["phases", "lr 0.4 -> 0.1"]


def test_a_phase_may_have_noise_of_its_own():
    calm, loud = Phase(0.5, 4, 2), Phase(0.5, 4, 2, noise_mean=3.0)
    recipe = replace(RECIPE, phases=(calm, loud))
    assert recipe.noise(calm).mean == recipe.noise_mean != 3.0
    assert recipe.noise(loud).mean == 3.0
    assert recipe.noise(calm).std == recipe.noise(loud).std == recipe.noise_std
