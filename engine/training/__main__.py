"""`python -m engine.training`: train a preset on the storybook world or on a folder of clips.

`torchrun --nproc-per-node 2 -m engine.training --threads 1 ...` shares every batch between two
processes: from as fast as two threads of one to twice that, where a network's operations are small.
"""

import argparse
import json
import os
import signal
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import torch
import torch.nn.functional as F

from engine.checkpoint import WEIGHTS_NAME, read_tensors
from engine.errors import DataError, ModelError, SnapError
from engine.presets import PRESETS
from engine.stage import Stage, using
from engine.stage_config import StageConfig
from engine.text import TextEncoder
from engine.training.data import Batches
from engine.training.loop import Progress, Trainer
from engine.training.recipe import RECIPES, Recipe, check_fits
from engine.training.recipe_file import RECIPE_NAME, as_json, changes, read_recipe
from engine.training.storybook import StorybookSource
from engine.training.team import join_team, own_device

SUBJECTS = "core40"
# What sees pixels: the noisy clip first, and last what is beside it.
SEEING = ("stem.to_tokens.weight", "refiner.from_pixels.weight")


def parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    p = argparse.ArgumentParser(prog="python -m engine.training",
                                description=__doc__.split("\n")[0])
    p.add_argument("--preset", required=True, choices=sorted(PRESETS))
    p.add_argument("--sprites", type=Path, help="folder of the storybook sprites")
    p.add_argument("--subjects", help="core12, core20, core40, all, still or nouns, separated by "
                   f"commas (default: {SUBJECTS})")
    p.add_argument("--data", type=Path, help="folder of your own clips with captions")
    p.add_argument("--out", type=Path, required=True, help="folder of the run")
    p.add_argument("--start-from", type=Path, help="model folder whose weights to start from, "
                   "where shapes agree")
    p.add_argument("--resume", action="store_true", help="go on with the run in --out")
    p.add_argument("--minutes", type=float, default=float("inf"), help="stop after so long")
    p.add_argument("--recipe", type=Path, metavar="FILE", help="JSON or TOML with settings that "
                   "are not to be the preset's; --dry-run prints all of them")
    p.add_argument("--steps", type=int, help="length of the schedule, instead of the recipe's")
    p.add_argument("--lr", type=float, help="peak learning rate, instead of the recipe's")
    p.add_argument("--seed", type=int, help="instead of the recipe's")
    p.add_argument("--device", default="cpu", help="cpu, cuda, mps, ... (default: cpu)")
    p.add_argument("--micro-batch", type=int, metavar="N", help="clips in memory at a time; a "
                   "batch is split into so many (default: whole)")
    p.add_argument("--threads", type=int, help="processor threads; all of them by default")
    p.add_argument("--dry-run", action="store_true",
                   help="print the recipe, and beside it size, speed and time left, then stop")
    return p


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = parser().parse_args(arguments)
    try:
        trainer = build(options)
        if options.dry_run:
            dry_run(trainer)
            return 0
        return run(trainer, options.minutes * 60)
    except SnapError as error:
        say(str(error))
    except torch.OutOfMemoryError:
        say(f"The memory of {options.device} is too small for this: split the batch with a "
            f"{'smaller ' if options.micro_batch else ''}--micro-batch.")
    except KeyboardInterrupt:    # a run that has begun minds its signals itself
        say("Stopped before the first step.")
        return 130
    return 1


def run(trainer: Trainer, seconds: float) -> int:
    """Train, and end a run that is interrupted after its step, saved. Returns: the exit code."""
    interrupted = []

    def interrupt(number, frame) -> None:
        interrupted.append(number)
        trainer.stop()

    # A run started in the background ignores Ctrl-C, and one that is terminated should save too.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)
    trainer.run(seconds, on_progress=show)
    say(f"Stopped at step {trainer.step} of {trainer.recipe.steps}; weights and state are in "
        f"{trainer.folder}." + (" Go on with --resume." if interrupted else ""))
    return 130 if interrupted else 0


def build(options: argparse.Namespace) -> Trainer:
    """Put a trainer together. Raises: SnapError with a sentence for the user."""
    check_numbers(options)
    device = own_device(options.device)
    with using(device):
        torch.zeros(1, device=device).item()
    torch.set_num_threads(options.threads or torch.get_num_threads())
    torch.set_flush_denormal(True)    # what grows from zero would crawl through them
    config, recipe = PRESETS[options.preset], recipe_of(options)
    check_fits(recipe, config.network)
    torch.manual_seed(recipe.seed % 2**64)    # all that it takes
    encoder = encoder_of(config, device)
    batches = Batches(source(options, recipe), config, encoder, recipe.crop_groups)
    stage = Stage(config, is_short=True)
    stage.network.to(device)
    if options.start_from:
        start_from(stage, options.start_from)
    trainer = Trainer(stage, batches, recipe, options.out,
                      team=join_team(stage.device), micro_batch=options.micro_batch)
    if not options.dry_run:
        make_folder(options.out)
    if options.resume and trainer.resume():
        say(f"Going on from step {trainer.step}.")
        changed = changes(options.out / RECIPE_NAME, recipe)
        if changed:
            say(f"The recipe is not the one this run had: {', '.join(changed)}.")
    elif (options.out / "state.pt").exists() and not options.dry_run:
        raise DataError(f"{options.out} holds a run already: add --resume to go on with it, "
                        "or choose another --out.")
    return trainer


def encoder_of(config: StageConfig, device: str) -> TextEncoder:
    """Load the text encoder of a stage. Raises: ModelError when its tokens do not fit the network.
    """
    encoder = TextEncoder(config.text_encoder, config.text_length, device, together=True)
    if encoder.width != config.network.text_width:
        raise ModelError(f"The text encoder {config.text_encoder!r} makes tokens of width "
                         f"{encoder.width}, but the network reads {config.network.text_width}.")
    return encoder


def recipe_of(options: argparse.Namespace) -> Recipe:
    """Return the preset's recipe, changed by a file and then by flags."""
    recipe = RECIPES[options.preset]
    if options.recipe is not None:
        recipe = read_recipe(options.recipe, recipe)
    given = {name: getattr(options, name) for name in ("steps", "lr", "seed")}
    return replace(recipe, **{name: value for name, value in given.items() if value is not None})


def check_numbers(options: argparse.Namespace) -> None:
    """Raise DataError for a number that no run can have."""
    for name, least in (("threads", 1), ("steps", 1), ("micro-batch", 1), ("seed", 0)):
        value = getattr(options, name.replace("-", "_"))
        if value is not None and value < least:
            raise DataError(f"--{name} must be {least} or more, not {value}.")
    if not options.minutes > 0:
        raise DataError(f"--minutes must be a number above 0, not {options.minutes}.")
    if options.lr is not None and not 0 < options.lr < float("inf"):
        raise DataError(f"--lr must be a number above 0, not {options.lr}.")


def source(options: argparse.Namespace, recipe: Recipe):
    """Return where examples come from; of painted ones the recipe says how they are drawn."""
    if options.data is not None:
        ignored = [f"--{name}" for name in ("sprites", "subjects") if getattr(options, name)]
        if ignored:
            raise DataError("--data trains on your own clips, not on the storybook world: leave "
                            f"out --data or {' and '.join(ignored)}.")
        from engine.training.folder import FolderSource

        return FolderSource(options.data, report=say)
    if options.sprites is None:
        raise DataError("Say what to train on: --sprites FOLDER for the storybook world "
                        "or --data FOLDER for your own clips.")
    return StorybookSource(options.sprites, options.subjects or SUBJECTS, recipe, report=say,
                           cache=options.out.parent / "sprites")


def make_folder(folder: Path) -> None:
    """Make the folder of the run. Raises: DataError when it cannot be one."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"--out {folder} cannot be made a folder ({error.strerror.lower()}): "
                        "choose another.") from error


def start_from(stage: Stage, folder: Path) -> None:
    """Copy every tensor of a model whose name and shape agree; the rest stays as it began.

    What sees more channels than the model's takes its first ones, and nothing of the rest.
    """
    own = stage.network.state_dict()
    given = read_tensors(folder / WEIGHTS_NAME)
    for name in SEEING:
        if name in given and name in own and given[name].shape[1] < own[name].shape[1]:
            more = own[name].shape[1] - given[name].shape[1]
            given[name] = F.pad(given[name], (0, 0, 0, 0, 0, more))
    shared = {k: v.float() for k, v in given.items() if k in own and own[k].shape == v.shape}
    stage.network.load_state_dict({**own, **shared})
    say(f"Took {len(shared)} of {len(own)} tensors from {folder}.")


def dry_run(trainer: Trainer) -> None:
    """Print the recipe, and on the error stream the stage, its size, the measured speed and the
    time that is left of the run.
    """
    recipe, begun = trainer.recipe, trainer.step
    if trainer.team.leads:
        sys.stdout.write(as_json(recipe) + "\n")
        sys.stdout.flush()
    say(json.dumps({"stage": asdict(trainer.stage.config)}, indent=2))
    count = sum(p.numel() for p in trainer.stage.network.parameters())
    say(f"{count / 1e6:.2f} M parameters, sigma_in {trainer.stage.preconditioning.sigma_in:g}")
    seconds_left = 0.0
    for start, end, phase in recipe.phase_spans():
        first = max(start, begun)
        if first >= end:
            continue
        seconds = seconds_of_step(trainer, first)
        seconds_left += seconds * (end - first)
        say(f"steps {first}-{end}: {phase.batch} clips of {phase.frames} frames, "
            f"{phase.batch / seconds:.2f} clips/s")
    say(f"{'What is left of the run' if begun else 'The whole run'} takes about "
        f"{seconds_left / 3600:.2f} hours on this machine.")


def seconds_of_step(trainer: Trainer, step: int) -> float:
    """Measure a step after one that warms up. It changes the weights; nothing is saved."""
    for _ in range(2):
        trainer.step, begun = step, time.monotonic()
        trainer.train_step()
    return time.monotonic() - begun


def show(progress: Progress) -> None:
    """Print one line of progress."""
    say(f"step {progress.step}  loss {progress.loss:.4f}  "
        f"{progress.clips_per_second:.2f} clips/s  {progress.seconds_left / 60:.0f} min left")


def say(sentence: str) -> None:
    """Write a line to the terminal at once; of the processes torchrun starts, one speaks."""
    if os.environ.get("RANK", "0") != "0":
        return
    sys.stderr.write(sentence + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
