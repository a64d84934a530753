"""The real program, started on a free port and stopped afterwards."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

START_SECONDS = 120.0
POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Running:
    """A program that runs: its address, and its process's number."""

    url: str
    pid: int


@contextmanager
def program(folder: Path) -> Iterator[Running]:
    """Run app.py on an outputs folder. Yields: the program, once its first page answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, "app.py", "--port", str(port),
                                "--output-directory", str(folder)], stdout=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(lambda: _answers(url))
        yield Running(url, process.pid)
    finally:
        process.terminate()
        process.wait(60)


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until something is so, or end the benchmark with a sentence."""
    end = time.monotonic() + START_SECONDS
    while not condition():
        if time.monotonic() > end:
            raise SystemExit("The program did not start to work; run `python app.py` to see why.")
        time.sleep(POLL_SECONDS)


def cpu_seconds(pid: int) -> float | None:
    """Return the processor time a process has used so far; None where /proc does not tell."""
    try:
        told = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    user, system = told.rpartition(")")[2].split()[11:13]  # the name before may hold anything
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.TransportError:
        return False
