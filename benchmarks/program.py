"""The real program, started on a free port and stopped afterwards."""

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

START_SECONDS = 120.0
POLL_SECONDS = 0.05


@contextmanager
def program(folder: Path) -> Iterator[str]:
    """Run app.py on an outputs folder. Yields: its address, once its first page answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, "app.py", "--port", str(port),
                                "--output-directory", str(folder)], stdout=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(lambda: _answers(url))
        yield url
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


def _answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.TransportError:
        return False
