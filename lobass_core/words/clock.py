"""The time as everything that is kept is dated."""

from datetime import UTC, datetime


def utc_now() -> str:
    """The time as ISO 8601 in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
