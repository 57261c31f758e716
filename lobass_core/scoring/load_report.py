"""What transformers logs while it loads a model, for the run's log and for exceptions that only point at it."""

import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from lobass_core.errors import cause_of

_COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


class Report(logging.Handler):
    """Collects warnings; `cause` is what the last one says of weights that could not be converted, else empty."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(_COLOURS.sub("", record.getMessage()))

    @property
    def cause(self) -> str:
        wrong = [line for text in self.texts for line in text.splitlines() if "CONVERSION" in line]
        return cause_of(RuntimeError(" ".join(wrong[0].split()))) if wrong else ""


@contextmanager
def captured_report() -> Iterator[Report]:
    """Collect what transformers warns of inside the block; printed (to the run's log) only if the block fails."""
    logger = logging.getLogger("transformers")
    report, before = Report(), (logger.level, logger.handlers[:])
    logger.handlers[:] = [report]
    logger.setLevel(logging.WARNING)
    try:
        yield report
    except Exception:
        print("\n".join(report.texts), file=sys.stderr)
        raise
    finally:
        logger.setLevel(before[0])
        logger.handlers[:] = before[1]
