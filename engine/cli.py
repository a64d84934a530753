"""The command line: a prompt, a file of prompts, or a clip to make again becomes files.

Options come from the fields of GenerationRequest, which also checks them. Everything that can fail
cheaply (settings, model, destination) fails before torch is loaded.
Exit codes: 0 done, 1 one sentence on stderr, 130 stopped by Ctrl-C.
"""

import json
import shlex
import signal
import sys
import threading
import time
from argparse import SUPPRESS, ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, NoReturn

from engine import cli_extension
from engine.backends import AUTO, BACKENDS, DEFAULT_HELP, Place
from engine.catalog import find_model
from engine.cli_jobs import Job, flag, jobs_of, left_of
from engine.cli_progress import longer_progress, step_bar
from engine.cli_resume import Unfinished, found_note, going_on
from engine.errors import Cancelled, RequestError, SnapError
from engine.extension.request import EXTENSION_KEY
from engine.media import (
    KEPT_FRAMES_KEY,
    KEPT_KEY,
    check_destination,
    request_metadata,
    write_clip,
)
from engine.progress import ShouldStop
from engine.request import GenerationRequest

# What else than the request decides a clip's bits, in words about a model of some name.
MAKERS = {"model_hash": "other weights of {}", "backend": "another backend"}

EPILOG = """\
Without -o the clip is saved as outputs/DATE/TIME_PROMPT_SEED.mp4 and nothing is ever replaced; -o
replaces a file of that name. The ending chooses the format: .mp4 .webm .mov .gif .webp .png .apng
.zip. With --drafts 3 -o clip.mp4 the files are clip_SEED.mp4, one for each seed.
A longer clip that is stopped goes on when the same command is run again: until it is done, what
there is of it lies beside it in FILE.SEED.part. --prompts makes no clip again whose file is there
if --seed says which; without it, all are new ones.
Exit codes: 0 done, 1 an error in one sentence on stderr, 130 stopped with Ctrl-C."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; arguments default to the program's own."""
    for stream in (sys.stdout, sys.stderr):    # an old terminal must not fail on a prompt
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        with _interrupts() as should_stop:
            _run(_parser().parse_args(arguments), should_stop)
    except Unfinished as stopped:
        sys.stderr.write(f"{stopped}\n")
        return 130
    except (Cancelled, KeyboardInterrupt):
        sys.stderr.write("Stopped; nothing unfinished was kept.\n")
        return 130
    except SnapError as error:
        sys.stderr.write(" ".join(str(error).split()) + "\n")
        return 1
    return 0


def _run(options: Namespace, should_stop: ShouldStop) -> None:
    """Make and save the clips of every job, and report them."""
    jobs, there = jobs_of(options), []
    first = jobs[0]    # as it is asked for; what is left of it may have another seed
    if options.prompts is not None:
        jobs, there = left_of(jobs, options.models_directory)
    for job in jobs:
        _check_model(job.request, options.models_directory)
        check_destination(job.path_for(job.request.seed))
    for path in there:
        sys.stderr.write(f"Note: {path} is there already, so it is not made again.\n")
    started = time.monotonic()
    saved: list[dict[str, Any]] = []
    try:
        for job in jobs:
            saved += _finished(job, options, should_stop)
    except (Cancelled, KeyboardInterrupt) as stopped:
        if options.prompts is None or options.no_metadata or not (there or saved):
            raise
        raise Unfinished(
            f"Stopped; {_number(len(there) + len(saved))} there: run the same command with --seed "
            f"{first.request.seed} and --output-directory {shlex.quote(str(first.folder))} "
            "to make the others.") from stopped
    if options.json:
        result = {"files": [one["file"] for one in saved], "clips": saved,
                  "skipped": [str(path) for path in there],
                  "seconds": round(time.monotonic() - started, 3)}
        sys.stdout.write(json.dumps(result, ensure_ascii=False) + "\n")


def _number(clips: int) -> str:
    return f"{clips} clip{'s are' if clips > 1 else ' is'}"


def _finished(job: Job, options: Namespace, should_stop: ShouldStop) -> list[dict[str, Any]]:
    """Make and save the clips of a job, and tell of each. Returns: what --json prints of them."""
    seed = job.request.seed
    growing = nullcontext() if job.longer is None else going_on(job.path_for(seed), seed, options)
    saved = []
    with growing as part:
        for clip in _made(job, options, should_stop, part):
            if should_stop():
                raise Cancelled("Stopped before the clip was saved.")
            saved.append(_save(clip, job, has_metadata=not options.no_metadata))
            if not options.json:
                sys.stdout.write(f"{saved[-1]['file']}  seed {clip.request.seed}\n")
            for note in saved[-1]["notes"]:
                sys.stderr.write(f"Note: {note}\n")
    return saved


def _made(job: Job, options: Namespace, should_stop: ShouldStop, part: Path | None) -> list[Any]:
    """Make the clips of a job. Returns: GeneratedClips, or one ExtendedClip.

    part: where a longer clip grows.
    """
    place = Place(options.models_directory, options.device, options.backend)
    if job.longer is None:
        from engine.generate import generate  # loads torch
        return generate(job.request, on_step=step_bar(), should_stop=should_stop, place=place)
    from engine.generate import Followers, extend
    followers = Followers(should_stop=should_stop, on_found=found_note(part),
                          **longer_progress(job.request))
    return [extend(job.longer.request, job.longer.material, followers=followers, work_folder=part,
                   place=place)]


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
    frames = clip.frames
    if job.longer is not None:
        extra |= {EXTENSION_KEY: job.longer.request.to_json(), "parents": job.longer.given_names}
        if job.longer.kept_frames is not None:
            frames = frames[:job.longer.kept_frames]
            extra |= {KEPT_FRAMES_KEY: str(len(frames))}
            notes.append(f"It is the first {len(frames)} frames of a longer clip, which was made "
                         "whole; what is said of drift is said of that.")
    path = _written(job, clip.request, frames,
                    request_metadata(clip.request, extra) if has_metadata else {})
    return {"file": str(path), "request": asdict(clip.request),
            **maker, "notes": notes}


def _written(job: Job, request: GenerationRequest, frames: Any, metadata: dict[str, str]) -> Path:
    """Write a clip of a job. Returns: its file."""
    while True:
        with suppress(FileExistsError):    # another process took the name while this one wrote
            return write_clip(job.path_for(request.seed), frames, request.fps, metadata,
                              may_replace=job.may_replace)


def _check_model(request: GenerationRequest, models_directory: Path | None) -> None:
    """Raise SnapError if the request's model is not here or cannot do what it asks."""
    card = find_model(request.model, models_directory)
    if request.upscale:
        card.need_upsampler("leave out --upscale")


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
        parser.add_argument(flag(spec.name), dest=spec.name, action=action, default=SUPPRESS,
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
