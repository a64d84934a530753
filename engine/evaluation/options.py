"""What the commands of evaluation share: options and their limits, the cast, the exit code."""

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryFile

from engine.backends import AUTO, BACKENDS, DEFAULT_HELP
from engine.cascade import Cascade
from engine.catalog import find_model
from engine.errors import RequestError, SnapError
from engine.evaluation.eta import say
from engine.evaluation.exam import Cast
from engine.sampling import SOLVERS
from engine.stage import SampleSettings
from engine.storybook.sprites import by_name, load_sprites


def add_options(p: argparse.ArgumentParser, *, nargs: str | None = None) -> None:
    """Add what every command asks for: model, sprites, where to write, how to sample.

    nargs: "+" for several values of each setting of the sampler.
    """
    default = SampleSettings()
    p.add_argument("--model", required=True, help="name or folder of the model")
    p.add_argument("--sprites", type=Path, required=True, help="folder of the storybook sprites")
    p.add_argument("--subjects", default="core40",
                   help="core12, core20, core40, all, still or nouns, separated by commas")
    p.add_argument("--out", type=Path, required=True, help="folder of the report")
    p.add_argument("--steps", type=int, nargs=nargs, default=_default(default.steps, nargs))
    p.add_argument("--guidance", type=float, nargs=nargs, default=_default(default.guidance, nargs))
    p.add_argument("--sampler", nargs=nargs, choices=SOLVERS,
                   default=_default(default.sampler, nargs))
    p.add_argument("--backend", default=AUTO, choices=BACKENDS, help=DEFAULT_HELP)
    p.add_argument("--cache", type=Path, default=Path("runs"),
                   help="folder of trained judges and decoded sprites (default %(default)s)")


def _default(value: float | str, nargs: str | None) -> object:
    return value if nargs is None else [value]


def check(options: argparse.Namespace, limits: Mapping[str, tuple[float, float]]) -> None:
    """Refuse numbers that cannot work, and folders that cannot be written to. Raises: SnapError.

    limits: least and most of each option beside those of every command.
    """
    for name, (low, high) in {"steps": (1, 256), "guidance": (0, 30), **limits}.items():
        value = getattr(options, name)
        for one in value if isinstance(value, list | tuple) else [value]:
            if not low <= one <= high:
                flag = "--" + name.replace("_", "-")
                raise RequestError(f"{flag} must be from {low} to {high}, not {one}.")
    for what, folder, flag in (("The report", options.out, "--out"),
                               ("The judge", options.cache, "--cache")):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with TemporaryFile(dir=folder):    # now, and not after hours of work
                pass
        except OSError as error:
            raise RequestError(f"{what} cannot be written to {folder} ({error.strerror}); "
                               f"choose another {flag}.") from error


def model_of(options: argparse.Namespace, large_by: str | None) -> tuple[Cascade, dict]:
    """Load the model that is asked for, and its upsampler for a flag. Raises: SnapError.

    large_by: the flag that asks for large clips, if it was given. Returns: the model, and what a
    report says of it.
    """
    card = find_model(options.model)
    if large_by is not None:
        card.need_upsampler(f"leave out {large_by}")
    # Taken before loading: a training run may rewrite the file meanwhile.
    about = {"name": str(options.model), "model_hash": card.model_hash}
    return Cascade.load(card.base_folder, card.upsampler_folder if large_by else None, "cpu",
                        options.backend), about


def cast_of(options: argparse.Namespace) -> Cast:
    """Load the sprites that are asked for, by name."""
    return by_name(load_sprites(options.sprites, options.subjects, report=say,
                                cache=options.cache / "sprites"))


def exit_code(command: Callable[[], None]) -> int:
    """Run a command; an error is one sentence on stderr. Returns: the process's exit code."""
    try:
        command()
    except SnapError as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        say("Stopped before the report was finished.")
        return 130
    return 0
