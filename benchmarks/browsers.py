"""Browsers that poll a running program as live.js does, at the least cost to this processor.

Real ones run on machines of their own: an HTTP library would take more of the processor that is
measured than the program does. Each keeps one connection and sends the same few bytes.
"""

import asyncio
import re
import time
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from snapui.live import PATH, POLL_SECONDS, REST_HEADER

PATIENCE_SECONDS = 60.0
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
REST = re.compile(rb"\r\n%s: *([\d.]+)" % REST_HEADER.encode(), re.IGNORECASE)
SEEN = re.compile(rb'"seen": *"([^"]*)"')


@dataclass
class Polled:
    """What the browsers met: how long each answer took, its bytes, and requests without one."""

    seconds: list[float] = field(default_factory=list)
    received_bytes: int = 0
    failed: int = 0


async def poll_all(url: str, browsers: int, window_seconds: float, polled: Polled) -> None:
    """Let browsers poll a program for some time, their polls spread over the interval.

    polled: what they meet is added to it.
    """
    end = time.monotonic() + window_seconds
    await asyncio.gather(*(_poll(url, polled, POLL_SECONDS * place / browsers, end)
                           for place in range(browsers)))


async def _poll(url: str, polled: Polled, delay: float, end: float) -> None:
    """Ask as one open page does: what is new since it asked last, as often as it is told to."""
    page = Page(url, f"{delay:.3f}")
    await asyncio.sleep(delay)
    while (begun := time.monotonic()) < end:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                polled.received_bytes += await page.look()
        except (OSError, EOFError, ValueError, TimeoutError):
            polled.failed += 1
            await page.close()
        took = time.monotonic() - begun
        polled.seconds.append(took)
        await asyncio.sleep(max(0.0, page.rest - took))
    await page.close()


class Page:
    """One open page: its connection, what it has seen, and in how many seconds it asks again."""

    def __init__(self, url: str, name: str = "") -> None:
        self.seen, self.rest = b"", POLL_SECONDS
        self._name = name.encode()
        self._address = urlsplit(url)
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def look(self) -> int:
        """Ask what is new. Returns: bytes received. Raises: ValueError if the answer is an error.
        """
        host, port = self._address.hostname, self._address.port
        if self._streams is None:
            self._streams = await asyncio.open_connection(host, port)
        reader, writer = self._streams
        writer.write(b"GET %s?seen=%s&key=&page=%s HTTP/1.1\r\nHost: %s:%d\r\nAccept: */*"
                     b"\r\n\r\n" % (PATH.encode(), self.seen, self._name, host.encode(), port))
        head = await reader.readuntil(b"\r\n\r\n")
        length = LENGTH.search(head)
        body = await reader.readexactly(int(length[1])) if length else b""
        status = int(head.split(b" ", 2)[1])
        if status not in (200, 204):
            raise ValueError(f"the program answered with {status}")
        self.rest = float(REST.search(head)[1])
        if status == 200:
            self.seen = SEEN.search(body)[1]
        return len(head) + len(body)

    async def close(self) -> None:
        """Close the connection, if there is one; the next look opens another."""
        if self._streams is not None:
            (_, writer), self._streams = self._streams, None
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
