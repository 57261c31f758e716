"""Whether a project is to be read only because somebody asked for that: `--read-only`, or `LOBASS_READ_ONLY=1`.

The variable reaches every process that is started from this one, the dashboard among them.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

VARIABLE = "LOBASS_READ_ONLY"


def is_asked_for() -> bool:
    """Whether nothing may be written to a project."""
    return os.environ.get(VARIABLE, "") not in ("", "0")


@contextmanager
def asked_for() -> Iterator[None]:
    """Write nothing to a project inside the block."""
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before
