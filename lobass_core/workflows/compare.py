"""Two saved selections, or two ways of selecting, side by side."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from lobass_core.learnability.distributions import Grid, grid, length_groups
from lobass_core.learnability.measure_values import measures_of, values_of
from lobass_core.learnability.measures import Measure
from lobass_core.learnability.ranks import average_ranks, spearman
from lobass_core.learnability.score_table import ScoreTable
from lobass_core.project import Project
from lobass_core.selection.overlap import Overlap, overlap, ranks_of, score_agreement
from lobass_core.specs import SelectionSpec
from lobass_core.store.browse import read_rows
from lobass_core.workflows import select as selections
from lobass_core.workflows.browse_filter import BrowseFilter
from lobass_core.workflows.cut import prompt_of
from lobass_core.workflows.recent import Recent
from lobass_core.workflows.scored import Scored, scored

# Each holds arrays of all rows; two sides are on the screen at a time.
_sides: Recent["Side"] = Recent(2)
_comparisons: Recent["Comparison"] = Recent(2)
_planes: Recent[Grid] = Recent(4)


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """One side of a comparison: what it is called, its rows and scores, and the rank of each row (0 = not picked)."""

    label: str
    rows: Scored
    spec: SelectionSpec
    rank: np.ndarray  # int64[len(table)]
    key: tuple[Hashable, ...]  # what decides the ranks: keep results under it
    lost: str = ""  # what to tell of rows that a saved selection has lost

    @property
    def picked(self) -> np.ndarray:
        """Table rows in rank order."""
        chosen = np.flatnonzero(self.rank)
        return chosen[np.argsort(self.rank[chosen])]

    @property
    def score(self) -> np.ndarray:
        """float64 a row, by the side's own method and models."""
        return values_of(self.rows.table, self.spec.method, self.spec.seed)


def saved_side(project: Project, name: str) -> Side:
    """A saved selection, as it was saved.

    Raises:
        SelectionError: no such selection, or its scores are gone.
    """
    selection, spec = selections.load(project, name)
    rows = selections.rows_of(project, selection)
    picked = selections.picks(project, name)["row_key"].to_numpy()
    key = (*rows.key, name, selection.selection_id)
    return Side(name, rows, spec, ranks_of(rows.table.row_key, picked), key, selections.gone_in_words(selection))


def computed_side(project: Project, label: str, spec: SelectionSpec, run: str | None = None) -> Side:
    """What a spec would keep now.

    Raises:
        SelectionError: as `workflows.select.select`.
    """
    rows = scored(project, run)
    key = (*rows.key, label, spec)
    return _sides.get(
        key,
        lambda: Side(label, rows, spec, ranks_of(rows.table.row_key, selections.select_from(rows, spec).row_key), key),
    )


@dataclass(frozen=True, slots=True)
class Composition:
    """What one side is made of: rows, response tokens and means over its picks, shares by domain and by length.

    Tokens are None where those of some row are not counted; the shares by length are of the rows that are.
    `means` are by the name that the measure has in files, None where no pick has a value.
    """

    label: str
    n_kept: int
    tokens_kept: int | None
    means: Mapping[str, float | None]
    domains: tuple[str, ...]
    domain_rows: tuple[int, ...]
    domain_tokens: tuple[int | None, ...]
    length_rows: tuple[int, ...]

    def to_dict(self) -> dict:
        """Plain values, the means among the others."""
        values = asdict(self)
        return values | values.pop("means")


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Two sides over the same imported rows. `agreement` is Spearman's rho of the two scores over all rows."""

    a: Side
    b: Side
    overlap: Overlap
    agreement: float | None
    agreement_by_domain: dict[str, float | None]
    composition: tuple[Composition, Composition]
    measures: tuple[Measure, ...]  # that either side has a mean of
    domains: tuple[str, ...]
    lengths: tuple[str, ...]


def compare(a: Side, b: Side) -> Comparison:
    """Overlap, agreement and composition; both sides hold every imported row, so rows are matched by row key.

    Should one side have been read before an import, the rows that it lacks count as not picked by it.
    """
    return _comparisons.get((a.key, b.key), lambda: _compare(a, b))


def _compare(a: Side, b: Side) -> Comparison:
    table = a.rows.table
    b_score = _aligned(b.score, b.rows.table, table)
    return Comparison(
        a=a,
        b=b,
        overlap=overlap(a.rank, _b_rank(a, b), table.domain_code, table.domains),
        agreement=spearman(a.score, b_score),
        agreement_by_domain=score_agreement(a.score, b_score, table.domain_code, table.domains),
        composition=(_composition(a), _composition(b)),
        measures=tuple(one for one in (measures_of(b.rows.table) | measures_of(table)).values() if one.exported),
        domains=table.domains,
        lengths=length_groups(table.n_tokens)[1],
    )


def rank_plane(compared: Comparison, bins: int = 40) -> Grid:
    """All rows that both sides score, by their percentile on A (x) and on B (y); 1 is the highest score. One group."""
    return _planes.get((compared.a.key, compared.b.key, bins), lambda: _rank_plane(compared, bins))


def _rank_plane(compared: Comparison, bins: int) -> Grid:
    a, b = compared.a.score, _aligned(compared.b.score, compared.b.rows.table, compared.a.rows.table)
    both = ~(np.isnan(a) | np.isnan(b))
    n = max(int(both.sum()), 1)
    x, y = average_ranks(a[both]) / n, average_ranks(b[both]) / n
    edges = np.linspace(0, 1, bins + 1)
    return grid(x, y, np.zeros(len(x), np.int16), ("all",), edges, edges)


PARTS = ("only_a", "both", "only_b")


@dataclass(frozen=True, slots=True)
class ComparedRow:
    """One row with its place on both sides; rank 0 is not picked, a score None does not exist."""

    row_key: int
    domain: str
    rank_a: int
    rank_b: int
    score_a: float | None
    score_b: float | None
    n_tokens: int | None
    prompt: str


def part_rows(project: Project, compared: Comparison, part: str, limit: int = 8) -> list[ComparedRow]:
    """The first rows of a part: by their rank on the side that picked them, those in both by the sum of ranks."""
    table = compared.a.rows.table
    rank_a, rank_b = compared.a.rank, _b_rank(compared.a, compared.b)
    rows = np.flatnonzero(_inside(rank_a, rank_b, part))
    rows = rows[np.lexsort((table.row_key[rows], (rank_a + rank_b)[rows]))][:limit]
    score_b = _aligned(compared.b.score, compared.b.rows.table, table)
    keys = table.row_key[rows].tolist()
    with project.store() as store:
        stored = {row.row_key: row for row in read_rows(store.cursor(), keys)}
    return [
        ComparedRow(
            row_key=key,
            domain=table.domains[table.domain_code[row]],
            rank_a=int(rank_a[row]),
            rank_b=int(rank_b[row]),
            score_a=_number(compared.a.score[row]),
            score_b=_number(score_b[row]),
            n_tokens=table.tokens_of(row),
            prompt=prompt_of(stored[key]) if key in stored else "",
        )
        for row, key in zip(rows.tolist(), keys, strict=True)
    ]


def part_filter(a: str, b: str, part: str) -> BrowseFilter:
    """What to browse for to see all rows of a part of two saved selections."""
    return {
        "only_a": BrowseFilter(in_selections=(a,), not_in_selections=(b,)),
        "both": BrowseFilter(in_selections=(a, b)),
        "only_b": BrowseFilter(in_selections=(b,), not_in_selections=(a,)),
    }[part]


def part_size(compared: Comparison, part: str, datasets: Sequence[str] = ()) -> int:
    """Rows of a part, of the named datasets where some are named.

    Raises:
        SelectionError: a name that no dataset of the comparison has.
    """
    inside = _inside(compared.a.rank, _b_rank(compared.a, compared.b), part)
    return int((inside & compared.a.rows.table.scope(datasets)).sum())


def _inside(rank_a: np.ndarray, rank_b: np.ndarray, part: str) -> np.ndarray:
    """bool a row: whether it is in the part."""
    in_a, in_b = rank_a > 0, rank_b > 0
    return {"only_a": in_a & ~in_b, "both": in_a & in_b, "only_b": in_b & ~in_a}[part]


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _b_rank(a: Side, b: Side) -> np.ndarray:
    """B's ranks in the order of A's rows."""
    if b.rows is a.rows:
        return b.rank
    return ranks_of(a.rows.table.row_key, b.rows.table.row_key[b.picked])


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
    part = table.take(rows)
    code, names = length_groups(part.n_tokens)
    domain = part.domain_code
    # A domain with an uncounted row adds up to NaN.
    tokens = np.bincount(domain, weights=part.counted_tokens, minlength=len(table.domains))
    return Composition(
        label=side.label,
        n_kept=len(rows),
        tokens_kept=_whole(tokens.sum()),
        means={one.column: _mean(values_of(part, name)) for name, one in measures_of(part).items() if one.exported},
        domains=table.domains,
        domain_rows=tuple(np.bincount(domain, minlength=len(table.domains)).tolist()),
        domain_tokens=tuple(_whole(n) for n in tokens),
        length_rows=tuple(np.bincount(code[code >= 0], minlength=len(names)).tolist()),
    )


def _whole(value: float) -> int | None:
    return None if np.isnan(value) else int(value)


def _mean(values: np.ndarray) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None
