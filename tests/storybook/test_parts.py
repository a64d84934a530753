"""Parts of a subject lie where the subject is drawn."""

from dataclasses import replace

import numpy as np
import pytest

from engine.storybook.motion import ZOOM_DEPTH, pose
from engine.storybook.parts import CUTS, PARTS, parts
from engine.storybook.world import Scene, render

TIMES = np.arange(4) / 6
SIZE = (36, 64)
ASPECT = SIZE[1] / SIZE[0]
SCENES = {
    "walk": Scene("dog", "pink", "left", size=0.5, x=0.7, y=0.6, speed=0.3, phase=0.3),
    "climb": Scene("rocket", "black", "up", size=0.5, x=0.4, y=0.6, speed=0.2, mirrored=True),
    "grow": Scene("panda", "pink", "growing", size=0.4, x=0.5, y=0.5, speed=0.5),
    "spin": Scene("dog", "pink", "spinning", size=0.5, x=0.5, y=0.5, speed=0.4),
}


def numbered(scene: Scene, cast, grid=SIZE) -> np.ndarray:
    """Parts at every pixel unless told otherwise."""
    return parts(scene, cast[scene.subject], TIMES, grid, ASPECT)


@pytest.mark.parametrize("name", SCENES)
def test_the_box_holds_the_subject_and_little_else(cast, name):
    scene = SCENES[name]
    empty = render(replace(scene, travel="in place", x=9.0), cast, TIMES, *SIZE)
    drawn = np.abs(render(scene, cast, TIMES, *SIZE).astype(int) - empty).max(axis=3) > 40
    inside = numbered(scene, cast) > 0
    for frame, box in zip(drawn, inside, strict=True):
        assert (frame & box).sum() > 0.95 * frame.sum()
        assert frame.sum() > 0.3 * box.sum()


def test_parts_are_numbered_along_rows_and_a_mirror_reverses_them(cast):
    scene = replace(SCENES["walk"], travel="in place", x=0.5, y=0.5)
    seen = numbered(scene, cast, (180, 320))[0]
    box = seen[np.ix_(seen.any(axis=1), seen.any(axis=0))]
    assert set(seen.ravel()) == set(range(PARTS))
    assert (np.diff(box, axis=1) >= 0).all() and (np.diff(box, axis=0) >= 0).all()
    assert (box[0, 0], box[0, -1], box[-1, 0]) == (1, CUTS, PARTS - CUTS)
    mirrored = numbered(replace(scene, mirrored=True), cast, (180, 320))[0]
    np.testing.assert_array_equal(mirrored, seen[:, ::-1])


def test_a_turned_subject_takes_its_parts_along(cast):
    scene = replace(SCENES["spin"], speed=0.5 / TIMES[3])    # half a turn in the last frame
    assert pose(scene, cast["dog"], TIMES, ASPECT).angle[3] == pytest.approx(np.pi)
    first, _, _, last = numbered(scene, cast, (180, 320))
    # But for rounding on the borders between parts.
    assert (last == first[::-1, ::-1]).mean() > 0.99 > (last == first).mean()


def test_a_swelling_camera_makes_the_box_larger(cast):
    scene = replace(SCENES["walk"], place="city", travel="in place", camera="zoom", x=0.5)
    near, far = parts(scene, cast["dog"], np.array([5.0, 0.0]), SIZE, ASPECT) > 0
    assert near.sum() == pytest.approx((1 + ZOOM_DEPTH) ** 2 * far.sum(), rel=0.1)
