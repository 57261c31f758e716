"""The rows of one selection as the rules of a trainer see them."""

from dataclasses import dataclass

import numpy as np

from lobass_core.exporting.findings import Finding
from lobass_core.exporting.lengths import UNKNOWN, Lengths
from lobass_core.exporting.row_facts import RowFacts
from lobass_core.specs import ExportFormat

NOT_MEASURED = (
    "they were never scored, or cut without their tokens being kept: score them, with a higher --max-tokens where "
    "they were cut"
)


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """What is known of the rows, the format that they are written in, and the trainer's limit in tokens."""

    facts: RowFacts
    lengths: Lengths
    format: ExportFormat
    cutoff: int
    marks_answers: bool  # the template that was scored has {% generation %}

    def places(self, bits: int) -> np.ndarray:
        """int64: places of the rows with any of the bits."""
        return self.facts.places(bits)

    def has(self, bits: int) -> np.ndarray:
        """bool: rows with any of the bits."""
        return (self.facts.bits & np.uint32(bits)) != 0

    def longer(self) -> np.ndarray:
        """bool: rows that are known to pass the limit."""
        return self.lengths.total > self.cutoff

    def fits(self) -> np.ndarray:
        """bool: rows that are known to fit."""
        return (self.lengths.total != UNKNOWN) & ~self.longer()

    def answer_from(self) -> tuple[np.ndarray, np.ndarray]:
        """Where the learnt part begins, and where it begins at the earliest."""
        if self.format == "tokens":
            return self.lengths.kept_first, self.lengths.kept_first
        if self.format != "prompt-completion":
            return self.lengths.first, self.lengths.first_at_least
        return self.lengths.last, np.maximum(self.lengths.last_at_least, self.lengths.first_at_least)


def unknown_length(places: np.ndarray) -> Finding:
    """Rows that the limit may drop or not."""
    return Finding("length not known", "unknown", "are of unknown length", NOT_MEASURED, places)


def empty_answers(places: np.ndarray) -> Finding:
    """Rows whose answer has no text."""
    return Finding(
        "empty answer", "trained as it is", "have an empty answer", "the model only learns to stop at once", places
    )
