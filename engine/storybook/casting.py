"""Draw scenes that make sense: who may be where, how they may move, what stays in the frame."""

from collections.abc import Mapping

import numpy as np

from engine.errors import DataError
from engine.storybook.places import ASPECT, PAINTED, PLAIN_COLOURS, ground_line
from engine.storybook.scene import Scene
from engine.storybook.split import is_test
from engine.storybook.sprites import Sprite

ATTEMPTS = 1000
PLAIN_SHARE = 0.4
MIN_CONTRAST = 60.0
_GROUND = ("meadow", "road", "snow", "desert", "beach", "city", "forest")
_SKY = ("night sky", "space")
_PLACES = {"ground": _GROUND, "water": ("sea",), "air": (*_GROUND, *_SKY),
           "any": (*_GROUND, *_SKY), "none": PAINTED, "tile": _GROUND}
_TRAVELS = {
    "ground": ("in place", "left", "right", "bouncing"),
    "water": ("in place", "left", "right"),
    "air": ("in place", "left", "right", "up", "down"),
}
_THING_TRAVELS = ("in place", "left", "right", "up", "down", "bouncing", "growing", "shrinking")
_SPINNING = ("object", "space", "thing")


def sample_scene(rng: np.random.Generator, sprites: Mapping[str, Sprite],
                 split: str | None = None) -> Scene:
    """Draw a consistent scene. split: "train", "test", or none for both.

    Raises: DataError when no scene of these sprites belongs to the split.
    """
    names = sorted(sprites)
    for _ in range(ATTEMPTS):
        sprite = sprites[names[rng.integers(len(names))]]
        place, travel = _place(rng, sprite), str(rng.choice(travels(sprite)))
        if split is not None and is_test(sprite.name, place, travel) != (split == "test"):
            continue
        return _compose(rng, sprite, place, travel)
    raise DataError(f"No {split} scene was found for these subjects; use more of them.")


def travels(sprite: Sprite) -> tuple[str, ...]:
    """Return the ways a subject may move. Side views never go up or down on the ground."""
    moves = _TRAVELS.get(sprite.place, _THING_TRAVELS)
    if sprite.category in _SPINNING:
        moves = (*moves, "spinning")
    return moves


def places(sprite: Sprite) -> tuple[str, ...]:
    """Return the places a subject may be in: colours it stands out from, and its own scenery."""
    plain = tuple(name for name, colour in PLAIN_COLOURS.items()
                  if np.linalg.norm(np.subtract(colour, sprite.frames.colour)) > MIN_CONTRAST)
    return plain, _PLACES[sprite.place]


def _place(rng: np.random.Generator, sprite: Sprite) -> str:
    plain, painted = places(sprite)
    return str(rng.choice(plain if plain and rng.random() < PLAIN_SHARE else painted))


def _compose(rng: np.random.Generator, sprite: Sprite, place: str, travel: str) -> Scene:
    seed = int(rng.integers(2**31))
    size = float(rng.uniform(0.55, 0.8))
    if travel == "growing":
        size *= 0.7
    sideways = travel in ("left", "right")
    camera = str(rng.choice(("still", "follow", "zoom"), p=(0.8, 0.15, 0.05)))
    if camera == "follow" and (not sideways or place in PLAIN_COLOURS):
        camera = "still"
    x, y = _start(rng, sprite, place, travel, (seed, size, camera))
    if sprite.facing == "front" or not sideways:
        mirrored = sprite.facing != "front" and bool(rng.random() < 0.5)
    else:
        mirrored = travel == "right"
    if sprite.facing == "up-right":
        mirrored = travel == "left"
    return Scene(sprite.name, place, travel, size, x, y, _speed(rng, travel), camera,
                 float(rng.uniform(0, 4)), seed, mirrored)


def _start(rng: np.random.Generator, sprite: Sprite, place: str, travel: str,
           drawn: tuple[int, float, str]) -> tuple[float, float]:
    """Centre at time 0: feet on the ground, room ahead for the way to go."""
    seed, size, camera = drawn
    half = size * sprite.aspect / ASPECT / 2
    free = max(0.0, 0.5 - half)
    x = 0.5 + float(rng.uniform(-0.6, 0.6)) * free
    if camera == "follow":
        x = 0.5
    elif travel in ("left", "right"):
        ahead = float(rng.uniform(0.3, 0.9)) * free
        x = 0.5 + (ahead if travel == "left" else -ahead)
    return x, _start_height(rng, sprite, place, travel, (seed, size))


def _start_height(rng: np.random.Generator, sprite: Sprite, place: str, travel: str,
                  drawn: tuple[int, float]) -> float:
    seed, size = drawn
    free = max(0.0, 0.5 - size / 2)
    line = ground_line(place, seed)
    grounded = sprite.place in ("ground", "tile") or (
        sprite.place in ("none", "any") and travel not in ("up", "down"))
    if line is not None and place != "sea" and grounded:
        feet = line + float(rng.uniform(0.35, 0.75)) * (0.96 - line)
        return feet - size / 2
    if travel in ("up", "down"):
        away = float(rng.uniform(0.3, 0.9)) * free
        return 0.5 + (away if travel == "up" else -away)
    if travel == "bouncing":
        return 0.5 + 0.8 * free
    low = 0.1 if place == "sea" else 0.0
    return 0.5 + low * free + float(rng.uniform(-0.6, 0.6)) * free


def _speed(rng: np.random.Generator, travel: str) -> float:
    low, high = {"left": (0.12, 0.3), "right": (0.12, 0.3), "up": (0.12, 0.25),
                 "down": (0.12, 0.25), "bouncing": (0.5, 0.8), "growing": (0.5, 0.9),
                 "shrinking": (0.5, 0.9), "spinning": (0.25, 0.6)}.get(travel, (0.0, 0.0))
    return float(rng.uniform(low, high))
