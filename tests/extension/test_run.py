"""Longer clips with tiny untrained stages: what is known stays, what is stopped goes on."""

import tracemalloc
from contextlib import suppress
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from engine.cascade import Cascade, Prompts
from engine.drift import loop_jump, measure
from engine.errors import Cancelled, ModelError
from engine.extension import run
from engine.extension.material import Material
from engine.extension.request import ExtensionRequest, layout_of
from engine.extension.run import Followers, Work, base_settings, make
from engine.extension.segments import Segment
from engine.presets import PRESETS
from engine.request import GenerationRequest
from engine.stage import Stage, unit_noise
from engine.text import EncodedText
from engine.video import fitted, to_frames

TINY = PRESETS["tiny"]
CLIP = GenerationRequest("a dog", fps=24, steps=2, seed=7, guidance=1.0)
HEIGHT, WIDTH = TINY.network.height, TINY.network.width


class Letters:
    """A text encoder whose tokens say which letters a prompt has."""

    def encode(self, prompts):
        tokens = torch.zeros(len(prompts), 9, TINY.network.text_width)
        mask = torch.zeros(len(prompts), 9, dtype=torch.bool)
        for row, prompt in enumerate(prompts):
            for column, letter in enumerate(prompt[:9]):
                tokens[row, column, ord(letter) % TINY.network.text_width] = 4.0
                mask[row, column] = True
        return EncodedText(tokens, mask)


def stage(**network) -> Stage:
    torch.manual_seed(0)
    made = Stage(replace(TINY, network=replace(TINY.network, **network)))
    for p in made.network.parameters():
        torch.nn.init.normal_(p, std=0.1) if p.ndim == 1 else None
    return made


def two_stages(encoder) -> Cascade:
    upsampler = stage(height=24, width=32, n_latents=24, condition_channels=3,
                      known_frames=False, augmented=True)
    return Cascade(stage(), upsampler, encoder)


@pytest.fixture(scope="module")
def cascade() -> Cascade:
    return two_stages(Letters())


def pixels(*shape):
    return np.random.default_rng(3).integers(0, 256, (*shape, 3), np.uint8)


def test_a_clip_of_one_window_is_the_draft_of_its_request(cascade):
    draft = cascade.draft(Prompts(["a dog"], [7], [24.0]), base_settings(CLIP))
    made = make(cascade, ExtensionRequest(CLIP, 4 / 24))
    assert np.array_equal(made.frames, to_frames(draft)[0])


def test_oscillating_guidance_opens_a_long_clip_s_window_at_twice_its_weight(cascade):
    once = ExtensionRequest(replace(CLIP, steps=1, guidance=4.0), 4 / 24)
    swinging, twice, plain = (
        make(cascade, replace(once, clip=replace(once.clip, **changes))).frames
        for changes in ({"oscillating": True}, {"guidance": 8.0}, {}))
    assert np.array_equal(swinging, twice) and not np.array_equal(swinging, plain)


def test_no_two_windows_of_a_clip_share_noise(cascade, monkeypatch):
    streams = []

    def noise(seeds, shape, stream):
        streams.append(stream)
        return unit_noise(seeds, shape, stream)
    monkeypatch.setattr("engine.extension.run.unit_noise", noise)
    monkeypatch.setattr("engine.cascade.unit_noise", noise)
    clip = replace(CLIP, steps=1, guidance=0.0, upscale=True, upscale_steps=1)
    made = make(cascade, ExtensionRequest(clip, 0.5))
    assert len(streams) == len(made.plan.base) + 2 * len(made.plan.upsampler) > 9
    assert len(set(streams)) == len(streams)


def test_a_negative_prompt_steers_a_long_clip(cascade):
    clip = replace(CLIP, steps=1, guidance=4.0)
    rain, snow, plain = (
        make(cascade, ExtensionRequest(replace(clip, negative_prompt=text), 4 / 24)).frames
        for text in ("rain", "snow", " "))
    assert not np.array_equal(rain, plain) and not np.array_equal(rain, snow)


def test_the_same_request_makes_the_same_frames_and_every_window_is_told(cascade):
    events = []
    # An untrained network's frames hardly know of one another: only much weight shows.
    request = ExtensionRequest(CLIP, 0.5, known_weight=100.0)
    made = make(cascade, request, followers=Followers(on_window=lambda event: events.append(
        (event.stage, event.window, event.windows, event.fps, event.preview().shape))))
    assert made.frames.shape == (12, HEIGHT, WIDTH, 3)
    assert [one[1] for one in events] == list(range(1, len(made.plan.base) + 1))
    assert events[0][3:] == (6.0, (3, HEIGHT, WIDTH, 3))
    assert events[-1][3:] == (24.0, made.frames.shape)
    assert np.array_equal(make(cascade, request).frames, made.frames)
    steered = make(cascade, replace(request, known_weight=0.0))
    assert not np.array_equal(steered.frames, made.frames)


def test_a_very_long_clip_is_shown_at_a_lower_rate(cascade, monkeypatch):
    monkeypatch.setattr("engine.extension.run.PREVIEW_FRAMES", 5)
    events, request = [], ExtensionRequest(CLIP, 0.5)
    made = make(cascade, request, followers=Followers(on_window=lambda event: events.append(
        (event.fps, event.preview()))))
    fps, last = events[-1]
    assert fps == 8.0 and np.array_equal(last, made.frames[::3])
    assert max(len(preview) for _, preview in events) <= 5 and events[0][0] == 6.0


def test_a_clip_that_is_kept_ends_with_the_window_and_the_rate_it_had(cascade):
    windows, plans = [], []
    request = ExtensionRequest(CLIP, 0.5)
    made = make(cascade, request, followers=Followers(
        plans.append, on_window=lambda event: windows.append(event.preview()),
        should_keep=lambda: len(windows) == 1))
    assert len(windows) == 1 and plans == [made.plan]
    assert made.fps == 6.0 and np.array_equal(made.frames, windows[0])
    assert np.array_equal(made.frames, make(cascade, request).frames[::4][:len(made.frames)])


@pytest.mark.parametrize("upscale", [False, True])
def test_a_clip_that_is_kept_ends_where_its_end_picture_is_not_reached_yet(cascade, upscale):
    clip = replace(CLIP, steps=1, guidance=0.0, upscale=upscale, upscale_steps=1)
    stage, stride, windows = ("upsampler", 1, []) if upscale else ("base", 4, [])
    given = ExtensionRequest(clip, 1.0), Material(end=pixels(24, 32))
    made, kept = make(cascade, *given), make(cascade, *given, Followers(
        on_window=lambda event: windows.append(event.stage),
        should_keep=lambda: windows.count(stage) == 1))
    assert kept.fps == 24 / stride and len(kept.frames) == 4
    assert np.array_equal(kept.frames, made.frames[::stride][:4])
    assert len(kept.draft_frames) == 4


@pytest.mark.parametrize("sampler", ["heun", "dpmpp_2m"])
def test_the_cost_is_told_before_the_first_step_by_one_evaluation_of_each_stage(
        cascade, monkeypatch, sampler):
    # An evaluation takes a second of the base, ten of the other, and a minute more the first time.
    clock, told, steps, compiled = [0], [], [], set()

    def ticks(seconds):
        def tick(network, *_):
            clock.append(clock[-1] + seconds + 60 * (network not in compiled))
            compiled.add(network)
        return tick
    handles = [one.network.register_forward_hook(ticks(seconds))
               for one, seconds in ((cascade.base, 1), (cascade.upsampler, 10))]
    monkeypatch.setattr("engine.extension.run.time.monotonic", lambda: clock[-1])
    clip = replace(CLIP, steps=3, sampler=sampler, upscale=True, upscale_steps=2)
    request = ExtensionRequest(clip, 0.4)
    made = make(cascade, request, followers=Followers(
        on_cost=lambda *cost: told.append((*cost, clock[-1], len(steps))), on_step=steps.append))
    for handle in handles:
        handle.remove()
    evaluations = (5 if sampler == "heun" else 3) * len(made.plan.base)
    expected = evaluations + 10 * 2 * len(made.plan.upsampler)
    assert told == [(made.plan, expected, 120 + 22, 0)]
    assert clock[-1] == 120 + 22 + expected
    assert np.array_equal(make(cascade, request).frames, made.frames)


@pytest.mark.parametrize("fit", ["letterbox", "crop"])
def test_start_and_end_pictures_are_the_first_and_last_frames(cascade, fit):
    start, end = pixels(31, 17), pixels(5, 90)
    made = make(cascade, ExtensionRequest(CLIP, 0.5, fit=fit), Material(start, end))
    expected = fitted(np.stack([start]), HEIGHT, WIDTH, crop=fit == "crop")[0]
    assert np.array_equal(made.frames[0], expected)
    assert np.array_equal(made.frames[-1], fitted(end[None], HEIGHT, WIDTH, crop=fit == "crop")[0])
    assert len(made.frames) == 13 and made.frames[1:-1].std(axis=(1, 2, 3)).min() > 0


def test_a_video_goes_on_from_its_last_frame(cascade):
    video = pixels(7, HEIGHT, WIDTH)
    made = make(cascade, ExtensionRequest(CLIP, 0.6), Material(video=video))
    assert len(made.frames) == 14
    assert np.array_equal(made.frames[:7], video)


@pytest.mark.parametrize("times", [2, 4])
def test_in_betweens_leave_every_given_frame_in_place(cascade, times):
    video = pixels(5, HEIGHT, WIDTH)
    made = make(cascade, ExtensionRequest(CLIP, in_between=times), Material(video=video))
    assert np.array_equal(made.frames[::times], video)
    assert len(made.frames) == 4 * times + 1


def test_in_betweens_of_a_loop_close_it_too(cascade):
    video = pixels(5, HEIGHT, WIDTH)
    made = make(cascade, ExtensionRequest(CLIP, in_between=2, is_loop=True), Material(video=video))
    assert np.array_equal(made.frames[::2], video)
    assert len(made.frames) == 10 and loop_jump(made.frames, measure(made.frames)) <= 1


def test_a_loop_is_closed_by_a_window_that_knows_the_first_frames(cascade, monkeypatch):
    seen = []
    sampled = cascade.base.sample

    def sample(*arguments, given, **more):
        seen.append(given.known)
        return sampled(*arguments, given=given, **more)
    monkeypatch.setattr(cascade.base, "sample", sample)
    made = make(cascade, ExtensionRequest(CLIP, 0.75, is_loop=True))
    closing = max(one for one, window in enumerate(made.plan.base) if window.level == 0)
    assert seen[closing].mask.tolist()[-1]
    assert np.array_equal(to_frames(seen[closing].clip)[0, -1], made.frames[0])


@pytest.mark.parametrize("upscale", [False, True])
def test_a_loop_is_eased_once_it_is_whole(cascade, monkeypatch, upscale):
    monkeypatch.setattr(run, "eased_end", lambda frames: np.full_like(frames[-1], 9))
    clip = replace(CLIP, upscale=upscale, upscale_steps=1)
    made = make(cascade, ExtensionRequest(clip, 0.75, is_loop=True))
    assert (made.frames[-1] == 9).all() and (made.draft_frames[-1] == 9).all()
    assert (made.frames[:-1] != 9).any()
    assert (make(cascade, ExtensionRequest(clip, 0.75)).frames[-1] != 9).any()
    stopped = make(cascade, ExtensionRequest(clip, 0.75, is_loop=True),
                   followers=Followers(should_keep=lambda: True))
    assert (stopped.frames[-1] != 9).any()


@pytest.mark.parametrize(("sees", "asked", "weight"), [
    (True, None, 0.0), (False, None, 2.0), (False, 0.0, 0.0), (True, 3.0, 3.0)])
def test_known_frames_steer_a_network_that_does_not_see_them_unless_told_otherwise(
        monkeypatch, sees, asked, weight):
    cascade, seen = Cascade(stage(known_frames=sees), None, Letters()), []

    def sample(noise, *_, given, **more):
        seen.append(given.known.weight)
        return torch.zeros_like(noise)
    monkeypatch.setattr(cascade.base, "sample", sample)
    make(cascade, ExtensionRequest(CLIP, 0.5, known_weight=asked))
    assert seen and set(seen) == {weight}
    if asked is None:
        first_frame = pixels(HEIGHT, WIDTH)
        cascade.draft(Prompts(["a dog"], [7], [24.0]), base_settings(CLIP), None, first_frame)
        assert seen[-1] == weight


def test_segments_change_what_is_shown_only_from_their_join_on(cascade):
    request = ExtensionRequest(replace(CLIP, guidance=4.0), 2.0)
    plain = make(cascade, request)
    told = make(cascade, replace(request, segments=(Segment(1, 2, "zebras"),)))
    differs = (plain.frames != told.frames).any(axis=(1, 2, 3))
    assert not differs[:12].any() and differs[30:].any()


def test_the_network_is_told_the_texts_in_the_share_of_a_window_s_new_frames(cascade, monkeypatch):
    told = []

    def sample(noise, conditions, settings, **more):
        told.append(conditions)
        return torch.zeros_like(noise)
    monkeypatch.setattr(cascade.base, "sample", sample)
    shown = (Segment(0, 1, "dog"), Segment(1, 2, "zebras"))
    made = make(cascade, ExtensionRequest(CLIP, 2.0, shown))
    rows, shares = Letters().encode(["dog", "zebras"]), []
    for window, conditions in zip(made.plan.base, told, strict=True):
        times = (window.start + np.array(window.new)) / window.fps
        share = np.clip((times - 0.75) / 0.5, 0, 1).mean()    # half a second around the join
        mixed = (1 - share) * rows.tokens[0] + share * rows.tokens[1]
        torch.testing.assert_close(conditions.text_tokens, mixed[None])
        # Of the nine tokens the dog has three and the zebras six.
        length = 6 if share >= 0.5 else 3
        assert conditions.text_mask.tolist() == [[n < length for n in range(9)]]
        assert conditions.fps.tolist() == [window.fps]
        shares.append(share)
    assert min(shares) == 0 and max(shares) == 1
    assert any(0 < one < 0.5 for one in shares) and any(0.5 < one < 1 for one in shares)


def test_the_upsampler_keeps_the_overlap_and_shows_every_frame(cascade):
    request = ExtensionRequest(replace(CLIP, upscale=True, upscale_steps=2), 0.4)
    picture = pixels(24, 32)
    made = make(cascade, request, Material(start=picture))
    assert made.frames.shape == (10, 24, 32, 3) and made.draft_frames.shape[1:3] == (12, 16)
    assert np.array_equal(made.frames[0], picture)
    assert np.array_equal(made.draft_frames, make(
        cascade, replace(request, clip=CLIP), Material(start=picture)).frames)
    assert made.frames.std(axis=(1, 2, 3)).min() > 0


def test_a_finished_draft_becomes_the_large_clip_its_own_run_would_have_made(cascade):
    shown = (Segment(0, 0.5, "a dog"), Segment(0.5, 1, "zebras"))
    small = ExtensionRequest(CLIP, 1.0, shown)
    draft = make(cascade, small)
    large = replace(small, clip=replace(CLIP, upscale=True, upscale_steps=2))
    request = upscaling(small, draft)
    events = []
    made = make(cascade, request, Material(video=draft.frames), followers=Followers(
        on_window=lambda event: events.append((event.stage, event.window, event.windows))))
    assert np.array_equal(made.frames, make(cascade, large).frames)
    assert np.array_equal(made.draft_frames, draft.frames)
    windows = len(made.plan.upsampler)
    assert made.plan.base == () and windows > 5
    assert events == [("upsampler", one, windows) for one in range(1, windows + 1)]


def upscaling(request, draft):
    """Return the request that makes its draft large in two steps."""
    return replace(request, clip=replace(request.clip, upscale_steps=2)).upscaling(
        len(draft.frames))


def test_a_loop_stays_one_when_it_is_made_large(cascade, monkeypatch):
    seen = []
    sampled = cascade.upsampler.sample

    def sample(*arguments, given, **more):
        seen.append(given.known)
        return sampled(*arguments, given=given, **more)
    monkeypatch.setattr(cascade.upsampler, "sample", sample)
    small = ExtensionRequest(CLIP, 0.75, is_loop=True)
    draft = make(cascade, small)
    made = make(cascade, upscaling(small, draft), Material(video=draft.frames))
    assert len(draft.frames) == 16    # whole steps, not the 18 asked for
    assert seen[-1].mask.tolist()[-1]
    assert np.array_equal(to_frames(seen[-1].clip)[0, -1], made.frames[
        (made.plan.upsampler[-1].start + 3) % len(made.frames)])


def test_a_model_without_an_upsampler_says_so(cascade):
    flat = Cascade(cascade.base, None, Letters())
    with pytest.raises(ModelError, match="no upsampler"):
        make(flat, ExtensionRequest(replace(CLIP, upscale=True), 0.5))


def asked(cascade, request, material, work, most=10**6):
    """Run until so many network evaluations; returns the clip, if it got there, and the count."""
    count = 0

    def hook(*_):
        nonlocal count
        count += 1
    handles = [one.network.register_forward_hook(hook)
               for one in (cascade.base, cascade.upsampler)]
    try:
        return make(cascade, request, material, work=work, followers=Followers(
            should_stop=lambda: count >= most)), count
    except Cancelled:
        return None, count
    finally:
        for handle in handles:
            handle.remove()


WORKS = {"anew": Material(), "a finished draft": Material(video=pixels(10, HEIGHT, WIDTH))}


@pytest.mark.parametrize("share", [0.3, 0.9])
@pytest.mark.parametrize("work", WORKS)
def test_stopped_work_goes_on_to_the_same_bits(cascade, tmp_path, work, share):
    request = ExtensionRequest(replace(CLIP, steps=3, upscale=True, upscale_steps=2), 10 / 24)
    run = partial(asked, cascade, request, WORKS[work])
    whole, count = run(None)
    stop = round(share * count)
    assert run(Work(tmp_path, "work"), stop) == (None, stop)
    again, rest = run(Work(tmp_path, "work"))
    assert np.array_equal(again.frames, whole.frames)
    assert np.array_equal(again.draft_frames, whole.draft_frames)
    assert rest == count - stop
    assert run(Work(tmp_path, "work"))[1] == 0
    assert run(Work(tmp_path, "other work"), 3)[1] == 3
    assert len(list(tmp_path.glob("*.state"))) == 1


def test_what_is_gone_on_with_is_told_and_work_of_another_clip_is_not(cascade, tmp_path):
    def found(request, **hooks):
        told = []
        followers = Followers(on_found=lambda: told.append(1), **hooks)
        with suppress(Cancelled):
            make(cascade, request, followers=followers, work=Work(tmp_path, request.to_json()))
        return len(told)
    request, steps = ExtensionRequest(replace(CLIP, guidance=0.0), 0.5), []
    assert found(request, on_step=steps.append, should_stop=lambda: len(steps) == 1) == 0
    assert found(replace(request, seconds=0.75), should_stop=lambda: True) == 0
    assert found(request, should_keep=lambda: True) == 1    # the state between two steps
    assert found(request, should_keep=lambda: True) == 1    # a whole window
    assert found(replace(request, seconds=0.75), should_keep=lambda: True) == 0


def test_windows_of_another_layout_are_made_anew(cascade, tmp_path, monkeypatch):
    request, work = ExtensionRequest(replace(CLIP, fps=6, steps=1), 1.5), Work(tmp_path, "work")
    make(cascade, request, work=work)
    monkeypatch.setattr("engine.extension.run.layout_of",
                        lambda *given: replace(layout_of(*given), overlap=1))
    again, fresh = make(cascade, request, work=work), make(cascade, request)
    assert np.array_equal(again.frames, fresh.frames)


def test_memory_grows_by_the_frames_alone(cascade):
    def peak(seconds):
        tracemalloc.start()
        made = make(cascade, ExtensionRequest(replace(CLIP, steps=1, guidance=0.0), seconds))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most, made.frames.nbytes
    peak(0.5)    # first use
    (short, less), (long, more) = peak(0.5), peak(2.0)
    assert long - short <= 2 * (more - less) + 100_000


@pytest.mark.parametrize("crop", [False, True])
@pytest.mark.parametrize("size", [(1, 1), (1, 700), (700, 1), (35, 65), (12, 16)])
def test_any_picture_fits(size, crop):
    picture = np.full((1, *size, 3), 200, np.uint8)
    made = fitted(picture, HEIGHT, WIDTH, crop=crop)
    assert made.shape == (1, HEIGHT, WIDTH, 3) and made.dtype == np.uint8
    assert made.max() == 200 and (made.min() == 200 or not crop)


def test_a_picture_that_is_made_small_shows_the_mean_of_its_pixels():
    stripes = np.zeros((1, 8 * HEIGHT, 8 * WIDTH, 3), np.uint8)
    stripes[:, :, ::8] = 200    # a sample here and there would miss all of them
    made = fitted(stripes, HEIGHT, WIDTH, crop=True)[:, :, 1:-1].astype(int)
    assert abs(made - 25).max() <= 2


def test_letterbox_keeps_all_and_crop_keeps_the_middle():
    picture = np.zeros((1, 12, 32, 3), np.uint8)
    picture[:, :, 8:24] = 250
    assert np.array_equal(fitted(picture, 12, 16, crop=True), picture[:, :, 8:24])
    boxed = fitted(picture, 12, 16, crop=False)
    assert boxed[0, [0, 11]].max() == 0 and boxed[0, 3:9, 5:11].min() == 250
    assert boxed[0, 6, 0].max() < 10
