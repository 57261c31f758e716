"""The check before every answer of the server: pages, files, uploads, media, health and the websocket."""

from html import escape

from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from pages.serving.access import Headers, Refused, Welcome, access
from pages.serving.identity import ID_PATH, SERVER_ID

REASONS = {
    "token": (
        "This dashboard is private",
        "Open the full address that lobass serve printed in its terminal, including everything after “?token=”. "
        "This browser then has access until you close it.",
        "If you closed that terminal, run lobass serve again. Open tabs reconnect.",
    ),
    "origin": (
        "Request from another site refused",
        "The dashboard only answers its own pages.",
        "If it runs behind a proxy, allow the proxy's address: lobass serve --allow-origin https://data.example.com",
    ),
    "host": (
        "Unknown host name",
        "The dashboard answers at 127.0.0.1, localhost and [::1].",
        "If it runs behind a proxy, allow the proxy's address: lobass serve --allow-origin https://data.example.com",
    ),
}
_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">{reload}
<title>{title} · LoBaSS</title>
<style>
:root {{ color-scheme: light dark }}
body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 34rem; margin: 18vh auto; padding: 0 1.5rem }}
h1 {{ font-size: 1.25rem }}
</style>
<h1>{title}</h1>
{body}
</html>
"""
# Shown by a tab that was open when the token changed, in the dialog that says it cannot connect.
RECONNECT = "This dashboard has a new token. Open the address that lobass serve printed; this tab then reconnects."


class Gate:
    """Lets through what `Access` lets through, and answers the rest itself."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.access = access()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        verdict = self.access.judge(scope)
        if verdict is None and scope["type"] == "http" and scope["path"] == ID_PATH:
            await PlainTextResponse(SERVER_ID, headers={"Cache-Control": "no-store"})(scope, receive, send)
        elif verdict is None:
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            # Closed before it is accepted, it is answered with 403.
            await send({"type": "websocket.close", "code": 1008, "reason": "refused"})
        else:
            response = _welcome(verdict) if isinstance(verdict, Welcome) else _refusal(verdict, Headers(scope))
            response.headers["Cache-Control"] = "no-store"
            await response(scope, receive, send)


def _welcome(verdict: Welcome) -> Response:
    response = RedirectResponse(verdict.location, status_code=303)
    response.headers["Set-Cookie"] = verdict.cookie
    return response


def _refusal(verdict: Refused, headers: Headers) -> Response:
    title, *sentences = REASONS[verdict.reason]
    asked_by = (headers.one(b"sec-fetch-site"), headers.one(b"sec-fetch-mode"))
    if verdict.reason == "token" and asked_by == ("same-origin", "cors"):
        # Streamlit's page explains a 403 as a matter of CORS; with any other status it shows what is said in JSON.
        return JSONResponse(RECONNECT, status_code=401)
    if "text/html" not in headers.one(b"accept"):
        return PlainTextResponse(f"{title}. {' '.join(sentences)}\n", status_code=403)
    body = "\n".join(f"<p>{escape(sentence)}</p>" for sentence in sentences)
    # A link on another site brings no cookie; the same address asked for by this page does.
    reload = '<meta http-equiv="refresh" content="0">' if verdict.reload else ""
    return HTMLResponse(_PAGE.format(title=escape(title), body=body, reload=reload), status_code=403)
