"""Two saved selections, or two ways of selecting, side by side."""

from dataclasses import dataclass

import numpy as np

from lobass_core.learnability.diagnostics import spearman
from lobass_core.learnability.distributions import length_groups
from lobass_core.learnability.scores import ScoreTable
from lobass_core.project import Project
from lobass_core.selection.overlap import Overlap, overlap, ranks_of, score_agreement
from lobass_core.selection.select import select as pick
from lobass_core.specs import SelectionSpec
from lobass_core.workflows import select as selections
from lobass_core.workflows.explore import Scored, scored


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """One side of a comparison: what it is called, its rows and scores, and the rank of each row (0 = not picked)."""

    label: str
    rows: Scored
    spec: SelectionSpec
    rank: np.ndarray  # int64[len(table)]

    @property
    def picked(self) -> np.ndarray:
        """Table rows in rank order."""
        chosen = np.flatnonzero(self.rank)
        return chosen[np.argsort(self.rank[chosen])]

    @property
    def score(self) -> np.ndarray:
        """float64 a row, by the side's own method and models."""
        return self.rows.table.score(self.spec.method, self.spec.seed)


def saved_side(project: Project, name: str) -> Side:
    """A saved selection, as it was saved.

    Raises:
        SelectionError: no such selection, or its scores are gone.
    """
    found, spec = selections.load(project, name)
    rows = scored(project, selections.scoring_of(project, found).run_id)
    picked = selections.picks(project, name)["row_key"].to_numpy()
    return Side(name, rows, spec, ranks_of(rows.table.row_key, picked))


def computed_side(project: Project, label: str, spec: SelectionSpec, run: str | None = None) -> Side:
    """What a spec would keep now.

    Raises:
        SelectionError: as `workflows.select.select`.
    """
    rows = scored(project, run)
    return Side(label, rows, spec, ranks_of(rows.table.row_key, pick(rows.table, spec).row_key))


@dataclass(frozen=True, slots=True)
class Composition:
    """What one side is made of: rows, response tokens and means over its picks, shares by domain and by length."""

    label: str
    n_kept: int
    tokens_kept: int
    base_loss: float | None
    reference_loss: float | None
    learnability: float | None
    domain_rows: tuple[int, ...]
    domain_tokens: tuple[int, ...]
    length_rows: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Two sides over the same imported rows. `agreement` is Spearman's rho of the two scores over all rows."""

    a: Side
    b: Side
    overlap: Overlap
    agreement: float | None
    agreement_by_domain: dict[str, float | None]
    composition: tuple[Composition, Composition]
    domains: tuple[str, ...]
    lengths: tuple[str, ...]


def compare(a: Side, b: Side) -> Comparison:
    """Overlap, agreement and composition; both sides hold every imported row, so rows are matched by row key.

    Should one side have been read before an import, the rows that it lacks count as not picked by it.
    """
    table = a.rows.table
    b_rank = b.rank if b.rows is a.rows else ranks_of(table.row_key, b.rows.table.row_key[b.picked])
    b_score = _aligned(b.score, b.rows.table, table)
    return Comparison(
        a=a,
        b=b,
        overlap=overlap(a.rank, b_rank, table.domain_code, table.domains),
        agreement=spearman(a.score, b_score),
        agreement_by_domain=score_agreement(a.score, b_score, table.domain_code, table.domains),
        composition=(_composition(a), _composition(b)),
        domains=table.domains,
        lengths=length_groups(table.n_tokens)[1],
    )


def _aligned(values: np.ndarray, source: ScoreTable, target: ScoreTable) -> np.ndarray:
    """`values` of the source's rows in the order of the target's; NaN for a row that the source lacks."""
    if source is target or np.array_equal(source.row_key, target.row_key):
        return values
    aligned = np.full(len(target), np.nan)
    _, from_source, to_target = np.intersect1d(source.row_key, target.row_key, return_indices=True)
    aligned[to_target] = values[from_source]
    return aligned


def _composition(side: Side) -> Composition:
    table, rows = side.rows.table, side.picked
    code, names = length_groups(table.n_tokens[rows])
    domain = table.domain_code[rows]
    tokens = np.bincount(domain, weights=table.n_tokens[rows], minlength=len(table.domains))
    return Composition(
        label=side.label,
        n_kept=len(rows),
        tokens_kept=int(tokens.sum()),
        base_loss=_mean(table.base_loss[rows]),
        reference_loss=_mean(table.reference_loss[rows]),
        learnability=_mean(table.learnability()[rows]),
        domain_rows=tuple(np.bincount(domain, minlength=len(table.domains)).tolist()),
        domain_tokens=tuple(int(n) for n in tokens),
        length_rows=tuple(np.bincount(code[code >= 0], minlength=len(names)).tolist()),
    )


def _mean(values: np.ndarray) -> float | None:
    found = values[~np.isnan(values)]
    return float(found.mean()) if len(found) else None
