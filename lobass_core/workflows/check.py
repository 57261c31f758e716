"""One line of what `lobass doctor` says."""

from dataclasses import asdict, dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at: good, worth knowing (note), or in need of a person (bad).

    `repair` is what `lobass doctor --repair` does about it; empty for nothing.
    """

    name: str
    verdict: Literal["good", "note", "bad"]
    detail: str
    repair: str = ""

    def to_dict(self) -> dict:
        return asdict(self)
