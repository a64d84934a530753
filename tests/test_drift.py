import numpy as np
import pytest

from engine.drift import (
    Measures,
    cross_dissolve,
    drift_warnings,
    eased_end,
    join_jumps,
    loop_jump,
    loop_warnings,
    match_colour,
    measure,
    seam_warnings,
)

FPS, FIRST = 12, 12


def steady(frames=60, speed=1):
    """A textured picture that moves to the left by `speed` columns a frame, wrapping round."""
    rng = np.random.default_rng(5)
    picture = rng.integers(60, 180, (18, 32, 3))
    picture = (picture + np.roll(picture, 1, 1) + np.roll(picture, 2, 1)) // 3
    return np.stack([np.roll(picture, -speed * n, 1) for n in range(frames)]).astype(np.uint8)


def brightening(frames):
    ramp = np.linspace(0, 60, len(frames) - FIRST)
    made = frames.astype(float)
    made[FIRST:] += ramp[:, None, None, None]
    return made.clip(0, 255).astype(np.uint8)


def test_measures_of_plain_pictures_are_known():
    frames = np.zeros((3, 7, 11, 3), np.uint8)
    frames[1:, ..., 0] = 255
    frames[2, :, ::2] = 0
    measured = measure(frames)
    np.testing.assert_allclose(measured.brightness, [0, 0.2126, 0.2126 * 5 / 11])
    np.testing.assert_allclose(measured.saturation, [0, 1, 5 / 11])
    np.testing.assert_allclose(measured.motion, [0, 1 / 3, 6 / 11 / 3])
    edges = 7 * 10 / (7 * 10 * 3 + 6 * 11 * 3)
    np.testing.assert_allclose(measured.sharpness, [0, 0, edges**0.5])


def test_a_steady_clip_has_no_warning():
    assert drift_warnings(measure(steady()), FIRST, FPS, joins=[12, 36]) == []


@pytest.mark.parametrize(("change", "word"), [
    (brightening, "brighter"),
    (lambda clip: 255 - brightening(255 - clip), "darker"),
    (lambda clip: np.concatenate((clip[:FIRST], (clip[FIRST:].mean(-1, keepdims=True) * 0.7
                                                 + clip[FIRST:] * 0.3).astype(np.uint8))),
     "paler"),
    (lambda clip: np.concatenate((clip[:FIRST], (clip[FIRST:] // 2 + np.roll(
        clip[FIRST:], 3, 2) // 2))), "softer"),
    (lambda clip: np.concatenate((clip[:FIRST], clip[FIRST:FIRST + 1].repeat(48, 0))), "stiller"),
    (lambda clip: np.concatenate((clip[:FIRST], steady(48, 3))), "livelier")])
def test_each_kind_of_drift_is_named_with_its_time(change, word):
    found = drift_warnings(measure(change(steady())), FIRST, FPS)
    assert any(f"is {word} than" in sentence for sentence in found)
    assert all(float(sentence.split()[1]) >= 0.5 for sentence in found)


@pytest.mark.parametrize(("frames", "is_told"), [(13, True), (6, False)])
def test_a_second_that_is_brighter_is_told_and_half_of_one_is_not(frames, is_told):
    brightness, still = np.full(60, 0.5), np.zeros(60)
    brightness[30:30 + frames] += 0.03
    told = drift_warnings(Measures(brightness, still, still, still), FIRST, FPS)
    assert [("is brighter than" in one) for one in told] == [True] * is_told


def test_matching_colours_takes_a_drift_away_and_leaves_the_first_segment():
    drifting = brightening(steady())
    matched = match_colour(drifting, FIRST, FPS)
    assert np.array_equal(matched[:FIRST], drifting[:FIRST])
    before, after = (np.abs(np.diff(measure(clip).brightness[[FIRST // 2, -1]]))[0]
                     for clip in (drifting, matched))
    assert after < 0.2 * before
    assert not any("brighter" in one for one in drift_warnings(measure(matched), FIRST, FPS))


def test_matching_colours_takes_a_sudden_change_away_from_its_first_frame_on():
    cut = steady(40)
    cut[FIRST:] = np.minimum(cut[FIRST:].astype(int) + 50, 255).astype(np.uint8)
    matched = measure(match_colour(cut, FIRST, FPS)).brightness
    assert np.abs(matched[FIRST:] - matched[:FIRST].mean()).max() < 0.02


def cut_at(*joins, frames=60):
    """A clip whose light changes at joins, and what is seen goes the other way from each on."""
    clip = steady(frames)
    for number, join in enumerate(joins):
        clip[join:] = clip[join:, :, ::-1] * (0.8 if number % 2 == 0 else 1.2)
    return clip


@pytest.mark.parametrize(("fps", "reach"), [(12, 3), (24, 6), (2, 1)])
def test_a_cross_dissolve_leaves_a_jump_one_part_in_twice_the_frames_a_side(fps, reach):
    clip = cut_at(24)
    dissolved = cross_dissolve(clip, [24], fps)
    before, after = (one[24].astype(float) - one[23] for one in (clip, dissolved))
    np.testing.assert_allclose(after, before / (2 * reach), atol=1)    # each frame is rounded
    assert dissolved.shape == clip.shape and dissolved.dtype == np.uint8
    changed = np.flatnonzero((dissolved != clip).any(axis=(1, 2, 3)))
    assert changed.tolist() == list(range(24 - reach, 24 + reach))


def test_after_a_cross_dissolve_no_join_shows_and_nothing_beside_it_does():
    clip, joins = cut_at(24, 40), [24, 40]
    assert join_jumps(measure(clip), joins).min() > 1.25
    told = [one for one in drift_warnings(measure(clip), 24, FPS, joins) if "join at 2.00 s" in one]
    assert len(told) == 1 and told[0].endswith("as usual; make it again with another seed.")
    mended = measure(cross_dissolve(clip, joins, FPS))
    assert join_jumps(mended, joins).max() < 1
    assert mended.motion.max() < 1.25 * np.median(mended.motion)


def test_a_still_clip_with_a_step_of_light_rises_evenly():
    clip = np.full((24, 3, 5, 3), 100, np.uint8)
    clip[12:] = 160
    levels = cross_dissolve(clip, [12], FPS)[8:16, 0, 0, 0]
    assert levels.tolist() == [100, 105, 115, 125, 135, 145, 155, 160]


@pytest.mark.parametrize(("joins", "changed"), [
    ([], []), ([1], []), ([59], []), ([2, 58], [1, 2, 57, 58]), ([20, 24], [*range(18, 26)])])
def test_a_cross_dissolve_keeps_both_ends_and_stops_halfway_to_the_next_join(joins, changed):
    clip = cut_at(*joins)
    dissolved = cross_dissolve(clip, joins, 60)
    differs = (dissolved != clip).any(axis=(1, 2, 3))
    assert np.flatnonzero(differs).tolist() == changed


def test_a_jump_where_windows_meet_is_told_and_where_they_do_not_is_none_of_theirs():
    cut = np.concatenate((steady(40)[:24], steady(40)[24:, ::-1]))
    said, = seam_warnings(measure(cut), [12, 24, 36], FPS)
    assert said.startswith("At 1 of the 3 places where windows meet") and "(2.00 s)" in said
    assert seam_warnings(measure(cut), [12, 36], FPS) == []
    assert seam_warnings(measure(cut), [12, 36], FPS, joins=[24]) == []
    many = seam_warnings(measure(cut[::4].repeat(4, 0)), [4, 8, 12, 16, 20], FPS)
    assert "At 5 of the 5" in many[0] and "(0.33 s, 0.67 s, 1.00 s, ...)" in many[0]


def test_a_loop_is_eased_no_further_than_to_its_usual_change():
    levels = 100 + 10 * np.array([0, 1, 2, 3])
    half = np.broadcast_to(levels[:, None, None, None], (4, 4, 5, 3)).astype(np.uint8)
    for open_end in (half, 255 - half):
        eased = np.concatenate([open_end[:-1], eased_end(open_end)[None]])
        assert 0.9 < loop_jump(eased, measure(open_end)) <= 1
        assert loop_warnings(eased, measure(open_end)) == []
    closed = np.concatenate([half, half[2:0:-1]])
    assert np.array_equal(eased_end(closed), closed[-1])


def test_a_loop_that_does_not_close_is_told():
    levels = 100 + 10 * np.array([0, 1, 2, 3, 2, 1])    # back where it began
    closed = np.broadcast_to(levels[:, None, None, None], (6, 4, 5, 3)).astype(np.uint8)
    assert loop_jump(closed, measure(closed)) == pytest.approx(1)
    assert loop_warnings(closed, measure(closed)) == []
    half = closed[:4]
    assert loop_jump(half, measure(half)) == pytest.approx(3)
    assert "changes 3.0 times as much" in loop_warnings(half, measure(half))[0]
    slightly = closed.copy()
    slightly[-1] += 1    # closes by 11 levels, where the others change by 10
    assert loop_jump(slightly, measure(slightly)) == pytest.approx(1.1)
    assert "changes 1.1 times" in loop_warnings(slightly, measure(slightly))[0]
    assert loop_warnings(closed[:1], measure(closed[:1])) == []


@pytest.mark.parametrize("frames", [1, 2, 12])
def test_a_clip_of_one_segment_or_one_frame_has_measures_and_no_warning(frames):
    clip = steady(frames)
    assert len(measure(clip).motion) == frames
    assert drift_warnings(measure(clip), FIRST, FPS) == []
    assert np.array_equal(match_colour(clip, FIRST, FPS), clip)
