"""Workers that come and go, and what becomes of the jobs of those that are gone.

A worker of this machine is gone when its process is; one of another machine when its sign of life
stays the same for a minute by the clock of who looks, so that clocks that differ do no harm.
"""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psutil

from snapui.jobs import Journal, put_down
from snapui.patience import goes_on_without, waits
from snapui.schema import Job, Worker

MAX_DEATHS = 3
BEAT_SECONDS = 10.0
SILENT_SECONDS = 60.0
KILLED = -getattr(signal, "SIGKILL", 9)    # which Windows has not


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


@contextmanager
def beating(journal: Journal, name: str, host: str, pid: int) -> Iterator[None]:
    """Give signs of life, in a thread of its own, as long as this is open."""
    ended = threading.Event()

    def beat_on() -> None:
        while not ended.wait(BEAT_SECONDS):
            beat(journal, name, host, pid)
        journal.close()  # the connection of this thread

    thread = threading.Thread(target=beat_on, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@goes_on_without()
def beat(journal: Journal, name: str, host: str, pid: int) -> None:
    """Write that a worker is alive, also if it was taken for dead meanwhile.

    Nothing that a page shows changes by that, so the revision stays.
    """
    if not Worker.update(heard=time.time()).where(Worker.name == name).execute():
        with journal.change():
            Worker.insert(name=name, host=host, pid=pid, state="ready").on_conflict_ignore(
                ).execute()


class Listener:
    """Remembers when it last heard anything new of each worker. clock: tells seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._heard: dict[str, tuple[float, float]] = {}  # the sign, and when it was new here

    def silent(self) -> list[Worker]:
        """Return the workers nothing was heard of for SILENT_SECONDS."""
        now = self._clock()
        workers = list(Worker.select().where(Worker.state != "failed"))
        self._heard = {one.name: self._heard[one.name]
                       if self._heard.get(one.name, (None,))[0] == one.heard else (one.heard, now)
                       for one in workers}
        return [one for one in workers if now - self._heard[one.name][1] >= SILENT_SECONDS]


@goes_on_without()
def forget_the_silent(journal: Journal, host: str, listener: Listener) -> None:
    """Queue again what workers of other machines were doing that are silent for a minute.

    host: this machine, whose workers `forget_the_dead` knows better.
    """
    for worker in listener.silent():
        if worker.host == host:
            continue
        with journal.change() as revision:
            # Unless it spoke, or somebody else forgot it, since it was asked about.
            gone = Worker.delete().where(Worker.name == worker.name,
                                         Worker.heard == worker.heard).execute()
            if gone:
                _leave(worker.name, revision, died=True, why="nothing was heard of its machine for "
                                                             f"{SILENT_SECONDS:g} s")
        if gone and journal.has_work():
            journal.wake()


@waits
def forget(journal: Journal, name: str, *, died: bool, why: str = "") -> None:
    """Queue a gone worker's job again; a death counts, and the third is the last.

    A worker that said why it failed stays listed until another starts, so the page can say it.
    """
    with journal.change() as revision:
        Worker.delete().where(Worker.name == name, Worker.state != "failed").execute()
        _leave(name, revision, died=died, why=why)
    if journal.has_work():
        journal.wake()


@goes_on_without()
def forget_the_dead(journal: Journal, host: str) -> None:
    """Queue again what workers of this machine were doing when they ended unseen."""
    for worker in Worker.select().where(Worker.host == host):
        if not psutil.pid_exists(worker.pid):
            forget(journal, worker.name, died=True, why="the program ended")


def describe_exit(code: int) -> str:
    """Return why a process ended, in words, from its return code."""
    if code == KILLED:
        return "it was killed, most often because memory ran out"
    if code < 0:
        return f"it was ended by signal {signal.Signals(-code).name}"
    return f"it ended with code {code}"


def _leave(name: str, revision: int, *, died: bool, why: str) -> None:
    """Take a gone worker's job from it."""
    for job in Job.select().where(Job.worker == name, Job.state == "running"):
        Job.update(**_left(job, died, why), changed=revision).where(Job.id == job.id).execute()


def _left(job: Job, died: bool, why: str) -> dict[str, Any]:
    """Return the fields of a job whose worker is gone."""
    deaths = job.deaths + int(died)
    if deaths >= MAX_DEATHS and job.cancel != "drop":
        return {"state": "failed", "finished": time.time(), "previews": "[]", "deaths": deaths,
                "error": f"The worker died {deaths} times on this job, the last time because "
                         f"{why or 'it ended without a word'}. Try fewer drafts or close other "
                         "programs to free memory, then run it again."}
    return put_down(job) | {"deaths": deaths}

