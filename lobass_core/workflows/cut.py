"""Answer a moved cut at once, from sorted scores, and compute what a person wants to know about it.

The numbers equal those of `workflows.select.select` for the same spec; only the picks are not written down.
"""

from dataclasses import dataclass

import numpy as np

from lobass_core.learnability import flags as flag
from lobass_core.learnability.diagnostics import LengthCheck, VersusRandom, length_check, versus_random
from lobass_core.learnability.measure_values import standard_errors
from lobass_core.learnability.ranks import spearman
from lobass_core.learnability.score_table import ScoreTable
from lobass_core.project import Project
from lobass_core.records import BASE, REFERENCE, turns_from_json
from lobass_core.selection import order
from lobass_core.selection.overlap import Overlap, overlap, ranks_of
from lobass_core.selection.result import CutAnswer
from lobass_core.selection.sorted_scores import SortedScores
from lobass_core.specs import SelectionSpec
from lobass_core.store.browse import StoredRow, read_rows
from lobass_core.validation.diagnosis import LEAST_ROWS
from lobass_core.workflows import select as selections
from lobass_core.workflows.recent import Recent
from lobass_core.workflows.scored import Scored, scored

_pools: Recent["Pool"] = Recent(4)
_rho_of_all: Recent[float | None] = Recent(4)
_rhos_by_domain: Recent[dict[str, float]] = Recent(4)
_gated: Recent[dict[str, int]] = Recent(8)


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """What does not change while the cut moves. `means` are mean scores a domain, NaN for a domain without rows."""

    means: np.ndarray  # float64[domains]
    mean: float


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """One spec over one scoring, answered. `key` names the sorted table that every spec of a drag shares."""

    rows: Scored
    scores: SortedScores
    spec: SelectionSpec
    answer: CutAnswer

    @property
    def key(self) -> tuple:
        return (*self.rows.key, self.spec.method, self.spec.seed, self.spec.datasets, self.spec.gates)


@dataclass(frozen=True, slots=True)
class RowAtCut:
    """One row beside the cut; losses are mean nats per response token.

    `n_tokens` is None where nobody has counted them, `error` the standard error of the score over several references,
    None where there is one.
    """

    row_key: int
    domain: str
    score: float
    n_tokens: int | None
    base_loss: float | None
    reference_loss: float | None
    prompt: str
    error: float | None = None


def open_cut(project: Project, spec: SelectionSpec, run: str | None = None) -> Cut:
    """Answer a spec; the first call a scoring, method and set of gates sorts, later ones do arithmetic.

    Raises:
        SelectionError: nothing is scored, several scorings and no `run`, or an unknown dataset or domain.
    """
    selections.check_gates(project, spec)
    rows = scored(project, run)
    scores = selections.sorted_scores(rows, spec)
    return Cut(rows, scores, spec, scores.answer(spec))


def learnability_cuts(cut: Cut) -> dict[str, float]:
    """The learnability from which each domain keeps rows, without those that keep none; empty under another method."""
    if cut.spec.method != "learnability":
        return {}
    return {share.domain: share.threshold for share in cut.answer.domains if share.threshold is not None}


def pool(cut: Cut) -> Pool:
    """The rows that compete, summed up; kept for the last few."""
    return _pools.get(cut.key, lambda: _pool(cut.scores))


def _pool(scores: SortedScores) -> Pool:
    table, n_domains = scores.table, len(scores.domains)
    competing = scores.pool.rows
    score, code = scores.score[competing], table.domain_code[competing]
    counts = np.bincount(code, minlength=n_domains)
    with np.errstate(invalid="ignore"):
        means = np.bincount(code, weights=score, minlength=n_domains) / np.where(counts, counts, np.nan)
    return Pool(
        means=means,
        mean=float(score.mean()) if len(score) else float("nan"),
    )


def rho_by_domain(cut: Cut) -> dict[str, float]:
    """Spearman's rank correlation of score and response tokens in each domain, the strongest first.

    Domains with too few counted rows to tell are left out. Kept for the last few sorted tables.
    """
    return _rhos_by_domain.get(cut.key, lambda: _rho_by_domain(cut.scores))


def _rho_by_domain(scores: SortedScores) -> dict[str, float]:
    table = scores.table
    rows = scores.pool.rows[table.is_counted[scores.pool.rows]]
    score, tokens, code = scores.score[rows], table.n_tokens[rows], table.domain_code[rows]
    of_domains = {name: code == k for k, name in enumerate(table.domains)}
    found = {
        name: spearman(score[of], tokens[of]) for name, of in of_domains.items() if np.count_nonzero(of) >= LEAST_ROWS
    }
    told = [(name, rho) for name, rho in found.items() if rho is not None]
    return dict(sorted(told, key=lambda one: -abs(one[1])))


def strongest_rho(cut: Cut) -> float | None:
    """Of the domain whose score follows length most; over all rows where one cut is made through all of them.

    Over all rows the domains' dependences can cancel out, and the levels of the domains can look like one.
    """
    if cut.spec.balance != "global" and (found := rho_by_domain(cut)):
        return next(iter(found.values()))
    return _rho_of_all.get(cut.key, lambda: _rho(cut.scores))


def _rho(scores: SortedScores) -> float | None:
    rows = scores.pool.rows
    return spearman(scores.score[rows], scores.table.counted_tokens[rows])


def n_gated(cut: Cut) -> dict[str, int]:
    """How many rows in scope each gate that is on or off concerns, by the name of its setting."""
    key = ("gated", cut.rows.key, cut.spec.datasets)
    return _gated.get(key, lambda: _count_gated(cut.rows.table, cut.scores.scope))


def _count_gated(table: ScoreTable, scope: np.ndarray) -> dict[str, int]:
    bits = {
        "exclude_worse_than_chance": flag.WORSE_THAN_CHANCE,
        "exclude_truncated": flag.TRUNCATED,
        "exclude_negative": flag.NEGATIVE,
        "exclude_near_zero_base": flag.NEAR_ZERO_BASE,
        "exclude_overlap": flag.IN_EVALUATION,
    }
    counts = {name: int((table.has(bit) & scope).sum()) for name, bit in bits.items()}
    return {**counts, "exclude_duplicates": int(order.copies(table, scope).sum())}


def kept_rows(cut: Cut) -> np.ndarray:
    """int64: table rows that the spec keeps, those kept by hand first, each best first."""
    return cut.scores.kept(cut.answer)


def gain(cut: Cut) -> float | None:
    """Mean score of the rows that their score brought in, less that of as many random ones; None without such rows.

    Random rows are drawn from each domain as often as it keeps rows, from all of them for one common cut.
    """
    numbers = np.array(cut.answer.n_by_score)
    if not numbers.sum():
        return None
    summed = sum(
        float(cut.scores.score[domain.rows[:n]].sum())
        for domain, n in zip(cut.scores.domains, cut.answer.n_by_score, strict=True)
    )
    here = pool(cut)
    if cut.spec.balance == "global":
        expected = here.mean
    else:
        drawn = numbers > 0
        expected = float(here.means[drawn] @ numbers[drawn]) / int(numbers.sum())
    return summed / int(numbers.sum()) - expected


@dataclass(frozen=True, slots=True)
class Verdicts:
    """Whether a selection is just about length, and how it differs from a random one."""

    length: LengthCheck
    random: VersusRandom


def verdicts(cut: Cut) -> Verdicts:
    """Whether the selection is just about length, and how it differs from a random one of its size.

    Lengths are of the rows whose tokens are counted.
    """
    table, kept = cut.rows.table, kept_rows(cut)
    everything = np.concatenate([cut.scores.by_hand, cut.scores.pool.rows]).astype(np.int64)
    counted = table.is_counted
    return Verdicts(
        length=length_check(cut.scores.score, table.n_tokens, *(rows[counted[rows]] for rows in (everything, kept))),
        random=versus_random(table, everything, kept, by_domain=cut.spec.balance != "global"),
    )


def rows_at_cut(
    project: Project, cut: Cut, n: int = 6, domain: str | None = None
) -> tuple[list[RowAtCut], list[RowAtCut]]:
    """The last kept and the first dropped rows by score, nearest to the cut first, with the start of their prompts."""
    kept, dropped = cut.scores.rows_at_cut(cut.answer, n, domain)
    keys = cut.rows.table.row_key[np.concatenate([kept, dropped])]
    with project.store() as store:
        stored = {row.row_key: row for row in read_rows(store.cursor(), keys.tolist())}
    rows = [*kept, *dropped]
    errors = standard_errors(cut.rows.table.take(np.array(rows, np.int64)), cut.spec.method)
    error_of = dict(zip(rows, [None] * len(rows) if errors is None else errors.tolist(), strict=True))
    near = [_at_cut(cut, stored, row, error_of[row]) for row in rows]
    return near[: len(kept)], near[len(kept) :]


def _at_cut(cut: Cut, stored: dict[int, StoredRow], row: int, error: float | None) -> RowAtCut:
    table = cut.rows.table
    key = int(table.row_key[row])
    losses = {name: float(loss[row]) for name, loss in table.losses.items()}
    return RowAtCut(
        row_key=key,
        domain=table.domains[table.domain_code[row]],
        score=float(cut.scores.score[row]),
        n_tokens=table.tokens_of(row),
        base_loss=losses.get(BASE),
        reference_loss=losses.get(REFERENCE),
        prompt=prompt_of(stored[key]) if key in stored else "",
        error=error,
    )


def prompt_of(row: StoredRow) -> str:
    """The last thing that a user said before the response; the text itself where nobody asked."""
    turns = turns_from_json(row.turns)
    asked = [turn.content for turn in turns if turn.role == "user"]
    return asked[-1] if asked else turns[0].content if turns else ""


def overlap_with(project: Project, cut: Cut, name: str) -> Overlap:
    """What the cut and a saved selection have in common, over the rows of this scoring.

    Raises:
        SelectionError: there is no selection of that name.
    """
    table = cut.rows.table
    saved = ranks_of(table.row_key, selections.picks(project, name)["row_key"].to_numpy())
    here, kept = np.zeros(len(table), np.int64), kept_rows(cut)
    here[kept] = np.arange(1, len(kept) + 1)
    return overlap(here, saved, table.domain_code, table.domains)
