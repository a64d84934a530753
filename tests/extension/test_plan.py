"""Windows of the hierarchy: the paper's example, any duration, given ends, joins and loops."""

from dataclasses import replace

import pytest

from engine.extension.plan import Layout, evaluations, plan, rates_up_to, seams, window_starts
from engine.sampling import SOLVERS, SamplerState, sample, sigmas

EXAMPLE = Layout(frames=96, rates=(6.0, 12.0, 24.0), window=16)


def ranges(windows, level):
    return [(one.start, one.start + 15) for one in windows if one.level == level]


def counts(windows, level):
    return [(len(one.known), len(one.new)) for one in windows if one.level == level]


def test_four_seconds_at_6_12_24_take_the_paper_s_thirteen_windows():
    made = plan(EXAMPLE)
    assert len(made.base) == 13 and made.upsampler == ()
    assert ranges(made.base, 0) == [(0, 15), (8, 23)]
    assert counts(made.base, 0) == [(0, 16), (8, 8)]
    assert ranges(made.base, 1) == [(0, 15), (15, 30), (30, 45), (32, 47)]
    assert counts(made.base, 1) == [(8, 8), (9, 7), (8, 8), (15, 1)]
    assert ranges(made.base, 2) == [(0, 15), (15, 30), (30, 45), (45, 60), (60, 75), (75, 90),
                                    (80, 95)]
    assert counts(made.base, 2) == [(8, 8), (9, 7)] * 3 + [(13, 3)]
    assert made.duration_seconds == 4.0


def checked(layout):
    """Every frame once, nothing known that is not there yet; returns the plan."""
    made, filled = plan(layout), set(layout.given)
    for one in made.base:
        def place(i, one=one):
            at = (one.start + i) * one.stride
            return at % layout.frames if layout.is_loop else at

        assert one.new and {place(i) for i in one.known} <= filled
        new = {place(i) for i in one.new}
        assert len(new) == len(one.new) and not new & filled
        assert max(new) < layout.frames and max(*one.known, *one.new, 0) < layout.window
        assert one.start >= 0 and one.fps * one.stride == layout.rates[-1]
        filled |= new
    assert filled == set(range(layout.frames))
    return made


@pytest.mark.parametrize("window", [4, 16])
@pytest.mark.parametrize("overlap", [1, 2])
@pytest.mark.parametrize("fps", [6.0, 12.0, 24.0, 25.0, 60.0])
def test_any_duration_from_one_frame_to_a_minute_is_covered_once(fps, window, overlap):
    for frames in {1, 2, 3, 5, 15, 16, 17, 31, 33, round(2.9 * fps), round(60 * fps)}:
        rates = rates_up_to(fps, frames, window)
        layout = Layout(frames, rates, window, overlap)
        assert rates[-1] == fps and rates[0] >= 6
        free = [one for one in checked(layout).base if not one.known]
        assert len(free) == 1
        for given in ({0}, {frames - 1}, {0, frames - 1}):
            if max(given) % layout.coarsest == 0:
                checked(replace(layout, given=frozenset(given)))


def test_windows_grow_with_duration_in_proportion():
    windows = [len(plan(replace(EXAMPLE, frames=24 * seconds)).base)
               for seconds in (8, 16, 32)]
    assert windows[1] <= 2 * windows[0] and windows[2] <= 2 * windows[1]


def test_a_rate_that_one_window_holds_is_the_lowest():
    assert rates_up_to(24.0, 16, 16) == (24.0,)
    assert rates_up_to(24.0, 32, 16) == (12.0, 24.0)
    assert rates_up_to(24.0, 96, 16) == (6.0, 12.0, 24.0)
    assert rates_up_to(10.0, 100, 16) == (10.0,)


def test_no_window_of_the_lowest_rate_makes_frames_of_two_segments():
    layout = replace(EXAMPLE, overlap=4, joins=(40, 50, 71))
    made = checked(layout)
    for one in (one for one in made.base if one.level == 0):
        places = [(one.start + i) * one.stride for i in one.new]
        assert len({sum(join <= place for join in layout.joins) for place in places}) == 1


@pytest.mark.parametrize("frames", [64, 72, 96, 100, 236])
@pytest.mark.parametrize("overlap", [1, 4])
def test_a_loop_s_last_window_knows_its_beginning_and_has_room_to_reach_it(frames, overlap):
    layout = replace(EXAMPLE, frames=frames, overlap=overlap, is_loop=True)
    closing = [one for one in checked(layout).base if one.level == 0][-1]
    beginning = frames // 4 - closing.start
    assert closing.known[-overlap:] == tuple(range(beginning, beginning + overlap))
    assert len(closing.new) >= 5
    last = checked(layout).base[-1]
    assert frames - last.start in last.known


@pytest.mark.parametrize("overlap", [1, 8])
def test_a_loop_s_last_frame_is_made_where_its_first_is_seen(overlap):
    for frames in range(64, 240, 4):
        for one in checked(replace(EXAMPLE, frames=frames, overlap=overlap, is_loop=True)).base:
            beginning = frames // one.stride - one.start
            assert beginning - 1 not in one.new or beginning in one.known


def test_an_end_picture_leaves_room_to_reach_it():
    layout = replace(EXAMPLE, frames=69, overlap=4, given=frozenset({0, 68}))
    closing = [one for one in checked(layout).base if one.level == 0][-1]
    assert closing.known[-1] == 15 and len(closing.new) >= 7


def test_a_video_is_continued_from_its_last_frames_alone():
    layout = replace(EXAMPLE, overlap=4, given=frozenset(range(61)))
    made = checked(layout)
    assert [one.start for one in made.base if one.level == 0] == [8]
    assert made.base[0].known == tuple(range(8))
    assert min(one.start for one in made.base if one.level == 2) >= 59


def test_in_betweens_keep_every_frame_of_the_clip():
    layout = Layout(97, (6.0, 12.0, 24.0), 16, given=frozenset(range(0, 97, 4)))
    made = checked(layout)
    assert {one.level for one in made.base} == {1, 2}


@pytest.mark.parametrize("rates", [(12.0, 24.0), (6.0, 12.0, 24.0)])
def test_in_betweens_of_a_loop_lead_from_its_last_frame_to_its_first(rates):
    times = 2 ** (len(rates) - 1)
    frames = 19 * times
    given = frozenset(range(0, frames, times))
    last = checked(Layout(frames, rates, 16, given=given, is_loop=True)).base[-1]
    beginning = frames - last.start
    assert beginning - 1 in last.new and beginning in last.known


def test_the_upsampler_goes_once_over_the_highest_rate_with_an_overlap():
    made = plan(EXAMPLE, upsampler_window=16)
    assert [one.start for one in made.upsampler] == [0, 14, 28, 42, 56, 70, 80]
    assert [len(one.known) for one in made.upsampler] == [0, 2, 2, 2, 2, 2, 6]
    assert sum(len(one.new) for one in made.upsampler) == 96


@pytest.mark.parametrize("sampler", list(SOLVERS))
@pytest.mark.parametrize("steps", [1, 7])
def test_evaluations_are_what_the_solver_spends(sampler, steps):
    asked = []
    sample(lambda x, sigma, carry: (asked.append(1) or 0 * x, carry),
           SamplerState(sigmas(2)), sigmas(steps), 1.0, SOLVERS[sampler])
    assert 13 * len(asked) == evaluations(13, steps, sampler)


@pytest.mark.parametrize("change", [
    {"frames": 0}, {"rates": ()}, {"rates": (6.0, 24.0)}, {"overlap": 0}, {"overlap": 9},
    {"is_loop": True, "frames": 60}, {"is_loop": True, "frames": 97}])
def test_a_layout_that_cannot_be_planned_is_refused(change):
    with pytest.raises(ValueError, match=r"needs|must"):
        replace(EXAMPLE, **change)


def test_seams_are_where_windows_begin_to_add():
    # The lowest rate begins again at its frame 16; 12 fps at 1, 17, 31 and 47; 24 fps between.
    made = plan(EXAMPLE)
    assert seams(made.base) == tuple(sorted({
        16 * 4, *(2 * one for one in (17, 31, 47)), 2, *(
            window.start + window.new[0] for window in made.base if window.level == 2)}))
    assert seams(plan(Layout(frames=16, rates=(24.0,), window=16)).base) == ()


def test_windows_go_on_where_the_lowest_rate_and_the_upsampler_begin_again():
    assert window_starts(plan(EXAMPLE)) == (16 * 4,)
    assert window_starts(plan(EXAMPLE, 16)) == tuple(sorted({64, *range(16, 96, 14)}))
    longer = Layout(frames=48, rates=(8.0,), window=16, overlap=4, given=frozenset(range(16)))
    assert window_starts(plan(longer)) == (28, 40)
    joined = replace(longer, joins=(32,))    # where the third window begins, for another reason
    assert window_starts(plan(joined)) == (28, 44)
    between = Layout(frames=31, rates=(8.0, 16.0), window=16, given=frozenset(range(0, 31, 2)))
    assert window_starts(plan(between)) == ()
