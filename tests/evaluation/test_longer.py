"""Longer clips with stand-ins for model and judge: the figures say what the clips are."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from engine.cascade import Cascade
from engine.drift import measure
from engine.evaluation import longer
from engine.evaluation.judge import Verdicts
from engine.evaluation.long_exam import (
    Large,
    LongAnswer,
    answers_to,
    clips_of,
    set_long_exam,
)
from engine.evaluation.long_report import (
    long_figures,
    long_table,
    loop_figures,
    strays,
    window_features,
)
from engine.request import GenerationRequest
from tests.extension.test_run import Letters, stage
from tests.test_catalog import make_model

SEAMS, FIRST = (12, 24), 12


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
    answers = [LongAnswer(clip, SEAMS, FIRST) for clip in frames]
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
    assert made["joins_that_show"] == 0.5 and made["largest_jump"] == pytest.approx(4)


def of_levels(levels):
    """Three clips (3, t, 36, 64, 3) of plain frames as bright as told."""
    levels = np.asarray(levels, np.uint8)[None, :, None, None, None]
    return np.broadcast_to(levels, (3, levels.size, 36, 64, 3))


def test_both_remedies_are_measured_on_what_they_mend(exam, cast, reference):
    levels = 60 + np.arange(48.0)
    levels[12:] += 30    # a step of light, at a join that shows
    told = figures_of(exam, of_levels(levels), Light(), cast, reference)["remedies"]
    before, after = told["colour_match"]["brightness_drift"]
    assert before > 0.2 and after < 0.2 * before
    assert told["cross_dissolve"] == {"joins": 3, "join_jump": [
        pytest.approx(31), pytest.approx(31 / 6, abs=0.5)]}    # three frames a side
    steady = figures_of(exam, of_levels(60 + np.arange(48.0)), Light(), cast, reference)
    assert steady["remedies"]["cross_dissolve"] == {"joins": 0, "join_jump": [None, None]}
    assert "dissolve: 0 joins that show" in long_table([steady], None)


def test_light_and_colour_drift_of_the_full_range_the_others_of_their_first_second(
        exam, cast, reference):
    frames = exam.frames.copy()
    frames[:, 24:] = 128    # of which nothing is left to be colourful, sharp or lively
    made, true = (figures_of(exam, clips, Light(), cast, reference)["made"]
                  for clips in (frames, exam.frames))
    assert made["sharpness_drift"] == pytest.approx(1) and made["motion_drift"] >= 1
    first = np.mean([measure(clip).saturation[:12].mean() for clip in exam.frames])
    assert made["saturation_drift"] == pytest.approx(first)
    assert all(0 <= true[f"{name}_drift"] < made[f"{name}_drift"]
               for name in ("saturation", "sharpness"))


def test_clips_made_large_have_figures_of_their_own(exam, ignorant_judge, cast, reference):
    levels = 60 + np.arange(48.0)
    levels[30:] += 3    # four times the usual change, where a window of the upsampler begins
    large = of_levels(levels)
    answers = [LongAnswer(small, SEAMS, FIRST, Large(clip, measure(clip), (15, 30)))
               for small, clip in zip(exam.frames, large, strict=True)]
    result = long_figures(exam, answers, reference, (ignorant_judge, cast))
    assert result["made"] == result["true"]
    assert result["upscaled"]["window_jump"] == pytest.approx((1 + 4) / 2)
    assert result["upscaled"]["join_jump"] == pytest.approx(1)
    assert result["upscaled"]["storybook_fvd"] != result["true"]["storybook_fvd"]
    lines = long_table([result], None).splitlines()
    assert lines[0].split() == ["made", "upscaled", "true", "target"]
    assert [one.split()[-3:] for one in lines if "upscaling windows" in one] == [
        ["2.50", "<=", "1.25"]]


def test_drift_is_the_farthest_second_from_the_first():
    assert strays(np.full(48, 0.3)) == pytest.approx(0)
    assert strays(np.arange(48) / 48) == pytest.approx(36 / 48)
    flicker = np.tile([0.0, 1.0], 24)    # which a second averages out
    assert strays(flicker) == pytest.approx(0)
    assert strays(np.repeat([0.2, 0.5], 24), is_relative=True) == pytest.approx(1.5)


def test_a_loop_s_jump_is_in_medians_of_its_changes():
    levels = np.array([[0, 10, 20, 9], [0, 10, 20, 40]])    # closes by 9, by 40
    frames = np.broadcast_to(levels[..., None, None, None], (2, 4, 3, 5, 3)).astype(np.uint8)
    told = loop_figures(4.0, [LongAnswer(clip, (), 4) for clip in frames])
    assert told == {"seconds": 4.0, "clips": 2, "jump": pytest.approx((0.9 + 4) / 2),
                    "loops_that_show": 0.5}
    assert "2 loops" in long_table([], told) and "loop" not in long_table([], None)
    assert long_table([], told).splitlines()[-2].split()[-3:] == ["2.45", "<=", "1"]


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
    assert made[0].first_frames == 8 and made[0].large is None    # four at half the rate
    loop = clips_of(cascade, clip, is_loop=True)(short.captions[0], 0, 1.5)
    assert not np.array_equal(loop.frames, made[0].frames)


def test_a_clip_made_large_keeps_its_draft_and_tells_where_its_windows_begin(exam):
    clip = GenerationRequest("any", steps=1, upscale=True, upscale_steps=1)
    made = clips_of(both_stages(), clip)(exam.captions[0], 0, 1.5)
    small = clips_of(both_stages(), replace(clip, upscale=False))(exam.captions[0], 0, 1.5)
    assert np.array_equal(made.frames, small.frames) and made.seams == small.seams
    assert made.large.frames.shape == (18, 36, 64, 3) and made.large.measures.motion.shape == (18,)
    assert made.large.seams == tuple(range(4, 18, 2))    # four frames a window, two of them new


def both_stages():
    return Cascade(stage(), upsampler(), Letters())


def upsampler(frames=4):
    return stage(frames=frames, height=24, width=32, n_latents=24, condition_channels=3,
                 known_frames=False, augmented=True)


def test_the_whole_command_leaves_a_report_and_sheets(
        sprites_folder, ignorant_judge, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(Cascade, "load", lambda *_: both_stages())
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
    assert told["backend"] == both_stages().backend
    assert told["clip"]["steps"] == 1 and told["judge"] == ignorant_judge.weights_hash
    out = capsys.readouterr().out
    assert "2 s, 2 clips" in out and long_table(told["lengths"], told["loops"]) in out
    assert asked == [{}, {"is_loop": True}]
    assert told["loops"]["clips"] == 2 and told["loops"]["jump"] > 0
    with Image.open(tmp_path / "out" / "longer-1.5.png") as sheet:
        assert sheet.height > 100
    assert longer.main([*command, "--upscale"]) == 1
    assert "has no upsampler: leave out --upscale" in capsys.readouterr().err
    assert longer.main([*command, "--seconds", "61"]) == 1
    assert "--seconds must be from" in capsys.readouterr().err
