"""How each painted place is drawn: one short recipe a place, back to front.

Recipes draw all their random numbers whatever the resolution, so a place looks the same at any.
Middles of frames are kept calm: the subject goes there.
"""

import numpy as np

from engine.storybook.canvas import Canvas, Colour

Rng = np.random.Generator
SEA_SURFACE = 0.42


def _spread(canvas: Canvas, rng: Rng, count: int) -> np.ndarray:
    """Place things around the period, evenly but not regularly (count,)."""
    return (np.arange(count) + rng.uniform(0.15, 0.85, count)) / count * canvas.period


def _clouds(canvas: Canvas, rng: Rng, colour: Colour, count: int = 4) -> None:
    for x in _spread(canvas, rng, count):
        y, size = rng.uniform(0.08, 0.24), rng.uniform(0.05, 0.08)
        for step, lift, share in ((-1.1, 0.25, 0.7), (1.2, 0.3, 0.65), (0, 0, 1.0)):
            radius = (1.25 * size * share, 0.75 * size * share)
            canvas.disc((x + step * size) % canvas.period, y + lift * size, radius, colour, 0.9)


def _sun(canvas: Canvas, rng: Rng, colour: Colour) -> None:
    x, y = rng.uniform(0, canvas.period), rng.uniform(0.12, 0.22)
    canvas.fade(x, y, (0.22, 0.22), colour, 0.5)
    canvas.disc(x, y, 0.07, colour)


def _fir(canvas: Canvas, x: float, foot: float, tall: float, colours: tuple) -> None:
    trunk, needles = colours
    canvas.box(x, foot - 0.08 * tall, (0.05 * tall, 0.08 * tall), trunk)
    for up, wide, high in ((0.38, 0.3, 0.25), (0.6, 0.24, 0.22), (0.8, 0.17, 0.2)):
        canvas.cone(x, foot - up * tall, (wide * tall, high * tall), needles)


def _round_tree(canvas: Canvas, x: float, foot: float, tall: float, colours: tuple) -> None:
    trunk, leaves = colours
    canvas.box(x, foot - 0.25 * tall, (0.05 * tall, 0.25 * tall), trunk)
    canvas.disc(x, foot - 0.68 * tall, (0.3 * tall, 0.34 * tall), leaves)


def meadow(canvas: Canvas, rng: Rng) -> None:
    """Green hills under a sunny sky, and flowers in the grass."""
    horizon = rng.uniform(0.56, 0.64)
    canvas.gradient((0, 0.6), ((88, 172, 246), (206, 234, 252)))
    _sun(canvas, rng, (255, 240, 150))
    _clouds(canvas, rng, (255, 255, 255))
    canvas.below(horizon - 0.08 + canvas.waves(rng, 0.06, 2), (140, 204, 116), (120, 190, 100))
    canvas.below(horizon + canvas.waves(rng, 0.025, 3), (104, 186, 80), (66, 150, 58))
    for x in _spread(canvas, rng, 14):
        colour = ((255, 255, 255), (255, 220, 80), (250, 150, 190))[rng.integers(3)]
        canvas.disc(x, rng.uniform(0.74, 0.98), 0.012, colour)


def road(canvas: Canvas, rng: Rng) -> None:
    """A grey road with a dashed line, before trees and a hill."""
    horizon = rng.uniform(0.56, 0.62)
    canvas.gradient((0, 0.6), ((120, 190, 248), (222, 238, 250)))
    _clouds(canvas, rng, (255, 255, 255), 3)
    canvas.below(horizon + canvas.waves(rng, 0.04, 2), (130, 196, 104))
    for x in _spread(canvas, rng, 4):
        _round_tree(canvas, x, 0.68, rng.uniform(0.2, 0.3), ((120, 82, 54), (70, 150, 74)))
    canvas.below(0.7, (196, 196, 198))
    canvas.below(0.725, (104, 106, 116), (84, 86, 96))
    dashes = 6
    for k in range(dashes):
        x = (k + 0.5) / dashes * canvas.period
        canvas.box(x, 0.95, (0.2 * canvas.period / dashes, 0.012), (250, 244, 214))


def sea(canvas: Canvas, rng: Rng) -> None:
    """Under water: surface and sky above, shafts of light, bubbles, a sandy floor."""
    canvas.gradient((0, SEA_SURFACE), ((130, 204, 250), (214, 240, 252)))
    _sun(canvas, rng, (255, 244, 170))
    surface = SEA_SURFACE + canvas.waves(rng, 0.012, 7)
    canvas.below(surface, (240, 252, 255))
    canvas.below(surface + 0.02, (126, 216, 204), (22, 112, 132))
    for x in _spread(canvas, rng, 5):
        canvas.fade(x, rng.uniform(0.5, 0.6), (0.12, 0.3), (190, 244, 226), 0.35)
    for x in _spread(canvas, rng, 12):
        canvas.disc(x, rng.uniform(0.45, 0.95), rng.uniform(0.008, 0.016), (226, 250, 244), 0.7)
    canvas.below(0.95 + canvas.waves(rng, 0.02, 3), (214, 196, 140), (190, 170, 120))


def night_sky(canvas: Canvas, rng: Rng) -> None:
    """Stars and a moon over a dark hill."""
    canvas.gradient((0, 0.7, 1), ((14, 18, 58), (44, 52, 118), (80, 76, 148)))
    for x in _spread(canvas, rng, 36):
        y, radius = rng.uniform(0.03, 0.85), rng.uniform(0.006, 0.013)
        canvas.disc(x, y, radius, (255, 250, 220))
    x, y = rng.uniform(0, canvas.period), rng.uniform(0.14, 0.22)
    canvas.fade(x, y, (0.25, 0.25), (200, 200, 240), 0.4)
    canvas.disc(x, y, 0.085, (250, 244, 208))
    canvas.below(0.93 + canvas.waves(rng, 0.03, 3), (18, 30, 60))


def snow(canvas: Canvas, rng: Rng) -> None:
    """White ground and firs under falling flakes."""
    horizon = rng.uniform(0.58, 0.66)
    canvas.gradient((0, 0.62), ((108, 156, 206), (196, 216, 236)))
    canvas.below(horizon - 0.09 + canvas.waves(rng, 0.06, 2), (178, 204, 230))
    for x in _spread(canvas, rng, 7):
        _fir(canvas, x, horizon + 0.03, rng.uniform(0.2, 0.32), ((96, 72, 60), (62, 122, 112)))
    canvas.below(horizon + canvas.waves(rng, 0.02, 3), (226, 238, 250), (200, 220, 242))
    for x in _spread(canvas, rng, 26):
        canvas.disc(x, rng.uniform(0.02, 0.6), rng.uniform(0.008, 0.014), (255, 255, 255))


def desert(canvas: Canvas, rng: Rng) -> None:
    """Orange dunes with cacti under a pale sun."""
    horizon = rng.uniform(0.55, 0.63)
    canvas.gradient((0, 0.6), ((98, 186, 232), (252, 232, 190)))
    _sun(canvas, rng, (255, 248, 214))
    canvas.below(horizon - 0.05 + canvas.waves(rng, 0.07, 2), (224, 150, 92), (216, 140, 84))
    for x in _spread(canvas, rng, 4):
        tall, green = rng.uniform(0.16, 0.24), (74, 146, 92)
        foot = horizon + 0.06
        for dx, low, high in ((0, 0, 1.0), (-0.3, 0.4, 0.75), (0.3, 0.5, 0.9)):
            half = ((0.09 if dx == 0 else 0.06) * tall, (high - low) * tall / 2)
            canvas.box(x + dx * tall, foot - (low + high) / 2 * tall, half, green)
        canvas.box(x, foot - 0.47 * tall, (0.3 * tall, 0.06 * tall), green)
    canvas.below(horizon + 0.04 + canvas.waves(rng, 0.03, 3), (238, 180, 116), (202, 130, 78))


def beach(canvas: Canvas, rng: Rng) -> None:
    """Sand before the open sea, palms and shells."""
    horizon, shore = rng.uniform(0.4, 0.46), rng.uniform(0.62, 0.68)
    canvas.gradient((0, 0.45), ((96, 188, 250), (214, 240, 252)))
    _sun(canvas, rng, (255, 240, 150))
    _clouds(canvas, rng, (255, 255, 255), 3)
    canvas.below(horizon, (34, 148, 204), (60, 190, 214))
    edge = shore + canvas.waves(rng, 0.012, 5)
    canvas.below(edge - 0.025, (240, 252, 252))
    canvas.below(edge, (250, 226, 166), (236, 200, 130))
    for x in _spread(canvas, rng, 2):
        tall = rng.uniform(0.42, 0.52)
        canvas.box(x, 0.72 - tall / 2, (0.014, tall / 2), (150, 104, 66))
        for dx, dy in ((-0.11, 0.06), (0.11, 0.06), (-0.08, 0.01), (0.08, 0.01), (0, -0.02)):
            canvas.disc(x + dx, 0.72 - tall + dy, (0.08, 0.035), (58, 154, 82))
    for x in _spread(canvas, rng, 8):
        canvas.disc(x, rng.uniform(0.8, 0.97), (0.014, 0.01), (255, 246, 224))


def city(canvas: Canvas, rng: Rng) -> None:
    """Houses with lit windows along a street."""
    canvas.gradient((0, 0.7), ((126, 178, 232), (250, 224, 204)))
    _clouds(canvas, rng, (255, 250, 246), 3)
    count = 12
    half = canvas.period / count / 2
    walls = ((178, 190, 214), (196, 180, 200), (214, 190, 176), (160, 182, 196))
    for k in range(count):
        x, top = (2 * k + 1) * half, rng.uniform(0.2, 0.5)
        wide, wall = half * rng.uniform(0.86, 1.02), walls[rng.integers(4)]
        canvas.box(x, (top + 0.78) / 2, (wide, (0.78 - top) / 2), wall)
        for floor in np.arange(top + 0.06, 0.7, 0.1):
            for dx in (-0.4, 0.4):
                lit = (255, 238, 176) if rng.random() < 0.4 else (142, 162, 194)
                canvas.box(x + dx * wide, floor, (0.2 * wide, 0.03), lit)
    canvas.below(0.76, (206, 202, 200), (190, 186, 186))
    canvas.below(0.815, (122, 122, 132), (104, 104, 114))


def forest(canvas: Canvas, rng: Rng) -> None:
    """Two rows of firs, the far one in haze, and mushrooms on the ground."""
    horizon = rng.uniform(0.64, 0.7)
    canvas.gradient((0, 0.7), ((150, 206, 190), (214, 236, 200)))
    for x in _spread(canvas, rng, 12):
        _fir(canvas, x, horizon, rng.uniform(0.4, 0.55), ((112, 92, 70), (126, 178, 140)))
    for x in _spread(canvas, rng, 8):
        _fir(canvas, x, horizon + 0.06, rng.uniform(0.55, 0.7), ((104, 72, 50), (52, 120, 78)))
    ground = horizon + 0.03 + canvas.waves(rng, 0.015, 4)
    canvas.below(ground, (110, 150, 74), (84, 110, 56))
    for x in _spread(canvas, rng, 6):
        y = rng.uniform(0.8, 0.96)
        canvas.box(x, y, (0.008, 0.02), (250, 236, 214))
        canvas.disc(x, y - 0.025, (0.024, 0.016), (214, 70, 58))


def space(canvas: Canvas, rng: Rng) -> None:
    """Stars, glowing clouds and a planet with a ring."""
    canvas.gradient((0, 1), ((12, 8, 32), (30, 14, 58)))
    for x in _spread(canvas, rng, 3):
        hue = ((120, 50, 150), (40, 70, 160), (150, 50, 110))[rng.integers(3)]
        canvas.fade(x, rng.uniform(0.2, 0.8), (0.5, 0.35), hue, 0.6)
    for x in _spread(canvas, rng, 48):
        canvas.disc(x, rng.uniform(0.02, 0.98), rng.uniform(0.005, 0.013), (255, 252, 240))
    x, y = rng.uniform(0, canvas.period), rng.choice((0.16, 0.84)) + rng.uniform(-0.03, 0.03)
    colour = ((236, 150, 90), (110, 190, 220), (210, 120, 170))[rng.integers(3)]
    canvas.disc(x, y, (0.17, 0.022), (236, 216, 176), 0.9)
    canvas.disc(x, y, 0.09, colour)
    canvas.disc(x, y + 0.012, (0.15, 0.01), (236, 216, 176), 0.9)


PAINTERS = {
    "meadow": meadow,
    "road": road,
    "sea": sea,
    "night sky": night_sky,
    "snow": snow,
    "desert": desert,
    "beach": beach,
    "city": city,
    "forest": forest,
    "space": space,
}
