"""The page's work as named endpoints: for gradio_client, curl and, with --mcp, as tools."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import gradio as gr

from engine.catalog import find_model
from engine.errors import RequestError
from engine.extension.request import FITS
from engine.extension.segments import Segment
from engine.request import GenerationRequest
from snapui.asked import Asked
from snapui.compare import Axis, plan_of
from snapui.comparisons import Comparisons
from snapui.controls import FIELDS, drawn_seed
from snapui.desk import order
from snapui.files import file_url
from snapui.films import Films
from snapui.given import kept_picture, kept_video
from snapui.guard import told
from snapui.jobs import Journal
from snapui.uploads import uploaded

MOST = 2**63 - 1    # of what the journal can look for
ASKED = ("upscale", "known_weight", "fit")    # of a longer clip
FILES = {"start_picture": kept_picture, "end_picture": kept_picture, "video": kept_video}


def build(journal: Journal, models_directory: Path | None = None) -> None:
    """Declare the endpoints inside the open Blocks."""
    comparisons = Comparisons(journal, models_directory)
    films = Films(journal, models_directory)

    @told
    def create(prompt: str, negative_prompt: str = "", seed: str = "0", drafts: int = 1,
               settings: dict | None = None) -> int:
        """Queue drafts of a prompt and return the number of the job that makes them.

        settings: any other fields by name, for example {"steps": 12, "guidance": 5}. Besides: the
        uploaded file "start_picture", which becomes the first frame, with "fit": "letterbox" or
        "crop".
        """
        named = {"prompt": prompt, "negative_prompt": negative_prompt, "seed": seed,
                 "drafts": drafts} | _settings(settings, "start_picture", "fit")
        picture, fit = named.pop("start_picture", None), named.pop("fit", FITS[0])
        request = GenerationRequest.from_json(json.dumps(named))
        find_model(request.model, models_directory)
        kept = kept_picture(journal.output_directory,
                            uploaded("start_picture", picture)) if picture else ""
        return journal.submit(request, order=order(kept, fit))

    @told
    def upscale(clip: int, steps: int = GenerationRequest.upscale_steps,
                noise: float = GenerationRequest.upscale_noise) -> int:
        """Queue the high-resolution stage for one draft, of any length; return the job's number."""
        return films.upscale(_whole("clip", clip), steps=steps, noise=noise)

    @told
    def extend(clip: int = 0, segments: list | None = None, seconds: float = 0,
               loop: bool = False, in_between: int = 1, settings: dict | None = None) -> int | dict:
        """Queue a longer clip and return the number of the job that makes it.

        clip: the clip to go on from, or 0 to start anew. segments: what is shown when, such as
        ["2-4: a dog walking to the left in the snow"]; seconds: how long it is in all, or 0 for as
        long as its segments. in_between: 2 or 4 makes so many frames of each one of the clip
        instead. settings: other fields by name, such as {"seed": 7}; a clip that goes on takes
        only the seed. Besides: "upscale"; "known_weight", from 0 to 100; the uploaded files
        "start_picture", "end_picture" and "video", with "fit": "letterbox" or "crop"; and
        "plan_only": true, which queues nothing and returns what it would take: "windows", network
        "evaluations", and "seconds" on this machine, null as long as those were not measured.
        """
        parsed = [Segment.parse(str(one)) for one in _listed("segments", segments or ())]
        source = _whole("clip", clip) or None
        named = {"seed": drawn_seed()} | _settings(settings, "plan_only", *ASKED, *FILES)
        if source and (kept := sorted({*named} & {*FIELDS} - {"seed", "upscale"})):
            raise RequestError(f"A clip that goes on keeps its {', '.join(kept)}: leave that out, "
                               "or start anew with clip 0.")
        is_planned_only = _truth("plan_only", named.pop("plan_only", False))
        more = {name: named.pop(name) for name in ASKED if name in named}
        files = {name: keep(journal.output_directory, uploaded(name, named.pop(name)))
                 for name, keep in FILES.items() if named.get(name)}
        asked = Asked(tuple((one.start_seconds, one.end_seconds, one.prompt) for one in parsed),
                      seconds, named.get("fps", 12.0), _truth("loop", loop),
                      _whole("in_between", in_between), **more, **files)
        if not is_planned_only:
            return films.extend(asked, named, source)
        _, outlook = films.order(asked, named, source)
        return {"windows": outlook.windows, "evaluations": outlook.evaluations,
                "seconds": outlook.seconds}

    @told
    def compare(prompt: str, field: str, values: list, row_field: str = "",
                row_values: list | None = None, settings: dict | None = None) -> dict:
        """Queue a comparison: one clip for each value of a field, all from the same noise.

        field: what differs from column to column, for example "guidance", and its 2 to 4 values;
        row_field and row_values: the same from row to row. settings: other fields by name.
        Returns: the comparison's number, and the numbers of its jobs row by row.
        """
        columns = Axis(field, _listed("values", values))
        rows = Axis(row_field, _listed("row_values", row_values or [])) if row_field else None
        plan = plan_of({"prompt": prompt} | _settings(settings), columns, rows)
        number = comparisons.submit(plan)
        jobs = comparisons.standing(number).jobs
        return {"comparison": number,
                "jobs": [[jobs[row, column].id for column in range(len(columns.values))]
                         for row in range(plan.row_count)]}

    @told
    def status(job: int) -> dict:
        """Return a job's state, progress, and the files and settings of the clips it made.

        A clip's url, after this program's address, is where its file is fetched.
        """
        return _described(journal, _whole("job", job))

    @told
    def cancel(job: int, how: str = "drop") -> dict:
        """Stop a job: "drop" leaves no file, "keep" makes the clips of what there is.

        "after" finishes the job and then pauses the queue.
        """
        number = _whole("job", job)
        journal.cancel(number, how)
        return _described(journal, number)

    for endpoint in (create, upscale, extend, compare, status, cancel):
        gr.api(endpoint, api_name=endpoint.__name__, queue=False)


def _whole(name: str, value: Any) -> int:
    try:
        number = int(value)
        if isinstance(value, bool) or (isinstance(value, float) and number != value) \
                or abs(number) > MOST:
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        raise RequestError(f"{name} must be a whole number, not {str(value)[:40]!r}.") from None
    return number


def _truth(name: str, value: Any) -> bool:
    if not isinstance(value, bool):  # any text would count as true, also "false"
        raise RequestError(f"{name} must be true or false, not {str(value)[:40]!r}.")
    return value


def _listed(name: str, value: Any) -> tuple:
    if not isinstance(value, list | tuple):
        example = '["0-2: a dog"]' if name == "segments" else "[1, 3]"
        raise RequestError(f"{name} must be a list, such as {example}, not {str(value)[:40]!r}.")
    return tuple(value)


def _settings(value: Any, *own: str) -> dict[str, Any]:
    """Check that settings have names that mean something: a request's fields, or one's own."""
    if not isinstance(value or {}, dict):
        raise RequestError("settings must have names, such as {\"steps\": 12}, not "
                           f"{str(value)[:40]!r}.")
    known = sorted({*FIELDS, *own})
    unknown = sorted({*map(str, value or {})} - {*known})
    if unknown:
        raise RequestError(f"There is no setting {', '.join(unknown)[:200]}. There are "
                           f"{', '.join(known)}.")
    return dict(value or {})


def _described(journal: Journal, job_id: int) -> dict[str, Any]:
    job = journal.job(job_id)
    folder = journal.output_directory
    clips = [{"clip": clip.id, "file": str(folder / clip.path),
              "url": file_url(folder, clip.path),
              "width": clip.width, "height": clip.height, "frames": clip.frames,
              "request": asdict(GenerationRequest.from_json(clip.request))}
             for clip in journal.clips_of(job_id)]
    return {"job": job.id, "kind": job.kind, "state": job.state, "stage": job.stage,
            "step": job.step, "steps": job.steps, "seconds_left": job.seconds_left,
            "error": job.error, "notes": json.loads(job.notes), "clips": clips}
