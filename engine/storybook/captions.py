"""Sentences for scenes: "a dog walking to the left in the meadow", from a small grammar.

A direction is named only where there is travel. One caption in five drops parts, because that is
how people type.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from engine.storybook.articles import with_article
from engine.storybook.free_wording import free_caption
from engine.storybook.places import PLAIN_COLOURS
from engine.storybook.scene import Scene
from engine.storybook.sprites import Sprite

DROP_SHARE = 0.2

# Motions that carry a subject along, so that "to the left" may follow them.
_CARRYING = (
    "walking",
    "galloping",
    "trotting",
    "hopping",
    "prancing",
    "waddling",
    "crawling",
    "driving",
    "rolling",
    "flying",
    "swimming",
    "gliding",
    "sailing",
    "buzzing",
    "floating",
    "speeding",
    "riding",
    "racing",
    "running",
    "drifting",
    "skiing",
    "surfing",
    "hovering",
)
_BY_PLACE = {"air": "flying", "water": "swimming"}
# Things of the air that do not fly.
_MOVING_AIR = ("weather", "space")
_WHERE = {
    "meadow": ("in the meadow", "in a meadow", "in a green meadow"),
    "road": ("on the road", "on a road"),
    "sea": ("in the sea", "in the ocean"),
    "night sky": ("in the night sky", "at night"),
    "snow": ("in the snow", "in a snowy land"),
    "desert": ("in the desert", "in a desert"),
    "beach": ("on the beach", "at the beach"),
    "city": ("in the city", "in a city"),
    "forest": ("in the forest", "in the woods"),
    "space": ("in space", "in outer space"),
}
_WAYS = {
    "left": ("to the left", "left", "towards the left"),
    "right": ("to the right", "right", "towards the right"),
    "up": ("up", "upwards"),
    "down": ("down", "downwards"),
}
_CHANGES = {
    "bouncing": ("bouncing", "bouncing up and down", "jumping up and down"),
    "growing": ("growing", "getting bigger"),
    "shrinking": ("shrinking", "getting smaller"),
    "spinning": ("spinning", "spinning around", "turning around"),
}


def canonical_caption(scene: Scene, sprites: Mapping[str, Sprite]) -> str:
    """Return the one full caption of a scene, the first choice of every rule."""
    return _caption(scene, sprites[scene.subject], _first, drop=())


def caption(scene: Scene, sprites: Mapping[str, Sprite], rng: np.random.Generator,
            free_share: float = 0.0) -> str:
    """Return a caption with random synonyms and, one time in five, with parts dropped.

    free_share: of captions that are wholly in other words (free_wording.py).
    """
    if free_share and rng.random() < free_share:
        sprite = sprites[scene.subject]
        return free_caption(scene, (with_article(sprite.name),
                                    _motion(scene, sprite, _first), _place(scene.place, _first)),
                            rng)

    def pick(options: Sequence[str]) -> str:
        # The first wording is the common one.
        return options[0] if rng.random() < 0.5 else options[rng.integers(len(options))]

    drop = ()
    if rng.random() < DROP_SHARE:
        drops = (("motion",), ("place",), ("motion", "place"), ("article", "motion"), ("article",))
        drop = drops[rng.integers(len(drops))]
    return _caption(scene, sprites[scene.subject], pick, drop)


def _first(options: Sequence[str]) -> str:
    return options[0]


def _caption(scene: Scene, sprite: Sprite, pick, drop: Sequence[str]) -> str:
    parts = [sprite.name if "article" in drop else with_article(sprite.name)]
    if "motion" not in drop:
        parts.append(_motion(scene, sprite, pick))
    if "place" not in drop:
        parts.append(_place(scene.place, pick))
    return " ".join(part for part in parts if part)


def _motion(scene: Scene, sprite: Sprite, pick) -> str:
    if scene.travel == "in place":
        return sprite.motion
    if scene.travel in _WAYS:
        return f"{_verb(sprite)} {pick(_WAYS[scene.travel])}"
    change = pick(_CHANGES[scene.travel])
    # "spinning and growing" reads well; "hiding in its shell and bouncing" is too much.
    short = sprite.motion and " " not in sprite.motion and scene.travel in ("growing", "shrinking")
    return f"{sprite.motion} and {change}" if short else change


def _verb(sprite: Sprite) -> str:
    """Choose the verb a direction can follow."""
    for verb in sprite.motion.split():
        if verb in _CARRYING:
            return sprite.motion if sprite.motion.startswith(verb) else verb
    if sprite.category in _MOVING_AIR:
        return "moving"
    return _BY_PLACE.get(sprite.place, "moving")


def _place(place: str, pick) -> str:
    if place in PLAIN_COLOURS:
        return pick((f"on a {place} background", f"on {place}"))
    return pick(_WHERE[place])
