"""`python -m engine.evaluation.sweep`: how quality follows from steps, guidance and sampler, and of
enlarged clips from the upsampler's steps and noise.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from itertools import product
from pathlib import Path
from typing import TypeVar

from engine.cascade import Cascade
from engine.errors import RequestError
from engine.evaluation.curves import Curve, curves, lines
from engine.evaluation.eta import say
from engine.evaluation.exam import Cast, Exam, reference_clips, set_exam
from engine.evaluation.judge import Judge
from engine.evaluation.makers import UpscaleSettings, answer, drafts_of
from engine.evaluation.options import add_options, cast_of, check, exit_code, model_of
from engine.evaluation.report import ASKED, figures, mark
from engine.evaluation.teaching import trained_judge
from engine.evaluation.upsampler_sweep import SHOWN as SHOWN_LARGE
from engine.evaluation.upsampler_sweep import upsampler_lines, upsampler_rows
from engine.extension.plan import evaluations
from engine.stage import SampleSettings

# Drawn as curves; each is 1 for true clips, the first at best.
SHOWN = ("all three right", "storybook-FVD over floor", "motion energy over true",
         "gradient energy over true")
Choice = TypeVar("Choice", SampleSettings, UpscaleSettings)
COLUMNS = ("sampler", "guidance", "steps", "evaluations", "seconds_a_clip", *ASKED, *SHOWN)


def parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    p = argparse.ArgumentParser(prog="python -m engine.evaluation.sweep", description=__doc__)
    add_options(p, nargs="+")
    p.add_argument("--samples", type=int, default=48, help="captions (default %(default)s)")
    p.add_argument("--batch", type=int, default=8, help="clips made at once")
    p.add_argument("--reference", type=int, default=256,
                   help="true clips that storybook-FVD measures from (default %(default)s)")
    p.add_argument("--upsampler", type=int, default=0, metavar="N",
                   help="also enlarge N true clips and N drafts in each of these ways")
    p.add_argument("--upscale-steps", type=int, nargs="+", default=[UpscaleSettings.steps])
    p.add_argument("--upscale-noise", type=float, nargs="+", default=[UpscaleSettings.noise])
    return p


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = parser().parse_args(arguments)
    return exit_code(lambda: sweep(options))


def settings_of(options: argparse.Namespace) -> Iterator[SampleSettings]:
    """Yield every choice of sampler, guidance and steps, the steps of a curve together."""
    for sampler, guidance, steps in product(options.sampler, options.guidance, options.steps):
        yield SampleSettings(steps, guidance, sampler)


def sweep(options: argparse.Namespace) -> None:
    """Measure each choice on one exam and write the report. Raises: SnapError.

    A report on the same exam that is there already is added to, so that a sweep goes on where it
    was stopped; one on another exam is refused.
    """
    check(options, {
        "samples": (2, 10_000), "batch": (1, 1024), "reference": (2, 100_000),
        "upsampler": (0, options.samples), "upscale_steps": (1, 256), "upscale_noise": (0, 1)})
    cascade, about = model_of(options, "--upsampler" if options.upsampler else None)
    cast = cast_of(options)
    judge = trained_judge(options.cache / "judge", cast, say)
    exam = set_exam(cast, options.samples, 1, say)
    path = options.out / "sweep.json"
    report = begun(path, {"model": about,
                          "backend": cascade.backend, "captions": options.samples,
                          "reference": options.reference, "judge": judge.weights_hash})
    for name, measured in (("rows", _drafted), ("upsampler", _enlarged)):
        for row in measured(options, cascade, exam, (judge, cast), report[name]):
            report[name].append(row)
            path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    _show(report, options.out)


def begun(path: Path, exam: dict) -> dict:
    """Return the report to add to: what is there if it is of the same exam, or else a new one.

    Raises: RequestError when rows of another exam are there, which took hours.
    """
    told = None
    with suppress(OSError, ValueError):
        told = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(told, dict) or not (told.get("rows") or told.get("upsampler")):
        return exam | {"rows": [], "upsampler": []}
    if _decisive(told) != _decisive(exam):
        raise RequestError(f"{path} holds rows of another model or exam: choose another --out.")
    return told


def _decisive(report: dict) -> list:
    """List what a report's rows depend on. A model's name is not: one folder has several."""
    return [report["model"]["model_hash"],
            *(report.get(name) for name in ("backend", "captions", "reference", "judge"))]


def missing(choices: Iterable[Choice], rows: Sequence[dict], **also: int) -> list[Choice]:
    """Return the choices of which there is no row. also: what a row must say beside them."""
    return [choice for choice in choices
            if not any((asdict(choice) | also).items() <= row.items() for row in rows)]


def _drafted(options: argparse.Namespace, cascade: Cascade, exam: Exam,
             judging: tuple[Judge, Cast], known: Sequence[dict]) -> Iterator[dict]:
    """Answer the exam with each choice of the base's settings and measure the answers."""
    choices = missing(settings_of(options), known)
    if not choices:
        return
    judge, cast = judging
    reference = judge.features_of(reference_clips(cast, options.reference, say))
    true = mark(exam.true, exam, judge, cast)
    for settings in choices:
        say(f"{settings.sampler}, guidance {settings.guidance:g}, {settings.steps} steps")
        begin = time.monotonic()
        made = answer(exam, drafts_of(cascade, settings), options.batch, say)
        seconds = (time.monotonic() - begin) / options.samples
        result = figures(exam, (mark(made, exam, judge, cast), true), reference, cast)
        yield asdict(settings) | {
            "evaluations": evaluations(1, settings.steps, settings.sampler),
            "seconds_a_clip": seconds} | _of_interest(result)


def _enlarged(options: argparse.Namespace, cascade: Cascade, exam: Exam,
              judging: tuple[Judge, Cast], known: Sequence[dict]) -> Iterator[dict]:
    """Measure each choice of the upsampler's noise and steps, the steps of a curve together."""
    n = options.upsampler
    choices = missing((UpscaleSettings(steps, noise) for noise, steps
                       in product(options.upscale_noise, options.upscale_steps)), known, clips=n)
    if not n or not choices:
        return
    drafts = drafts_of(cascade, SampleSettings())(
        exam.captions[:n], exam.noise_seeds(0)[:n], exam.fps[:n])
    yield from upsampler_rows(cascade, choices, exam, drafts, judging, say)


def _show(report: dict, out: Path) -> None:
    """Draw a report's curves and print its tables."""
    rows, large = report["rows"], report["upsampler"]
    curves({name: _lines(rows, name) for name in SHOWN}, ideal=1.0,
           across="evaluations of the network").save(out / "sweep.png")
    shown = table(rows, COLUMNS)
    if large:
        curves({name: upsampler_lines(large, name) for name in SHOWN_LARGE}, ideal=1.0,
               across="steps of the upsampler").save(out / "sweep-upsampler.png")
        shown += "\n\n" + table(large, ("clips", "noise", "steps", *SHOWN_LARGE))
    sys.stdout.write(shown + f"\n\nReport and curves are in {out}.\n")


def _of_interest(result: dict) -> dict[str, float]:
    fvd = result["storybook_fvd"]
    return {name: result["accuracy"][name]["made"]["mean"] for name in ASKED} | {
        "all three right": result["all_three_right"]["mean"],
        "storybook-FVD over floor": fvd["made"]["mean"] / fvd["floor"]["mean"],
        "motion energy over true": result["motion_energy"]["ratio"],
        "gradient energy over true": result["gradient_energy"]["ratio"]}


def _lines(rows: list[dict], name: str) -> list[Curve]:
    """Make one curve of each sampler and guidance."""
    return lines((f"{row['sampler']}, guidance {row['guidance']:g}", row["evaluations"], row[name])
                 for row in rows)


def table(rows: list[dict], columns: Sequence[str]) -> str:
    """Lay some columns of the figures out as text for a terminal."""
    short = [name.replace(" energy over true", "").replace("storybook-", "")
             .replace("seconds_a_clip", "s/clip") for name in columns]
    cells = [short] + [[one if isinstance(one, str) else f"{one:.4g}"
                        for one in (row[name] for name in columns)] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True))
                     for line in cells)


if __name__ == "__main__":
    sys.exit(main())
