"""The command line: a prompt, a file of prompts, or a clip to make again becomes files.

Options come from the fields of GenerationRequest, which also checks them. Everything that can fail
cheaply (settings, model, destination) fails before torch is loaded.
Exit codes: 0 done, 1 one sentence on stderr, 130 stopped by Ctrl-C.
"""

import json
import re
import secrets
import signal
import sys
import threading
import time
from argparse import SUPPRESS, ArgumentParser, Namespace
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, NoReturn

from engine import cli_extension
from engine.backends import AUTO, BACKENDS, DEFAULT_HELP, Place
from engine.catalog import find_model
from engine.cli_extension import LongerJob
from engine.cli_progress import longer_progress, step_bar
from engine.errors import Cancelled, ModelError, RequestError, SnapError
from engine.extension.material import Material
from engine.extension.request import EXTENSION_KEY, ExtensionRequest
from engine.media import (
    KEPT_KEY,
    OPENING_KEY,
    check_destination,
    read_metadata,
    read_request,
    request_metadata,
    write_clip,
)
from engine.progress import ShouldStop
from engine.request import GenerationRequest

FLAGS = {"negative_prompt": "--negative"}    # the rest are --field-name
# What else than the request decides a clip's bits, in words about a model of some name.
MAKERS = {"model_hash": "other weights of {}", "backend": "another backend"}
RANDOM_SEEDS = 2**32

EPILOG = """\
Without -o the clip is saved as outputs/DATE/TIME_PROMPT_SEED.mp4 and nothing is ever replaced; -o
replaces a file of that name. The ending chooses the format: .mp4 .webm .mov .gif .webp .png .apng
.zip. With --drafts 3 -o clip.mp4 the files are clip_SEED.mp4, one for each seed.
Exit codes: 0 done, 1 an error in one sentence on stderr, 130 stopped with Ctrl-C."""


@dataclass(frozen=True)
class Job:
    """One request and where its clips go.

    source: the metadata of the file it came from, such as model_hash and backend. longer: what
    makes it a longer clip.
    """

    request: GenerationRequest
    folder: Path
    stem: str
    suffix: str
    may_replace: bool
    source: Mapping[str, str] = field(default_factory=dict)
    longer: LongerJob | None = None

    def path_for(self, seed: int) -> Path:
        """Return the file of one seed: a free name, unless the user chose the name."""
        stem = f"{self.stem}_{seed}" if self.request.drafts > 1 or not self.may_replace \
            else self.stem
        path, number = self.folder / f"{stem}{self.suffix}", 2
        while not self.may_replace and path.exists():
            path, number = self.folder / f"{stem}_{number}{self.suffix}", number + 1
        return path


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; arguments default to the program's own."""
    for stream in (sys.stdout, sys.stderr):    # an old terminal must not fail on a prompt
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        with _interrupts() as should_stop:
            _run(_parser().parse_args(arguments), should_stop)
    except (Cancelled, KeyboardInterrupt):
        sys.stderr.write("Stopped; nothing unfinished was kept.\n")
        return 130
    except SnapError as error:
        sys.stderr.write(" ".join(str(error).split()) + "\n")
        return 1
    return 0


def _run(options: Namespace, should_stop: ShouldStop) -> None:
    """Make and save the clips of every job, and report them."""
    jobs = _jobs(options)
    for job in jobs:
        _check_model(job.request, options.models_directory)
        check_destination(job.path_for(job.request.seed))
    started = time.monotonic()
    saved = []
    for job in jobs:
        for clip in _made(job, options, should_stop):
            if should_stop():
                raise Cancelled("Stopped before the clip was saved.")
            saved.append(_save(clip, job, has_metadata=not options.no_metadata))
            if not options.json:
                sys.stdout.write(f"{saved[-1]['file']}  seed {clip.request.seed}\n")
            for note in saved[-1]["notes"]:
                sys.stderr.write(f"Note: {note}\n")
    if options.json:
        result = {"files": [one["file"] for one in saved], "clips": saved,
                  "seconds": round(time.monotonic() - started, 3)}
        sys.stdout.write(json.dumps(result, ensure_ascii=False) + "\n")


def _made(job: Job, options: Namespace, should_stop: ShouldStop) -> list[Any]:
    """Make the clips of a job. Returns: GeneratedClips, or one ExtendedClip."""
    place = Place(options.models_directory, options.device, options.backend)
    if job.longer is None:
        from engine.generate import generate  # loads torch
        return generate(job.request, on_step=step_bar(), should_stop=should_stop, place=place)
    from engine.generate import Followers, extend
    followers = Followers(should_stop=should_stop, **longer_progress(job.request))
    return [extend(job.longer.request, job.longer.material, followers=followers, place=place)]


def _save(clip: Any, job: Job, *, has_metadata: bool) -> dict[str, Any]:
    """Write one finished clip, its settings inside or not. Returns: what --json prints of it."""
    maker = {"model_hash": clip.model_hash, "backend": clip.backend}
    notes = list(clip.notes)
    for key, what in MAKERS.items():
        if job.source.get(key, maker[key]) != maker[key]:
            notes.append(f"The file was made with {what.format(clip.request.model)} "
                         f"({job.source[key]}, now {maker[key]}), so the frames may differ.")
    if KEPT_KEY in job.source:
        notes.append(f"The file was kept early, after {job.source[KEPT_KEY][:60]}; this clip is "
                     "whole, so the frames differ.")
    extra: dict[str, Any] = dict(maker)
    if job.longer is not None:
        extra |= {EXTENSION_KEY: job.longer.request.to_json(), "parents": job.longer.given_names}
    path = write_clip(job.path_for(clip.request.seed), clip.frames, clip.request.fps,
                      request_metadata(clip.request, extra) if has_metadata else {})
    return {"file": str(path), "request": asdict(clip.request),
            **maker, "notes": notes}


def _check_model(request: GenerationRequest, models_directory: Path | None) -> None:
    """Raise ModelError if the request's model is not here or cannot do what it asks."""
    card = find_model(request.model, models_directory)
    if request.upscale and card.upsampler_folder is None:
        raise ModelError(f"The model {card.name} has no upsampler: leave out --upscale or choose "
                         "a model folder with upsampler/ in it.")


# ---- what to make, from the options

def _jobs(options: Namespace) -> list[Job]:
    """Return what the options ask for, checked. Raises: RequestError, MediaError."""
    given = {spec.name: getattr(options, spec.name) for spec in fields(GenerationRequest)
             if getattr(options, spec.name, None) is not None}
    sources = [options.prompt is not None, options.prompts is not None,
               options.from_file is not None]
    is_longer = cli_extension.is_asked(options)
    if is_longer and (options.prompts is not None or options.from_file is not None):
        raise RequestError("A longer clip is made one at a time: leave out --prompts and "
                           "--from-file.")
    if sum(sources) != 1 and not is_longer:
        raise RequestError('Give one thing to make: a prompt such as "a dog walking in the '
                           'meadow", --prompts FILE, or --from-file CLIP.')
    if options.output and options.output_directory:
        raise RequestError("Give either -o FILE or --output-directory DIR, not both.")
    if options.from_file is not None:
        return [_job_again(options, given)]
    seed = secrets.randbelow(RANDOM_SEEDS)
    if is_longer:
        longer = cli_extension.longer_job(options, given, seed)
        return [replace(_job(longer.request.clip, options), longer=longer)]
    given.setdefault("seed", seed)
    if options.prompts is not None:
        return _jobs_of_file(options, given)
    return [_job(GenerationRequest(**given), options)]


def _job_again(options: Namespace, given: dict[str, Any]) -> Job:
    """Return the job that makes the clip of a file again; only its model may be named anew."""
    others = [_flag(name) for name in given if name != "model"]
    if others:
        raise RequestError(f"--from-file makes the same clip again, so leave out "
                           f"{', '.join(others)}.")
    request = read_request(options.from_file)
    metadata = read_metadata(options.from_file)
    if "model" in given:
        request = GenerationRequest(**{**asdict(request), **given})
    job = _job(request, options, source=metadata)
    if OPENING_KEY in metadata:
        raise RequestError(f"{options.from_file.name} begins with a picture that is not inside it: "
                           "give that as --start-picture, with --seconds and the same options.")
    if EXTENSION_KEY not in metadata:
        return job
    if metadata.get("parents", "[]") != "[]":
        raise RequestError(f"{options.from_file.name} was made from other files "
                           f"({metadata['parents'][:200]}): give them again with the same options.")
    extension = replace(ExtensionRequest.from_json(metadata[EXTENSION_KEY]), clip=request)
    return replace(job, longer=LongerJob(extension, Material(), ()))


def _jobs_of_file(options: Namespace, given: dict[str, Any]) -> list[Job]:
    """Return one job a line of a prompts file, all with the same seed and settings."""
    if options.output:
        raise RequestError("--prompts makes several files: give --output-directory DIR, not -o.")
    path = options.prompts
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise RequestError(f"The prompts file {path} cannot be read ({error.strerror}); check "
                           "its name.") from error
    except ValueError as error:
        raise RequestError(f"The prompts file {path} is not UTF-8 text; save it as UTF-8 with one "
                           "prompt a line.") from error
    jobs = []
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            request = GenerationRequest(**{**given, "prompt": line.strip()})
        except RequestError as error:
            raise RequestError(f"Line {number} of {path}: {error}") from error
        jobs.append(_job(request, options, prefix=f"{len(jobs) + 1:03d}"))
    if not jobs:
        raise RequestError(f"The prompts file {path} holds no prompt: write one a line; lines "
                           "that begin with # are skipped.")
    return jobs


def _job(request: GenerationRequest, options: Namespace, *, prefix: str = "",
         source: Mapping[str, str] | None = None) -> Job:
    """Return the job of a request: at -o, or under a name that tells time, prompt and seed."""
    if options.output:
        path = options.output
        return Job(request, path.parent, path.stem, path.suffix, True, source or {})
    folder = options.output_directory or Path("outputs", time.strftime("%Y-%m-%d"))
    slug = "-".join(re.findall(r"\w+", request.prompt.lower()))[:40].strip("-_") or "clip"
    stem = f"{prefix or time.strftime('%H%M%S')}_{slug}"
    return Job(request, folder, stem, ".mp4", False, source or {})


# ---- options, from the request's fields

class _Parser(ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Raise the sentence instead of printing usage and exiting with 2."""
        is_word = message.startswith("unrecognized arguments: ") and ": -" not in message
        advice = "put the prompt in quotes" if is_word else "see python -m engine --help"
        raise RequestError(f"{message[:1].upper()}{message[1:]}; {advice}.")


def _parser() -> ArgumentParser:
    """Return the parser. A field that was not given is absent, and so keeps its own default."""
    parser = _Parser(prog="python -m engine", allow_abbrev=False, epilog=EPILOG,
                     description="Make a clip from a prompt.")
    parser.add_argument("prompt", nargs="?", help="what the clip shows, in plain words")
    for spec in fields(GenerationRequest):
        if spec.name == "prompt":
            continue
        action = "store_true" if spec.type is bool else "store"
        parser.add_argument(_flag(spec.name), dest=spec.name, action=action, default=SUPPRESS,
                            help=_help(spec), **_value_name(spec))
    parser.add_argument("--prompts", type=Path, metavar="FILE",
                        help="make one clip for each line; # begins a comment")
    parser.add_argument("--from-file", type=Path, metavar="CLIP",
                        help="make the clip of a file again from the settings inside it")
    cli_extension.add_options(parser)
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="where to save the clip")
    parser.add_argument("--output-directory", type=Path, metavar="DIR",
                        help="where to save clips under names of their own")
    parser.add_argument("--no-metadata", action="store_true",
                        help="keep prompt and settings out of the file; --from-file needs them")
    parser.add_argument("--models-directory", type=Path, metavar="DIR",
                        help="where your own models are")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, ... (default: cpu)")
    parser.add_argument("--backend", default=AUTO, choices=BACKENDS, help=DEFAULT_HELP)
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    return parser


def _flag(name: str) -> str:
    return FLAGS.get(name, "--" + name.replace("_", "-"))


def _value_name(spec: Any) -> dict[str, str]:
    names = {int: "N", float: "X", str: "TEXT"}
    return {} if spec.type is bool else {"metavar": names[spec.type]}


def _help(spec: Any) -> str:
    """Return a field's help with its range and default, as argparse wants it."""
    limits, default = spec.metadata, f"default: {spec.default}"
    if spec.name == "seed":
        default = "default: random, and printed"
    if "choices" in limits:
        default = f"{', '.join(limits['choices'])}; {default}"
    elif "minimum" in limits and spec.name != "seed":
        default = f"{limits['minimum']} to {limits['maximum']}; {default}"
    shown = spec.metadata["help"] if spec.type is bool or spec.default == "" \
        else f"{spec.metadata['help']} ({default})"
    return shown.replace("%", "%%")


# ---- while it runs

@contextmanager
def _interrupts() -> Iterator[ShouldStop]:
    """Answer "was Ctrl-C pressed?" while inside.

    Before the first question (models are still loading) and when pressed twice it stops at once.
    """
    pressed, asked = threading.Event(), threading.Event()

    def note(_signal: int, _frame: Any) -> None:
        if pressed.is_set() or not asked.is_set():
            raise KeyboardInterrupt
        pressed.set()

    def should_stop() -> bool:
        asked.set()
        return pressed.is_set()
    before = signal.signal(signal.SIGINT, note)
    try:
        yield should_stop
    finally:
        signal.signal(signal.SIGINT, before)
