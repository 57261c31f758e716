"""Where files that can be made or fetched again are kept, outside of projects and of the checkout."""

import os
from pathlib import Path


def cache_folder(name: str) -> Path:
    """The folder of one kind of files: under LOBASS_CACHE, else under the user's cache. It need not exist."""
    chosen = os.environ.get("LOBASS_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "lobass"
    return Path(chosen).expanduser() / name
