"""From clips and verdicts to the figures of an evaluation, and the table that shows them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from engine.evaluation import metrics
from engine.evaluation.exam import Cast, Exam, true_words
from engine.evaluation.judge import Judge, Verdicts

ASKED = ("subject", "place", "travel")


@dataclass(frozen=True)
class Marked:
    """Clips with a judge's verdicts: frames uint8 (seeds, n, t, h, w, 3), one verdict a seed."""

    frames: np.ndarray
    verdicts: tuple[Verdicts, ...]

    def answers(self, attribute: str) -> list[str]:
        """Answers over all seeds in one list, seed by seed."""
        return [word for verdict in self.verdicts for word in verdict.words[attribute]]

    @property
    def features(self) -> np.ndarray:
        """Features, (seeds, n, width)."""
        return np.stack([verdict.features for verdict in self.verdicts])


def mark(frames: np.ndarray, exam: Exam, judge: Judge, cast: Cast) -> Marked:
    """Judge clips (seeds, n, t, h, w, 3) that answer an exam."""
    return Marked(frames, tuple(judge.verdicts(row, cast, exam.subjects) for row in frames))


def figures(exam: Exam, clips: tuple[Marked, Marked], reference: np.ndarray, cast: Cast) -> dict:
    """Compute every figure of the base stage.

    clips: the made ones and the true ones. reference: features (m, width) of other true clips.
    """
    made, true = clips
    true_sizes = [true_words(scene, fps, cast)["size"]
                  for row in exam.scenes for scene, fps in zip(row, exam.fps, strict=True)]
    return {
        "accuracy": {name: _accuracy(name, exam, made, true) for name in ASKED},
        "all_three_right": _spread(_all_right(exam, made)),
        "size": {
            "share_overlap": metrics.overlap(made.answers("size"), true_sizes),
            "ceiling": metrics.overlap(true.answers("size"), true_sizes),
            "judge_accuracy_on_true": metrics.accuracy(true.answers("size"), true_sizes)},
        "storybook_fvd": {
            "made": _spread([metrics.frechet_distance(f, reference) for f in made.features]),
            "floor": _spread([metrics.frechet_distance(f, reference) for f in true.features]),
            "reference_clips": len(reference)},
        "motion_energy": _energies(metrics.motion_energy, made, true)
        | {"ratio_by_travel": _motion_by_travel(exam, made, true)},
        "gradient_energy": _energies(metrics.gradient_energy, made, true),
        "patch_border_ratio": {"made": metrics.patch_border_ratio(made.frames),
                               "true": metrics.patch_border_ratio(true.frames)},
        "diversity": _diversity(made, true),
        "confusion": {name: metrics.confusion(
            made.answers(name), exam.asked(name) * len(exam.scenes)) for name in ASKED},
        "captions": _by_caption(exam, made, true),
    }


def _accuracy(name: str, exam: Exam, made: Marked, true: Marked) -> dict:
    asked = exam.asked(name)
    return {
        "made": _spread([metrics.accuracy(v.words[name], asked) for v in made.verdicts]),
        "ceiling": _spread([metrics.accuracy(v.words[name], asked) for v in true.verdicts])}


def _all_right(exam: Exam, marked: Marked) -> list[float]:
    asked = list(zip(*(exam.asked(name) for name in ASKED), strict=True))
    return [float(np.mean([a == b for a, b in zip(
        zip(*(v.words[name] for name in ASKED), strict=True), asked, strict=True)]))
        for v in marked.verdicts]


def _spread(values: Sequence[float]) -> dict:
    """Mean, deviation over seeds, and the values themselves."""
    return {"mean": float(np.mean(values)), "std": float(np.std(values)),
            "by_seed": [float(value) for value in values]}


def _ratio(made: float, true: float) -> dict[str, float | None]:
    return {"made": made, "true": true, "ratio": made / true if true else None}


def _energies(energy: Callable[[np.ndarray], float], made: Marked, true: Marked,
              columns: np.ndarray | slice = slice(None)) -> dict[str, float | None]:
    """Compare the mean of an energy over all clips, or over the captions of some columns."""
    return _ratio(*(float(np.mean([energy(clip) for row in marked.frames[:, columns]
                                   for clip in row])) for marked in (made, true)))


def _motion_by_travel(exam: Exam, made: Marked, true: Marked) -> dict[str, float | None]:
    travels = np.array(exam.asked("travel"))
    return {str(travel): _energies(metrics.motion_energy, made, true, travels == travel)["ratio"]
            for travel in np.unique(travels)}


def _diversity(made: Marked, true: Marked) -> dict | None:
    """Compare the spread over seeds; there is none with one seed."""
    if len(made.frames) < 2:
        return None
    pairs = {"features": (made.features, true.features), "pixels": (made.frames, true.frames)}
    return {name: _ratio(*map(metrics.diversity, pair)) for name, pair in pairs.items()}


def _by_caption(exam: Exam, made: Marked, true: Marked) -> list[dict]:
    """List what the judge saw in every clip of each caption."""
    rows = []
    for column, caption in enumerate(exam.captions):
        scene = exam.scenes[0][column]
        row = {"caption": caption, "fps": exam.fps[column]}
        for name in ASKED:
            row[name] = {
                "asked": getattr(scene, name),
                "made": [v.words[name][column] for v in made.verdicts],
                "true": [v.words[name][column] for v in true.verdicts]}
        rows.append(row)
    return rows


def table(result: dict) -> str:
    """Lay the figures out as text for a terminal."""
    lines = [_row("", "made", "", "true clips", "")]
    for name in ASKED:
        accuracy = result["accuracy"][name]
        lines.append(_row(f"{name} accuracy", *_percent(accuracy["made"]),
                          *_percent(accuracy["ceiling"])))
    lines.append(_row("all three right", *_percent(result["all_three_right"]), "", ""))
    fvd = result["storybook_fvd"]
    lines.append(_row("storybook-FVD (floor)", *_number(fvd["made"]), *_number(fvd["floor"])))
    lines.append(_row("size shares in common", f"{result['size']['share_overlap']:.1%}", "",
                      f"{result['size']['ceiling']:.1%}", ""))
    for name in ("motion_energy", "gradient_energy"):
        lines.append(_pair(name.replace("_", " "), result[name]))
    border = result["patch_border_ratio"]
    lines.append(_row("patch border ratio", f"{border['made']:.2f}", "",
                      f"{border['true']:.2f}", ""))
    for name, pair in (result["diversity"] or {}).items():
        lines.append(_pair(f"diversity, {name}", pair))
    return "\n".join(lines)


def _row(name: str, *cells: str) -> str:
    return f"{name:<26}" + "".join(f"{cell:>12}" for cell in cells)


def _percent(spread: dict) -> tuple[str, str]:
    return f"{spread['mean']:.1%}", f"± {spread['std']:.1%}"


def _number(spread: dict) -> tuple[str, str]:
    return f"{spread['mean']:.2f}", f"± {spread['std']:.2f}"


def _pair(name: str, pair: dict) -> str:
    ratio = "" if pair["ratio"] is None else f"x {pair['ratio']:.2f}"
    return _row(name, f"{pair['made']:.3g}", ratio, f"{pair['true']:.3g}", "")
