"""A sweep with stand-ins for model and judge: a row a choice, a curve a sampler and guidance."""

import json

import numpy as np
import pytest
from PIL import Image

from engine.cascade import Cascade
from engine.evaluation import sweep, upsampler_sweep
from engine.evaluation.curves import Curve, curves
from tests.evaluation.test_longer import both_stages, upsampler
from tests.extension.test_run import Letters, stage
from tests.test_catalog import make_model


@pytest.fixture
def command(sprites_folder, ignorant_judge, tmp_path, monkeypatch):
    monkeypatch.setattr(Cascade, "load", lambda *_: both_stages())
    monkeypatch.setattr(sweep, "trained_judge", lambda *_: ignorant_judge)
    model = make_model(tmp_path / "model", upsampler=True)
    return ["--model", str(model), "--sprites", str(sprites_folder), "--subjects", "all",
            "--out", str(tmp_path / "out"), "--cache", str(tmp_path),
            "--samples", "3", "--reference", "4"]


def test_every_choice_is_measured_by_what_it_costs(command, tmp_path, capsys):
    assert sweep.main([*command, "--steps", "1", "3", "--guidance", "0", "2",
                       "--sampler", "heun"]) == 0
    told = json.loads((tmp_path / "out" / "sweep.json").read_text())
    assert [(row["guidance"], row["steps"], row["evaluations"]) for row in told["rows"]] == [
        (0, 1, 1), (0, 3, 5), (2, 1, 1), (2, 3, 5)]
    first, *_, last = told["rows"]
    assert 0 <= first["all three right"] <= 1
    assert first["storybook-FVD over floor"] != last["storybook-FVD over floor"]
    with Image.open(tmp_path / "out" / "sweep.png") as picture:
        assert picture.width > 100
    assert sweep.table(told["rows"], sweep.COLUMNS) in capsys.readouterr().out
    assert told["upsampler"] == [] and not (tmp_path / "out" / "sweep-upsampler.png").exists()


def test_every_choice_of_the_upsampler_is_measured_too(command, tmp_path, monkeypatch, capsys):
    whole = Cascade(stage(frames=16, height=36, width=64, n_latents=40), upsampler(frames=16),
                    Letters())
    monkeypatch.setattr(Cascade, "load", lambda *_: whole)
    assert sweep.main([*command, "--steps", "1", "--upsampler", "2", "--upscale-steps", "1", "2",
                       "--upscale-noise", "0", "0.5"]) == 0
    rows = json.loads((tmp_path / "out" / "sweep.json").read_text())["upsampler"]
    assert [(row["noise"], row["steps"]) for row in rows] == [(0, 1), (0, 2), (0.5, 1), (0.5, 2)]
    assert len({row["error over bicubic"] for row in rows}) == 4
    assert all(row[name] >= 0 for row in rows for name in upsampler_sweep.SHOWN)
    with Image.open(tmp_path / "out" / "sweep-upsampler.png") as picture:
        assert picture.width > 100
    assert "subject kept of drafts" in capsys.readouterr().out


def test_a_model_without_an_upsampler_is_refused_before_anything_is_made(
        command, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sweep, "cast_of", lambda _: pytest.fail("work began"))
    flat = str(make_model(tmp_path / "flat"))
    assert sweep.main([*command, "--model", flat, "--upsampler", "2"]) == 1
    assert "flat has no upsampler: leave out --upsampler" in capsys.readouterr().err


def test_a_sweep_goes_on_where_it_was_stopped_unless_the_exam_is_another(command, tmp_path,
                                                                          monkeypatch, capsys):
    made, report = [], tmp_path / "out" / "sweep.json"
    answer = sweep.answer

    def counted(*given):
        made.append(len(json.loads(report.read_text())["rows"]) if report.exists() else 0)
        return answer(*given)

    monkeypatch.setattr(sweep, "answer", counted)
    assert sweep.main([*command, "--steps", "1", "2"]) == 0
    first = json.loads(report.read_text())["rows"]
    assert made == [0, 1], "the report is to grow by each row"
    assert sweep.main([*command, "--steps", "1", "2", "3"]) == 0
    assert made == [0, 1, 2] and json.loads(report.read_text())["rows"][:2] == first
    third = report.read_bytes()
    for other in (["--samples", "4"], ["--reference", "5"]):
        capsys.readouterr()
        assert sweep.main([*command, *other, "--steps", "1"]) == 1
        assert "sweep.json holds rows of another model or exam: choose another --out.\n" \
            in capsys.readouterr().err
    assert len(made) == 3 and report.read_bytes() == third
    assert sweep.main([*command, "--samples", "4", "--steps", "1", "--out",
                       str(tmp_path / "other")]) == 0
    assert len(json.loads((tmp_path / "other" / "sweep.json").read_text())["rows"]) == 1


def test_a_sweep_goes_on_by_whatever_name_its_model_is_given(command, tmp_path, monkeypatch):
    assert sweep.main([*command, "--steps", "1"]) == 0
    monkeypatch.setattr(sweep, "answer", lambda *_: pytest.fail("a row was measured again"))
    monkeypatch.chdir(tmp_path)
    assert sweep.main([*command, "--steps", "1", "--model", "./model"]) == 0


def test_a_sweep_that_is_stopped_keeps_its_rows_and_does_not_say_otherwise(
        command, tmp_path, monkeypatch, capsys):
    answers = iter([sweep.answer])
    monkeypatch.setattr(sweep, "answer", lambda *given: next(answers, interrupted)(*given))
    assert sweep.main([*command, "--steps", "1", "2"]) == 130
    assert len(json.loads((tmp_path / "out" / "sweep.json").read_text())["rows"]) == 1
    assert capsys.readouterr().err.endswith("Stopped before the report was finished.\n")


def interrupted(*_):
    raise KeyboardInterrupt


def test_figures_of_the_upsampler_are_shares_of_the_truth_and_of_plain_enlargement():
    told = {"clips": 2, "psnr_bicubic_true": 20.0, "psnr_upscaled_true": 26.0206,
            "gradient_upscaled_true": 3.0, "gradient_truth": 4.0, "flicker_upscaled_true": 1.0,
            "flicker_truth": 2.0,
            "accuracy": {"upscaled": {"subject": 0.5}, "draft": {"subject": 1.0}}}
    assert upsampler_sweep._of_interest(told) == pytest.approx(
        {"clips": 2} | dict(zip(upsampler_sweep.SHOWN, (0.5, 0.75, 0.5, 0.5), strict=True)),
        rel=1e-4)


def test_steps_nobody_can_take_are_a_sentence(command, capsys):
    assert sweep.main([*command, "--steps", "4", "0"]) == 1
    assert "--steps must be from 1 to 256, not 0." in capsys.readouterr().err
    assert sweep.main([*command, "--upsampler", "4"]) == 1    # of three captions
    assert "--upsampler must be from 0 to 3, not 4." in capsys.readouterr().err


def test_a_curve_that_rises_is_drawn_from_lower_left_to_upper_right():
    sheet = np.asarray(curves({"figure": [Curve("rising", [(4, 0.1), (64, 0.9)])]},
                              across="cost")).astype(int)
    red = (sheet[..., 0] - sheet[..., 2] > 100)[40:]    # the label stands above
    rows, columns = np.nonzero(red)
    assert rows[columns.argmin()] > rows[columns.argmax()] + 100


def test_a_single_point_and_one_value_are_drawn_too():
    assert curves({"figure": [Curve("alone", [(8, 0.5)])]}, ideal=0.5, across="cost")
