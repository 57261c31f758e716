"""One spec over one score table: which rows are kept, in which order, and what each domain asked for and got."""

import dataclasses
from dataclasses import dataclass

import numpy as np

from lobass_core.learnability.scores import ScoreTable
from lobass_core.selection import order
from lobass_core.selection.balance import Supply, n_wanted, quotas
from lobass_core.specs import SelectionSpec

BY_SCORE, BY_HAND = "score", "kept by hand"


@dataclass(frozen=True, slots=True)
class DomainShare:
    """What one domain asked for and got. `asked` is in rows, in response tokens for a budget of tokens.

    Without quotas (global, threshold) nothing is asked beyond what is got. `tokens` are the response tokens kept,
    `threshold` the score of the last row that its score brought in (the common cut for global), None without one;
    `exhausted`: every eligible row is taken and the domain would have taken more.
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


@dataclass(frozen=True, slots=True, eq=False)
class SelectionResult:
    """`rows` index the table that was selected from, best first; `reason_codes` point into `order.REASONS`."""

    rows: np.ndarray  # int64[n_kept]
    row_key: np.ndarray  # int64[n_kept]
    score: np.ndarray  # float64[n_kept], NaN for a row kept by hand that has none
    by_hand: np.ndarray  # bool[n_kept]
    reason_codes: np.ndarray  # uint8[len(table)]
    domains: tuple[DomainShare, ...]

    @property
    def n_kept(self) -> int:
        return len(self.rows)

    @property
    def tokens_kept(self) -> int:
        return sum(share.tokens for share in self.domains)

    @property
    def n_rows(self) -> int:
        """Rows in scope, scored or not."""
        return sum(share.n_rows for share in self.domains)

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
        """The counts, without the picks, as they are saved with a selection."""
        return {
            "n_kept": self.n_kept,
            "n_rows": self.n_rows,
            "tokens_kept": self.tokens_kept,
            "n_by_hand": int(self.by_hand.sum()),
            "domains": [dataclasses.asdict(share) for share in self.domains],
            "dropped": self.dropped(),
        }


def select(table: ScoreTable, spec: SelectionSpec) -> SelectionResult:
    """Keep the highest scores up to the budget, shared between domains; the same rows in any order give the same picks.

    Rows kept by hand go in first, beyond gates, quotas and budget; rows dropped by hand never do. A budget of tokens is
    the longest run from the top that fits. Nothing in scope gives an empty result.

    Raises:
        SelectionError: the spec names a dataset or a domain that is not there, or its method needs a reference that
            differs from the base.
    """
    table.check_difference(spec.method)
    score = table.score(spec.method, spec.seed)
    scope = table.scope(spec.datasets)
    reason = order.gate_reasons(table, score, spec.gates, scope)
    by_hand = order.kept_by_hand(table, reason)
    ranked = order.rank_order(score, table.tie_key, table.row_key)
    competing = (reason == order.BELOW_CUT) & ~by_hand
    candidates = ranked[competing[ranked]]
    supply = supply_of(table, scope, by_hand, candidates)
    if spec.balance == "global":
        chosen = _one_pool(table, spec, score, supply, candidates)
    else:
        chosen = _domain_by_domain(table, spec, score, supply, candidates)
    rows = np.concatenate([ranked[by_hand[ranked]], chosen.rows])
    reason[rows] = order.KEPT
    return SelectionResult(
        rows=rows,
        row_key=table.row_key[rows],
        score=score[rows],
        by_hand=by_hand[rows],
        reason_codes=reason,
        domains=_shares(table, spec, supply, chosen, rows),
    )


def supply_of(table: ScoreTable, scope: np.ndarray, by_hand: np.ndarray, candidates: np.ndarray) -> Supply:
    """Rows and tokens of each domain; `scope` and `by_hand` are masks, `candidates` row indices."""
    code, tokens = table.domain_code, table.n_tokens.astype(np.int64)
    in_scope, hand = np.flatnonzero(scope), np.flatnonzero(by_hand)
    n_domains = len(table.domains)
    return Supply(
        domains=table.domains,
        n_rows=_totals(code[in_scope], None, n_domains),
        n_by_hand=_totals(code[hand], None, n_domains),
        n_competing=_totals(code[candidates], None, n_domains),
        tokens=_totals(code[in_scope], tokens[in_scope], n_domains),
        tokens_by_hand=_totals(code[hand], tokens[hand], n_domains),
        tokens_competing=_totals(code[candidates], tokens[candidates], n_domains),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Chosen:
    """Rows brought in by their score, best first; per domain the quota, the cut and whether it ran out."""

    rows: np.ndarray
    asked: list[int] | None
    cuts: list[float | None]
    exhausted: list[bool]


def _one_pool(
    table: ScoreTable, spec: SelectionSpec, score: np.ndarray, supply: Supply, candidates: np.ndarray
) -> _Chosen:
    """One cut over all domains: from the best down to the budget, or down to the threshold."""
    n_domains = len(supply.domains)
    if spec.budget == "threshold":
        rows = candidates[score[candidates] >= spec.value]
        return _Chosen(rows, None, [spec.value] * n_domains, [False] * n_domains)
    wanted = n_wanted(spec, sum(supply.n_rows))
    by_hand = sum(supply.tokens_by_hand if spec.budget == "tokens" else supply.n_by_hand)
    competing = sum(supply.tokens_competing if spec.budget == "tokens" else supply.n_competing)
    rows = _prefix(table, spec, candidates, wanted - by_hand)
    cut = float(score[rows[-1]]) if len(rows) else None
    return _Chosen(rows, None, [cut] * n_domains, [wanted > by_hand + competing] * n_domains)


def _domain_by_domain(
    table: ScoreTable, spec: SelectionSpec, score: np.ndarray, supply: Supply, candidates: np.ndarray
) -> _Chosen:
    """Every domain from its best down to its quota."""
    grants = quotas(spec, supply)
    taken = supply.tokens_by_hand if spec.budget == "tokens" else supply.n_by_hand
    kept = np.zeros(len(table), bool)
    cuts: list[float | None] = []
    for k, granted in enumerate(grants.granted):
        rows = _prefix(table, spec, candidates[table.domain_code[candidates] == k], granted - taken[k])
        kept[rows] = True
        cuts.append(float(score[rows[-1]]) if len(rows) else None)
    return _Chosen(candidates[kept[candidates]], grants.asked, cuts, grants.exhausted)


def _prefix(table: ScoreTable, spec: SelectionSpec, rows: np.ndarray, budget: int) -> np.ndarray:
    """The longest run from the top that fits: `budget` rows, or rows whose response tokens sum to it at most."""
    if spec.budget != "tokens":
        return rows[: max(budget, 0)]
    return rows[: int(np.searchsorted(np.cumsum(table.n_tokens[rows], dtype=np.int64), budget, side="right"))]


def _totals(code: np.ndarray, amounts: np.ndarray | None, n_domains: int) -> list[int]:
    # float64 sums of whole numbers are exact up to 2^53 tokens.
    return [int(total) for total in np.bincount(code, weights=amounts, minlength=n_domains)]


def _shares(
    table: ScoreTable, spec: SelectionSpec, supply: Supply, chosen: _Chosen, rows: np.ndarray
) -> tuple[DomainShare, ...]:
    n_domains = len(supply.domains)
    got = _totals(table.domain_code[rows], None, n_domains)
    tokens = _totals(table.domain_code[rows], table.n_tokens[rows], n_domains)
    asked = chosen.asked or (tokens if spec.budget == "tokens" else got)
    return tuple(
        DomainShare(
            domain=name,
            n_rows=supply.n_rows[k],
            n_eligible=supply.n_by_hand[k] + supply.n_competing[k],
            asked=asked[k],
            got=got[k],
            tokens=tokens[k],
            threshold=chosen.cuts[k],
            exhausted=chosen.exhausted[k],
            n_by_hand=supply.n_by_hand[k],
        )
        for k, name in enumerate(supply.domains)
    )
