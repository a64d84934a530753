"""`python -m engine.evaluation.longer`: measure how long a model's clips stay what they are."""

import argparse
import json
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from engine.evaluation.eta import say
from engine.evaluation.judge import FRAMES
from engine.evaluation.long_exam import FPS, answers_to, clips_of, set_long_exam
from engine.evaluation.long_report import long_figures, long_table, loop_figures
from engine.evaluation.options import add_options, cast_of, check, exit_code, model_of
from engine.evaluation.sheet import contact_sheet
from engine.evaluation.teaching import trained_judge
from engine.extension.request import MAX_KNOWN_WEIGHT, MAX_SECONDS
from engine.request import GenerationRequest

REFERENCE_SEED = 1


def parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    p = argparse.ArgumentParser(prog="python -m engine.evaluation.longer", description=__doc__)
    add_options(p)
    p.add_argument("--seconds", type=float, nargs="+", default=(4.0, 8.0, 16.0),
                   help="lengths of the clips (default 4 8 16)")
    p.add_argument("--samples", type=int, default=8,
                   help="captions of each length (default %(default)s)")
    p.add_argument("--reference", type=int, default=32,
                   help="true clips of each length that storybook-FVD measures from "
                        "(default %(default)s)")
    p.add_argument("--loops", type=int, default=4,
                   help="loops of the first length (default %(default)s)")
    p.add_argument("--known-weight", type=float,
                   help="how strongly known frames steer the others (default: what suits the "
                        "model)")
    p.add_argument("--upscale", action="store_true", help="measure the clips made large as well")
    return p


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = parser().parse_args(arguments)
    return exit_code(lambda: evaluate(options))


def evaluate(options: argparse.Namespace) -> None:
    """Measure each length and write the report. Raises: SnapError with a sentence for the user."""
    began = time.monotonic()
    weighed = {} if options.known_weight is None else {"known_weight": (0, MAX_KNOWN_WEIGHT)}
    check(options, {"seconds": (FRAMES / FPS, MAX_SECONDS), "samples": (2, 10_000),
                    "reference": (2, 10_000), "loops": (0, 10_000), **weighed})
    clip = GenerationRequest("any", steps=options.steps, guidance=options.guidance,
                             sampler=options.sampler, upscale=options.upscale)
    cascade, about = model_of(options, "--upscale" if clip.upscale else None)
    weight = cascade.base.known_weight(options.known_weight)
    make_one = clips_of(cascade, clip, weight)
    cast = cast_of(options)
    judging = (trained_judge(options.cache / "judge", cast, say), cast)
    results = []
    for seconds in options.seconds:
        exam = set_long_exam(cast, options.samples, seconds, say)
        reference = set_long_exam(cast, options.reference, seconds, say, REFERENCE_SEED).frames
        made = answers_to(exam, make_one, say)
        results.append(long_figures(exam, made, reference, judging))
        sheet = contact_sheet(exam.captions, exam.frames,
                              np.stack([answer.frames for answer in made]),
                              ["made"] * len(made))
        sheet.save(options.out / f"longer-{seconds:g}.png")
    loops = None
    if options.loops:
        seconds = options.seconds[0]
        exam = set_long_exam(cast, options.loops, seconds, say)
        loops = loop_figures(seconds, answers_to(
            exam, clips_of(cascade, replace(clip, upscale=False), weight, is_loop=True), say))
    write(options.out, {
        "model": about, "backend": cascade.backend,
        "clip": asdict(clip), "known_weight": weight,
        "judge": judging[0].weights_hash, "lengths": results, "loops": loops,
        "seconds": round(time.monotonic() - began)})
    sys.stdout.write(long_table(results, loops)
                     + f"\n\nReport and contact sheets are in {options.out}.\n")


def write(folder: Path, result: dict) -> None:
    """Write longer.json."""
    (folder / "longer.json").write_text(
        json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
