"""Longer clips with stand-ins for model and judge: the figures say what the clips are."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from engine.cascade import Cascade
from engine.evaluation import longer
from engine.evaluation.judge import Verdicts
from engine.evaluation.long_exam import LongAnswer, answers_to, clips_of, set_long_exam
from engine.evaluation.long_report import (
    brightness_drift,
    long_figures,
    long_table,
    loop_figures,
    window_features,
)
from engine.request import GenerationRequest
from tests.extension.test_run import Letters, stage
from tests.test_catalog import make_model

SEAMS = (12, 24)


def quiet(_):
    """Say nothing."""


@pytest.fixture(scope="module")
def exam(cast):
    """Three captions of four seconds."""
    return set_long_exam(cast, 3, 4.0, quiet)


@pytest.fixture(scope="module")
def reference(cast):
    return set_long_exam(cast, 4, 4.0, quiet, seed=1).frames


class Light:
    """A judge that takes what is bright for what was asked, and everything else for a stone."""

    def verdicts(self, frames, cast, subjects):
        words = tuple(subject if clip.mean() > 100 else "stone"
                      for clip, subject in zip(frames, subjects, strict=True))
        return Verdicts({name: words for name in ("subject", "place", "travel")}, None)

    def features_of(self, frames):
        return frames.mean(axis=(1, 2, 3))


def figures_of(exam, frames, judge, cast, reference):
    answers = [LongAnswer(clip, SEAMS) for clip in frames]
    return long_figures(exam, answers, reference, (judge, cast))


def test_a_long_exam_is_painted_whole_and_the_same_every_time(exam, cast):
    assert exam.frames.shape == (3, 48, 36, 64, 3)
    assert np.array_equal(set_long_exam(cast, 3, 4.0, quiet).frames, exam.frames)
    other = set_long_exam(cast, 3, 8.0, quiet)
    assert other.frames.shape[1] == 96 and other.captions != exam.captions


def test_a_perfect_model_gets_the_true_figures(exam, ignorant_judge, cast, reference):
    result = figures_of(exam, exam.frames, ignorant_judge, cast, reference)
    assert result["made"] == result["true"]
    assert result["made"]["storybook_fvd"] > 0


def test_what_is_right_first_and_wrong_at_last_is_told(exam, cast, reference):
    frames = np.full((3, 48, 36, 64, 3), 150, np.uint8)
    frames[0, 30:] = 10    # lost
    frames[1, :20] = 10    # found
    made = figures_of(exam, frames, Light(), cast, reference)["made"]
    assert made["accuracy"]["subject"] == {"first": pytest.approx(2 / 3), "last": pytest.approx(
        2 / 3)}
    assert made["subject_kept"] == 0.5
    frames[:, :20] = 10
    assert figures_of(exam, frames, Light(), cast, reference)["made"]["subject_kept"] is None


def test_a_jump_at_a_join_is_told_in_medians_of_the_other_changes(exam, cast, reference):
    levels = np.cumsum(np.full(48, 1))
    levels[12:] += 3    # four times the usual change into frame 12, the usual one into 24
    frames = np.broadcast_to(levels[None, :, None, None, None], (3, 48, 36, 64, 3))
    made = figures_of(exam, frames.astype(np.uint8), Light(), cast, reference)["made"]
    assert made["join_jump"] == pytest.approx((4 + 1) / 2)
    assert made["joins_that_show"] == 0.5


def test_brightness_drift_is_the_farthest_second_from_the_first():
    assert brightness_drift(np.full(48, 0.3)) == pytest.approx(0)
    assert brightness_drift(np.arange(48) / 48) == pytest.approx(36 / 48)
    flicker = np.tile([0.0, 1.0], 24)    # which a second averages out
    assert brightness_drift(flicker) == pytest.approx(0)


def test_a_loop_s_jump_is_in_medians_of_its_changes():
    levels = np.array([[0, 10, 20, 10], [0, 10, 20, 40]])    # closes by 10, by 40
    frames = np.broadcast_to(levels[..., None, None, None], (2, 4, 3, 5, 3)).astype(np.uint8)
    told = loop_figures(4.0, [LongAnswer(clip, ()) for clip in frames])
    assert told == {"seconds": 4.0, "clips": 2, "jump": pytest.approx((1 + 4) / 2)}
    assert "2 loops" in long_table([], told) and "loop" not in long_table([], None)


def test_features_are_of_whole_windows(exam):
    features = window_features(exam.frames, Light())
    assert features.shape == (9, 3)
    assert np.array_equal(features[3:6], exam.frames[:, 16:32].mean(axis=(1, 2, 3)))


def test_a_cascade_answers_each_caption_once_with_its_seams(exam):
    cascade = Cascade(stage(), None, Letters())
    short = replace(exam, seconds=1.5)
    clip = GenerationRequest("any", steps=1)
    made = answers_to(short, clips_of(cascade, clip), quiet)
    assert [answer.frames.shape for answer in made] == [(18, 12, 16, 3)] * 3
    assert all(0 < one < 18 for one in made[0].seams) and len(made[0].seams) > 2
    assert not np.array_equal(made[0].frames, made[1].frames)
    loop = clips_of(cascade, clip, is_loop=True)(short.captions[0], 0, 1.5)
    assert not np.array_equal(loop.frames, made[0].frames)


def test_the_whole_command_leaves_a_report_and_sheets(
        sprites_folder, ignorant_judge, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(Cascade, "load", lambda *_: Cascade(stage(), None, Letters()))
    monkeypatch.setattr(longer, "trained_judge", lambda *_: ignorant_judge)
    asked = []
    monkeypatch.setattr(longer, "clips_of", lambda *given, **more: asked.append(more) or clips_of(
        *given, **more))
    model = make_model(tmp_path / "model")
    command = ["--model", str(model), "--sprites", str(sprites_folder), "--subjects", "all",
               "--out", str(tmp_path / "out"), "--cache", str(tmp_path), "--steps", "1",
               "--seconds", "1.5", "2", "--samples", "2", "--reference", "3", "--loops", "2"]
    assert longer.main(command) == 0
    told = json.loads((tmp_path / "out" / "longer.json").read_text())
    assert [one["seconds"] for one in told["lengths"]] == [1.5, 2]
    assert told["lengths"][0]["reference_clips"] == 3
    assert told["clip"]["steps"] == 1 and told["judge"] == ignorant_judge.weights_hash
    out = capsys.readouterr().out
    assert "2 s, 2 clips" in out and long_table(told["lengths"], told["loops"]) in out
    assert asked == [{}, {"is_loop": True}]
    assert told["loops"]["clips"] == 2 and told["loops"]["jump"] > 0
    with Image.open(tmp_path / "out" / "longer-1.5.png") as sheet:
        assert sheet.height > 100
    assert longer.main([*command, "--seconds", "61"]) == 1
    assert "--seconds must be from" in capsys.readouterr().err
