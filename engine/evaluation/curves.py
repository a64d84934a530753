"""Small charts of figures against what they cost, drawn with the library that draws the sheets."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw

WIDTH, HEIGHT = 420, 290
LEFT, RIGHT, TOP, BOTTOM = 46, 14, 60, 40
TICKS = 4
_PAPER, _INK, _PALE = (255, 255, 255), (20, 20, 20), (190, 190, 190)
_COLOURS = ((196, 78, 40), (40, 96, 160), (60, 130, 70), (130, 70, 150), (150, 120, 20))


@dataclass(frozen=True)
class Curve:
    """A name and its points: cost above 0, and figure."""

    label: str
    points: list[tuple[float, float]]


def lines(points: Iterable[tuple[str, float, float]]) -> list[Curve]:
    """Gather points, each with the label of its curve, cost and figure, into curves."""
    made: dict[str, Curve] = {}
    for label, cost, figure in points:
        made.setdefault(label, Curve(label, [])).points.append((cost, figure))
    return list(made.values())


def curves(figures: Mapping[str, Sequence[Curve]], *, ideal: float | None = None,
           across: str) -> Image.Image:
    """Draw one chart a figure, side by side, two a row; costs are spaced by their logarithm.

    ideal: of all figures, a pale line. across: what the costs count.
    """
    down = -(-len(figures) // 2)
    sheet = Image.new("RGB", (2 * WIDTH, down * HEIGHT), _PAPER)
    for number, (title, lines) in enumerate(figures.items()):
        chart = _chart(title, lines, ideal, across)
        sheet.paste(chart, (number % 2 * WIDTH, number // 2 * HEIGHT))
    return sheet


def _chart(title: str, lines: Sequence[Curve], ideal: float | None, across: str) -> Image.Image:
    chart = Image.new("RGB", (WIDTH, HEIGHT), _PAPER)
    pen = ImageDraw.Draw(chart)
    points = [point for line in lines for point in line.points]
    costs = sorted({cost for cost, _ in points})
    values = [value for _, value in points] + ([] if ideal is None else [ideal])
    low, high = min(values), max(values)
    low, high = (low - 0.5, high + 0.5) if low == high else (low, high)

    def place(cost: float, value: float) -> tuple[float, float]:
        wide = math.log(costs[-1] / costs[0]) or 1.0
        return (LEFT + math.log(cost / costs[0]) / wide * (WIDTH - LEFT - RIGHT),
                TOP + (high - value) / (high - low) * (HEIGHT - TOP - BOTTOM))

    pen.text((LEFT, 4), title, fill=_INK)
    for step in range(TICKS + 1):
        value = low + step / TICKS * (high - low)
        pen.text((4, place(costs[0], value)[1] - 6), f"{value:.3g}", fill=_INK)
    for cost in costs:
        x, _ = place(cost, low)
        pen.line((x, HEIGHT - BOTTOM, x, HEIGHT - BOTTOM + 4), fill=_INK)
        pen.text((x - 6, HEIGHT - BOTTOM + 6), f"{cost:g}", fill=_INK)
    pen.text((LEFT, HEIGHT - 16), across, fill=_INK)
    if ideal is not None:
        pen.line((*place(costs[0], ideal), *place(costs[-1], ideal)), fill=_PALE)
    for number, line in enumerate(lines):
        colour = _COLOURS[number % len(_COLOURS)]
        placed = [place(*point) for point in sorted(line.points)]
        pen.line(placed, fill=colour, width=2)
        for x, y in placed:
            pen.ellipse((x - 3, y - 3, x + 3, y + 3), fill=colour)
        pen.text((WIDTH // 2, 4 + 12 * number), line.label, fill=colour)
    return chart
