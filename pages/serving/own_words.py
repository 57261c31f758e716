"""Our words in place of Streamlit's own: in the tab before a page is drawn, in the menu, in dialogs about connections.
And a script of ours in the front page, before Streamlit's.

What a setting turns off is turned off in `.streamlit/config.toml`. The rest are texts in the front page and in three
scripts of Streamlit's package. They are served with other texts, before Streamlit's own routes are asked; on disk they
stay as they are.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import streamlit
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit.runtime import app_session

from lobass_core import __version__
from pages.components import state
from pages.serving import mended_scripts

STATIC = Path(streamlit.__file__).parent / "static"
ICON = state.PAGES_DIR / "assets" / "icon.png"
# What makes a page one step of the browser's history; the front page loads it before Streamlit's scripts.
STEPS = state.PAGES_DIR / "assets" / "steps.js"
# A pattern in the file, and what stands in its place.
Words = tuple[tuple[str, str], ...]
FRONT_PAGE: Words = (
    ("<title>Streamlit</title>", "<title>LoBaSS</title>"),
    (r"(?s)<noscript>.*?</noscript>", "<noscript><p>The dashboard needs JavaScript.</p></noscript>"),
    (r'(?s)<!--\s*Machine-readable pointer.*?<link rel="service-desc"[^>]*>', ""),
    ("</head>", '<script src="./lobass/steps.js"></script></head>'),
)
# By the name of a script without its hash. The texts end with the backtick that closes them.
SCRIPTS: dict[str, Words] = {
    "index": (
        *mended_scripts.INDEX,
        # The version that follows is ours: `adopt`.
        ("`Made with Streamlit v`", "`LoBaSS `"),
        (r"\|\|`Streamlit`", "||`LoBaSS`"),
        ("`Connecting to Streamlit server`", "`Connecting to the dashboard`"),
        ("`Unable to connect to Streamlit server`", "`The dashboard is not responding`"),
        (r"`Is Streamlit still running\?[^`]*`", "`The dashboard is not responding. To start it again:`"),
        ("`streamlit run yourscript.py`", "`lobass serve --project FOLDER`"),
        (
            r"`Streamlit server is not responding\.[^`]*`",
            "`The dashboard is not responding. Start it again with lobass serve; this tab then reconnects.`",
        ),
        (
            r"`Cannot connect to Streamlit \(HTTP status: 403\)\.[^`]*`",
            "`This page has no access to the dashboard. Open the address that lobass serve printed.`",
        ),
        (r"`You have requested page /\$\{e\}, but no corresponding file[^`]*`", "`There is no page /${e}`"),
        (r"Running the app's main page\.", "The Overview is shown instead."),
    ),
    # A box of its own with a name is no mere presentation, which is what the uploader calls it.
    "FileUploader": (
        ('"data-testid":`stFileUploaderDropzone`,', 'role:`group`,"data-testid":`stFileUploaderDropzone`,'),
    ),
    "StreamlitMarkdown": (
        (r"`Cannot load Streamlit frontend code\.[^`]*`", "`LoBaSS was updated while this page was open.`"),
    ),
}


@dataclass(frozen=True, slots=True)
class Served:
    """One file as it is sent. Browsers ask each time whether it has changed: our words may, under the same name."""

    body: bytes
    media_type: str

    async def answer(self, request: Request) -> Response:
        headers = {"Cache-Control": "no-cache", "ETag": f'"{hashlib.sha256(self.body).hexdigest()[:32]}"'}
        if request.headers.get("if-none-match") == headers["ETag"]:
            return Response(status_code=304, headers=headers)
        return Response(self.body, media_type=self.media_type, headers=headers)


class OwnWords:
    """Answers for the files that hold our words; Streamlit has the rest. (It lets no app have routes under /static.)"""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.files = Router(routes(), redirect_slashes=False, default=app)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (self.files if scope["type"] == "http" else self.app)(scope, receive, send)


def adopt() -> None:
    """Send our version in place of Streamlit's: the menu shows it, and an open tab reloads when it changes."""
    app_session.STREAMLIT_VERSION_STRING = __version__  # type: ignore[misc]


def routes() -> list[Route]:
    """Streamlit's scripts, ours, the icon, and the front page under every address of one part."""
    page = Served(reworded(STATIC / "index.html", FRONT_PAGE), "text/html")
    return [
        *[
            Route(f"/static/js/{path.name}", Served(reworded(path, SCRIPTS[name]), "text/javascript").answer)
            for name, path in scripts().items()
        ],
        Route("/lobass/steps.js", Served(STEPS.read_bytes(), "text/javascript").answer),
        Route("/favicon.png", Served(ICON.read_bytes(), "image/png").answer),
        Route("/", page.answer),
        Route("/{page}", page.answer),
    ]


def scripts() -> dict[str, Path]:
    """The files of `SCRIPTS`, as the front page names them; one that is loaded later is the only one of its name."""
    text = (STATIC / "index.html").read_text(encoding="utf-8")
    named = {name: re.search(rf'"\./(static/js/{name}\.[\w-]+\.js)"', text) for name in SCRIPTS}
    files = {name: [STATIC / match[1]] for name, match in named.items() if match}
    later = {name: list((STATIC / "static" / "js").glob(f"{name}.*.js")) for name in SCRIPTS if name not in files}
    return {name: paths[0] for name, paths in (files | later).items() if len(paths) == 1}


def reworded(path: Path, words: Words) -> bytes:
    """The file with our words in it."""
    text = path.read_text(encoding="utf-8")
    for theirs, ours in words:
        # A backslash in our words is no reference to a group.
        text = re.sub(theirs, ours.replace("\\", r"\\"), text)
    return text.encode()
