"""Where a job stands, in the words both the contact sheet and the queue panel use."""

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


def step_told(job: Job) -> str:
    """Return a job's step, and the time left unless it was only just taken up again."""
    left = "" if job.seconds_left is None else f", {spoken(job.seconds_left)} left"
    return f"step {job.step} of {job.steps}{left}"
