"""Print the dashboard's address, and open it in a browser."""

import os
import sys
import threading
import webbrowser
from contextlib import suppress
from html import escape
from pathlib import Path

from lobass_core.words.terminal_text import printable
from lobass_core.workflows.serve import HOST, TOKEN
from pages.components import state
from pages.serving.access import access, settings
from pages.serving.kept_token import token_path

# Long enough for a browser that has to start first.
KEPT_SECONDS = 60.0
_PAGE = """<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url={address}">
<title>LoBaSS</title><a href="{address}">Open the dashboard</a>
"""


def announce(port: int) -> None:
    """Print the address with its token, and open it in a browser where that is wanted and there is a screen."""
    token = access().token
    query = f"?{TOKEN}={token}" if token else ""
    address = f"http://{HOST}:{port}/{query}"
    root = state.project_root()
    lines = [f"Dashboard of {printable(root.name)}: {address}"]
    lines += [f"Behind the proxy: {origin}/{query}" for origin in settings().allow_origins]
    lines.append("Press Ctrl-C to stop it. Runs continue.")
    print("\n".join(lines), file=sys.stderr, flush=True)
    if settings().open_browser and _has_screen():
        threading.Thread(target=_open, args=(root, address), name="open-browser", daemon=True).start()


def opener(root: Path) -> Path:
    """The page that leads a browser to the dashboard.

    In the project, for browsers in a sandbox see no hidden folders; a project that may only be read leaves no choice.
    """
    folder = root if os.access(root, os.W_OK) else token_path(root).parent
    return folder / "open-dashboard.html"


def forget(root: Path) -> None:
    """Remove the page: whoever reads it could open the dashboard."""
    with suppress(OSError):
        opener(root).unlink(missing_ok=True)


def _open(root: Path, address: str) -> None:
    """Open the address by a file that only its owner may read: every user sees the words of every command line."""
    forget(root)
    try:
        descriptor = os.open(opener(root), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as page:
            page.write(_PAGE.format(address=escape(address)))
    except OSError:
        return
    removal = threading.Timer(KEPT_SECONDS, forget, [root])
    removal.daemon = True
    removal.start()
    webbrowser.open(opener(root).as_uri())


def _has_screen() -> bool:
    return sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
