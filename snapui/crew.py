"""Workers that come and go, and what becomes of the jobs of those that are gone."""

import os
import signal
import time
from typing import Any

from snapui.jobs import Journal, put_down
from snapui.patience import goes_on_without, waits
from snapui.schema import Job, Worker

MAX_DEATHS = 3


@waits
def hello(journal: Journal, name: str, host: str, pid: int) -> None:
    """Write that a worker is alive and loading."""
    with journal.change():
        Worker.delete().where((Worker.name == name) | (Worker.host == host)
                              & (Worker.state == "failed")).execute()
        Worker.create(name=name, host=host, pid=pid)


@waits
def tell(journal: Journal, name: str, state: str, message: str = "") -> None:
    """Write a worker's state: loading, ready or failed with a sentence."""
    with journal.change():
        Worker.update(state=state, message=message).where(Worker.name == name).execute()


@waits
def forget(journal: Journal, name: str, *, died: bool, why: str = "") -> None:
    """Queue a gone worker's job again; a death counts, and the third is the last.

    A worker that said why it failed stays listed until another starts, so the page can say it.
    """
    with journal.change() as revision:
        Worker.delete().where(Worker.name == name, Worker.state != "failed").execute()
        for job in Job.select().where(Job.worker == name, Job.state == "running"):
            Job.update(**_left(job, died, why), changed=revision).where(Job.id == job.id).execute()
    if journal.has_work():
        journal.wake()


@goes_on_without()
def forget_the_dead(journal: Journal, host: str) -> None:
    """Queue again what workers of this machine were doing when they ended unseen."""
    for worker in Worker.select().where(Worker.host == host):
        if not _is_alive(worker.pid):
            forget(journal, worker.name, died=True, why="the program ended")


def describe_exit(code: int) -> str:
    """Return why a process ended, in words, from its return code."""
    if code == -signal.SIGKILL:
        return "it was killed, most often because memory ran out"
    if code < 0:
        return f"it was ended by signal {signal.Signals(-code).name}"
    return f"it ended with code {code}"


def _left(job: Job, died: bool, why: str) -> dict[str, Any]:
    """Return the fields of a job whose worker is gone."""
    deaths = job.deaths + int(died)
    if deaths >= MAX_DEATHS and job.cancel != "drop":
        return {"state": "failed", "finished": time.time(), "previews": "[]", "deaths": deaths,
                "error": f"The worker died {deaths} times on this job, the last time because "
                         f"{why or 'it ended without a word'}. Try fewer drafts or close other "
                         "programs to free memory, then run it again."}
    return put_down(job) | {"deaths": deaths}


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
