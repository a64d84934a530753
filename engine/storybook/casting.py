"""Draw random scenes that make sense: who goes where, how they move and how large they are.

Ground subjects stand on the ground, water ones swim in the sea, air ones fly, and side views face
where they go. Speeds are bounded by the clip's length, so a subject stays mostly in the frame.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import product

import numpy as np

from engine.errors import DataError
from engine.storybook.motion import BOUNCE_HEIGHT, is_standing
from engine.storybook.places import PAINTED, PLAIN_COLOURS, ground_line, has_ground
from engine.storybook.pyramid import FIRST_EAGER_LEVEL
from engine.storybook.scene import Scene
from engine.storybook.scenery import SEA_SURFACE
from engine.storybook.split import is_test
from engine.storybook.sprites import Sprite

# Sixteen frames at the slowest trained rate of six a second.
LONGEST_CLIP_SECONDS = 16 / 6
PLAIN_SHARE = 0.4
# Variety enough for a small model, and few enough that small paintings stay cached.
PLACE_SEEDS = 200
_GROUND_PLACES = tuple(place for place in PAINTED if has_ground(place))
_OPEN_PLACES = tuple(place for place in PAINTED if not has_ground(place) and place != "sea")
_WHEELS = ("road", "city", "desert", "meadow", "snow")
# A pixel nearer than this to its background (RGB distance) is lost; so much of a subject may be.
_TOO_NEAR = 90.0
_MOST_LOST = 0.25
_MAY_SPIN = ("thing", "object", "food", "smiley", "space")


def sample_scene(
    rng: np.random.Generator,
    sprites: Sequence[Sprite] | Mapping[str, Sprite],
    *,
    split: str | None = None,
    clip_seconds: float = LONGEST_CLIP_SECONDS,
) -> Scene:
    """Draw a scene.

    sprites: the cast. split: "train" or "test" keeps to that side of the split, None takes both.
    clip_seconds: how long the subject has to stay in the frame; shorter clips may move faster.
    Raises: DataError when nothing that the cast can do is in the split.
    """
    cast = tuple(sprites.values()) if isinstance(sprites, Mapping) else tuple(sprites)
    if not any(_is_in(split, *triple) for sprite in cast for triple in _triples_of(sprite)):
        raise DataError(f"Nothing that {', '.join(sprite.name for sprite in cast)} can do is in "
                        f"the {split} split: choose other subjects, or more of them.")
    while True:
        sprite = cast[rng.integers(len(cast))]
        place = _pick_place(rng, sprite)
        travel = _pick(rng, travels_of(sprite))
        if _is_in(split, sprite.name, place, travel):
            return _arrange(rng, sprite, place, travel, clip_seconds)


def _is_in(split: str | None, subject: str, place: str, travel: str) -> bool:
    return split is None or is_test(subject, place, travel) == (split == "test")


def _triples_of(sprite: Sprite) -> Iterator[tuple[str, str, str]]:
    """Yield what can be drawn of a subject, painted places first: they cost no look at it."""
    for places in (places_of, plain_colours_of):
        for place, travel in product(places(sprite), travels_of(sprite)):
            yield sprite.name, place, travel


def places_of(sprite: Sprite) -> tuple[str, ...]:
    """List the painted places where a subject belongs."""
    if sprite.place == "water":
        return ("sea",)
    if sprite.place == "ground":
        return _WHEELS if sprite.category == "vehicle" else _GROUND_PLACES
    if sprite.place == "air":
        return tuple(place for place in PAINTED if place != "sea" or sprite.facing == "left")
    if sprite.place == "tile":
        return ()
    return _GROUND_PLACES + _OPEN_PLACES


def travels_of(sprite: Sprite) -> tuple[str, ...]:
    """List the travels that suit a subject; repeated entries are drawn more often."""
    sideways = ("left", "right")
    if sprite.place == "tile":
        return ("in place",)
    if _is_afloat(sprite):
        return ("in place", *sideways)
    if sprite.place in ("air", "water") and sprite.facing != "top":
        known = ("in place", "in place", *sideways, *sideways, "up", "down")
    elif sprite.facing == "left":
        known = ("in place", "in place", *sideways, *sideways, "bouncing")
    else:
        known = ("in place", "in place", *sideways, "bouncing", "bouncing")
    spin = ("spinning",) if _may_spin(sprite) else ()
    return (*known, "growing", "shrinking", *spin)


def _is_afloat(sprite: Sprite) -> bool:
    """Tell boats and water birds, which float on the sea, from what swims in it."""
    return sprite.place == "water" and (
        sprite.category == "vehicle" or sprite.noun in ("duck", "white swan")
    )


def _may_spin(sprite: Sprite) -> bool:
    front = sprite.facing == "front" and "spinning" not in sprite.motion
    return front and sprite.category in _MAY_SPIN and sprite.place in ("any", "none", "air")


def _pick(rng: np.random.Generator, options: Sequence[str]) -> str:
    return options[rng.integers(len(options))]


def _pick_place(rng: np.random.Generator, sprite: Sprite) -> str:
    """Draw a place: a plain colour that the subject stands out from, or a painted one."""
    painted = places_of(sprite)
    if painted and rng.random() >= PLAIN_SHARE:
        return _pick(rng, painted)
    return _pick(rng, plain_colours_of(sprite))


@lru_cache(maxsize=512)
def plain_colours_of(sprite: Sprite) -> tuple[str, ...]:
    """List the plain colours that little of the subject would melt into."""
    first = sprite.frames.level(FIRST_EAGER_LEVEL)[0].reshape(-1, 4).astype(np.float64)
    solid = first[first[:, 3] > 200]  # (pixels, RGBA)
    own = 255 * solid[:, :3] / solid[:, 3:]
    lost = {
        name: float(np.mean(np.linalg.norm(own - colour, axis=1) < _TOO_NEAR))
        for name, colour in PLAIN_COLOURS.items()
    }
    clear = tuple(name for name, share in lost.items() if share < _MOST_LOST)
    return clear or (min(lost, key=lost.__getitem__),)


def _arrange(
    rng: np.random.Generator, sprite: Sprite, place: str, travel: str, clip_seconds: float
) -> Scene:
    """Choose size, position, speed and camera for a subject that travels somewhere."""
    seed = int(rng.integers(PLACE_SEEDS))
    camera = _pick_camera(rng, place, travel)
    size = _pick_size(rng, sprite, travel)
    speed = _pick_speed(rng, travel, clip_seconds)
    if place == "sea":
        # Water fills only the lower part of the frame, air above it the upper part.
        size = min(size, 0.5 if _is_afloat(sprite) else 0.58)
        speed *= 0.6 if travel in ("up", "down") else 1.0
    sideways = travel in ("left", "right")
    x = rng.uniform(0.42, 0.58)
    if sideways and camera != "follow":
        # The middle of the way lies in the middle of the frame, give or take what is spare.
        way = speed * clip_seconds * (1 if travel == "right" else -1)
        x = 0.5 - way / 2 + rng.uniform(-0.08, 0.08)
    return Scene(
        subject=sprite.name,
        place=place,
        travel=travel,
        size=size,
        x=float(x),
        y=_pick_height(rng, sprite, (place, seed), travel, size, speed * clip_seconds),
        speed=speed,
        camera=camera,
        phase=float(rng.uniform(0, sprite.frames.frame_count / sprite.frames_per_second)),
        place_seed=seed,
        mirrored=_is_mirrored(rng, sprite, travel),
    )


def _pick_camera(rng: np.random.Generator, place: str, travel: str) -> str:
    """Follow only where the place shows the movement, zoom only what does not move."""
    if place in PLAIN_COLOURS:
        return "still"
    if travel in ("left", "right") and rng.random() < 0.35:
        return "follow"
    return "zoom" if travel == "in place" and rng.random() < 0.15 else "still"


def _pick_size(rng: np.random.Generator, sprite: Sprite, travel: str) -> float:
    """Draw the visible height; wide subjects are bounded by their width instead."""
    largest, low, high = max(1.0, sprite.aspect / 1.15), 0.5, 0.7
    if travel == "growing":
        low, high = 0.36, 0.44
    elif travel == "shrinking":
        low, high = 0.66, 0.78
    elif sprite.facing == "up-right":
        # Drawn along the diagonal of its box: slimmer than it measures.
        low, high = 0.58, 0.72
    elif travel in ("up", "down"):
        low, high = 0.45, 0.58
    elif travel == "spinning":
        low, high = 0.45, 0.6
    return float(rng.uniform(low, high) / largest)


def _pick_speed(rng: np.random.Generator, travel: str, clip_seconds: float) -> float:
    """Draw a speed in the unit of the travel; see Scene."""
    if travel in ("left", "right"):
        return float(min(rng.uniform(0.32, 0.5) / clip_seconds, 0.4))
    if travel in ("up", "down"):
        return float(min(rng.uniform(0.3, 0.45) / clip_seconds, 0.4))
    if travel == "bouncing":
        # Between one and two hops a second.
        return float(2 * BOUNCE_HEIGHT * rng.uniform(1.0, 1.8))
    if travel in ("growing", "shrinking"):
        return float(min(rng.uniform(1.0, 1.5) / clip_seconds, 0.9))
    return float(rng.uniform(0.3, 0.5)) if travel == "spinning" else 0.0


def _pick_height(
    rng: np.random.Generator,
    sprite: Sprite,
    where: tuple[str, int],
    travel: str,
    size: float,
    way: float,
) -> float:
    """Choose the centre's height: on the ground, in the water or in the air."""
    place, seed = where
    middle = 0.6 if place == "sea" else 0.5
    if travel in ("up", "down"):
        return middle + (way / 2 if travel == "up" else -way / 2) + rng.uniform(-0.03, 0.03)
    if is_standing(sprite, place):
        return ground_line(place, seed) - size / 2
    if travel == "bouncing":
        return 0.5 + BOUNCE_HEIGHT / 2 + rng.uniform(-0.03, 0.03)
    if _is_afloat(sprite):
        # The keel, a fifth of the boat, is under water.
        return SEA_SURFACE + 0.2 * size - size / 2 if place == "sea" else 0.5
    if place == "sea":
        return ground_line(place, seed) - 0.02
    return float(np.clip(rng.uniform(0.4, 0.52), size / 2 + 0.02, 0.98 - size / 2))


def _is_mirrored(rng: np.random.Generator, sprite: Sprite, travel: str) -> bool:
    """Side views face where they go; with nowhere to go they face either side."""
    if sprite.facing in ("front", "top", "side"):
        return False
    drawn_rightwards = sprite.facing == "up-right"
    if travel in ("left", "right"):
        return (travel == "left") == drawn_rightwards
    return bool(rng.random() < 0.5)
