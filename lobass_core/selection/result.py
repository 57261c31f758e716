"""What a spec keeps of a score table: the counts alone, or with the rows, their order and why the others are out."""

import dataclasses
from dataclasses import dataclass

import numpy as np

from lobass_core.selection import order

BY_SCORE, BY_HAND = "score", "kept by hand"


@dataclass(frozen=True, slots=True)
class DomainShare:
    """What one domain asked for and got. `asked` is in rows, in response tokens for a budget of tokens.

    Without quotas (global, threshold) nothing is asked beyond what is got. `tokens` are the response tokens kept, less
    those of the `n_uncounted` rows whose tokens nobody has counted. `threshold` is the score of the last row that its
    score brought in (the common cut for global), None without one; `exhausted`: every eligible row is taken and the
    domain would have taken more.
    """

    domain: str
    n_rows: int
    n_eligible: int
    asked: int
    got: int
    tokens: int
    threshold: float | None
    exhausted: bool
    n_by_hand: int = 0
    n_uncounted: int = 0

    @property
    def known_tokens(self) -> int | None:
        """The response tokens kept; None where those of some row are not counted."""
        return None if self.n_uncounted else self.tokens


class _Totals:
    """Sums over `domains`."""

    __slots__ = ()
    domains: tuple[DomainShare, ...]

    @property
    def n_kept(self) -> int:
        return sum(share.got for share in self.domains)

    @property
    def tokens_kept(self) -> int:
        return sum(share.tokens for share in self.domains)

    @property
    def n_uncounted(self) -> int:
        """Rows kept whose tokens nobody has counted."""
        return sum(share.n_uncounted for share in self.domains)

    @property
    def known_tokens(self) -> int | None:
        """The response tokens kept; None where those of some row are not counted."""
        return None if self.n_uncounted else self.tokens_kept

    @property
    def n_rows(self) -> int:
        """Rows in scope, scored or not."""
        return sum(share.n_rows for share in self.domains)


@dataclass(frozen=True, slots=True)
class CutAnswer(_Totals):
    """What one spec keeps, exactly, without the picks. `n_by_score` counts the rows taken from each domain's top."""

    domains: tuple[DomainShare, ...]
    n_by_score: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class SelectionResult(_Totals):
    """`rows` index the table that was selected from, best first; `reason_codes` point into `order.REASONS`."""

    rows: np.ndarray  # int64[n_kept]
    row_key: np.ndarray  # int64[n_kept]
    score: np.ndarray  # float64[n_kept], NaN for a row kept by hand that has none
    by_hand: np.ndarray  # bool[n_kept]
    reason_codes: np.ndarray  # uint8[len(table)]
    domains: tuple[DomainShare, ...]

    @property
    def rank(self) -> np.ndarray:
        """int64[n_kept]: 1, 2, 3 ..."""
        return np.arange(1, len(self.rows) + 1)

    @property
    def reasons(self) -> list[str]:
        """Why each pick is in: "score" or "kept by hand"."""
        return [BY_HAND if by_hand else BY_SCORE for by_hand in self.by_hand.tolist()]

    def dropped(self) -> dict[str, int]:
        """How many rows are out for which reason, in the order of the reasons; reasons without rows are left out."""
        counts = np.bincount(self.reason_codes, minlength=len(order.REASONS))
        return {name: int(n) for name, n in zip(order.REASONS, counts, strict=True) if n and name != "kept"}

    def to_dict(self) -> dict:
        """The counts, without the picks, as they are saved with a selection; tokens None where not all are counted."""
        return {
            "n_kept": self.n_kept,
            "n_rows": self.n_rows,
            "tokens_kept": self.known_tokens,
            "n_by_hand": int(self.by_hand.sum()),
            "domains": [dataclasses.asdict(share) | {"tokens": share.known_tokens} for share in self.domains],
            "dropped": self.dropped(),
        }
