"""A whole evaluation with stand-ins for the model: the figures say what the clips are."""

import json

import numpy as np
import pytest
from PIL import Image

from engine.cascade import Cascade
from engine.evaluation import __main__ as command
from engine.evaluation import options
from engine.evaluation.__main__ import main, write
from engine.evaluation.makers import answer
from engine.evaluation.report import figures, mark, table
from engine.evaluation.sheet import CAPTION_WIDTH, GAP, SEAM, contact_sheet
from engine.evaluation.upsampling import bicubic, examine_upsampler, shrunk, upsampler_table
from tests.extension.test_run import Letters, stage
from tests.test_catalog import make_model


def _quiet(_):
    """Say nothing."""


def _of(exam, clips, judge, cast):
    made, true = (mark(c, exam, judge, cast) for c in (clips, exam.true))
    reference = np.concatenate(true.features)
    return figures(exam, (made, true), reference, cast), made


def test_a_perfect_model_gets_the_true_figures(exam, ignorant_judge, cast):
    result, _ = _of(exam, exam.true, ignorant_judge, cast)
    for name in ("subject", "place", "travel"):
        assert result["accuracy"][name]["made"] == result["accuracy"][name]["ceiling"]
    assert result["storybook_fvd"]["made"] == result["storybook_fvd"]["floor"]
    for name in ("motion_energy", "gradient_energy"):
        assert result[name]["ratio"] == 1
    assert result["diversity"]["pixels"]["ratio"] == 1


def test_a_model_of_still_pictures_has_no_motion_and_no_variety(exam, ignorant_judge, cast):
    still = np.repeat(exam.true[:1, :, :1], 16, axis=2).repeat(2, axis=0)
    result, _ = _of(exam, still, ignorant_judge, cast)
    assert result["motion_energy"]["ratio"] == 0
    assert result["diversity"]["features"]["ratio"] == 0
    assert result["storybook_fvd"]["made"]["mean"] > result["storybook_fvd"]["floor"]["mean"]


def test_a_model_is_asked_every_caption_once_a_seed_in_batches(exam):
    calls = []

    def maker(prompts, seeds, fps):
        calls.append((list(prompts), list(seeds), list(fps)))
        return np.zeros((len(prompts), 16, 36, 64, 3), np.uint8)

    clips = answer(exam, maker, 2, _quiet)
    assert clips.shape == exam.true.shape
    assert [len(prompts) for prompts, _, _ in calls] == [2, 2, 1] * 2
    assert len({seed for _, seeds, _ in calls for seed in seeds}) == 10
    assert [p for prompts, _, _ in calls[:3] for p in prompts] == list(exam.captions)


def test_report_is_json_with_a_table_and_sheets(exam, ignorant_judge, cast, tmp_path):
    result, made = _of(exam, exam.true, ignorant_judge, cast)
    write(tmp_path, result, exam, made)
    read = json.loads((tmp_path / "evaluation.json").read_text())
    assert [row["caption"] for row in read["captions"]] == list(exam.captions)
    counted = sum(n for row in read["confusion"]["subject"].values() for n in row.values())
    assert counted == 10
    with Image.open(tmp_path / "sheet-1.png") as sheet:
        assert sheet.height == 10 * (72 + GAP)
    assert "storybook-FVD" in table(result)


def test_the_whole_command_says_of_what_it_reports(
        sprites_folder, ignorant_judge, tmp_path, monkeypatch):
    whole = Cascade(stage(frames=16, height=36, width=64, n_latents=40), None, Letters())
    monkeypatch.setattr(Cascade, "load", lambda *_: whole)
    monkeypatch.setattr(command, "trained_judge", lambda *_: ignorant_judge)
    model = make_model(tmp_path / "model")
    assert main(["--model", str(model), "--sprites", str(sprites_folder), "--subjects", "all",
                 "--out", str(tmp_path / "out"), "--cache", str(tmp_path), "--steps", "1",
                 "--samples", "2", "--seeds", "1", "--reference", "3"]) == 0
    told = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert told["model"]["name"] == str(model) and told["backend"] == whole.backend
    assert told["settings"]["steps"] == 1 and told["counts"]["reference"] == 3


def test_contact_sheet_has_a_row_of_six_double_frames_for_every_clip(exam):
    n = len(exam.captions)
    sheet = contact_sheet(exam.captions, exam.true[0], exam.true[1], ["note"] * n)
    assert sheet.size == (CAPTION_WIDTH + 6 * (128 + SEAM), 2 * n * (72 + GAP))
    first = np.asarray(sheet)[GAP:GAP + 72:2, CAPTION_WIDTH:CAPTION_WIDTH + 128:2]
    assert np.array_equal(first, exam.true[0, 0, 0])


def test_plain_enlargement_as_upsampler_gets_the_figures_of_bicubic(exam, ignorant_judge, cast):
    def enlarge(drafts, prompts, seeds, fps):
        return np.stack([bicubic(draft, 72, 128) for draft in drafts])

    result = examine_upsampler(enlarge, exam, exam.true[0, :2], (ignorant_judge, cast), _quiet)
    assert result["psnr_upscaled_true"] == result["psnr_bicubic_true"] > 15
    assert result["gradient_upscaled_draft"] == result["gradient_bicubic_draft"]
    assert result["gradient_truth"] > result["gradient_bicubic_true"]
    assert "PSNR" in upsampler_table(result)


def test_shrinking_a_blocky_enlargement_gives_the_draft_back(exam):
    draft = exam.true[0, 0]
    assert np.array_equal(shrunk(draft.repeat(8, axis=1).repeat(8, axis=2)), draft)


@pytest.mark.parametrize(("flag", "value"), [("--samples", "0"), ("--steps", "10000"),
                                             ("--guidance", "nan"), ("--upsampler", "97")])
def test_impossible_numbers_are_refused_in_one_sentence(flag, value, tmp_path, capsys):
    code = main(["--model", "m", "--sprites", "s", "--out", str(tmp_path), flag, value])
    told = capsys.readouterr().err
    assert code == 1 and told.startswith(flag) and told.count("\n") == 1


@pytest.mark.parametrize("is_there", [True, False])
@pytest.mark.parametrize("flag", ["--out", "--cache"])
def test_a_folder_that_cannot_be_written_to_is_refused_before_the_work(
        flag, is_there, tmp_path, capsys, monkeypatch):
    folder, write = tmp_path / "folder", options.TemporaryFile

    def protected(dir):
        if dir == folder:
            raise PermissionError(13, "Permission denied")
        return write(dir=dir)
    if is_there:
        monkeypatch.setattr(options, "TemporaryFile", protected)
    else:
        folder.write_text("a file")
    arguments = {"--model": "m", "--sprites": "s", "--out": str(tmp_path / "out"),
                 "--cache": str(tmp_path / "cache"), flag: str(folder)}
    assert main([word for pair in arguments.items() for word in pair]) == 1
    told = capsys.readouterr().err
    assert told.endswith(f"; choose another {flag}.\n") and told.count("\n") == 1
