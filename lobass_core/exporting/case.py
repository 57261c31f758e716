"""The rows of one selection as the rules of a trainer see them."""

from dataclasses import dataclass

import numpy as np

from lobass_core.exporting.findings import Finding
from lobass_core.exporting.lengths import UNKNOWN, Lengths
from lobass_core.exporting.row_facts import RowFacts
from lobass_core.specs import ExportFormat


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


def unknown_lengths(case: Case, places: np.ndarray) -> list[Finding]:
    """Rows that the limit may drop or not, by what is missing to tell; of longer ones, where the answer begins."""
    lengths = case.lengths
    total, kept_total = lengths.total[places] != UNKNOWN, lengths.kept_total[places] != UNKNOWN
    located = lengths.kept_first[places] != UNKNOWN
    unknown = "are of unknown length"
    either = f"are cut, or dropped if the prompt alone fills {case.cutoff:,} tokens"
    cut = "they were cut when they were scored"
    again = ": score them with a higher --max-tokens"
    causes = (
        (unknown, "they were not scored: score them", ~total & ~kept_total),
        (unknown, f"{cut}, and their tokens are not on disk{again}", ~total & kept_total),
        (either, f"{cut}, so it is not known where the answer begins{again}", total & located),
        (
            either,
            "their tokens are not on disk, so it is not known where the first answer begins: score them again",
            total & ~located,
        ),
    )
    findings = [
        Finding("length not known", "unknown", what, why, places[rows]) for what, why, rows in causes if rows.any()
    ]
    return findings or [Finding("length not known", "unknown", unknown, "")]


def empty_answers(places: np.ndarray) -> Finding:
    """Rows whose answer has no text."""
    return Finding(
        "empty answer", "trained as it is", "have an empty answer", "the model only learns to stop at once", places
    )
