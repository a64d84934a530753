"""Words for a scene: a small grammar with synonyms and dropped parts."""

from collections.abc import Mapping

import numpy as np

from engine.storybook.places import PLAIN_COLOURS
from engine.storybook.scene import Scene
from engine.storybook.sprites import Sprite

DROPPED_SHARE = 0.2
_WHERE = {"meadow": ("in the meadow", "on the grass"), "road": ("on the road", "on a road"),
          "sea": ("in the sea", "under water"), "night sky": ("in the night sky", "at night"),
          "snow": ("in the snow", "on the snow"), "desert": ("in the desert",),
          "beach": ("on the beach",), "city": ("in the city",), "forest": ("in the forest",),
          "space": ("in space",)}
_DIRECTION = {"left": "to the left", "right": "to the right", "up": "up", "down": "down",
              "bouncing": "bouncing", "growing": "growing", "shrinking": "shrinking",
              "spinning": "spinning"}
_VERBS = {"left": "moving", "right": "moving", "up": "going", "down": "going"}
# Motions that carry a subject along by themselves; others need a verb of travel.
_TRAVELLING = ("walking", "walking slowly", "galloping", "trotting", "hopping", "waddling",
               "crawling", "flying", "swimming", "driving", "rolling", "sailing", "speeding",
               "riding", "racing", "running", "gliding", "prancing", "floating", "hovering",
               "buzzing", "leaping")


def canonical_caption(scene: Scene, sprites: Mapping[str, Sprite]) -> str:
    """Return the full caption of a scene, always in the same words."""
    sprite = sprites[scene.subject]
    return " ".join((_article(sprite.name), _motion(scene, sprite), _places(scene.place)[0])) \
        .replace("  ", " ")


def caption(scene: Scene, sprites: Mapping[str, Sprite], rng: np.random.Generator) -> str:
    """Return a caption in varied words, parts of it dropped now and then.

    A direction is named only where there is travel.
    """
    sprite = sprites[scene.subject]
    subject = _article(sprite.name) if rng.random() < 0.8 else sprite.name
    motion = "" if rng.random() < DROPPED_SHARE else _motion(scene, sprite, rng)
    where = "" if rng.random() < DROPPED_SHARE else str(rng.choice(_places(scene.place)))
    return " ".join(part for part in (subject, motion, where) if part)


def _article(name: str) -> str:
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def _places(place: str) -> tuple[str, ...]:
    if place in PLAIN_COLOURS:
        return (f"on a {place} background", f"on {place}")
    return _WHERE[place]


def _motion(scene: Scene, sprite: Sprite, rng: np.random.Generator | None = None) -> str:
    """Say what the subject does and where it goes."""
    if scene.travel == "in place":
        return sprite.motion
    direction = _DIRECTION[scene.travel]
    if scene.travel not in _VERBS:
        return direction
    own = sprite.motion in _TRAVELLING and (rng is None or rng.random() < 0.75)
    return f"{sprite.motion if own else _VERBS[scene.travel]} {direction}"
