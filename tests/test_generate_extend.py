"""The door to longer clips: a model by its name, work that goes on, notes for the user."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from engine import catalog
from engine import generate as door
from engine.cascade import Cascade
from engine.checkpoint import write_config
from engine.errors import Cancelled, RequestError
from engine.extension import run
from engine.extension.material import Material
from engine.extension.plan import Layout, plan
from engine.extension.request import ExtensionRequest
from engine.extension.run import LongClip
from engine.extension.segments import Segment
from engine.presets import PRESETS
from engine.request import GenerationRequest
from engine.stage import Stage
from engine.video import fitted
from engine.vocabulary import VOCABULARY_NAME, Vocabulary
from tests.extension.test_run import Letters, stage
from tests.test_catalog import make_model, make_stage

CLIP = GenerationRequest("a dog", fps=12, steps=2, guidance=0.0, seed=7)


class ShortLetters(Letters):
    def used_words(self, prompt):
        return prompt[:9]


@pytest.fixture
def model(tmp_path, monkeypatch):
    torch.manual_seed(0)
    cascade = Cascade(Stage(PRESETS["tiny"]), None, ShortLetters())
    monkeypatch.setattr(catalog, "SHIPPED", tmp_path / "assets")
    folder = make_model(tmp_path / "assets" / "storybook")
    (folder / "base" / "config.json").write_text(json.dumps({"network": {"frames": 4}}))
    monkeypatch.setattr(door, "_cascade", lambda *_: cascade)
    return catalog.find_model("storybook")


def test_a_clip_is_made_and_stopped_work_goes_on(model, tmp_path):
    windows = []

    def followers(most):
        return door.Followers(on_window=lambda event: windows.append(event.window),
                              should_stop=lambda: len(windows) >= most)
    request = ExtensionRequest(CLIP, 1.0)
    whole = door.extend(request, followers=followers(99))
    total, folder = len(windows), tmp_path / "work"
    assert whole.frames.shape == (12, 12, 16, 3) and whole.model_hash == model.model_hash
    assert total == len(whole.clip.plan.base) and model.window_frames == 4
    windows.clear()
    with pytest.raises(Cancelled):
        door.extend(request, followers=followers(1), work_folder=folder)
    again = door.extend(request, followers=followers(99), work_folder=folder)
    assert np.array_equal(again.frames, whole.frames)
    assert windows == [1, *range(1, total + 1)]    # the finished one is told again
    other = Material(start=np.zeros((12, 16, 3), np.uint8))
    door.extend(request, other, followers=followers(999), work_folder=folder)
    assert len(windows) > total    # frames of other material are not taken


def test_notes_say_which_words_were_used_and_where_the_clip_drifts(model, monkeypatch):
    bright = np.full((6, 12, 16, 3), 250, np.uint8)
    clip = door.extend(ExtensionRequest(GenerationRequest("a dog walking", fps=12, steps=2),
                                        1.0), Material(video=bright))
    assert 'used the first 2 of 3 words, "a dog wal"' in clip.notes[0]
    assert any("darker than its first segment" in note for note in clip.notes)
    assert any("join at 0.50 s" in note for note in clip.notes)
    loop = ExtensionRequest(CLIP, 1.0, is_loop=True), Material(video=bright)
    assert not any("where it closes" in note for note in door.extend(*loop).notes)
    monkeypatch.setattr(run, "eased_end", lambda frames: frames[-1])
    assert any("where it closes" in note for note in door.extend(*loop).notes)


def test_which_words_are_used_is_known_before_the_work(model, monkeypatch):
    monkeypatch.setattr(Stage, "sample", None)
    for text, said in (("a dog", None), ("a dog, walking", "first 2 of 3"),
                       ("a doggy, wet and cold", 'first 2 of 5 words, "a doggy, "')):
        for request in (GenerationRequest(text), ExtensionRequest(GenerationRequest(text), 1.0)):
            notes = door.text_notes(request)
            assert (len(notes), said is None or said in notes[0]) == (int(said is not None), True)
    both = door.text_notes(GenerationRequest("a dog", negative_prompt="rain, snow, hail"))
    assert "negative prompt is too long" in both[0] and "first 1 of 3" in both[0]
    off = GenerationRequest("a dog", negative_prompt="rain, snow, hail", guidance=0)
    for request in (off, ExtensionRequest(off, 1.0)):
        note, = door.text_notes(request)
        assert "negative prompt is not used" in note
    assert door.text_notes(replace(off, negative_prompt=" ")) == ()


def test_words_the_model_has_not_learnt_are_named_once(model, tmp_path):
    write_config(Vocabulary(("a", "dog")), tmp_path / "assets/storybook/base" / VOCABULARY_NAME)
    segments = (Segment(0, 0.5, "a dog"), Segment(0.5, 1, "a cow"))
    for request in (GenerationRequest("a cow"), ExtensionRequest(CLIP, 1.0, segments)):
        assert door.text_notes(request)[-1].endswith("will guess at: cow.")
    assert door.text_notes(GenerationRequest("a dog")) == ()


def test_a_draft_made_large_is_measured_by_the_joins_it_has(model, monkeypatch, tmp_path):
    upsampler = stage(height=24, width=32, n_latents=24, condition_channels=3,
                      known_frames=False, augmented=True)
    keeping = Stage(replace(upsampler.config, detail=0.01), upsampler.network)    # the draft's jump
    cascade = Cascade(Stage(PRESETS["tiny"]), keeping, ShortLetters())
    monkeypatch.setattr(door, "_cascade", lambda *_: cascade)
    make_stage(tmp_path / "assets" / "storybook" / "upsampler", 1)
    draft = np.full((12, 12, 16, 3), 100, np.uint8)
    draft[6:] = 200
    shown = (Segment(0, 0.5, "a dog"), Segment(0.5, 1, "a cat"))
    request = ExtensionRequest(replace(CLIP, upscale_steps=1), 1.0, shown).upscaling(12)
    clip = door.extend(request, Material(video=draft))
    assert clip.frames.shape == (12, 24, 32, 3)
    assert any(note.startswith("The join at 0.50 s") for note in clip.drift)


def test_what_is_measured_of_a_clip_made_large_is_what_its_file_shows():
    request = ExtensionRequest(replace(CLIP, upscale=True), 1.0, is_loop=True)
    layout = Layout(16, (12.0,), 4, is_loop=True)
    steady = np.random.default_rng(5).integers(90, 100, (16, 12, 16, 3), dtype=np.uint8)
    large = steady.repeat(24, axis=1).repeat(24, axis=2)
    large[8:] += 100
    said = [door._drift_notes(request, LongClip(plan(layout), draft, frames, 12.0), Material())
            for draft, frames in ((steady, large), (large, steady))]
    assert [any("brighter than" in one for one in notes) for notes in said] == [True, False]
    assert [any("where it closes" in one for one in notes) for notes in said] == [True, False]


def test_a_model_without_an_upsampler_is_a_sentence(model):
    with pytest.raises(RequestError, match="no upsampler"):
        door.extend(ExtensionRequest(GenerationRequest("a dog", upscale=True), 1.0))


@pytest.mark.parametrize("guidance", [0.0, 2.0])
def test_every_draft_begins_with_the_start_picture_and_goes_its_own_way(model, guidance):
    picture = np.random.default_rng(5).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    request = replace(CLIP, drafts=3, guidance=guidance)
    drafts = [clip.frames for clip in door.generate(request, start=door.Start(picture=picture))]
    plain = [clip.frames for clip in door.generate(request)]
    expected = fitted(picture[None], 12, 16, crop=False)[0]
    for draft, without in zip(drafts, plain, strict=True):
        assert np.array_equal(draft[0], expected) and not np.array_equal(without[0], expected)
        assert not np.array_equal(draft[1:], without[1:]), "the picture changes what follows"
    assert not np.array_equal(drafts[0][1:], drafts[1][1:])
    alone, = door.generate(request.single(8), start=door.Start(picture=picture))
    assert np.array_equal(alone.frames, drafts[1]), "a draft's bits do not depend on its company"


@pytest.mark.parametrize("crop", [True, False])
def test_a_start_picture_of_another_shape_is_cropped_or_gets_bars(model, crop):
    picture = np.full((40, 16, 3), 200, np.uint8)
    clip, = door.generate(CLIP, start=door.Start(picture=picture, crop=crop))
    assert (clip.frames[0][:, 0] == (200 if crop else 0)).all()
    assert (clip.frames[0][:, 8] == 200).all()


def test_drafts_go_on_only_from_the_work_that_began_with_the_same_picture(model, tmp_path):
    pictures = [np.full((12, 16, 3), value, np.uint8) for value in (0, 250)]
    for picture in pictures:
        start = door.Start(picture=picture, work_folder=tmp_path / "work")
        evaluations = []
        clip, = door.generate(CLIP, start=start, should_stop=lambda seen=evaluations: bool(
            seen.append(1)))
        assert len(evaluations) == CLIP.steps, "another picture's state was taken"
        assert (clip.frames[0] == picture).all()
