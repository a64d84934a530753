"""The page under load: fifty pages that poll while the worker makes a hundred drafts.

The browsers run on the same processor as what they measure, so the report says what each process
took of it.
"""

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from peewee import fn

from benchmarks.browsers import Polled, poll_all
from benchmarks.program import Running, cpu_seconds, program, wait_for
from benchmarks.report import Report, Row
from engine.request import GenerationRequest
from snapui.jobs import Journal
from snapui.live import POLLS_A_SECOND
from snapui.schema import Job, Worker, database_url

CLIENTS = 50
DRAFTS = 100
WINDOW_SECONDS = 6.0
ROUNDS = 20  # of a window without browsers and one with: a machine that wavers wavers for both


@dataclass(frozen=True)
class Window:
    """One stretch of the run: the worker's speed, and each process's share of one core."""

    steps_a_second: float
    shares: dict[str, float]


def measure(options: argparse.Namespace) -> Report:
    """Let the worker work alone and beside the browsers in turn; report its speed, their waits."""
    with tempfile.TemporaryDirectory() as folder, program(Path(folder)) as running:
        journal = Journal(database_url(None, Path(folder)), Path(folder))
        for seed in range(DRAFTS):
            journal.submit(GenerationRequest("a dog walking to the left in the meadow", seed=seed,
                                             steps=64))
        wait_for(lambda: _steps_done() > 0)
        polled = Polled()
        alone, beside = _in_turn(running, (
            lambda: time.sleep(WINDOW_SECONDS),
            lambda: asyncio.run(poll_all(running.url, CLIENTS, WINDOW_SECONDS, polled))))
        journal.close()
    return Report("load", [
        Row("requests that failed", polled.failed, "", "0"),
        Row("median poll", 1000 * statistics.median(polled.seconds), "ms", "< 20 ms"),
        Row("slowest poll", 1000 * max(polled.seconds), "ms"),
        Row("polls a second", len(polled.seconds) / (ROUNDS * WINDOW_SECONDS), "",
            f"{POLLS_A_SECOND}"),
        Row("bytes a poll", polled.received_bytes / len(polled.seconds), ""),
        Row("steps a second, alone", alone.steps_a_second, ""),
        Row("steps a second, beside the browsers", beside.steps_a_second, ""),
        Row("throughput kept", beside.steps_a_second / alone.steps_a_second, "", "> 0.95"),
        *(Row(f"CPU of {name}, {when}", 100 * share, "% of a core")
          for when, window in (("alone", alone), ("beside the browsers", beside))
          for name, share in window.shares.items()),
    ], [f"{CLIENTS} browsers for {ROUNDS} times {WINDOW_SECONDS:g} s, as long without in turn, "
        f"{DRAFTS} drafts queued",
        f"{os.cpu_count()} cores shared by the worker, the web process and the browsers"])


def _steps_done() -> int:
    """Return the steps of all jobs so far, each of them one evaluation of the network."""
    return Job.select(fn.SUM(Job.step)).scalar() or 0


def _in_turn(running: Running, waits: Sequence[Callable[[], object]]) -> list[Window]:
    """Measure while one thing after another is waited for, several rounds of them.

    Returns: for each the means over its rounds.
    """
    rounds = [[_window(running, wait) for wait in waits] for _ in range(ROUNDS)]
    return [Window(statistics.mean(one.steps_a_second for one in windows),
                   {name: statistics.mean(one.shares[name] for one in windows)
                    for name in windows[0].shares})
            for windows in zip(*rounds, strict=True)]


def _window(running: Running, wait: Callable[[], object]) -> Window:
    """Measure while something is waited for."""
    begun, steps, used = time.monotonic(), _steps_done(), _used_seconds(running)
    wait()
    took = time.monotonic() - begun
    shares = {name: (now - used[name]) / took for name, now in _used_seconds(running).items()}
    return Window((_steps_done() - steps) / took, shares)


def _used_seconds(running: Running) -> dict[str, float]:
    """Return the processor seconds each process has used so far, where the system tells."""
    numbers = {"the web process": running.pid, "the worker": Worker.get().pid,
               "the browsers": os.getpid()}
    told = {name: cpu_seconds(pid) for name, pid in numbers.items()}
    return {name: seconds for name, seconds in told.items() if seconds is not None}
