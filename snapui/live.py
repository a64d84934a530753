"""What every open page shows of the journal, drawn once for all and sent to each as what is new.

A page asks twice a second, less often beside many others, and names what it has seen. Gradio takes
milliseconds for the smallest event, so this answers before Gradio and out of memory: usually
"nothing new". Where Gradio asks for a password, only a page behind it is given the key that this
asks for.
"""

import json
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import QueryParams
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from snapui.jobs import Journal
from snapui.messages import log_unexpected, sentence
from snapui.space import trouble

PATH = "/snapui/live"
REST = 10  # a drawing is not made anew for this many times as long as it took
# The journal is asked no more often, for one page as it comes back or for many, unless this very
# program has changed it: what is pressed shows at once.
LOOK_SECONDS = 0.45
# All pages together ask no more often than this: what they take, the workers on this machine miss.
POLLS_A_SECOND = 25
POLL_SECONDS = 0.5  # between the polls of one page, if there are few
PAGE_SECONDS = 10.0  # one that has not asked for so long is gone
PAGE_NAME = 16  # characters of a page's name that count
REST_HEADER = "X-Rest"
Part = Callable[[], dict[str, Any]]


@dataclass(frozen=True)
class Drawing:
    """What a page shows at one moment.

    number: raised by every change. since: by part and key, the number a card has looked so from.
    told: the answers given already, by the number a page had seen.
    """

    number: int
    revision: int
    trouble: str
    values: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    since: Mapping[tuple[str, str], int] = field(default_factory=dict)
    told: dict[int, bytes] = field(default_factory=dict)

    def next(self, revision: int, trouble: str, values: Mapping[str, dict]) -> "Drawing":
        """Return the drawing of a later moment."""
        known = {(name, key): html for name, value in self.values.items()
                 for key, html in value["cards"]}
        since = {}
        for name, value in values.items():
            for key, html in value["cards"]:
                is_kept = known.get((name, key)) == html
                since[name, key] = self.since[name, key] if is_kept else self.number + 1
        return Drawing(self.number + 1, revision, trouble, values, since)

    def news(self, seen: int, token: str) -> bytes:
        """Return as JSON what a page lacks: every part, without the cards it has."""
        if seen not in self.told:
            parts = {name: value | {"cards": [
                [key, html if self.since[name, key] > seen else None]
                for key, html in value["cards"]]} for name, value in self.values.items()}
            self.told[seen] = json.dumps(
                {"seen": token, "trouble": self.trouble, "parts": parts}).encode()
        return self.told[seen]


class Audience:
    """The pages that are open, known by the names they ask with."""

    def __init__(self) -> None:
        self._heard: dict[str, float] = {}  # when each asked last, the latest at the end

    def rest(self, page: str) -> float:
        """Note that a page asks. Returns: in how many seconds it should ask again."""
        now = time.monotonic()
        self._heard.pop(page, None)
        self._heard[page] = now
        while now - self._heard[oldest := next(iter(self._heard))] > PAGE_SECONDS:
            del self._heard[oldest]
        return max(POLL_SECONDS, len(self._heard) / POLLS_A_SECOND)


class Live:
    """Draws one journal for all pages.

    parts: by name, what returns the value of a part of the page; its "cards" are pairs of key and
    HTML. is_locked: whether pages must show the key.
    """

    def __init__(self, journal: Journal, parts: Mapping[str, Part], is_locked: bool) -> None:
        self.key = secrets.token_urlsafe() if is_locked else ""
        self._journal, self._parts = journal, parts
        self._epoch = secrets.token_hex(4)  # what a page saw of an earlier program means nothing
        self._looking = threading.Lock()
        self._drawn = Drawing(0, -1, "")
        self._rest_until = self._next_look = 0.0
        self._known_changes = 0

    @property
    def is_due(self) -> bool:
        """Whether to look at the journal before pages are answered.

        While one page waits for the journal, the others are told what was there before.
        """
        now = time.monotonic()
        return now >= self._rest_until and (now >= self._next_look
                                            or self._journal.changes != self._known_changes)

    def look(self) -> None:
        """Look at the journal, unless somebody does, and draw what has changed."""
        if self._looking.acquire(blocking=False):
            try:
                self._look()
            finally:
                self._looking.release()

    def answer(self, token: str) -> bytes | None:
        """Return what is new to a page that has seen `token`, or None if nothing is."""
        drawn = self._drawn
        epoch, _, number = token.partition(".")
        seen = int(number) if epoch == self._epoch and number.isdecimal() else -1
        if seen == drawn.number:
            return None
        return drawn.news(seen, f"{self._epoch}.{drawn.number}")

    def _look(self) -> None:
        drawn, begun = self._drawn, time.monotonic()
        self._next_look, self._known_changes = begun + LOOK_SECONDS, self._journal.changes
        try:
            revision, said = self._journal.revision(), trouble(self._journal.output_directory)
            if (revision, said) != (drawn.revision, drawn.trouble):
                values = {name: part() for name, part in self._parts.items()}
                self._drawn = drawn.next(revision, said, values)
                now = time.monotonic()
                self._rest_until = now + REST * (now - begun)
        except Exception as error:
            self._journal.close()  # the connection may be what is broken
            said = sentence(error)
            if said != drawn.trouble:
                log_unexpected(error)
                self._drawn = drawn.next(-1, said, drawn.values)


class LiveRoute:
    """Middleware that answers pages that ask what is new, and hands any other request on."""

    def __init__(self, app: ASGIApp, live: Live) -> None:
        self.app, self.live, self.audience = app, live, Audience()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the news, 204 if there is none, or 401 to a page without the key."""
        if scope["type"] != "http" or scope["path"] != PATH:
            await self.app(scope, receive, send)
            return
        asked = QueryParams(scope["query_string"])
        if not secrets.compare_digest(asked.get("key", "").encode(), self.live.key.encode()):
            response = Response(status_code=401)
        else:
            if self.live.is_due:  # a thread costs more than the answer
                await run_in_threadpool(self.live.look)
            news = self.live.answer(asked.get("seen", ""))
            rest = self.audience.rest(asked.get("page", "")[:PAGE_NAME])
            response = Response(news, 204 if news is None else 200, {
                "Cache-Control": "no-store", REST_HEADER: f"{rest:g}"}, "application/json")
        await response(scope, receive, send)
