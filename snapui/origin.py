"""Refuses what another site's page tries to get or do here through a visitor's browser.

Gradio carries out what a foreign page asks for: an upload or a job would be taken. Reached by a
name, as with --share, it also lets that page read the answer, and send a forwarded host of its own
making. A browser tells in Origin and Sec-Fetch-Site which page asks; no page can forge these.
A page whose own name is made to point at this machine (DNS rebinding) is no foreign page to the
browser; it is known by that name in the Host header. With --auth it lacks the password's cookie, so
names are checked only without.
"""

import base64
import secrets
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from snapui.loopback import asked_name, is_loopback

OWN_SITE = ("same-origin", "none")  # old browsers tell nothing of it
HOSTS = ("host", "x-forwarded-host")  # the second is set by a proxy before the program
TOOLS = "/gradio_api/mcp"


def guards(auth: tuple[str, str] | None) -> list[Middleware]:
    """Return what every request passes first. auth: the user and password, if they are asked."""
    if auth is None:
        return [Middleware(OwnName), Middleware(SameOrigin)]
    return [Middleware(SameOrigin), Middleware(ToolsPassword, auth=auth)]


class OwnName:
    """Middleware that answers only who asks this machine by a name of its own."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request for another name with 403, and hand any other on."""
        if scope["type"] == "http":
            name = asked_name(Headers(scope=scope).get("host"))
            if not is_loopback(name):
                refusal = PlainTextResponse(
                    f"This program answers to localhost and 127.0.0.1, not to {str(name)[:100]!r}. "
                    "To reach it by another name, start it with --auth.", 403)
                await refusal(scope, receive, send)
                return
        await self.app(scope, receive, send)


class SameOrigin:
    """Middleware that lets only this program's own page ask for anything."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request of a foreign page with 403, and hand any other on."""
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            origin = headers.get("origin")
            if origin is not None and not _is_own(origin, headers):
                refusal = PlainTextResponse("This request came from another site's page.", 403)
                await refusal(scope, receive, send)
                return
        await self.app(scope, receive, send)


class ToolsPassword:
    """Middleware that asks for the password at the MCP tools, which Gradio's login leaves open."""

    def __init__(self, app: ASGIApp, auth: tuple[str, str]) -> None:
        self.app = app
        self._expected = "Basic " + base64.b64encode(":".join(auth).encode()).decode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a call of a tool without the password with 401, and hand any other on."""
        if scope["type"] == "http" and scope["path"].startswith(TOOLS):
            given = Headers(scope=scope).get("authorization", "")
            if not secrets.compare_digest(given.encode(), self._expected.encode()):
                refusal = PlainTextResponse(
                    "These tools need the name and password of --auth (HTTP Basic).", 401,
                    {"WWW-Authenticate": "Basic"})
                await refusal(scope, receive, send)
                return
        await self.app(scope, receive, send)


def _is_own(origin: str, headers: Headers) -> bool:
    if headers.get("sec-fetch-site", OWN_SITE[0]) not in OWN_SITE:
        return False
    return urlsplit(origin).netloc in [headers[name] for name in HOSTS if name in headers]
