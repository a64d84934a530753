"""Draws how a long clip drifts: a small plot a measure, the first segment's range behind it.

Plain SVG without a script: the same numbers as the warnings, which stand above it in words.
"""

import json
from html import escape

import numpy as np

from engine.drift import TOLERANCES, VISIBLE_JUMP, Measures, join_jumps
from snapui.edits import measures_from, visible_joins
from snapui.schema import Clip, Film

LABELS = {"brightness": "Brightness", "saturation": "Saturation", "sharpness": "Sharpness",
          "motion": "Motion"}
HEIGHT = 100  # of a plot's own units; the page stretches it
LEAST_SPAN = 0.04  # of a plot, so that nothing looks like something
MOST_POINTS = 400
STEADY = "Nothing drifts: all measures stay close to the range of the first segment."


def meter(clip: Clip, film: Film) -> str:
    """Return the plots, the warnings and the remedies of a clip as HTML."""
    told, joins = json.loads(film.measures), json.loads(film.joins)
    seams = json.loads(film.seams)
    measures = measures_from(told)
    warnings = json.loads(film.warnings)
    said = "".join(f'<li>{escape(one)}</li>' for one in warnings)
    said = f'<ul class="warnings">{said}</ul>' if warnings else f'<p class="steady">{STEADY}</p>'
    marks = _marks(seams, "seam") + _marks(joins, "join")
    plots = [_plot(clip, name, np.array(told[name], float), film.first_frames, marks)
             for name in LABELS]
    if joins or seams:
        plots.append(_jumps(clip.frames, joins, seams, measures))
    seconds = clip.frames / clip.fps
    remedies = (_remedy(clip, "colour", "Match colours to the first segment")
                + _remedy(clip, "dissolve", "Cross-dissolve the joins",
                          is_possible=bool(visible_joins(measures, joins))))
    faint = ", faint: where windows meet" if seams else ""
    return (f'<section class="meter"><h3>Drift</h3><div role="status">{said}</div>{"".join(plots)}'
            f'<p class="axis"><span>0 s</span><span>shaded: range of the first segment; dotted: '
            f'joins{faint}</span><span>{seconds:.3g} s</span></p><div class="actions">{remedies}'
            "</div></section>")


def _plot(clip: Clip, name: str, values: np.ndarray, first_frames: int, marks: str) -> str:
    """Return one measure over time. marks: what stands behind it."""
    skipped = 1 if name == "motion" and len(values) > 1 else 0  # the first frame has no change
    values = values.copy()
    values[:skipped] = values[skipped]
    first = values[:max(1, first_frames)]
    low, high = float(first.min()), float(first.max())
    absolute, relative = TOLERANCES[name]
    least, most = low * (1 - relative) - absolute, high * (1 + relative) + absolute
    bottom, top = _span(min(values.min(), low), max(values.max(), high))
    band, allowed = _band(low, high, bottom, top), _band(least, most, bottom, top)
    step = max(1, -(-len(values) // MOST_POINTS))
    points = " ".join(f"{at} {_height(values[at], bottom, top):.1f}"
                      for at in range(0, len(values), step))
    inside = f"inside-{clip.id}-{name}"
    told = (f"{LABELS[name]}: {values.min():.2f} to {values.max():.2f}, in the first segment "
            f"{low:.2f} to {high:.2f}")
    return _figure(LABELS[name], f"{values.min():.2f}–{values.max():.2f}", told, len(values),
                   f'<clipPath id="{inside}"><rect x="0" width="{len(values)}" {allowed}/>'
                   f'</clipPath><rect class="first" x="0" width="{len(values)}" {band}/>'
                   f'{marks}<polyline class="outside" points="{points}"/>'
                   f'<polyline points="{points}" clip-path="url(#{inside})"/>')


def _jumps(frames: int, joins: list[int], seams: list[int], measures: Measures) -> str:
    """Return how much the picture changes at each join and seam, beside the usual."""
    at_joins, all_jumps = join_jumps(measures, joins), join_jumps(measures, [*joins, *seams])
    at_seams = all_jumps[len(joins):]
    top = max(2.0, float(all_jumps.max()) * 1.1)
    bars = _bars(seams, at_seams, top, "seam-bar") + _bars(joins, at_joins, top, "bar")
    limit = _height(VISIBLE_JUMP, 0.0, top)
    told = [f"{label}: " + ", ".join(f"{jump:.1f}" for jump in jumps)
            for label, jumps in (("at joins", at_joins), ("where windows meet", at_seams))
            if len(jumps)]
    return _figure("Jumps", f"up to {all_jumps.max():.1f}×",
                   "Jumps as multiples of the usual change " + "; ".join(told), frames,
                   f'<line class="limit" x1="0" x2="{frames}" y1="{limit:.1f}" '
                   f'y2="{limit:.1f}"/>{bars}')


def _bars(places: list[int], jumps: np.ndarray, top: float, look: str) -> str:
    return "".join(
        f'<line class="{look}{" outside" if jump > VISIBLE_JUMP else ""}" x1="{place}" '
        f'x2="{place}" y1="{HEIGHT}" y2="{_height(jump, 0.0, top):.1f}"/>'
        for place, jump in zip(places, jumps, strict=True))


def _figure(label: str, value: str, told: str, frames: int, inside: str) -> str:
    return (f'<figure><figcaption>{label}<span>{value}</span></figcaption>'
            f'<svg viewBox="0 0 {max(1, frames - 1)} {HEIGHT}" preserveAspectRatio="none" '
            f'role="img" aria-label="{escape(told, quote=True)}">{inside}</svg></figure>')


def _marks(places: list[int], look: str) -> str:
    return "".join(f'<line class="{look}" x1="{place}" x2="{place}" y1="0" y2="{HEIGHT}"/>'
                   for place in places)


def _span(low: float, high: float) -> tuple[float, float]:
    """Return the ends of an axis that shows a range with some air."""
    air = max(0.1 * (high - low), (LEAST_SPAN - (high - low)) / 2)
    return low - air, high + air


def _height(value: float, bottom: float, top: float) -> float:
    return HEIGHT * (top - value) / (top - bottom)


def _band(low: float, high: float, bottom: float, top: float) -> str:
    """Return a range of values as a rectangle's y and height."""
    above = _height(high, bottom, top)
    return f'y="{above:.1f}" height="{max(0.0, _height(low, bottom, top) - above):.1f}"'


def _remedy(clip: Clip, what: str, label: str, *, is_possible: bool = True) -> str:
    disabled = "" if is_possible else " disabled"
    return (f'<button type="button" data-act="{what}" data-id="{clip.id}"{disabled}>{label}'
            "</button>")
