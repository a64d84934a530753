"""The page under load: fifty pages that poll while the worker makes a hundred drafts.

The clients run on the same processor as what they measure and are part of the load.
"""

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from peewee import fn

from benchmarks.program import program, wait_for
from benchmarks.report import Report, Row
from engine.request import GenerationRequest
from snapui.jobs import Journal
from snapui.live import PATH
from snapui.schema import Job, database_url

CLIENTS = 50
DRAFTS = 100
POLL_SECONDS = 0.5  # as live.js does
WINDOW_SECONDS = 120.0


@dataclass
class Polled:
    """What the clients saw."""

    seconds: list[float] = field(default_factory=list)
    failed: int = 0


def measure(options: argparse.Namespace) -> Report:
    """Let the worker work alone and then beside the clients; report its speed and their waits."""
    with tempfile.TemporaryDirectory() as folder, program(Path(folder)) as url:
        journal = Journal(database_url(None, Path(folder)), Path(folder))
        for seed in range(DRAFTS):
            journal.submit(GenerationRequest("a dog walking to the left in the meadow", seed=seed,
                                             steps=64))
        wait_for(lambda: _steps_done() > 0)
        alone = _steps_a_second(lambda: time.sleep(WINDOW_SECONDS))
        polled = Polled()
        beside = _steps_a_second(lambda: asyncio.run(_poll_all(url, polled)))
        journal.close()
    return Report("load", [
        Row("requests that failed", polled.failed, "", "0"),
        Row("median poll", 1000 * statistics.median(polled.seconds), "ms", "< 20 ms"),
        Row("slowest poll", 1000 * max(polled.seconds), "ms"),
        Row("polls a second", len(polled.seconds) / WINDOW_SECONDS, "",
            f"{CLIENTS / POLL_SECONDS:g}"),
        Row("steps a second, alone", alone, ""),
        Row("steps a second, beside the clients", beside, ""),
        Row("throughput kept", beside / alone, "", "> 0.95"),
    ], [f"{CLIENTS} clients for {WINDOW_SECONDS:g} s, {DRAFTS} drafts queued",
        f"{os.cpu_count()} cores shared by the worker, the web process and the clients"])


def _steps_done() -> int:
    """Return the steps of all jobs so far, each of them one evaluation of the network."""
    return Job.select(fn.SUM(Job.step)).scalar() or 0


def _steps_a_second(wait) -> float:
    before, begun = _steps_done(), time.monotonic()
    wait()
    return (_steps_done() - before) / (time.monotonic() - begun)


async def _poll_all(url: str, polled: Polled) -> None:
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        await asyncio.gather(*(_poll(client, polled, number) for number in range(CLIENTS)))


async def _poll(client: httpx.AsyncClient, polled: Polled, number: int) -> None:
    """Ask as one open page does: what is new since it asked last, twice a second."""
    seen = ""
    await asyncio.sleep(POLL_SECONDS * number / CLIENTS)
    end = time.monotonic() + WINDOW_SECONDS
    while (begun := time.monotonic()) < end:
        try:
            answer = await client.get(PATH, params={"seen": seen, "key": ""})
            polled.failed += answer.status_code not in (200, 204)
            if answer.status_code == 200:
                seen = answer.json()["seen"]
        except httpx.TransportError:
            polled.failed += 1
        took = time.monotonic() - begun
        polled.seconds.append(took)
        await asyncio.sleep(max(0.0, POLL_SECONDS - took))
