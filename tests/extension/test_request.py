from dataclasses import replace

import pytest

from engine.errors import RequestError
from engine.extension.plan import plan
from engine.extension.request import (
    ExtensionRequest,
    GivenFrames,
    layout_of,
    seconds_between,
)
from engine.extension.segments import (
    CROSS_FADE_SECONDS,
    Segment,
    Timeline,
    timeline,
    until,
)
from engine.request import GenerationRequest

CLIP = GenerationRequest("a dog", fps=24)
LARGE = replace(CLIP, upscale=True)
DOG, CAT = Segment(0, 2, "a dog"), Segment(2, 4, "a cat")


@pytest.mark.parametrize(("text", "expected"), [
    ("0-2: a dog", (0, 2, "a dog")), ("0-2 s: a dog", (0, 2, "a dog")),
    ("0s - 2.5s: a dog", (0, 2.5, "a dog")), (" .5 - 2.25 :a dog: a good one ", (0.5, 2.25,
                                                                   "a dog: a good one"))])
def test_a_segment_is_seconds_and_a_prompt(text, expected):
    assert Segment.parse(text) == Segment(*expected)


@pytest.mark.parametrize(("text", "sentence"), [
    ("a dog", "not written as"), ("0-2 a dog", "not written as"), ("-1-2: a dog", "not written"),
    ("0-2 ss: a dog", "not written"),
    ("0-inf: a dog", "not written"), ("0-2:  ", "no prompt"), ("2-2: a dog", "is empty"),
    ("3-2: a dog", "is empty"), ("", "not written")])
def test_a_segment_that_is_none_is_a_sentence(text, sentence):
    with pytest.raises(RequestError, match=sentence):
        Segment.parse(text)


def test_the_weight_a_file_holds_is_kept_and_none_is_left_to_the_network():
    request = ExtensionRequest(CLIP, 4.0)
    assert request.known_weight is None
    assert ExtensionRequest.from_json(request.to_json()) == request
    old = request.to_json().replace('"known_weight": null', '"known_weight": 0.0')
    assert ExtensionRequest.from_json(old).known_weight == 0.0


def test_windows_of_the_lowest_rate_know_half_of_the_one_before():
    windows = plan(layout_of(ExtensionRequest(CLIP, 8.0), GivenFrames(), 16)).base
    assert [len(one.known) for one in windows if one.level == 0] == [0, 8, 8, 8, 8]


def test_a_gap_shows_the_clip_s_own_prompt():
    shown = [Segment(1, 2, "a cat"), Segment(3, 4, "a bee")]
    assert timeline(shown, "a dog", 5) == Timeline(
        ("a dog", "a cat", "a dog", "a bee", "a dog"), (0.0, 1, 2, 3, 4))
    assert timeline([DOG, CAT], "a bee", 4) == Timeline(("a dog", "a cat"), (0.0, 2))
    assert timeline([], "a dog", 4) == Timeline(("a dog",), (0.0,))


def test_shares_cross_fade_over_a_join_and_sum_to_one():
    shown = Timeline(("a dog", "a cat", "a bee"), (0.0, 2.0, 2.1))
    times = [0.0, 1.7, 1.9, 2.0, 2.05, 2.2, 2.5]
    shares = [shown.weights([time]) for time in times]
    assert all(sum(one.values()) == pytest.approx(1) for one in shares)
    assert shares[0] == {"a dog": 1.0} and shares[-1] == {"a bee": 1.0}
    assert shares[3]["a dog"] == pytest.approx(0.5)
    dogs = [one.get("a dog", 0.0) for one in shares]
    assert dogs == sorted(dogs, reverse=True)
    early = 2.0 - CROSS_FADE_SECONDS / 4
    assert Timeline(("a dog", "a cat"), (0.0, 2.0)).weights([early, 3.0])["a cat"] == \
        pytest.approx((0.25 + 1) / 2)


def test_a_request_travels_as_json():
    request = ExtensionRequest(CLIP, 4.0, (CAT, DOG), is_loop=True, fit="crop", known_weight=2)
    assert request.segments == (DOG, CAT)
    assert ExtensionRequest.from_json(request.to_json()) == request


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"clip": 3}',
                                  '{"clip": {"prompt": "a"}, "x": 1}',
                                  '{"clip": {"prompt": "a"}, "seconds": "x"}',
                                  '{"clip": {"prompt": "a"}, "seconds": 1, "segments": [1]}'])
def test_damaged_settings_are_a_sentence(text):
    with pytest.raises(RequestError):
        ExtensionRequest.from_json(text)


@pytest.mark.parametrize(("values", "sentence"), [
    ({"seconds": 60.5}, "from 0 to 60"), ({"seconds": float("nan")}, "from 0 to 60"),
    ({"seconds": -1}, "from 0 to 60"), ({"seconds": 0}, "one frame"),
    ({"seconds": 0.01}, "one frame"), ({"seconds": "text"}, "from 0 to 60"),
    ({"seconds": 4, "segments": (DOG, Segment(1, 3, "a cat"))}, "0-2 and 1-3 overlap"),
    ({"seconds": 3, "segments": (DOG, CAT)}, "ends after the clip"),
    ({"in_between": 3}, "2 or 4"),
    ({"seconds": 4, "fit": "stretch"}, "letterbox, crop"),
    ({"seconds": 4, "known_weight": float("inf")}, "from 0 to 100"),
    ({"seconds": 4, "segments": (Segment(0, 1, "a" * 3000),)}, "3000 characters"),
    ({"seconds": 4, "clip": GenerationRequest("a dog", drafts=2)}, "one draft")])
def test_what_cannot_be_made_is_a_sentence(values, sentence):
    with pytest.raises(RequestError, match=sentence):
        ExtensionRequest(**{"clip": CLIP, **values})


@pytest.mark.parametrize(("values", "given", "sentence"), [
    ({"seconds": 2}, GivenFrames(video=48), "already lasts 2 s"),
    ({"seconds": 60}, GivenFrames(video=1440), "cut it shorter"),
    ({"seconds": 4}, GivenFrames(video=9, has_start=True), "both be the beginning"),
    ({"seconds": 4, "is_loop": True}, GivenFrames(has_end=True), "leave out the end"),
    ({"seconds": 0.5, "is_loop": True}, GivenFrames(), "A loop needs at least 0.667 s"),
    ({"seconds": 0.5, "clip": LARGE, "is_loop": True}, GivenFrames(video=12), "A loop needs"),
    ({"in_between": 2}, GivenFrames(), "need a video"),
    ({"in_between": 2}, GivenFrames(video=1), "at least two frames"),
    ({"in_between": 2}, GivenFrames(video=9, has_start=True), "start and end pictures"),
    ({"in_between": 2, "seconds": 4}, GivenFrames(video=9), "0.708 s: leave out seconds"),
    ({"in_between": 2, "is_loop": True}, GivenFrames(video=15), "at least 16 frames, and the video "
                                                                "has 15: leave out the loop"),
    ({"in_between": 4}, GivenFrames(video=400), "cut it into")])
def test_things_given_that_do_not_go_together_are_a_sentence(values, given, sentence):
    with pytest.raises(RequestError, match=sentence):
        layout_of(ExtensionRequest(**{"clip": CLIP, **values}), given, 16)


@pytest.mark.parametrize(("values", "given", "frames", "rates"), [
    ({"seconds": 4}, GivenFrames(), 96, (6, 12, 24)),
    ({"seconds": 1 / 24}, GivenFrames(), 1, (24,)),
    ({"seconds": 60}, GivenFrames(has_start=True), 1440, (6, 12, 24)),
    ({"seconds": 4}, GivenFrames(has_end=True), 97, (6, 12, 24)),
    ({"seconds": 1 / 24}, GivenFrames(has_end=True), 1, (24,)),
    ({"seconds": 1 / 24}, GivenFrames(has_start=True, has_end=True), 2, (24,)),
    ({"seconds": 3.99, "is_loop": True}, GivenFrames(), 96, (6, 12, 24)),
    ({"seconds": 3.96, "is_loop": True}, GivenFrames(), 96, (6, 12, 24)),
    ({"seconds": 0.7, "is_loop": True}, GivenFrames(), 17, (24,)),
    ({"seconds": 60}, GivenFrames(has_end=True), 1437, (6, 12, 24)),
    ({"seconds": 4, "clip": LARGE}, GivenFrames(video=96), 96, (24,)),
    ({"seconds": 4, "clip": LARGE}, GivenFrames(video=95), 96, (6, 12, 24)),
    ({"seconds": 4, "clip": LARGE, "is_loop": True}, GivenFrames(video=96), 96, (24,)),
    ({"in_between": 4}, GivenFrames(video=10), 37, (6, 12, 24)),
    ({"in_between": 2}, GivenFrames(video=10), 19, (12, 24)),
    ({"in_between": 2, "is_loop": True}, GivenFrames(video=16), 32, (12, 24)),
    ({"in_between": 4, "is_loop": True}, GivenFrames(video=17), 68, (6, 12, 24))])
def test_a_request_becomes_a_layout(values, given, frames, rates):
    layout = layout_of(ExtensionRequest(**{"clip": CLIP, **values}), given, 16)
    assert (layout.frames, layout.rates) == (frames, rates)
    assert plan(layout, 16).upsampler
    assert plan(layout).base or given.has_end or given.video == frames


@pytest.mark.parametrize("is_loop", [False, True])
@pytest.mark.parametrize("fps", [12.0, 23.976, 29.97, 59.94])
def test_the_longest_clip_of_any_rate_can_be_made_large(fps, is_loop):
    request = ExtensionRequest(replace(LARGE, fps=fps), 60, (), is_loop)
    frames = layout_of(request, GivenFrames(), 16).frames
    assert 59.5 < frames / fps <= 60
    assert layout_of(request.upscaling(frames), GivenFrames(video=frames), 16).frames == frames


def test_joins_lie_where_the_prompt_changes():
    request = ExtensionRequest(CLIP, 6.0, (CAT,))
    assert layout_of(request, GivenFrames(), 16).joins == (48, 96)
    assert layout_of(ExtensionRequest(CLIP, 4.0, (DOG, CAT)), GivenFrames(), 16).joins == (48,)
    late = ExtensionRequest(CLIP, 4.0, (Segment(0, 3.99, "a dog"), Segment(3.99, 4, "a cat")))
    assert layout_of(late, GivenFrames(), 16).joins == ()


def test_frames_in_between_show_what_the_video_shows_and_end_with_it():
    seconds = seconds_between(48, 2, 24)
    request = ExtensionRequest(CLIP, seconds, until((DOG, CAT), seconds), in_between=2)
    layout = layout_of(request, GivenFrames(video=48), 16)
    assert layout.frames == 95 == round(seconds * 24)
    assert layout == layout_of(ExtensionRequest(CLIP, in_between=2), GivenFrames(video=48), 16)
    last = layout.frames / 24
    assert [request.timeline.weights([time]) for time in (1.0, last)] == [
        {"a dog": 1.0}, {"a cat": 1.0}]


def test_a_finished_draft_is_made_large_as_it_was_made():
    made = ExtensionRequest(CLIP, 4.0, (DOG, CAT), is_loop=True)
    large = made.upscaling(96)
    assert large == replace(made, clip=LARGE)
    assert layout_of(large, GivenFrames(video=96), 16).given == frozenset(range(96))
    assert made.upscaling(94).is_loop and not made.upscaling(93).is_loop    # half a step
    part = made.upscaling(60)
    assert (part.seconds, part.segments[-1]) == (2.5, Segment(2, 2.5, "a cat"))
    assert made.upscaling(30).segments == (Segment(0, 1.25, "a dog"),)
    smooth = ExtensionRequest(CLIP, in_between=2).upscaling(19)
    assert (smooth.seconds, smooth.in_between) == (19 / 24, 1)


def test_nothing_is_made_of_what_is_large_already():
    layout = layout_of(ExtensionRequest(LARGE, 4.0), GivenFrames(video=96), 16)
    with pytest.raises(RequestError, match="nothing to make"):
        plan(layout, 16, layout.given)
