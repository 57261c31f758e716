"""Scores sorted once: a cut over millions of rows is then arithmetic on a few numbers, and a selection a few slices."""

import itertools
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from lobass_core.errors import SelectionError
from lobass_core.learnability.measure_values import check_difference, measure_of, values_of
from lobass_core.learnability.measures import Measure
from lobass_core.learnability.score_table import ScoreTable
from lobass_core.selection import order
from lobass_core.selection.balance import Supply, n_wanted, quotas
from lobass_core.selection.result import CutAnswer, DomainShare, SelectionResult
from lobass_core.specs import Gates, SelectionSpec
from lobass_core.words.plural import plural

NO_GATES = Gates()  # but for duplicates, which stay out unless asked for


@dataclass(frozen=True, slots=True, eq=False)
class SortedDomain:
    """The rows of one domain that compete by their score, best first."""

    rows: np.ndarray  # int32[n], into the table
    cost: np.ndarray  # float64[n], ascending, as searchsorted wants it
    tokens_before: np.ndarray  # int64[n + 1]: response tokens of the first i rows
    uncounted_before: np.ndarray  # int32[n + 1]: how many of these have tokens that nobody has counted
    place: np.ndarray  # int32[n]: position among the rows of all domains, ascending

    def n_within_cost(self, cost: float) -> int:
        """How many rows cost no more."""
        return int(np.searchsorted(self.cost, cost, side="right"))

    def n_within_tokens(self, tokens: int) -> int:
        """Length of the longest run from the top with at most so many response tokens."""
        return max(int(np.searchsorted(self.tokens_before, tokens, side="right")) - 1, 0)


@dataclass(frozen=True, slots=True, eq=False)
class SortedScores:
    """One table by one measure, seed, scope and set of gates, from the best row to the worst.

    Budget, balance and weights are asked of it with `answer` and `select`; other gates reuse the order with
    `with_gates`. `sign` is 1 where the highest score is the best, else -1; a row's cost is -sign * score.
    `benchmarks/cut.py` measures it: at 1M rows in 8 domains a sort takes 0.24 s, other gates 0.08 s, an answer 0.1 ms.
    """

    table: ScoreTable
    measure: Measure
    seed: int
    datasets: tuple[str, ...]
    gates: Gates
    score: np.ndarray  # float64[len(table)]
    scope: np.ndarray  # bool[len(table)]
    ranked: np.ndarray  # int32[len(table)]: all rows, best first
    reason: np.ndarray  # uint8[len(table)] into order.REASONS, BELOW_CUT for the rows that compete
    by_hand: np.ndarray  # int32: rows that a person keeps, best first
    supply: Supply
    domains: tuple[SortedDomain, ...]
    pool: SortedDomain  # the same rows over all domains

    @classmethod
    def build(
        cls,
        table: ScoreTable,
        method: str = "learnability",
        *,
        seed: int = 0,
        datasets: tuple[str, ...] = (),
        gates: Gates = NO_GATES,
    ) -> Self:
        """Sort the table.

        Raises:
            SelectionError: a dataset that no row has, no such measure, one that needs a reference other than the base,
                or a gate that needs losses where there are none.
        """
        measure = measure_of(table, method)
        check_difference(table, measure)
        score = values_of(table, method, seed)
        scope = table.scope(datasets)
        cost = -_sign(measure) * score
        ranked = order.rank_order(cost, table.tie_key, table.row_key).astype(np.int32)
        gated = _gated(table, score, cost, scope, ranked, gates)
        return cls(table, measure, seed, datasets, gates, score, scope, ranked, *gated)

    @property
    def n_uncounted(self) -> int:
        """Rows that compete and whose response tokens nobody has counted."""
        return int(self.pool.uncounted_before[-1])

    @property
    def sign(self) -> int:
        return _sign(self.measure)

    def with_gates(self, gates: Gates) -> Self:
        """The same order under other gates."""
        if gates == self.gates:
            return self
        parts = _gated(self.table, self.score, -self.sign * self.score, self.scope, self.ranked, gates)
        names = ("reason", "by_hand", "supply", "domains", "pool")
        return replace(self, gates=gates, **dict(zip(names, parts, strict=True)))  # type: ignore[arg-type]

    def answers(self, spec: SelectionSpec) -> bool:
        """Whether the spec differs in budget, balance and weights alone."""
        same_draw = not self.measure.uses_seed or self.seed == spec.seed
        mine = (self.measure.name, self.datasets, self.gates)
        return same_draw and mine == (spec.method, spec.datasets, spec.gates)

    def select(self, spec: SelectionSpec) -> SelectionResult:
        """Keep the best up to the budget, shared between domains; the same rows in any order give the same picks.

        Rows kept by hand go in first, beyond gates, quotas and budget; rows dropped by hand never do. A budget of
        tokens is the longest run from the top that fits. Nothing in scope gives an empty result.

        Raises:
            SelectionError: a weight for a domain that no scored row has.
        """
        answer = self.answer(spec)
        rows = self.kept(answer)
        reason = self.reason.copy()
        reason[rows] = order.KEPT
        return SelectionResult(
            rows=rows,
            row_key=self.table.row_key[rows],
            score=self.score[rows],
            by_hand=np.arange(len(rows)) < len(self.by_hand),
            reason_codes=reason,
            domains=answer.domains,
        )

    def kept(self, answer: CutAnswer) -> np.ndarray:
        """int64: table rows of an answer, those kept by hand first, then by score, each best first."""
        is_kept = np.zeros(len(self.pool.rows), bool)
        for domain, n in zip(self.domains, answer.n_by_score, strict=True):
            is_kept[domain.place[:n]] = True
        return np.concatenate([self.by_hand, self.pool.rows[is_kept]]).astype(np.int64)

    def answer(self, spec: SelectionSpec) -> CutAnswer:
        """Counts, tokens and thresholds by domain.

        Raises:
            SelectionError: a weight for a domain that no scored row has, or a budget of tokens where rows compete
                whose tokens nobody has counted.
        """
        assert self.answers(spec), "sorted under another method, scope, seed or gates"
        if spec.budget == "tokens" and self.n_uncounted:
            raise SelectionError(
                f"a budget of response tokens needs their number, and {plural(self.n_uncounted, 'row is', 'rows are')} "
                "not scored",
                do="Give the budget in rows or as a ratio, or score these rows first.",
            )
        if spec.balance == "global":
            return self._one_pool(spec)
        supply, grants = self.supply, quotas(spec, self.supply)
        in_tokens = spec.budget == "tokens"
        taken = supply.tokens_by_hand if in_tokens else supply.n_by_hand
        n_by_score = [
            domain.n_within_tokens(granted - hand) if in_tokens else max(granted - hand, 0)
            for domain, granted, hand in zip(self.domains, grants.granted, taken, strict=True)
        ]
        cuts = [self._cut(domain, n) for domain, n in zip(self.domains, n_by_score, strict=True)]
        return self._shares(n_by_score, cuts, grants.exhausted, grants.asked, in_tokens)

    def _one_pool(self, spec: SelectionSpec) -> CutAnswer:
        in_tokens = spec.budget == "tokens"
        cut: float | None
        if spec.budget == "threshold":
            n, cut, exhausted = self.pool.n_within_cost(-self.sign * spec.value), spec.value, False
        else:
            supply = self.supply
            wanted = n_wanted(spec, sum(supply.n_rows))
            hand = sum(supply.tokens_by_hand if in_tokens else supply.n_by_hand)
            more = sum(supply.tokens_competing if in_tokens else supply.n_competing)
            n = self.pool.n_within_tokens(wanted - hand) if in_tokens else min(max(wanted - hand, 0), more)
            cut, exhausted = self._cut(self.pool, n), wanted > hand + more
        n_by_score = [int(np.searchsorted(domain.place, n)) for domain in self.domains]
        n_domains = len(self.domains)
        return self._shares(n_by_score, [cut] * n_domains, [exhausted] * n_domains, None, in_tokens)

    def _cut(self, domain: SortedDomain, n: int) -> float | None:
        """The score of the last of `n` rows."""
        return float(-self.sign * domain.cost[n - 1]) if n else None

    def _shares(
        self,
        n_by_score: list[int],
        cuts: list[float | None],
        exhausted: list[bool],
        asked: list[int] | None,
        in_tokens: bool,
    ) -> CutAnswer:
        supply = self.supply
        got = [n + hand for n, hand in zip(n_by_score, supply.n_by_hand, strict=True)]
        tokens = [
            int(domain.tokens_before[n]) + hand
            for domain, n, hand in zip(self.domains, n_by_score, supply.tokens_by_hand, strict=True)
        ]
        uncounted = [
            int(domain.uncounted_before[n]) + hand
            for domain, n, hand in zip(self.domains, n_by_score, supply.uncounted_by_hand, strict=True)
        ]
        asked = (tokens if in_tokens else got) if asked is None else asked
        shares = tuple(
            DomainShare(
                domain=name,
                n_rows=supply.n_rows[k],
                n_eligible=supply.n_by_hand[k] + supply.n_competing[k],
                asked=asked[k],
                got=got[k],
                tokens=tokens[k],
                threshold=cuts[k],
                exhausted=exhausted[k],
                n_by_hand=supply.n_by_hand[k],
                n_uncounted=uncounted[k],
            )
            for k, name in enumerate(supply.domains)
        )
        return CutAnswer(shares, tuple(n_by_score))

    def rows_at_cut(self, answer: CutAnswer, n: int = 6, domain: str | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Table rows of the last kept and the first dropped by score, nearest to the cut first, `n` of each at most.

        Over all domains each has its own cut: the rows nearest to theirs in score come first.
        """
        chosen = [k for k, name in enumerate(self.supply.domains) if domain in (None, name)]
        kept, dropped = [], []
        for k in chosen:
            rows, cut = self.domains[k].rows, answer.n_by_score[k]
            kept.append(rows[max(cut - n, 0) : cut][::-1])
            dropped.append(rows[cut : cut + n])
        last_kept, first_dropped = _joined(kept), _joined(dropped)
        if len(chosen) == 1:
            return last_kept, first_dropped
        edge = np.array([np.nan if share.threshold is None else share.threshold for share in answer.domains])
        return tuple(  # type: ignore[return-value]
            self._nearest(rows, edge)[:n] for rows in (last_kept, first_dropped)
        )

    def _nearest(self, rows: np.ndarray, edge: np.ndarray) -> np.ndarray:
        """Rows by their distance to their domain's cut; rows of a domain without a cut last, best first."""
        score = self.score[rows]
        distance = np.abs(score - edge[self.table.domain_code[rows]])
        return rows[np.lexsort((self.table.row_key[rows], self.table.tie_key[rows], -self.sign * score, distance))]


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    return np.concatenate(parts) if parts else np.zeros(0, np.int32)


def _sign(measure: Measure) -> int:
    return 1 if measure.higher_is_better else -1


def _gated(
    table: ScoreTable, score: np.ndarray, cost: np.ndarray, scope: np.ndarray, ranked: np.ndarray, gates: Gates
) -> tuple[np.ndarray, np.ndarray, Supply, tuple[SortedDomain, ...], SortedDomain]:
    """What depends on the gates, in the order of the fields."""
    order.check_gates(table, gates)
    reason = order.gate_reasons(table, score, gates, scope)
    by_hand = order.kept_by_hand(table, reason)
    competing = (reason == order.BELOW_CUT) & ~by_hand
    candidates = ranked[competing[ranked]]
    of_candidates = cost[candidates], table.n_tokens[candidates], ~table.is_counted[candidates]
    # A stable sort by domain code keeps the ranking within each domain; int16 keys take numpy's radix sort.
    code = table.domain_code[candidates]
    place = np.argsort(code, kind="stable").astype(np.int32)
    edges = np.searchsorted(code[place], np.arange(len(table.domains) + 1))
    parts = [place[start:end] for start, end in itertools.pairwise(edges)]
    domains = tuple(_sorted_domain(candidates, *of_candidates, part) for part in parts)
    pool = _sorted_domain(candidates, *of_candidates, np.arange(len(candidates), dtype=np.int32))
    return reason, ranked[by_hand[ranked]], _supply(table, scope, by_hand, candidates), domains, pool


def _sorted_domain(
    candidates: np.ndarray, costs: np.ndarray, tokens: np.ndarray, uncounted: np.ndarray, place: np.ndarray
) -> SortedDomain:
    tokens_before, uncounted_before = np.zeros(len(place) + 1, np.int64), np.zeros(len(place) + 1, np.int32)
    np.cumsum(tokens[place], dtype=np.int64, out=tokens_before[1:])
    np.cumsum(uncounted[place], dtype=np.int32, out=uncounted_before[1:])
    return SortedDomain(candidates[place], costs[place], tokens_before, uncounted_before, place)


def _supply(table: ScoreTable, scope: np.ndarray, by_hand: np.ndarray, candidates: np.ndarray) -> Supply:
    """Rows and tokens of each domain; `scope` and `by_hand` are masks, `candidates` row indices."""
    code, tokens, uncounted = table.domain_code, table.n_tokens.astype(np.int64), ~table.is_counted
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
        uncounted=_totals(code[scope & uncounted], None, n_domains),
        uncounted_by_hand=_totals(code[by_hand & uncounted], None, n_domains),
    )


def _totals(code: np.ndarray, amounts: np.ndarray | None, n_domains: int) -> list[int]:
    # float64 sums of whole numbers are exact up to 2^53 tokens.
    return [int(total) for total in np.bincount(code, weights=amounts, minlength=n_domains)]
