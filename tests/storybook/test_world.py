"""Rendering: continuous in time, free of resolution, and true to the scene."""

from dataclasses import replace

import numpy as np
import pytest

from engine.errors import DataError
from engine.storybook.motion import pose
from engine.storybook.places import PAINTED, PLAIN_COLOURS, ground_line, paint
from engine.storybook.world import Scene, render

DOG = Scene("dog", "meadow", "left", size=0.5, x=0.7, y=0.6, speed=0.15, phase=0.3)
SCENES = {
    "walk": DOG,
    "follow": replace(DOG, camera="follow", x=0.5),
    "zoom": replace(DOG, travel="in place", camera="zoom", place="city"),
    "spin": Scene("red heart", "space", "spinning", size=0.5, x=0.5, y=0.5, speed=0.4),
    "climb": Scene("rocket", "night sky", "up", size=0.5, x=0.4, y=0.6, speed=0.2, mirrored=True),
    "grow": Scene("panda", "forest", "growing", size=0.4, x=0.5, y=0.6, speed=0.5),
    "bounce": Scene("panda", "beach", "bouncing", size=0.5, x=0.5, y=0.6, speed=0.4),
}


def area_average(frames: np.ndarray, factor: int) -> np.ndarray:
    """Average blocks of factor x factor pixels: (t, h, w, 3) to float (t, h / f, w / f, 3)."""
    t, h, w, c = frames.shape
    return frames.reshape(t, h // factor, factor, w // factor, factor, c).mean(axis=(2, 4))


def subject_centre(scene: Scene, cast, time: float) -> tuple[float, float]:
    """Find the subject's centroid (x, y) in fractions, by its difference from the empty place."""
    frame = render(scene, cast, [time], 90, 160)[0].astype(float)
    empty = np.asarray(PLAIN_COLOURS[scene.place], float)
    weight = np.abs(frame - empty).sum(axis=2)
    y, x = np.mgrid[:90, :160]
    return (weight * x).sum() / weight.sum() / 160, (weight * y).sum() / weight.sum() / 90


@pytest.mark.parametrize("name", SCENES)
def test_two_frame_rates_share_the_frames_at_common_times(cast, name):
    slow = render(SCENES[name], cast, np.arange(5) / 6, 36, 64)
    fast = render(SCENES[name], cast, np.arange(17) / 24, 36, 64)
    np.testing.assert_array_equal(slow, fast[::4])
    assert (fast[0] != fast[1]).any()


@pytest.mark.parametrize("name", SCENES)
def test_a_small_render_is_the_area_average_of_a_large_one(cast, name):
    times = np.arange(3) / 3
    small = render(SCENES[name], cast, times, 36, 64).astype(float)
    large = area_average(render(SCENES[name], cast, times, 288, 512), 8)
    difference = np.abs(small - large)
    assert difference.mean() < 1.5
    # One pixel to the side is much worse: the two agree on where things are.
    shifted = np.abs(small[:, :, 1:] - large[:, :, :-1])
    assert shifted.mean() > 2 * difference.mean()


@pytest.mark.parametrize("name", SCENES)
@pytest.mark.parametrize("window", [(72, 200, 71, 67), (0, 0, 53, 512), (200, 401, 88, 111)])
def test_a_window_equals_the_same_crop_of_the_whole(cast, name, window):
    times = np.arange(3) / 2
    whole = render(SCENES[name], cast, times, 288, 512)
    top, left, height, width = window
    part = render(SCENES[name], cast, times, 288, 512, window)
    np.testing.assert_array_equal(part, whole[:, top : top + height, left : left + width])


@pytest.mark.parametrize("place", PAINTED)
def test_a_place_looks_the_same_at_any_resolution(place):
    small = paint(place, 5, 36, 64).astype(float)
    large = area_average(paint(place, 5, 288, 512)[None], 8)[0]
    assert np.abs(small - large).mean() < 1.5


@pytest.mark.parametrize("place", PAINTED)
def test_a_place_varies_with_its_seed_and_repeats_after_two_widths(place):
    first = paint(place, 5, 36, 64)
    assert (first != paint(place, 6, 36, 64)).any()
    np.testing.assert_array_equal(first, paint(place, 5, 36, 64, (0, 128, 36, 64)))
    assert 0.5 < ground_line(place, 5) < 1


def test_travel_moves_the_subject_where_its_name_says(cast):
    plain = replace(DOG, place="white", x=0.5, y=0.5)
    for travel, axis, sign in (("left", 0, -1), ("right", 0, 1), ("up", 1, -1), ("down", 1, 1)):
        scene = replace(plain, travel=travel)
        moved = np.subtract(subject_centre(scene, cast, 1.0), subject_centre(scene, cast, 0.0))
        assert sign * moved[axis] == pytest.approx(0.15, abs=0.02)
        assert abs(moved[1 - axis]) < 0.02


def test_growing_and_shrinking_change_the_area_the_subject_covers(cast):
    scene = Scene("panda", "white", "growing", size=0.4, x=0.5, y=0.5, speed=0.5)
    covered = {}
    for travel in ("growing", "shrinking"):
        frames = render(replace(scene, travel=travel), cast, [0, 1], 90, 160)
        covered[travel] = (frames != frames[0, 0, 0]).any(axis=3).sum(axis=(1, 2))
    assert covered["growing"][1] > 1.4 * covered["growing"][0]
    assert covered["shrinking"][1] < 0.7 * covered["shrinking"][0]


@pytest.mark.parametrize("travel", ["growing", "shrinking"])
def test_feet_stay_on_the_ground_while_their_subject_changes_its_size(cast, travel):
    for place, is_standing in (("meadow", True), ("space", False)):
        scene = replace(SCENES["grow"], travel=travel, place=place)
        where = pose(scene, cast[scene.subject], np.array([0.0, 0.7, 2.0]), 16 / 9)
        feet = where.y + where.size / 2
        assert (np.ptp(feet) < 1e-9) == is_standing and np.ptp(where.size) > 0.1


def test_mirrored_flips_the_subject_about_its_centre(cast):
    scene = replace(DOG, place="white", travel="in place", x=0.5)
    one = render(scene, cast, [0.0], 72, 128)
    other = render(replace(scene, mirrored=True), cast, [0.0], 72, 128)
    assert (one != other).any()
    np.testing.assert_allclose(one[:, :, ::-1].astype(int), other, atol=1)


def test_a_following_camera_keeps_the_subject_and_moves_the_place(cast):
    scene = replace(SCENES["follow"], place="forest")
    loop = cast["dog"].frames.frame_count / cast["dog"].frames_per_second
    frames = render(scene, cast, [0.0, 10 * loop], 90, 160).astype(int)
    changed = np.abs(frames[1] - frames[0]).sum(axis=2) > 20
    body = changed[50:58, 78:90]
    assert not body.any()
    assert changed[:, :40].mean() > 0.05


@pytest.mark.parametrize(("travel", "pixels"), [("right", 16), ("left", -16)])
def test_a_following_camera_goes_where_the_subject_goes(cast, travel, pixels):
    scene = replace(SCENES["follow"], travel=travel, speed=0.25, place="city")
    after_one_second = render(scene, cast, [1.0], 36, 64)[0, :, :16]
    ahead = paint("city", scene.place_seed, 36, 64, (0, pixels, 36, 16))
    np.testing.assert_allclose(after_one_second, ahead, atol=1)


def test_a_following_camera_goes_on_past_the_painting_without_a_jump(cast):
    scene = replace(SCENES["follow"], place="city", speed=0.4)
    # Two widths at 0.4 widths a second: the painting repeats after five seconds.
    frames = render(scene, cast, np.array([4.98, 5.0, 5.02]), 72, 128)[:, :, :40].astype(int)
    step, next_step = np.abs(np.diff(frames, axis=0)).mean(axis=(1, 2, 3))
    assert next_step < 2 * step + 1
    start = render(scene, cast, [0.0], 72, 128)[0, :20, :40].astype(int)
    assert np.abs(frames[1][:20] - start).max() <= 1


def test_a_subject_that_leaves_the_frame_comes_in_again(cast):
    scene = replace(DOG, place="white", speed=0.5, x=0.5)
    seen = [(render(scene, cast, [t], 36, 64) != 244).any() for t in np.arange(0, 8, 0.25)]
    assert seen[0]
    assert any(seen[12:])


def test_a_rocket_points_its_nose_where_it_flies(cast):
    # From "right" to "up" is a quarter turn to the left.
    right = Scene("rocket", "black", "right", size=0.6, x=0.5, y=0.5, speed=0.0)
    upright = render(replace(right, travel="up"), cast, [0.0], 81, 81)[0].astype(int)
    sideways = render(right, cast, [0.0], 81, 81)[0].astype(int)
    turned = np.rot90(sideways)
    assert np.abs(upright - turned).mean() < 1.0
    assert np.abs(upright - sideways).mean() > 5.0


def test_a_subject_fits_in_front_of_plain_paint_exactly(cast):
    frames = render(replace(DOG, place="red"), cast, [0.0], 36, 64)
    assert tuple(frames[0, 0, 0]) == PLAIN_COLOURS["red"]
    assert frames.dtype == np.uint8


def test_unknown_words_are_refused_by_name():
    for field in ("place", "travel", "camera"):
        with pytest.raises(DataError, match=field):
            replace(DOG, **{field: "nonsense"})
    with pytest.raises(DataError, match="size"):
        replace(DOG, size=0.0)
