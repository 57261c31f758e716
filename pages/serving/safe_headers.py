"""Security headers of every answer."""

import re

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pages.serving.access import Headers

# The browser itself refuses a word to any other host, whoever asks for it: a page, Streamlit, or a sample's text.
# Streamlit's own code needs inline and evaluated scripts, and components come as blobs.
_POLICY = (
    "default-src 'self' 'unsafe-inline' 'unsafe-eval' blob: data:; "
    "connect-src 'self' blob: data:{sockets}; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
# A policy has no way to write an IPv6 address; newer browsers count the websocket to 'self' anyway.
_NAME = re.compile(r"[a-z0-9.-]+(?::\d{1,5})?")


class SafeHeaders:
    """Adds the headers to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Content-Security-Policy"] = policy_for(Headers(scope).one(b"host"))
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Referrer-Policy"] = "no-referrer"
                # No other site shows a file of this one, and none keeps a hand on a window that it opened.
                headers["Cross-Origin-Resource-Policy"] = "same-origin"
                headers["Cross-Origin-Opener-Policy"] = "same-origin"
            await send(message)

        await self.app(scope, receive, with_headers if scope["type"] == "http" else send)


def policy_for(host: str) -> str:
    """The Content-Security-Policy of a page that was asked for under this name."""
    return _POLICY.format(sockets=f" ws://{host} wss://{host}" if _NAME.fullmatch(host) else "")
