"""Refuses what another site's page tries to send here through a visitor's browser.

Gradio keeps such a page from reading the answer, but carries the request out: an upload or a job
would be taken. A browser names the page it sends for in the Origin header, which no page can forge.
"""

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

READING = ("GET", "HEAD", "OPTIONS")
HOSTS = ("host", "x-forwarded-host")  # the second is set by a proxy before the program


class SameOrigin:
    """Middleware that lets only this program's own page send anything."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request of a foreign page with 403, and hand any other on."""
        if scope["type"] == "http" and scope["method"] not in READING:
            headers = Headers(scope=scope)
            origin = headers.get("origin")
            if origin is not None and not _is_own(origin, headers):
                refusal = PlainTextResponse("This request came from another site's page.", 403)
                await refusal(scope, receive, send)
                return
        await self.app(scope, receive, send)


def _is_own(origin: str, headers: Headers) -> bool:
    return urlsplit(origin).netloc in [headers[name] for name in HOSTS if name in headers]
