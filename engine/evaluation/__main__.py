"""`python -m engine.evaluation`: measure a model on captions it never saw, by its own judge."""

import argparse
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path

from engine.evaluation.eta import say
from engine.evaluation.exam import Exam, reference_clips, set_exam
from engine.evaluation.judge import Judge
from engine.evaluation.makers import UpscaleSettings, answer, drafts_of, enlargements_of
from engine.evaluation.options import add_options, cast_of, check, exit_code, model_of
from engine.evaluation.report import ASKED, Marked, figures, mark, table
from engine.evaluation.sheet import contact_sheet
from engine.evaluation.teaching import trained_judge
from engine.evaluation.upsampling import examine_upsampler, upsampler_table
from engine.evaluation.wording import examine_wordings, read_wordings, wording_table
from engine.stage import SampleSettings

CAPTIONS_A_SHEET = 12
SHEETS = 4


def parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    p = argparse.ArgumentParser(prog="python -m engine.evaluation", description=__doc__)
    add_options(p)
    p.add_argument("--samples", type=int, default=96, help="captions (default %(default)s)")
    p.add_argument("--seeds", type=int, default=3, help="clips a caption (default %(default)s)")
    p.add_argument("--batch", type=int, default=8, help="clips made at once")
    p.add_argument("--reference", type=int, default=1024,
                   help="true clips that storybook-FVD measures from (default %(default)s)")
    p.add_argument("--upsampler", type=int, default=0, metavar="N",
                   help="also enlarge N true clips and N drafts")
    p.add_argument("--wording", type=Path, metavar="FILE",
                   help="also answer prompts in other words than the captions', such as "
                        "assets/storybook/wording.tsv")
    p.add_argument("--upscale-steps", type=int, default=UpscaleSettings.steps)
    p.add_argument("--upscale-noise", type=float, default=UpscaleSettings.noise)
    return p


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = parser().parse_args(arguments)
    return exit_code(lambda: evaluate(options))


def evaluate(options: argparse.Namespace) -> None:
    """Measure a model and write its report. Raises: SnapError with a sentence for the user."""
    began = time.monotonic()
    check(options, {
        "samples": (2, 10_000), "seeds": (1, 100), "batch": (1, 1024), "reference": (2, 100_000),
        "upsampler": (0, options.samples), "upscale_steps": (1, 256), "upscale_noise": (0, 1)})
    cascade, about = model_of(options, "--upsampler" if options.upsampler else None)
    cast = cast_of(options)
    wordings = read_wordings(options.wording, cast) if options.wording else ()
    judge = trained_judge(options.cache / "judge", cast, say)
    exam = set_exam(cast, options.samples, options.seeds, say)
    reference = judge.features_of(reference_clips(cast, options.reference, say))
    settings = SampleSettings(options.steps, options.guidance, options.sampler)
    made = mark(answer(exam, drafts_of(cascade, settings), options.batch, say), exam, judge, cast)
    true = mark(exam.true, exam, judge, cast)
    result = _about(options, {"model": about, "backend": cascade.backend}, settings, judge)
    result |= figures(exam, (made, true), reference, cast)
    shown = table(result)
    if options.upsampler:
        scaling = UpscaleSettings(options.upscale_steps, options.upscale_noise)
        result["upsampler"] = {"settings": asdict(scaling)} | examine_upsampler(
            enlargements_of(cascade, scaling), exam, made.frames[0, :options.upsampler],
            (judge, cast), say)
        shown += "\n\n" + upsampler_table(result["upsampler"])
    if wordings:
        result["wording"] = examine_wordings(
            drafts_of(cascade, settings), wordings, (judge, cast), options.batch, say)
        shown += "\n\n" + wording_table(result["wording"])
    result["seconds"] = round(time.monotonic() - began)
    write(options.out, result, exam, made)
    sys.stdout.write(shown + f"\n\nReport and contact sheets are in {options.out}.\n")


def _about(options: argparse.Namespace, maker: dict, settings: SampleSettings,
           judge: Judge) -> dict:
    """Say what was measured and how, so that two reports can be compared."""
    return maker | {
        "settings": asdict(settings),
        "counts": {"captions": options.samples, "seeds": options.seeds,
                   "clips": options.samples * options.seeds, "reference": options.reference},
        "split": "test",
        "judge": {"weights_hash": judge.weights_hash, "subjects": list(judge.config.subjects)},
    }


def write(folder: Path, result: dict, exam: Exam, made: Marked) -> None:
    """Write evaluation.json and the contact sheets of the first seed."""
    (folder / "evaluation.json").write_text(
        json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    words = made.verdicts[0].words
    notes = [f"made, judged: {s}, {p}, {t}" for s, p, t in
             zip(*(words[name] for name in ASKED), strict=True)]
    for number in range(min(SHEETS, -(-len(notes) // CAPTIONS_A_SHEET))):
        part = slice(number * CAPTIONS_A_SHEET, (number + 1) * CAPTIONS_A_SHEET)
        sheet = contact_sheet(exam.captions[part], exam.true[0, part], made.frames[0, part],
                              notes[part])
        sheet.save(folder / f"sheet-{number + 1}.png")


if __name__ == "__main__":
    sys.exit(main())
