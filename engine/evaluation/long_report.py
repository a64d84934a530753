"""From longer clips to figures: what is right at the end, where joins show, how brightness drifts.

Every figure stands beside the same figure of true clips of the same length. Clips are judged in
windows as long as the judge sees, of which the first and last are the nearest to a first and last
second.
"""

from collections.abc import Sequence

import numpy as np

from engine.drift import VISIBLE_JUMP, join_jumps, loop_jump, measure
from engine.evaluation import metrics
from engine.evaluation.exam import Cast
from engine.evaluation.judge import FRAMES, Judge
from engine.evaluation.long_exam import FPS, LongAnswer, LongExam
from engine.evaluation.report import ASKED

# What a long clip should reach.
KEPT, DRIFT = 0.9, 0.02


def long_figures(exam: LongExam, made: Sequence[LongAnswer], reference: np.ndarray,
                 judging: tuple[Judge, Cast]) -> dict:
    """Compute every figure of one length. reference: other true clips, uint8 (m, t, h, w, 3)."""
    judge, _ = judging
    seams = [answer.seams for answer in made]
    frames = {"made": np.stack([answer.frames for answer in made]), "true": exam.frames}
    ideal = window_features(reference, judge)
    return {"seconds": exam.seconds, "clips": len(made), "reference_clips": len(reference)} | {
        kind: _answers(clips, exam, judging)
        | {"storybook_fvd": metrics.frechet_distance(window_features(clips, judge), ideal)}
        | _changes(clips, seams)
        for kind, clips in frames.items()}


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


def _changes(clips: np.ndarray, seams: Sequence[Sequence[int]]) -> dict:
    """Measure the jumps at places of each clip and how far its brightness strays."""
    measured = [measure(clip) for clip in clips]
    jumps = np.concatenate([join_jumps(one, places)
                            for one, places in zip(measured, seams, strict=True)])
    return {"join_jump": float(jumps.mean()) if jumps.size else None,
            "joins_that_show": float((jumps > VISIBLE_JUMP).mean()) if jumps.size else None,
            "brightness_drift": float(np.mean([brightness_drift(one.brightness)
                                               for one in measured]))}


def loop_figures(seconds: float, made: Sequence[LongAnswer]) -> dict:
    """Measure the jump from the last frame of loops to the first."""
    jumps = [loop_jump(answer.frames, measure(answer.frames)) for answer in made]
    return {"seconds": seconds, "clips": len(made), "jump": float(np.mean(jumps))}


def brightness_drift(brightness: np.ndarray) -> float:
    """Return how far a second's mean brightness (t,) strays from the first second's, at most."""
    second = min(round(FPS), len(brightness))
    means = np.convolve(brightness, np.full(second, 1 / second), mode="valid")
    return float(np.abs(means - means[0]).max())


def long_table(results: Sequence[dict], loops: dict | None) -> str:
    """Lay the figures of all lengths out as text: made, true and what should be reached."""
    rows = [_row("", "made", "true", "target")]
    for result in results:
        made, true = result["made"], result["true"]
        rows += ["", f"{result['seconds']:g} s, {result['clips']} clips"]
        rows += [_row(f"  {name}, {end} second", *(
            f"{one['accuracy'][name][end]:.0%}" for one in (made, true)), "")
            for name in ASKED for end in ("first", "last")]
        rows.append(_pair("subject kept", result, "subject_kept", "{:.0%}", f">= {KEPT:.0%}"))
        rows.append(_pair("storybook-FVD", result, "storybook_fvd", "{:.1f}", ""))
        rows.append(_pair("jump at joins, of the median", result, "join_jump", "{:.2f}",
                          f"<= {VISIBLE_JUMP:g}"))
        rows.append(_pair("joins that show", result, "joins_that_show", "{:.0%}", ""))
        rows.append(_pair("brightness drift", result, "brightness_drift", "{:.2%}",
                          f"< {DRIFT:.0%}" if result["seconds"] <= 8 else ""))
    if loops is not None:
        rows += ["", f"{loops['seconds']:g} s, {loops['clips']} loops",
                 _row("  jump from last to first", f"{loops['jump']:.2f}", "", "<= 1")]
    return "\n".join(rows)


def _pair(label: str, result: dict, name: str, form: str, target: str) -> str:
    values = (result[kind][name] for kind in ("made", "true"))
    return _row(f"  {label}", *("" if one is None else form.format(one) for one in values), target)


def _row(name: str, made: str, true: str, target: str) -> str:
    return f"{name:<32}{made:>10}{true:>10}{target:>10}".rstrip()
