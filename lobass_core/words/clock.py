"""The time as everything that is kept is dated, and how long ago something was on a clock that may be set back."""

import time
from datetime import UTC, datetime
from pathlib import Path


def utc_now() -> str:
    """The time as ISO 8601 in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def age_of(path: Path) -> float:
    """Seconds since a file was written; for one from the future, by how far, as the clock was set back since.

    Raises OSError where there is no such file.
    """
    return abs(time.time() - path.lstat().st_mtime)


def seconds_between(start: str | None, end: str | None) -> float | None:
    """Seconds from one ISO time to another; None where one is missing, or the clock was set back in between."""
    if not (start and end):
        return None
    seconds = (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()
    return seconds if seconds >= 0 else None
