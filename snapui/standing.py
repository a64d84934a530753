"""Where a job stands, in the words that the contact sheet, the queue and the library share."""

import time
from pathlib import Path

from engine.request import GenerationRequest
from snapui.estimate import spoken
from snapui.schema import Job

STAGES = {"base": "Drafting", "upsampler": "Upscaling"}
ENDED = {"done": "Done", "cancelled": "Stopped", "failed": "Failed"}
WISHES = {"drop": "Stopping", "keep": "Stopping to keep what there is", "pause": "Pausing",
          "requeue": "Pausing", "after": "The last one before a pause"}


def standing(job: Job, ahead: int = 0) -> str:
    """Return how far a job is. ahead: how many jobs are before it in line."""
    if job.state == "queued":
        return f"Waiting, {ahead} ahead" if ahead else "Waiting"
    if job.state == "paused":
        return f"Paused after step {job.step} of {job.steps}" if job.step else "Paused"
    if job.state != "running":
        return ENDED[job.state]
    wish = f"{WISHES[job.cancel]}. " if job.cancel else ""
    if not job.step:
        return wish + "Preparing"
    return f"{wish}{STAGES.get(job.stage, job.stage)}: {step_told(job)}"


def model_told(request: GenerationRequest) -> str:
    """Return the name of what makes a clip; of a model given as a folder, the folder's own."""
    return Path(request.model).name or request.model


def moment_told(moment: float, now: float) -> str:
    """Return the time of day, with its date before it unless that is today's."""
    then, today = time.localtime(moment), time.localtime(now)
    is_today = (then.tm_year, then.tm_yday) == (today.tm_year, today.tm_yday)
    return time.strftime("%H:%M" if is_today else "%d %b %Y, %H:%M", then)


def step_told(job: Job) -> str:
    """Return a job's step, and the time left unless it was only just taken up again."""
    left = "" if job.seconds_left is None else f", {spoken(job.seconds_left)} left"
    return f"step {job.step} of {job.steps}{left}"
