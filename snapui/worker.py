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
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import Cancelled
from engine.request import GenerationRequest
from snapui import estimate
from snapui.files import clip_name, drop_previews, keep, read_loop, write_loop
from snapui.jobs import Journal
from snapui.messages import log_unexpected, sentence
from snapui.previews import Previewer
from snapui.schema import Job, database_url

POLL_SECONDS = 0.15
PREVIEW_LIFE_SECONDS = 5.0
UNASKED_SECONDS = 2.0  # how long a job waits at most if its wake-up message is lost
WARM_UP = GenerationRequest(prompt="a dog in the meadow", steps=4)
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Engine:
    """What a worker needs from the engine: its door, and how to write a clip and its parents."""

    generate: Callable[..., list]
    write: Callable[[Path, Any, list[str]], object]


class Worker:
    """One worker: `run` claims and does jobs until it is told to stop."""

    def __init__(self, journal: Journal, engine: Engine, name: str) -> None:
        self.journal = journal
        self.engine = engine
        self.name = name
        self.stopping = threading.Event()

    def run(self) -> None:
        """Load the model, then do jobs until stopped."""
        self.warm_up()
        last_look = -UNASKED_SECONDS
        while not self.stopping.is_set():
            self.sweep(PREVIEW_LIFE_SECONDS)
            if self.journal.is_woken() or time.monotonic() - last_look > UNASKED_SECONDS:
                self.drain()
                last_look = time.monotonic()
            self.stopping.wait(POLL_SECONDS)

    def warm_up(self) -> None:
        """Load the model and measure this machine with a few steps, unless work waits already."""
        clock = StageClock(WARM_UP)
        try:
            self.engine.generate(WARM_UP, on_step=clock.on_step,
                                 should_stop=lambda: self.stopping.is_set()
                                 or self.journal.has_work())
            if f"{WARM_UP.model}/base" not in self.journal.timings():
                self._measure(clock)
        except Cancelled:
            pass
        except Exception as error:  # the page says so; a later job may still name a good model
            log_unexpected(error)
            self.journal.set_worker(self.name, "failed", sentence(error))
            return
        self.journal.set_worker(self.name, "ready")

    def drain(self) -> None:
        """Do jobs until none waits."""
        while not self.stopping.is_set() and (job := self.journal.claim(self.name)):
            self.do(job)

    def do(self, job: Job) -> None:
        """Do one claimed job and write how it ended."""
        try:
            self._generate(job)
        except Cancelled:
            if not self.stopping.is_set():
                self.journal.end(job, "cancelled")
        except Exception as error:  # whatever it is, it is this job's end, not the worker's
            log_unexpected(error)
            self.journal.end(job, "failed", sentence(error))

    def sweep(self, older_seconds: float = 0.0) -> None:
        """Delete previews of ended jobs; a page may still be fetching the newest ones."""
        drop_previews(self.journal.output_directory, self.journal.running_ids(), older_seconds)

    def _generate(self, job: Job) -> None:
        request = GenerationRequest.from_json(job.request)
        clock = StageClock(request)
        previewer = Previewer(self.journal, job, request)
        try:
            clips = self.engine.generate(
                request, on_step=lambda event: (clock.on_step(event), previewer.on_step(event)),
                should_stop=lambda: self.stopping.is_set() or self.journal.is_cancelled(job),
                draft_frames=self._draft_of(job))
        finally:
            previewer.close()
        rows = []
        try:
            rows.extend(self._keep(job, clip) for clip in clips)
            notes = dict.fromkeys(note for clip in clips for note in clip.notes)
            if not self.journal.finish(job, rows, list(notes)):
                raise Cancelled("The job was stopped while its files were written.")
        except BaseException:
            for row in rows:
                (self.journal.output_directory / row["path"]).unlink(missing_ok=True)
                (self.journal.output_directory / row["loop"]).unlink(missing_ok=True)
            raise
        self._measure(clock)
        self.journal.set_worker(self.name, "ready")

    def _draft_of(self, job: Job) -> np.ndarray | None:
        """Return the kept draft an upscale starts from; without it the engine makes it again."""
        if job.source is None:
            return None
        draft = self.journal.clip(job.source)
        return read_loop(self.journal.output_directory / draft.loop, draft.frames)

    def _parents_of(self, job: Job) -> list[str]:
        """Return the file names of the clips a job starts from."""
        return [] if job.source is None else [Path(self.journal.clip(job.source).path).name]

    def _keep(self, job: Job, clip: Any) -> dict[str, Any]:
        """Write one clip's files and return its row."""
        folder, request = self.journal.output_directory, clip.request
        parents = self._parents_of(job)
        path = keep(folder, clip_name(request, job.id, job.created), ".mp4",
                    lambda target: self.engine.write(target, clip, parents))
        loop = keep(folder, f"loops/{Path(path).stem}", ".webp",
                    lambda target: write_loop(target, clip.frames, request.fps))
        frames, height, width, _ = clip.frames.shape
        return {"request": request.to_json(), "prompt": request.prompt, "seed": request.seed,
                "path": path, "loop": loop, "width": width, "height": height, "frames": frames,
                "fps": request.fps, "model_hash": clip.model_hash}

    def _measure(self, clock: "StageClock") -> None:
        for stage, seconds in clock.seconds_per_evaluation().items():
            self.journal.measure(f"{clock.request.model}/{stage}", seconds)


class StageClock:
    """Measures what one clip costs in one network evaluation, by stage.

    The first step of a stage also loads and encodes, so the clock starts when it is done.
    """

    def __init__(self, request: GenerationRequest) -> None:
        self.request = request
        self._seen: dict[str, list[tuple[float, int, int]]] = {}

    def on_step(self, event: Any) -> None:
        """Note when a step ended."""
        self._seen.setdefault(event.stage, []).append(
            (time.monotonic(), event.step, event.steps))

    def seconds_per_evaluation(self) -> dict[str, float]:
        """Return the measured seconds by stage."""
        measured = {}
        for stage, steps in self._seen.items():
            (start, first, count), (end, last, _) = steps[0], steps[-1]
            if last > first:
                whole_stage = (end - start) / (last - first) * count
                measured[stage] = whole_stage / estimate.evaluations(self.request, stage)
        return measured


def load_engine(models_directory: Path | None, device: str, threads: int) -> Engine:
    """Import the engine, having said how many processor cores it may use.

    threads: taken unless the environment already says OMP_NUM_THREADS.
    """
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))  # read once, when torch is imported
    from engine.generate import generate
    from engine.media import request_metadata, write_clip

    def write(path: Path, clip: Any, parents: list[str]) -> object:
        about = {"model_hash": clip.model_hash} | ({"parents": parents} if parents else {})
        return write_clip(path, clip.frames, clip.request.fps,
                          request_metadata(clip.request, about))

    return Engine(partial(generate, models_directory=models_directory, device=device), write)


def parse(argv: list[str]) -> argparse.Namespace:
    """Read the worker's flags."""
    parser = argparse.ArgumentParser(prog="snapui.worker", description=__doc__.split("\n")[0])
    parser.add_argument("--database", help="the journal: a URL or a SQLite file")
    parser.add_argument("--output-directory", type=Path, default=Path("outputs"))
    parser.add_argument("--models-directory", type=Path)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--name", default=f"{socket.gethostname()}-{os.getpid()}")
    parser.add_argument("--until-stdin-closes", action="store_true",
                        help="end when the program that started this worker ends")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None, load: Callable[..., Engine] = load_engine) -> int:
    """Run one worker until it is interrupted. Returns: the exit code."""
    flags = parse(sys.argv[1:] if argv is None else argv)
    logging.basicConfig(level=logging.WARNING, format="worker: %(message)s")
    journal = Journal(database_url(flags.database, flags.output_directory), flags.output_directory)
    journal.hello(flags.name, socket.gethostname(), os.getpid())
    try:
        engine = load(flags.models_directory, flags.device, flags.threads)
    except Exception as error:
        logger.error("the engine cannot be loaded", exc_info=error)
        journal.set_worker(flags.name, "failed", f"The engine cannot be loaded: {error}. Install "
                           "requirements.txt again, then start the program again.")
        return 1
    worker = Worker(journal, engine, flags.name)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: worker.stopping.set())
    if flags.until_stdin_closes:
        threading.Thread(target=lambda: (sys.stdin.read(), worker.stopping.set()),
                         daemon=True).start()
    worker.run()
    journal.forget_worker(flags.name, died=False)
    worker.sweep()
    journal.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
