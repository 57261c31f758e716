"""The rows that an experiment chooses from, with what its arms choose by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Rows in the order of their sample ids, so that nothing depends on the order of the files.

    Losses are means, in nats a response token, NaN where there is none. `scores` holds further measures by name; a
    higher score is kept first, and a row whose score is NaN is never kept by it. `selections` holds the rows of saved
    selections, best first.
    """

    sample_ids: tuple[str, ...]
    domains: np.ndarray  # str[n]
    n_tokens: np.ndarray  # int64[n], response tokens
    base_loss: np.ndarray  # float64[n]
    reference_loss: np.ndarray  # float64[n]
    scores: Mapping[str, np.ndarray] = field(default_factory=dict)
    selections: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.sample_ids)

    @classmethod
    def of(
        cls,
        sample_ids: Sequence[str],
        domains: Sequence[str],
        n_tokens: np.ndarray,
        base_loss: np.ndarray,
        reference_loss: np.ndarray,
        scores: Mapping[str, np.ndarray] | None = None,
    ) -> Self:
        """Rows in any order, each sample once."""
        assert len(set(sample_ids)) == len(sample_ids), "a sample occurs twice among the candidates"
        order = np.argsort(np.array(sample_ids, dtype=np.str_), kind="stable")
        return cls(
            tuple(sample_ids[row] for row in order),
            np.array(domains, dtype=np.str_)[order],
            np.asarray(n_tokens, dtype=np.int64)[order],
            np.asarray(base_loss, dtype=np.float64)[order],
            np.asarray(reference_loss, dtype=np.float64)[order],
            {name: np.asarray(values, dtype=np.float64)[order] for name, values in (scores or {}).items()},
        )

    def with_selections(self, selections: Mapping[str, Sequence[str]]) -> Self:
        """The same rows with saved selections, given as sample ids, best first; ids that are no candidates are left
        out, as held-out rows are."""
        place = {sample_id: row for row, sample_id in enumerate(self.sample_ids)}
        rows = {
            name: np.array([place[one] for one in dict.fromkeys(ids) if one in place], dtype=np.int64)
            for name, ids in selections.items()
        }
        return replace(self, selections=rows)

    def with_reference(self, reference_loss: np.ndarray) -> Self:
        """The same rows under another reference; losses in the order of these candidates."""
        return replace(self, reference_loss=np.asarray(reference_loss, dtype=np.float64))

    def learnability(self) -> np.ndarray:
        """float64[n]: the share of the base loss that the reference took away; NaN without a base loss above 0."""
        with np.errstate(divide="ignore", invalid="ignore"):
            share = (self.base_loss - self.reference_loss) / self.base_loss
        return np.where((self.base_loss > 0) & np.isfinite(share), share, np.nan)

    def ids(self, rows: np.ndarray) -> tuple[str, ...]:
        """Sample ids of some rows, in their order."""
        return tuple(self.sample_ids[row] for row in rows.tolist())
