"""The process that does the work: claims jobs from the journal and runs the engine on them.

The only module here that reaches torch, and only once its process has started: the page is up long
before the model is. A job is interrupted by asking, before every network evaluation, whether it is
still wanted. Start more by hand with `python -m snapui.worker --database URL`.
"""

import argparse
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import peewee

from engine.backends import AUTO, BACKENDS, Place
from engine.errors import Cancelled, RequestError, SnapError
from engine.extension.material import Material
from engine.extension.request import ExtensionRequest
from engine.request import GenerationRequest
from snapui import crew
from snapui.clock import StageClock
from snapui.errand import Engine, Errand
from snapui.files import PREVIEWS, WORK, drop_job_folders
from snapui.jobs import Journal
from snapui.long_errand import LongErrand
from snapui.messages import log_unexpected, sentence
from snapui.queue import ids_in
from snapui.schema import ACTIVE, LONG, Job, JournalError, database_url
from snapui.space import may_pass, trouble

POLL_SECONDS = 0.15
PREVIEW_LIFE_SECONDS = 5.0
UNASKED_SECONDS = 2.0  # how long a job waits at most for a lost message, or for a disk with room
WAITS = "This job waits, and goes on by itself when the output folder takes clips again."
WARM_UP = GenerationRequest(prompt="a dog in the meadow", steps=4)
# The clock needs two steps, since the first one loads.
LARGE_WARM_UP = replace(WARM_UP, steps=1, guidance=0.0, upscale=True, upscale_steps=2)
logger = logging.getLogger(__name__)


class Worker:
    """One worker: `run` claims and does jobs until it is told to stop."""

    def __init__(self, journal: Journal, engine: Engine, name: str) -> None:
        self.journal = journal
        self.engine = engine
        self.name = name
        self.stopping = journal.giving_up
        self._listener = crew.Listener()
        self._is_measured = False  # what the upsampler costs, as far as it can be
        self._refused: int | None = None  # the job whose files a folder in order did not take

    def run(self) -> None:
        """Load the model, then do jobs until stopped."""
        self.warm_up()
        last_look = -UNASKED_SECONDS
        while not self.stopping.is_set():
            self.sweep(PREVIEW_LIFE_SECONDS)
            if self.journal.is_woken() or time.monotonic() - last_look > UNASKED_SECONDS:
                host = socket.gethostname()
                crew.forget_the_dead(self.journal, host)
                crew.forget_the_silent(self.journal, host, self._listener)
                self.drain()
                self.measure_upscale()
                last_look = time.monotonic()
            self.stopping.wait(POLL_SECONDS)

    def warm_up(self) -> None:
        """Load the model and measure this machine with a few steps, unless work waits already."""
        clock = StageClock(WARM_UP)
        try:
            self.engine.generate(WARM_UP, start={}, on_step=clock.on_step,
                                 should_stop=lambda: self.stopping.is_set()
                                 or self.journal.has_work())
            if f"{WARM_UP.model}/base" not in self.journal.timings():
                clock.write(self.journal)
        except Cancelled:
            pass
        except Exception as error:  # the page says so; a later job may still name a good model
            log_unexpected(error)
            crew.tell(self.journal, self.name, "failed", sentence(error))
            return
        crew.tell(self.journal, self.name, "ready")

    def measure_upscale(self) -> None:
        """Measure a step of the upsampler while nothing waits, unless that was ever done."""
        if self._is_measured or self.journal.has_work():
            return
        self._is_measured = f"{WARM_UP.model}/upsampler" in self.journal.timings()
        if self._is_measured:
            return
        clock = StageClock(LARGE_WARM_UP)
        try:
            self.engine.generate(LARGE_WARM_UP, start={}, on_step=clock.on_step,
                                 should_stop=lambda: self.stopping.is_set()
                                 or self.journal.has_work())
            clock.write(self.journal)
        except Cancelled:
            return  # a job is worth more, and may measure it
        except RequestError:
            pass  # this model makes drafts only
        except Exception as error:  # the first upscale will tell
            log_unexpected(error)
        self._is_measured = True

    def drain(self) -> None:
        """Do jobs until none waits, or until the output folder takes no more clips."""
        while not (self.stopping.is_set() or trouble(self.journal.output_directory)):
            job = self.journal.claim(self.name)
            if job is None:
                break
            self.do(job)

    def do(self, job: Job) -> None:
        """Do one claimed job and write how it ended."""
        try:
            kind = LongErrand if job.kind in LONG else Errand
            kind(self.journal, self.engine, job).run(self.stopping.is_set)
            crew.tell(self.journal, self.name, "ready")
        except Cancelled:
            if not self.stopping.is_set():
                self.journal.put_down(job)
        except Exception as error:  # whatever it is, it is this job's end, not the worker's
            log_unexpected(error)
            self._fail_or_wait(job, error)
        self.sweep(PREVIEW_LIFE_SECONDS)

    def _fail_or_wait(self, job: Job, error: Exception) -> None:
        """Let a job wait for a folder that takes no more; anything else is its end.

        If nothing is wrong with the folder, the job may ask for more room than is left: it is
        tried once more, not for ever.
        """
        folder = self.journal.output_directory
        is_again = job.id == self._refused
        said = trouble(folder)
        self._refused = None if said else job.id
        if may_pass(error, folder) and (said or not is_again):
            self.journal.put_down(job, f"{said or sentence(error)} {WAITS}")
        else:
            self.journal.end(job, "failed", sentence(error))

    def sweep(self, older_seconds: float = 0.0) -> None:
        """Delete what ended jobs no longer need.

        older_seconds: how old previews must be; a page may still be fetching the newest ones.
        """
        folder = self.journal.output_directory
        with suppress(peewee.OperationalError):  # there will be another time
            drop_job_folders(folder / PREVIEWS, lambda: ids_in(ACTIVE), older_seconds)
            drop_job_folders(folder / WORK, lambda: ids_in(ACTIVE))


def load_engine(flags: argparse.Namespace) -> Engine:
    """Import the engine, having said how many processor cores it may use, and how it waits.

    A thread that waits for another sleeps: one that spins, as is usual, keeps the page and other
    programs off the core that the other may need, and both go many times slower.

    flags: the worker's; its threads are taken unless the environment says OMP_NUM_THREADS.
    """
    # Both are read once, when torch is imported.
    os.environ.setdefault("OMP_NUM_THREADS", str(flags.threads))
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from engine.generate import Followers, Start, extend, generate, text_notes
    from engine.media import request_metadata, write_clip

    place = Place(flags.models_directory, flags.device, flags.backend)

    def make(request: GenerationRequest, start: dict[str, Any], **followers: Any) -> list:
        return generate(request, place=place, start=Start(**start), **followers)

    def make_longer(request: ExtensionRequest, material: Material, hooks: dict[str, Callable],
                    work_folder: Path) -> Any:
        return extend(request, material, followers=Followers(**hooks), work_folder=work_folder,
                      place=place)

    def write(path: Path, clip: Any, about: dict[str, Any] | None) -> object:
        if about is None:
            return write_clip(path, clip.frames, clip.request.fps)
        told = {"model_hash": clip.model_hash, "backend": clip.backend} | about
        told = {key: value for key, value in told.items() if value}
        return write_clip(path, clip.frames, clip.request.fps,
                          request_metadata(clip.request, told))

    def read(request: GenerationRequest | ExtensionRequest) -> tuple[str, ...]:
        return text_notes(request, place=place)

    return Engine(make, write, make_longer, read)


def parse(argv: list[str]) -> argparse.Namespace:
    """Read the worker's flags."""
    parser = argparse.ArgumentParser(prog="snapui.worker", description=__doc__.split("\n")[0])
    parser.add_argument("--database", help="the journal: a URL or a SQLite file")
    parser.add_argument("--output-directory", type=Path, default=Path("outputs"))
    parser.add_argument("--models-directory", type=Path)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--backend", default=AUTO, choices=BACKENDS)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--name", default=f"{socket.gethostname()}-{os.getpid()}")
    parser.add_argument("--until-stdin-closes", action="store_true",
                        help="end when the program that started this worker ends")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None, load: Callable[..., Engine] = load_engine) -> int:
    """Run one worker until it is interrupted. Returns: the exit code."""
    flags = parse(sys.argv[1:] if argv is None else argv)
    logging.basicConfig(level=logging.WARNING, format="worker: %(message)s")
    try:
        journal = _opened(flags)
    except SnapError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    host, pid = socket.gethostname(), os.getpid()
    crew.hello(journal, flags.name, host, pid)
    with crew.beating(journal, flags.name, host, pid):  # importing the engine takes its time too
        worker = _loaded(journal, flags, load)
        if worker is None:
            return 1
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: worker.stopping.set())
        if flags.until_stdin_closes:
            threading.Thread(target=lambda: (sys.stdin.read(), worker.stopping.set()),
                             daemon=True).start()
        worker.run()
    crew.forget(journal, flags.name, died=False)
    worker.sweep()
    journal.close()
    return 0


def _opened(flags: argparse.Namespace) -> Journal:
    """Return the journal to work on. Raises: JournalError, also where there is no such folder."""
    folder = flags.output_directory
    if not folder.is_dir():  # a worker by hand would wait for ever for a folder that takes clips
        raise JournalError(f"There is no output folder {folder.resolve()} on this machine: name "
                           "the one that the page was started with by --output-directory.")
    return Journal(database_url(flags.database, folder), folder)


def _loaded(journal: Journal, flags: argparse.Namespace,
            load: Callable[..., Engine]) -> Worker | None:
    """Return the worker with its engine; none if that cannot be loaded, which the page then says.
    """
    try:
        return Worker(journal, load(flags), flags.name)
    except Exception as error:
        logger.error("the engine cannot be loaded", exc_info=error)
        crew.tell(journal, flags.name, "failed", f"The engine cannot be loaded: {error}. Install "
                           "requirements.txt again, then start the program again.")
        return None


if __name__ == "__main__":
    sys.exit(main())
