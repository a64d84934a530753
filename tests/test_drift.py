import numpy as np
import pytest

from engine.drift import (
    cross_dissolve,
    drift_warnings,
    join_jumps,
    loop_jump,
    loop_warnings,
    match_colour,
    measure,
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


def test_a_cut_jumps_and_a_cross_dissolve_helps():
    clip, overlap = steady(40), 6
    other = (steady(40)[:, ::-1] * 0.8).astype(np.uint8)
    cut = np.concatenate((clip[:24], other[24:]))
    dissolved = cross_dissolve(clip[:27], other[21:], overlap)
    assert dissolved.shape == cut.shape
    assert np.array_equal(dissolved[:21], clip[:21])
    assert np.array_equal(dissolved[27:], other[27:])
    jump, softened = join_jumps(measure(cut), [24])[0], measure(dissolved).motion.max()
    assert jump > 1.25
    assert softened < 0.5 * measure(cut).motion[24]
    assert any("join at 2.00 s" in one for one in drift_warnings(measure(cut), 24, FPS, [24]))


def test_a_loop_that_does_not_close_is_told():
    levels = 100 + 10 * np.array([0, 1, 2, 3, 2, 1])    # back where it began
    closed = np.broadcast_to(levels[:, None, None, None], (6, 4, 5, 3)).astype(np.uint8)
    assert loop_jump(closed, measure(closed)) == pytest.approx(1)
    assert loop_warnings(closed, measure(closed)) == []
    half = closed[:4]
    assert loop_jump(half, measure(half)) == pytest.approx(3)
    assert "changes 3.0 times as much" in loop_warnings(half, measure(half))[0]
    assert loop_warnings(closed[:1], measure(closed[:1])) == []


@pytest.mark.parametrize("overlap", [0, 5])
def test_an_overlap_that_does_not_fit_is_refused(overlap):
    with pytest.raises(ValueError, match="does not fit"):
        cross_dissolve(steady(4), steady(9), overlap)


@pytest.mark.parametrize("frames", [1, 2, 12])
def test_a_clip_of_one_segment_or_one_frame_has_measures_and_no_warning(frames):
    clip = steady(frames)
    assert len(measure(clip).motion) == frames
    assert drift_warnings(measure(clip), FIRST, FPS) == []
    assert np.array_equal(match_colour(clip, FIRST, FPS), clip)
