"""The token that opens a project's dashboard: created once, readable only by its owner.

A restarted dashboard lets in the browsers that the one before let in: an open tab goes on, and saves what it could not
save meanwhile. The file lies outside of the project, which may be copied or shared.
"""

import hashlib
import os
import re
import secrets
import stat
from pathlib import Path

from lobass_core.files.atomic_file import whole_file
from lobass_core.files.caches import cache_folder
from lobass_core.words.clock import age_of

UNUSED_SECONDS = 90 * 24 * 3600.0
# 32 random bytes in the alphabet of addresses and cookies.
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


def token_of(root: Path, *, new: bool = False) -> str:
    """The project's token; a new one where it is asked for, where there is none, or where others could have read it.

    Where it cannot be kept it still opens this one dashboard.
    """
    path = token_path(root)
    made = secrets.token_urlsafe(32)
    try:
        kept = None if new else _read(path)
        if kept:
            path.touch()
            return kept
        _forget_unused(path.parent)
        _write(path, made)
    except OSError:
        pass
    return made


def token_path(root: Path) -> Path:
    """The file that keeps the token of the project in this folder."""
    return cache_folder("dashboards") / f"{hashlib.sha256(os.fsencode(root.resolve())).hexdigest()[:32]}.token"


def _read(path: Path) -> str | None:
    """The token, None where the file is not there, is not ours alone, or holds none."""
    try:
        # A link could lead to a file that another user chose.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    with os.fdopen(descriptor, encoding="ascii", errors="replace") as file:
        status = os.fstat(descriptor)
        is_ours = status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IRWXG | stat.S_IRWXO)
        text = file.read(200) if stat.S_ISREG(status.st_mode) and is_ours else ""
    return text if _TOKEN.fullmatch(text) else None


def _forget_unused(folder: Path) -> None:
    """Projects are moved and deleted, and their tokens would pile up."""
    for path in folder.glob("*.token"):
        if age_of(path) > UNUSED_SECONDS:
            path.unlink(missing_ok=True)


def _write(path: Path, token: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with whole_file(path) as unfinished:
        unfinished.unlink(missing_ok=True)
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(token)
