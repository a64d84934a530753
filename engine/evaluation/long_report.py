"""From longer clips to figures: what is right at the end, where joins show, how far all drifts.

Every figure stands beside the same figure of true clips of the same length. Clips are judged in
windows as long as the judge sees, of which the first and last are the nearest to a first and last
second.
"""

from collections.abc import Sequence
from dataclasses import fields

import numpy as np

from engine.drift import (
    LEAST_CHANGE,
    LOOP_JUMP,
    VISIBLE_JUMP,
    Measures,
    cross_dissolve,
    join_jumps,
    loop_jump,
    match_colour,
    measure,
)
from engine.evaluation import metrics
from engine.evaluation.exam import Cast
from engine.evaluation.judge import FRAMES, Judge
from engine.evaluation.long_exam import FPS, LongAnswer, LongExam
from engine.evaluation.report import ASKED

# What a long clip should reach.
KEPT, DRIFT = 0.9, 0.02
# Measures whose drift is a share of their first second: other than light and colour, they have no
# full range.
RELATIVE = ("sharpness", "motion")
KINDS = ("made", "upscaled", "true")


def long_figures(exam: LongExam, made: Sequence[LongAnswer], reference: np.ndarray,
                 judging: tuple[Judge, Cast]) -> dict:
    """Compute every figure of one length. reference: other true clips, uint8 (m, t, h, w, 3)."""
    judge, _ = judging
    seams = [answer.seams for answer in made]
    frames = {"made": np.stack([answer.frames for answer in made]), "true": exam.frames}
    measured = {kind: [measure(clip) for clip in clips] for kind, clips in frames.items()}
    larges = [answer.large for answer in made if answer.large is not None]
    if larges:
        frames["upscaled"] = np.stack([large.frames for large in larges])
        measured["upscaled"] = [large.measures for large in larges]
    ideal = window_features(reference, judge)
    result = {"seconds": exam.seconds, "clips": len(made), "reference_clips": len(reference)}
    for kind, clips in frames.items():
        fvd = metrics.frechet_distance(window_features(clips, judge), ideal)
        result[kind] = _answers(clips, exam, judging) | {"storybook_fvd": fvd} \
            | _changes(measured[kind], seams)
    if larges:
        result["upscaled"]["window_jump"] = _mean(
            _jumps(measured["upscaled"], [large.seams for large in larges]))
    return result | {"remedies": _remedies(made, measured["made"])}


def window_features(clips: np.ndarray, judge: Judge) -> np.ndarray:
    """Summarise whole windows of the judge's length: (n * windows, width) of (n, t, h, w, 3)."""
    count = max(1, clips.shape[1] // FRAMES)
    return np.concatenate([judge.features_of(clips[:, FRAMES * one:FRAMES * (one + 1)])
                           for one in range(count)])


def _answers(clips: np.ndarray, exam: LongExam, judging: tuple[Judge, Cast]) -> dict:
    """Say what is right at first and at last, and how often a right subject stays right."""
    judge, cast = judging
    ends = {"first": clips[:, :FRAMES], "last": clips[:, -FRAMES:]}
    words = {end: judge.verdicts(part, cast, exam.subjects).words for end, part in ends.items()}
    subjects = exam.subjects
    first, last = (np.array(words[end]["subject"]) == np.array(subjects) for end in ends)
    return {"accuracy": {name: {end: metrics.accuracy(words[end][name], exam.asked(name))
                                for end in ends} for name in ASKED},
            "subject_kept": float(last[first].mean()) if first.any() else None}


def _changes(measured: Sequence[Measures], seams: Sequence[Sequence[int]]) -> dict:
    """Tell the jumps at places of each clip, and how far each of its measures strays."""
    jumps = _jumps(measured, seams)
    # Most windows put frames between others and cannot jump: the mean hides the one that shows.
    largest = [join_jumps(one, at).max() for one, at in zip(measured, seams, strict=True) if at]
    return {"join_jump": _mean(jumps), "largest_jump": _mean(largest),
            "joins_that_show": _mean(jumps > VISIBLE_JUMP)} | {
        f"{spec.name}_drift": _mean([_drift(one, spec.name) for one in measured])
        for spec in fields(Measures)}


def _jumps(measured: Sequence[Measures], places: Sequence[Sequence[int]]) -> np.ndarray:
    """Return the jumps at places of each clip, those of all clips in a row."""
    return np.concatenate([join_jumps(one, at) for one, at in zip(measured, places, strict=True)])


def _mean(values: Sequence[float] | np.ndarray) -> float | None:
    return float(np.mean(values)) if len(values) else None


def _drift(measures: Measures, name: str) -> float:
    values = getattr(measures, name)
    # The first frame has no change.
    return strays(values[1:] if name == "motion" else values, is_relative=name in RELATIVE)


def strays(values: np.ndarray, *, is_relative: bool = False) -> float:
    """Return how far a second's mean of a measure (t,) strays from the first second's, at most.

    is_relative: whether as a share of the first second's.
    """
    second = min(round(FPS), len(values))
    means = np.convolve(values, np.full(second, 1 / second), mode="valid")
    apart = float(np.abs(means - means[0]).max())
    return apart / max(means[0], LEAST_CHANGE) if is_relative else apart


def _remedies(made: Sequence[LongAnswer], measured: Sequence[Measures]) -> dict:
    """Measure what both remedies help: before and after.

    Colours are matched to the first window's, joins that show are dissolved.
    measured: of the clips as they were made.
    """
    matched = [measure(match_colour(answer.frames, answer.first_frames, FPS)) for answer in made]
    before, after = [], []
    for answer, measures in zip(made, measured, strict=True):
        jumps = join_jumps(measures, answer.seams)
        shows = jumps > VISIBLE_JUMP
        softened = cross_dissolve(answer.frames, np.array(answer.seams, int)[shows].tolist(), FPS)
        before += jumps[shows].tolist()
        after += join_jumps(measure(softened), answer.seams)[shows].tolist()
    return {"colour_match": {f"{name}_drift": [_mean([_drift(one, name) for one in clips])
                                               for clips in (measured, matched)]
                             for name in ("brightness", "saturation")},
            "cross_dissolve": {"joins": len(before), "join_jump": [_mean(before), _mean(after)]}}


def loop_figures(seconds: float, made: Sequence[LongAnswer]) -> dict:
    """Measure the jump from the last frame of loops to the first, and how many jump too far."""
    jumps = np.array([loop_jump(answer.frames, measure(answer.frames)) for answer in made])
    return {"seconds": seconds, "clips": len(made), "jump": _mean(jumps),
            "loops_that_show": _mean(jumps > LOOP_JUMP)}


def long_table(results: Sequence[dict], loops: dict | None) -> str:
    """Lay the figures of all lengths out as text: made, true and what should be reached."""
    kinds = [kind for kind in KINDS if not results or kind in results[0]]
    rows = [_row("", *kinds, "target")]
    for result in results:
        rows += ["", f"{result['seconds']:g} s, {result['clips']} clips"]
        rows += [_row(f"  {name}, {end} second", *(
            f"{result[kind]['accuracy'][name][end]:.0%}" for kind in kinds))
            for name in ASKED for end in ("first", "last")]
        for label, name, form, target in (
                ("subject kept", "subject_kept", "{:.0%}", f">= {KEPT:.0%}"),
                ("storybook-FVD", "storybook_fvd", "{:.1f}", ""),
                ("jump at joins, of the median", "join_jump", "{:.2f}", f"<= {VISIBLE_JUMP:g}"),
                ("largest jump of a clip", "largest_jump", "{:.2f}", ""),
                ("joins that show", "joins_that_show", "{:.0%}", ""),
                ("jump at upscaling windows", "window_jump", "{:.2f}", f"<= {VISIBLE_JUMP:g}"),
                ("brightness drift", "brightness_drift", "{:.2%}",
                 f"< {DRIFT:.0%}" if result["seconds"] <= 8 else ""),
                ("saturation drift", "saturation_drift", "{:.2%}", ""),
                ("sharpness drift, of the first", "sharpness_drift", "{:.0%}", ""),
                ("motion drift, of the first", "motion_drift", "{:.0%}", "")):
            if any(name in result[kind] for kind in kinds):
                rows.append(_row(f"  {label}", *(
                    _cell(result[kind].get(name), form) for kind in kinds), target))
        rows += _remedy_rows(result["remedies"])
    if loops is not None:
        rows += ["", f"{loops['seconds']:g} s, {loops['clips']} loops",
                 _row("  jump from last to first", f"{loops['jump']:.2f}",
                      *[""] * (len(kinds) - 1), f"<= {LOOP_JUMP:g}"),
                 _row("  loops that jump further than usual", f"{loops['loops_that_show']:.0%}")]
    return "\n".join(rows)


def _remedy_rows(remedies: dict) -> list[str]:
    """Lay out what the remedies help: before and after."""
    matched, dissolved = remedies["colour_match"], remedies["cross_dissolve"]
    return [_row("  remedies", "before", "after"),
            *(_row(f"    colour match: {name.replace('_', ' ')}",
                   *(_cell(one, "{:.2%}") for one in pair)) for name, pair in matched.items()),
            _row(f"    dissolve: {dissolved['joins']} joins that show",
                 *(_cell(one, "{:.2f}") for one in dissolved["join_jump"]))]


def _cell(value: float | None, form: str) -> str:
    return "" if value is None else form.format(value)


def _row(name: str, *cells: str) -> str:
    return (f"{name:<37}" + "".join(f"{cell:>10}" for cell in cells)).rstrip()
