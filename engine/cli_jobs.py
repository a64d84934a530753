"""What the command line is to make: its options as jobs, each a request and where its clips go."""

import re
import secrets
import time
from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from engine import cli_extension
from engine.catalog import find_model
from engine.cli_again import read_again
from engine.cli_extension import LongerJob
from engine.cli_resume import begun_seed, holds
from engine.errors import RequestError
from engine.request import GenerationRequest

FLAGS = {"negative_prompt": "--negative"}    # the rest are --field-name
RANDOM_SEEDS = 2**32


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
        first = path = self.first_path(seed)
        number = 2
        while not self.may_replace and path.exists():
            path, number = first.with_stem(f"{first.stem}_{number}"), number + 1
        return path

    def first_path(self, seed: int) -> Path:
        """Return the name that the file of one seed has if that is free."""
        stem = f"{self.stem}_{seed}" if self.request.drafts > 1 or not self.may_replace \
            else self.stem
        return self.folder / f"{stem}{self.suffix}"


def jobs_of(options: Namespace) -> list[Job]:
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
        begun = begun_seed(options.output) if options.output else None
        longer = cli_extension.longer_job(options, given, seed if begun is None else begun)
        return [replace(_job(longer.request.clip, options), longer=longer)]
    given.setdefault("seed", seed)
    if options.prompts is not None:
        return _jobs_of_file(options, given)
    return [_job(GenerationRequest(**given), options)]


def left_of(jobs: Sequence[Job], models_directory: Path | None) -> tuple[list[Job], list[Path]]:
    """Leave out clips whose files are there, from the same request and weights.

    Returns: the jobs for the others, and the files that are there.
    """
    left, there = [], []
    for job in jobs:
        model_hash = find_model(job.request.model, models_directory).model_hash
        found = [seed for seed in job.request.draft_seeds
                 if holds(job.first_path(seed), job.request.single(seed), model_hash)]
        there += [job.first_path(seed) for seed in found]
        left += [job] if not found else [replace(job, request=job.request.single(seed))
                                         for seed in job.request.draft_seeds if seed not in found]
    return left, there


def _job_again(options: Namespace, given: dict[str, Any]) -> Job:
    """Return the job that makes the clip of a file again; only its model may be named anew."""
    others = [flag(name) for name in given if name != "model"]
    if others:
        raise RequestError(f"--from-file makes the same clip again, so leave out "
                           f"{', '.join(others)}.")
    again = read_again(options.from_file, given)
    return replace(_job(again.request, options, source=again.metadata), longer=again.longer)


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


def flag(name: str) -> str:
    """Return the option of a request's field."""
    return FLAGS.get(name, "--" + name.replace("_", "-"))
