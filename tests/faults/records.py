"""Outcomes kept as one JSON line each, so that a long run that was stopped goes on where it was.

They are kept where `LOBASS_FAULT_RECORDS` says, and only where it says something.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path

from tests.faults.trial import Outcome


def records_path() -> Path | None:
    """The file of outcomes; None where none are kept."""
    named = os.environ.get("LOBASS_FAULT_RECORDS")
    return Path(named) if named else None


def read_records(path: Path) -> list[Outcome]:
    """All outcomes, the later one of a fault in place of the earlier; a line that a kill cut off is passed over."""
    found: dict[tuple, Outcome] = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else []:
        try:
            values = json.loads(line)
        except ValueError:
            continue
        listed = {name: tuple(values.get(name, ())) for name in ("said", "left", "unnamed")}
        outcome = Outcome(**{**values, **listed})
        found[outcome.fault, outcome.stage, outcome.number, outcome.seed] = outcome
    return list(found.values())


def recorded(fault: str, stage: str, number: int, seed: int, disturb: Callable[[], Outcome]) -> Outcome:
    """The outcome on record, if it was harmless, or that of disturbing now, which is then put on record."""
    path = records_path()
    if path is None:
        return disturb()
    for outcome in read_records(path):
        if (outcome.fault, outcome.stage, outcome.number, outcome.seed) == (fault, stage, number, seed):
            if outcome.is_harmless:
                return outcome
            break
    outcome = disturb()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        # On a line of its own also where a kill cut off the one before.
        file.write("\n" + json.dumps(outcome.to_dict(), ensure_ascii=False) + "\n")
    return outcome
