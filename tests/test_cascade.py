"""Both stages wired together, tiny and untrained: what they are told, and what they tell."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from engine import cascade as module
from engine import catalog, cli
from engine import generate as door
from engine.cascade import (
    CORRUPTION_STREAM,
    DIFFUSION_STREAM,
    STREAMS,
    UPSAMPLER_STREAM,
    Cascade,
    Listener,
    Prompts,
)
from engine.checkpoint import CONFIG_NAME, WEIGHTS_NAME, save_weights, write_config
from engine.errors import ModelError
from engine.presets import PRESETS
from engine.request import GenerationRequest
from engine.saved import SavedRuns
from engine.stage import SampleSettings, Stage, unit_noise
from engine.video import to_clips, to_frames, upscale
from tests.extension.test_run import Letters, two_stages
from tests.test_catalog import make_model

PROMPTS = Prompts(["a dog", "zebras"], [7, 8], [12.0, 6.0])
SETTINGS = SampleSettings(steps=3, guidance=0.0)


class WholeLetters(Letters):
    """Uses every word of a prompt."""

    def used_words(self, prompt):
        return prompt


@pytest.fixture(scope="module")
def cascade() -> Cascade:
    return two_stages(WholeLetters())


@pytest.fixture
def asked(cascade):
    """What the upsampler's network was given, an evaluation a row: pixels and conditions."""
    seen = []
    handle = cascade.upsampler.network.register_forward_pre_hook(
        lambda network, given: seen.append((given[0], given[2])))
    yield seen
    handle.remove()


@pytest.fixture
def model(cascade, tmp_path, monkeypatch):
    """A model folder whose loading is counted and gives the cascade, and an empty folder."""
    loads = []
    monkeypatch.setattr(catalog, "SHIPPED", tmp_path / "assets")
    make_model(tmp_path / "assets" / "storybook", upsampler=True)
    monkeypatch.setattr(door.Cascade, "load",
                        lambda *arguments: loads.append(arguments) or cascade)
    monkeypatch.chdir(tmp_path)
    door._cascade.cache_clear()
    yield loads
    door._cascade.cache_clear()


def told(events):
    return [(event.stage, event.step, event.steps, event.seconds_left) for event in events]


def test_every_step_is_told_with_the_seconds_left_and_the_clips_so_far(cascade, monkeypatch):
    clock = iter(range(0, 100, 2))
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    events = []
    listener = Listener(lambda event: events.append(event))
    drafts = cascade.draft(PROMPTS, SETTINGS, listener)
    assert told(events) == [("base", 1, 3, 4.0), ("base", 2, 3, 2.0), ("base", 3, 3, 0.0)]
    first, *_, last = (event.preview() for event in events)
    assert first.shape == (2, *to_frames(drafts).shape[1:]) and first.dtype == "uint8"
    assert (last != first).any() and abs(last.astype(int) - to_frames(drafts)).max() <= 1
    events.clear()
    large = cascade.upscale(drafts, PROMPTS, replace(SETTINGS, steps=2), 0.1, listener)
    assert told(events) == [("upsampler", 1, 2, 2.0), ("upsampler", 2, 2, 0.0)]
    assert events[-1].preview().shape == to_frames(large).shape


def test_clips_are_enlarged_by_cubics_which_sharpen_an_edge():
    edge = torch.tensor([-1.0, -1, -1, 1, 1, 1]).expand(1, 3, 2, 5, 6)
    large = upscale(edge, 40, 48)
    assert large.shape == (1, 3, 2, 40, 48) and 1.05 < large.max() < 1.3


def test_the_seconds_left_of_work_that_goes_on_are_of_its_own_steps(cascade, tmp_path, monkeypatch):
    def listener(on_step):
        return Listener(on_step, saved=SavedRuns(tmp_path, "work", cascade.base.device))

    class Killed(Exception):
        pass

    def killed(event):
        if event.step == 2:
            first.saved.flush()
            raise Killed
    first, events = listener(killed), []
    with pytest.raises(Killed):
        cascade.draft(PROMPTS, replace(SETTINGS, steps=4), first)
    clock = iter(range(0, 100, 2))
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    cascade.draft(PROMPTS, replace(SETTINGS, steps=4), listener(events.append))
    assert told(events) == [("base", 3, 4, 2.0), ("base", 4, 4, 0.0)]


def test_a_true_answer_ends_the_draft_with_what_was_shown_last(cascade):
    shown = []
    drafts = cascade.draft(PROMPTS, replace(SETTINGS, steps=9), Listener(
        lambda event: shown.append(event.preview()) or event.step == 2))
    assert len(shown) == 2 and (to_frames(drafts) == shown[-1]).all()


@pytest.mark.parametrize("level", [0.0, 0.6])
def test_the_upsampler_sees_the_draft_corrupted_by_the_chosen_level_and_is_told_it(
        cascade, asked, level):
    drafts = unit_noise(PROMPTS.seeds, cascade.base.clip_shape).clamp(-1, 1)
    cascade.upscale(drafts, PROMPTS, replace(SETTINGS, steps=5), level)
    assert len(asked) == 5 * len(drafts)                  # a CPU takes one clip at a time
    low = upscale(to_clips(list(to_frames(drafts))), 24, 32)
    noise = unit_noise(PROMPTS.seeds, low.shape[1:], CORRUPTION_STREAM)
    expected = (1 - level**2) ** 0.5 * low + level * noise
    for number, (pixels, conditions) in enumerate(asked):
        torch.testing.assert_close(pixels[0, 3:], expected[number % 2])
        assert conditions.augmentation.tolist() == [pytest.approx(level)]


def test_the_augmentation_token_changes_the_large_clip(cascade, monkeypatch):
    drafts = unit_noise(PROMPTS.seeds, cascade.base.clip_shape).clamp(-1, 1)
    same = cascade.corrupted(drafts, PROMPTS.seeds, 0.2)
    monkeypatch.setattr(cascade, "corrupted", lambda *_: same)
    one, two = (cascade.upscale(drafts, PROMPTS, SETTINGS, level) for level in (0.1, 0.9))
    assert not torch.equal(one, two)


def test_a_request_decides_the_upsampler_s_steps_and_noise_level(model, asked):
    request = GenerationRequest("a dog", steps=1, upscale=True, upscale_steps=4,
                                upscale_noise=0.35)
    [clip] = door.generate(request)
    assert clip.frames.shape[1:3] == (24, 32)
    assert [conditions.augmentation.item() for _, conditions in asked] \
        == [pytest.approx(0.35)] * 4


def test_the_noises_of_a_run_come_from_streams_of_their_own():
    assert {DIFFUSION_STREAM, UPSAMPLER_STREAM, CORRUPTION_STREAM} == set(range(STREAMS))


def test_each_draft_is_steered_by_its_own_negative_prompt(cascade):
    settings = SampleSettings(steps=1, guidance=4.0)
    plain, told = (cascade.draft(replace(PROMPTS, negative=texts), settings)
                   for texts in (None, ["rain", "snow"]))
    other = cascade.draft(replace(PROMPTS, negative=["rain", "hail"]), settings)
    assert not torch.equal(plain, told)
    assert [torch.equal(one, two) for one, two in zip(told, other, strict=True)] == [True, False]


def test_the_negative_prompt_of_a_request_steers_its_clips(model):
    request = GenerationRequest("a dog", seed=7, steps=1, guidance=4.0)
    plain, rain, blank = (door.generate(replace(request, negative_prompt=text))[0].frames
                          for text in ("", "rain", " "))
    assert (plain != rain).any() and (plain == blank).all()


def test_a_file_of_prompts_loads_the_model_once(model, tmp_path):
    (tmp_path / "prompts.txt").write_text("a dog\na cat\na fish")
    assert cli.main(["--prompts", "prompts.txt", "--seed", "3", "--steps", "1",
                     "--output-directory", "out"]) == 0
    assert [path.name for path in sorted((tmp_path / "out").iterdir())] == [
        "001_a-dog_3.mp4", "002_a-cat_3.mp4", "003_a-fish_3.mp4"]
    assert len(model) == 1


def test_a_model_without_an_upsampler_says_so(cascade):
    flat = Cascade(cascade.base, None, Letters())
    with pytest.raises(ModelError, match="no upsampler"):
        flat.upscale(torch.zeros(1, *cascade.base.clip_shape), PROMPTS, SETTINGS, 0.1)


def test_a_base_stage_in_the_place_of_an_upsampler_is_refused(tmp_path):
    config = PRESETS["tiny"]
    write_config(config, tmp_path / CONFIG_NAME)
    save_weights(Stage(config).network.state_dict(), tmp_path / WEIGHTS_NAME)
    with pytest.raises(ModelError, match="holds no upsampler but a base stage"):
        Cascade.load(tmp_path, tmp_path)


@pytest.mark.parametrize("wrong, mistake", [
    ("base", r"base was trained with text tokens of width 64; the encoder minilm gives 384\. Name"),
    ("upsampler", r"upsampler was trained .* of width 64; .*choose an upsampler that was trained"),
])
def test_a_stage_that_reads_other_text_is_refused_by_name(tmp_path, wrong, mistake):
    for name in ("base", "upsampler"):
        config = PRESETS["tiny"]
        if name == wrong:
            config = replace(config, network=replace(config.network, text_width=64))
        (tmp_path / name).mkdir()
        write_config(config, tmp_path / name / CONFIG_NAME)
        save_weights(Stage(config).network.state_dict(), tmp_path / name / WEIGHTS_NAME)
    with pytest.raises(ModelError, match=mistake):
        Cascade.load(tmp_path / "base", tmp_path / "upsampler")
