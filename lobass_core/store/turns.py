"""How programs take turns with a store: who waits for it leaves a mark beside it, and who holds it makes way.

The mark is an empty file that is touched at every try. An old one belongs to a program that has given up.
"""

import time
from pathlib import Path

from lobass_core.files import read_only
from lobass_core.words.clock import age_of

# Who waits tries again this often; a mark is believed, and way is made, for somewhat longer.
RETRY_SECONDS = 0.1
_FRESH_SECONDS = 1.0


def ask_for(path: Path) -> None:
    """Leave or renew the mark of somebody who waits for the store."""
    if read_only.is_asked_for():
        return
    try:
        _mark(path).touch()
    except OSError:
        # A project that may only be read: its holder notices nothing, and gives the store back when it is idle.
        return


def is_asked_for(path: Path) -> bool:
    """Whether another program waits for the store now."""
    try:
        return age_of(_mark(path)) < _FRESH_SECONDS
    except OSError:
        return False


def has_come(path: Path) -> None:
    """Take the mark away: whoever waited has the store. Others who wait renew it at their next try."""
    if read_only.is_asked_for():
        return
    try:
        _mark(path).unlink(missing_ok=True)
    except OSError:
        return


def let_in(path: Path) -> None:
    """Leave a store that is closed alone until whoever waits has come, or five tries at most."""
    deadline = time.monotonic() + 5 * RETRY_SECONDS
    while time.monotonic() < deadline and is_asked_for(path):
        time.sleep(RETRY_SECONDS / 5)


def _mark(path: Path) -> Path:
    return path.with_name(f".{path.name}.asked-for")
