"""How enlargements follow from the upsampler's steps and how much noise their drafts are given."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict

import numpy as np

from engine.cascade import Cascade
from engine.evaluation.curves import Curve, lines
from engine.evaluation.eta import Say
from engine.evaluation.exam import Cast, Exam
from engine.evaluation.judge import Judge
from engine.evaluation.makers import UpscaleSettings, enlargements_of
from engine.evaluation.upsampling import examine_upsampler

# Drawn as curves; each is 1 for true clips, the first at best 0.
SHOWN = ("error over bicubic", "gradient energy over true", "flicker over true",
         "subject kept of drafts")


def upsampler_rows(cascade: Cascade, choices: Iterable[UpscaleSettings], exam: Exam,
                   drafts: np.ndarray, judging: tuple[Judge, Cast], tell: Say) -> Iterator[dict]:
    """Yield what each choice makes of the exam's first clips and of drafts of them.

    drafts: uint8 (n, t, h, w, 3).
    """
    for choice in choices:
        tell(f"upsampler, noise {choice.noise:g}, {choice.steps} steps")
        result = examine_upsampler(enlargements_of(cascade, choice), exam, drafts, judging, tell)
        yield asdict(choice) | _of_interest(result)


def _of_interest(result: Mapping) -> dict[str, float]:
    kept = {kind: result["accuracy"][kind]["subject"] for kind in ("upscaled", "draft")}
    return {
        "clips": result["clips"],
        "error over bicubic":
            10 ** ((result["psnr_bicubic_true"] - result["psnr_upscaled_true"]) / 20),
        "gradient energy over true":
            result["gradient_upscaled_true"] / result["gradient_truth"],
        "flicker over true": result["flicker_upscaled_true"] / result["flicker_truth"],
        "subject kept of drafts": kept["upscaled"] / max(kept["draft"], 1 / result["clips"])}


def upsampler_lines(rows: list[dict], name: str) -> list[Curve]:
    """Make one curve of each amount of noise."""
    return lines((f"noise {row['noise']:g}", row["steps"], row[name]) for row in rows)
