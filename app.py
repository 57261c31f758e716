"""The dashboard. Start it with `lobass serve`, or with `streamlit run app.py`."""

from pathlib import Path

import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pages.components.warm_up import while_serving

# The browser itself refuses a word to any other host, whoever asks for it: a page, Streamlit, or a sample's text.
# Streamlit's own code needs inline and evaluated scripts, and components come as blobs.
SAME_HOST_ONLY = (
    "default-src 'self' 'unsafe-inline' 'unsafe-eval' blob: data:; "
    "connect-src 'self' blob: data: ws://127.0.0.1:* ws://localhost:*; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)


class SafeHeaders:
    """Adds the headers to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Content-Security-Policy"] = SAME_HOST_ONLY
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Referrer-Policy"] = "no-referrer"
            await send(message)

        await self.app(scope, receive, with_headers if scope["type"] == "http" else send)


# The router does not lie beside `pages/`: Streamlit would take that folder for a multipage app of the old kind, and
# a link to /select that comes before the first visit of / would run the page without its router.
app = st.App(
    Path(__file__).parent / "pages" / "components" / "router.py",
    lifespan=while_serving,
    middleware=[Middleware(SafeHeaders)],
)
