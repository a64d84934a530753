"""The browsers of `python -m benchmarks load`, with a program that answers as it is told to."""

import asyncio
import os
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from benchmarks import browsers
from benchmarks.browsers import Page, Polled, poll_all
from benchmarks.program import cpu_seconds
from snapui.live import REST_HEADER

NEWS = b'{"seen": "a.1", "parts": {}}'


@contextmanager
def answering(*statuses):
    """Serve these statuses, one after the other, and then 204. Yields: the address, paths asked."""
    asked, coming = [], iter(statuses)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            asked.append((self.client_address[1], self.path))
            status = next(coming, 204)
            self.send_response(status)
            self.send_header(REST_HEADER, "0.02")
            body = NEWS if status == 200 else b""
            if status != 204:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


def test_a_page_names_what_it_has_seen_on_the_same_connection():
    async def look(url):
        page = Page(url, "p1")
        received = [await page.look() for _ in range(3)]
        await page.close()
        assert page.rest == 0.02
        return received

    with answering(200) as (url, asked):
        received = asyncio.run(look(url))
    assert [path for _, path in asked] == [
        "/snapui/live?seen=&key=&page=p1", *["/snapui/live?seen=a.1&key=&page=p1"] * 2]
    assert len({port for port, _ in asked}) == 1
    assert received[1] == received[2] < received[0] - len(NEWS)


def test_answers_that_are_errors_are_counted_and_polled_on(monkeypatch):
    monkeypatch.setattr(browsers, "POLL_SECONDS", 0.01)
    told = Polled()
    with answering(500) as (url, asked):
        asyncio.run(poll_all(url, 2, 0.5, told))
    assert told.failed == 1 and len(told.seconds) == len(asked) > 2


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the system does not tell")
def test_the_processor_time_of_a_process_is_told_while_there_is_one():
    assert abs(cpu_seconds(os.getpid()) - time.process_time()) < 0.5
    assert cpu_seconds(2**22 + 1) is None
