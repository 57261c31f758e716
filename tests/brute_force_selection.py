"""Selection the plain way, a mask and a sort for each question: what the sorted arrays are held against."""

import numpy as np

from lobass_core.learnability.measure_values import check_difference, measure_of, values_of
from lobass_core.learnability.score_table import ScoreTable
from lobass_core.selection import order
from lobass_core.selection.balance import Supply, n_wanted, quotas
from lobass_core.selection.result import DomainShare, SelectionResult
from lobass_core.specs import SelectionSpec


def select(table: ScoreTable, spec: SelectionSpec) -> SelectionResult:
    """Rows kept by hand, then domain by domain (or over all) from the best down to the budget."""
    measure = measure_of(table, spec.method)
    check_difference(table, measure)
    score, scope = values_of(table, spec.method, spec.seed), table.scope(spec.datasets)
    reason = order.gate_reasons(table, score, spec.gates, scope)
    by_hand = order.kept_by_hand(table, reason)
    cost = -score if measure.higher_is_better else score
    ranked = np.lexsort((table.row_key, table.tie_key, cost))
    candidates = ranked[((reason == order.BELOW_CUT) & ~by_hand)[ranked]]
    supply = _supply(table, scope, by_hand, candidates)
    cut = _one_pool if spec.balance == "global" else _domain_by_domain
    chosen, asked, cuts, exhausted = cut(table, spec, score, supply, candidates)
    rows = np.concatenate([ranked[by_hand[ranked]], chosen])
    reason[rows] = order.KEPT
    shares = _shares(table, spec, supply, rows, asked, cuts, exhausted)
    return SelectionResult(rows, table.row_key[rows], score[rows], by_hand[rows], reason, shares)


def _supply(table: ScoreTable, scope: np.ndarray, by_hand: np.ndarray, candidates: np.ndarray) -> Supply:
    competing = np.zeros(len(table), bool)
    competing[candidates] = True
    masks = (scope, by_hand, competing)
    inside = [table.domain_code == k for k in range(len(table.domains))]
    rows = [[int((one & mask).sum()) for one in inside] for mask in masks]
    tokens = [[int(table.n_tokens[one & mask].sum()) for one in inside] for mask in masks]
    uncounted = [[int((one & mask & ~table.is_counted).sum()) for one in inside] for mask in masks[:2]]
    return Supply(table.domains, *rows, *tokens, *uncounted)


def _one_pool(
    table: ScoreTable, spec: SelectionSpec, score: np.ndarray, supply: Supply, candidates: np.ndarray
) -> tuple[np.ndarray, list[int] | None, list[float | None], list[bool]]:
    n_domains = len(supply.domains)
    if spec.budget == "threshold":
        higher = measure_of(table, spec.method).higher_is_better
        inside = score[candidates] >= spec.value if higher else score[candidates] <= spec.value
        return candidates[inside], None, [spec.value] * n_domains, [False] * n_domains
    wanted = n_wanted(spec, sum(supply.n_rows))
    by_hand = sum(supply.tokens_by_hand if spec.budget == "tokens" else supply.n_by_hand)
    competing = sum(supply.tokens_competing if spec.budget == "tokens" else supply.n_competing)
    rows = _prefix(table, spec, candidates, wanted - by_hand)
    last = float(score[rows[-1]]) if len(rows) else None
    return rows, None, [last] * n_domains, [wanted > by_hand + competing] * n_domains


def _domain_by_domain(
    table: ScoreTable, spec: SelectionSpec, score: np.ndarray, supply: Supply, candidates: np.ndarray
) -> tuple[np.ndarray, list[int] | None, list[float | None], list[bool]]:
    grants = quotas(spec, supply)
    taken = supply.tokens_by_hand if spec.budget == "tokens" else supply.n_by_hand
    kept = np.zeros(len(table), bool)
    cuts: list[float | None] = []
    for k, granted in enumerate(grants.granted):
        rows = _prefix(table, spec, candidates[table.domain_code[candidates] == k], granted - taken[k])
        kept[rows] = True
        cuts.append(float(score[rows[-1]]) if len(rows) else None)
    return candidates[kept[candidates]], grants.asked, cuts, grants.exhausted


def _prefix(table: ScoreTable, spec: SelectionSpec, rows: np.ndarray, budget: int) -> np.ndarray:
    """The longest run from the top that fits: `budget` rows, or rows whose response tokens sum to it at most."""
    if spec.budget != "tokens":
        return rows[: max(budget, 0)]
    return rows[: int((np.cumsum(table.n_tokens[rows], dtype=np.int64) <= budget).sum())]


def _shares(
    table: ScoreTable,
    spec: SelectionSpec,
    supply: Supply,
    rows: np.ndarray,
    asked: list[int] | None,
    cuts: list[float | None],
    exhausted: list[bool],
) -> tuple[DomainShare, ...]:
    inside = [table.domain_code[rows] == k for k in range(len(supply.domains))]
    got = [int(one.sum()) for one in inside]
    tokens = [int(table.n_tokens[rows[one]].sum()) for one in inside]
    asked = asked or (tokens if spec.budget == "tokens" else got)
    return tuple(
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
            n_uncounted=int((~table.is_counted[rows[inside[k]]]).sum()),
        )
        for k, name in enumerate(supply.domains)
    )
