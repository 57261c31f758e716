"""What would become of the rows of a selection in one format: one finding a rule, and the sum of them."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pyarrow as pa

from lobass_core.exporting.plan import ExportPlan
from lobass_core.specs import ExportFormat

Effect = Literal[
    "written", "trained as it is", "cut", "masked", "dropped", "fails", "not written", "unknown", "other id"
]
# Effects after which the trainer does not learn from the row.
LOST = ("masked", "dropped", "fails", "not written")


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """One rule over all rows. `what` completes "12 rows ..."; `places` point into the picks."""

    rule: str
    effect: Effect
    what: str
    why: str
    places: np.ndarray = field(default_factory=lambda: np.array([], np.int64))

    @property
    def n_rows(self) -> int:
        return len(self.places)

    def without(self, places: np.ndarray) -> "Finding":
        """The finding without these rows."""
        return Finding(self.rule, self.effect, self.what, self.why, np.setdiff1d(self.places, places))


@dataclass(frozen=True, slots=True, eq=False)
class Preflight:
    """What would become of the rows of a selection in one format, and in the trainer that reads it ("" for none)."""

    format: ExportFormat
    trainer: str
    setting: str  # the trainer's name for its length limit
    cutoff_tokens: int
    n_rows: int
    findings: tuple[Finding, ...]
    plan: ExportPlan

    def _places(self, *effects: str) -> np.ndarray:
        places = [finding.places for finding in self.findings if finding.effect in effects]
        return np.unique(np.concatenate(places)) if places else np.array([], np.int64)

    @property
    def n_left(self) -> int:
        """Rows that the trainer learns from, as far as it can be told."""
        return self.n_rows - len(self._places(*LOST, "unknown"))

    @property
    def n_unknown(self) -> int:
        """Rows that the trainer may drop or keep: their length is not known."""
        return len(np.setdiff1d(self._places("unknown"), self._places(*LOST)))

    def rows(self, finding: Finding, limit: int | None = None) -> list[dict]:
        """dataset, row_index and sample_id of the finding's rows (of the first `limit`), in the order of the files."""
        places = pa.array(finding.places[:limit], pa.int64())
        table = self.plan.picks.select(["source", "row_index", "sample_id"]).take(places)
        return [
            {"dataset": self.plan.sources[row.pop("source")].dataset, **row} for row in table.to_pylist()
        ]  # fmt: skip

    def to_dict(self) -> dict:
        return {
            "format": self.format,
            "trainer": self.trainer,
            "cutoff_tokens": self.cutoff_tokens,
            "n_rows": self.n_rows,
            "n_left": self.n_left,
            "n_unknown": self.n_unknown,
            "findings": [
                {
                    "rule": finding.rule,
                    "effect": finding.effect,
                    "n_rows": finding.n_rows,
                    "what": finding.what,
                    "why": finding.why,
                    "rows": [] if finding.effect == "written" else self.rows(finding),
                }
                for finding in self.findings
            ],
        }
