"""A sweep with stand-ins for model and judge: a row a choice, a curve a sampler and guidance."""

import json

import numpy as np
import pytest
from PIL import Image

from engine.cascade import Cascade
from engine.evaluation import sweep
from engine.evaluation.curves import Curve, curves
from tests.evaluation.test_longer import both_stages
from tests.test_catalog import make_model


@pytest.fixture
def command(sprites_folder, ignorant_judge, tmp_path, monkeypatch):
    monkeypatch.setattr(Cascade, "load", lambda *_: both_stages())
    monkeypatch.setattr(sweep, "trained_judge", lambda *_: ignorant_judge)
    return ["--model", str(make_model(tmp_path / "model")), "--sprites", str(sprites_folder),
            "--subjects", "all", "--out", str(tmp_path / "out"), "--cache", str(tmp_path),
            "--samples", "3", "--reference", "4"]


def test_every_choice_is_measured_by_what_it_costs(command, tmp_path, capsys):
    assert sweep.main([*command, "--steps", "1", "3", "--guidance", "0", "2",
                       "--sampler", "heun"]) == 0
    told = json.loads((tmp_path / "out" / "sweep.json").read_text())
    assert [(row["guidance"], row["steps"], row["evaluations"]) for row in told["rows"]] == [
        (0, 1, 2), (0, 3, 6), (2, 1, 2), (2, 3, 6)]
    first, *_, last = told["rows"]
    assert 0 <= first["all three right"] <= 1
    assert first["storybook-FVD over floor"] != last["storybook-FVD over floor"]
    with Image.open(tmp_path / "out" / "sweep.png") as picture:
        assert picture.width > 100
    assert sweep.table(told["rows"]) in capsys.readouterr().out


def test_steps_nobody_can_take_are_a_sentence(command, capsys):
    assert sweep.main([*command, "--steps", "4", "0"]) == 1
    assert "--steps must be from 1 to 256, not 0." in capsys.readouterr().err


def test_a_curve_that_rises_is_drawn_from_lower_left_to_upper_right():
    sheet = np.asarray(curves({"figure": [Curve("rising", [(4, 0.1), (64, 0.9)])]},
                              across="cost")).astype(int)
    red = (sheet[..., 0] - sheet[..., 2] > 100)[40:]    # the label stands above
    rows, columns = np.nonzero(red)
    assert rows[columns.argmin()] > rows[columns.argmax()] + 100


def test_a_single_point_and_one_value_are_drawn_too():
    assert curves({"figure": [Curve("alone", [(8, 0.5)])]}, ideal=0.5, across="cost")
