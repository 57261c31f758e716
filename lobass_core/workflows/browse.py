"""Find and read rows: filter and sort arrays that are kept in memory, and fetch the text of one page.

    matching = browse.find(project, BrowseFilter(domains=("math",), ranges=(("learnability", (0.1, 0.4)),)))
    matching.n_found                               461,107
    browse.read_page(project, matching, page=1)    fifty rows with their texts, scores, ranks and decisions

A project where nothing is scored is browsed the same way; its rows have no score and no rank.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from lobass_core.errors import RequestError
from lobass_core.learnability import flags as flag
from lobass_core.learnability.measure_values import measures_of, values_of
from lobass_core.learnability.measures import BUILT_IN, FACTS, LOSSES, Measure
from lobass_core.learnability.score_table import ScoreTable
from lobass_core.project import Project
from lobass_core.store import browse as rows_of_store
from lobass_core.store.browse import StoredRow
from lobass_core.store.connection import Store
from lobass_core.store.datasets import list_datasets
from lobass_core.store.selections import find_selection, list_selections
from lobass_core.store.standing import VERDICT_CODES
from lobass_core.workflows.browse_filter import BrowseFilter, Range
from lobass_core.workflows.recent import Recent
from lobass_core.workflows.review import in_review
from lobass_core.workflows.row_order import row_order
from lobass_core.workflows.row_table import RowTable, decisions_of, leased_rows, listed_values, open_rows

__all__ = [
    "PAGE_ROWS",
    "BrowseRow",
    "Choices",
    "MatchingRows",
    "choices",
    "find",
    "open_rows",
    "read_page",
    "read_rows",
]

PAGE_ROWS = 50
STATUS_FLAGS = {
    "truncated": flag.TRUNCATED,
    "no_response": flag.NO_RESPONSE,
    "non_finite": flag.NON_FINITE,
    "not_scored": flag.NOT_SCORED,
}
FLAG_BITS = {name: bit for bit, name in flag.FLAG_NAMES.items()}


@dataclass(frozen=True, slots=True, eq=False)
class MatchingRows:
    """The rows that match a filter, as positions in the row table, in the order of its sort.

    The list does not change: a row that you decide on later stays in it.
    """

    rows: RowTable
    filter: BrowseFilter
    positions: np.ndarray  # int32[n_found]
    n_rows: int
    scope: np.ndarray | None = None  # bool[len(rows)]: the rows that the view is narrowed to, None for all

    @property
    def n_found(self) -> int:
        return len(self.positions)

    @property
    def n_tokens(self) -> int | None:
        """Response tokens of the matching rows; None where those of some row are not counted."""
        table = self.rows.table
        if not table.is_counted[self.positions].all():
            return None
        return int(table.n_tokens[self.positions].sum(dtype=np.int64))

    def n_pages(self, page_rows: int = PAGE_ROWS) -> int:
        """At least 1."""
        return max(1, -(-self.n_found // page_rows))

    def place_of(self, row_key: int) -> int | None:
        """Position of a row in this list, None if it is not in it."""
        keys = self.rows.table.row_key
        index = int(np.searchsorted(keys, row_key))
        if index == len(keys) or keys[index] != row_key:
            return None
        places = np.flatnonzero(self.positions == index)
        return int(places[0]) if len(places) else None


@dataclass(frozen=True, slots=True)
class BrowseRow:
    """One row of a page; rank 0 is no rank, and tokens that nobody has counted are None.

    `values` are the measures that files of scores have, by the names that they have there, and those that the rows were
    sorted and filtered by; None where the row has none.
    """

    stored: StoredRow
    values: Mapping[str, float | None]
    n_tokens: int | None
    n_prompt_tokens: int | None
    flags: tuple[str, ...]
    rank: int
    rank_in_domain: int

    def to_dict(self) -> dict:
        """The row without the texts of its sample."""
        kept = asdict(self.stored)
        for text in ("turns", "tools", "rejected", "sample_key"):
            del kept[text]
        return {
            **kept,
            **self.values,
            "n_response_tokens": self.n_tokens,
            "n_prompt_tokens": self.n_prompt_tokens,
            "flags": list(self.flags),
            "rank": self.rank or None,
            "rank_in_domain": self.rank_in_domain or None,
        }


@dataclass(frozen=True, slots=True)
class Choices:
    """What a filter can name in this project; `measures` are those that rows can be sorted and narrowed by."""

    datasets: tuple[str, ...]
    domains: tuple[str, ...]
    selections: tuple[str, ...]
    tags: tuple[tuple[str, int], ...]
    measures: tuple[Measure, ...] = ()


# At a million rows a list is 4 MB, a search at most 8 MB.
_lists: Recent[MatchingRows] = Recent(16)
_searches: Recent[np.ndarray] = Recent(8)


def find(
    project: Project, asked: BrowseFilter, run: str | None = None, *, within_datasets: Sequence[str] = ()
) -> MatchingRows:
    """The rows that pass the filter, in its order: `positions` int32[n_found] into the arrays of `rows.table`.

    `within_datasets` narrows the whole view (empty: all).

    Raises:
        RequestError: the filter names a dataset, domain or score range that this project cannot have.
        SelectionError: no such selection, or no such run.
    """
    with project.store() as store:
        rows = leased_rows(project, store, run)
        # Decisions, tags and selections count up the revision; imports and losses change the version.
        key = (rows.root, rows.version, store.revision(), asked, tuple(within_datasets))
        return _lists.get(key, lambda: _find(store, rows, asked, within_datasets))


def read_page(project: Project, matching: MatchingRows, page: int = 1, page_rows: int = PAGE_ROWS) -> list[BrowseRow]:
    """The rows of a page, counted from 1; a page beyond the last is empty."""
    start = (max(page, 1) - 1) * page_rows
    named = (matching.filter.sort, *(name for name, _ in matching.filter.ranges))
    return read_rows(project, matching.rows, matching.positions[start : start + page_rows], named)


def read_rows(project: Project, rows: RowTable, positions: np.ndarray, named: Sequence[str] = ()) -> list[BrowseRow]:
    """The rows at these positions of the row table, in their order, with texts, decisions, tags and notes.

    The measures in `named` are among their values, also those that files of scores lack.
    """
    keys = rows.table.row_key[positions].tolist()
    with project.store() as store:
        stored = rows_of_store.read_rows(store.cursor(), keys)
    place = dict(zip(keys, positions.tolist(), strict=True))
    part = rows.table.take(positions)
    usual = (one for one in BUILT_IN.values() if one.exported and {*FACTS, *LOSSES}.issuperset(one.needs))
    values = {one.column: np.full(len(part), np.nan) for one in usual}
    values |= {
        one.column: values_of(part, name) for name, one in measures_of(part).items() if one.exported or name in named
    }
    of_row = {key: {name: _number(column[k]) for name, column in values.items()} for k, key in enumerate(keys)}
    return [_browse_row(rows, row, place[row.row_key], of_row[row.row_key]) for row in stored]


def sample_key(project: Project, sample_id: str) -> int:
    """Key of the sample with this id, or with an id that begins so.

    Raises:
        RequestError: it names no sample, or several.
    """
    with project.store() as store:
        return rows_of_store.sample_keys(store.cursor(), [sample_id])[0]


def count_decided(project: Project, matching: MatchingRows) -> int:
    """How many of the matching rows have a decision now."""
    with project.store() as store:
        return int(np.count_nonzero(decisions_of(store, matching.rows)[matching.positions]))


def first_hits(project: Project, texts: Sequence[str], asked: BrowseFilter) -> list[int]:
    """Where the search text first stands in each of the texts, in characters from 0, as the search matches; else -1."""
    with project.store() as store:
        return rows_of_store.first_hits(store.cursor(), texts, asked.text, asked.match_case)


def choices(project: Project, rows: RowTable) -> Choices:
    """The names that a filter can use."""
    with project.store() as store:
        cursor = store.cursor()
        return Choices(
            datasets=tuple(dataset.name for dataset in list_datasets(cursor)),
            domains=rows.table.domains,
            selections=tuple(selection.name for selection in list_selections(cursor)),
            tags=tuple(rows_of_store.list_tags(cursor)),
            measures=tuple(one for one in measures_of(rows.table).values() if not one.uses_seed),
        )


def _find(store: Store, rows: RowTable, asked: BrowseFilter, within_datasets: Sequence[str]) -> MatchingRows:
    order = row_order(rows, asked)
    scope = (
        None if not within_datasets else _in(rows.table.datasets, rows.table.dataset_code, within_datasets, "dataset")
    )
    mask = _mask(store, rows, asked, scope)
    both = scope if mask is None else mask if scope is None else mask & scope
    positions = order if both is None else order[both[order]]
    return MatchingRows(rows, asked, positions, len(rows) if scope is None else int(scope.sum()), scope)


def _mask(store: Store, rows: RowTable, asked: BrowseFilter, scope: np.ndarray | None) -> np.ndarray | None:
    """bool[n] of the rows that pass every condition; None where there is no condition."""
    table = rows.table
    conditions: list[np.ndarray] = []
    if asked.datasets:
        conditions.append(_in(table.datasets, table.dataset_code, asked.datasets, "dataset"))
    if asked.domains:
        conditions.append(_in(table.domains, table.domain_code, asked.domains, "domain"))
    conditions += [_between(listed_values(rows, name), limits) for name, limits in asked.ranges]
    if asked.statuses:
        conditions.append(_with_status(table, asked.statuses))
    if asked.flags:
        conditions.append(table.has(int(np.bitwise_or.reduce([FLAG_BITS[name] for name in asked.flags]))))
    if asked.review:
        conditions.append(in_review(rows, asked, scope))
    conditions += _from_store(store, rows, asked)
    if not conditions:
        return None
    return np.logical_and.reduce(conditions)


def _from_store(store: Store, rows: RowTable, asked: BrowseFilter) -> list[np.ndarray]:
    """Conditions on what only the database knows: texts, decisions, tags, selections."""
    table, cursor, conditions = rows.table, store.cursor(), []
    if asked.text:
        key = (rows.root, rows.version, asked.text, asked.scope, asked.match_case)
        search = (asked.text, asked.scope, asked.match_case)
        samples = _searches.get(key, lambda: rows_of_store.matching_samples(cursor, *search))
        conditions.append(_with_samples(table, samples))
    if asked.decisions:
        codes = [VERDICT_CODES[name] for name in asked.decisions]
        conditions.append(np.isin(decisions_of(store, rows), codes))
    if asked.tags:
        conditions.append(_with_samples(table, rows_of_store.tagged_samples(cursor, asked.tags)))
    conditions += [_picked(store, table, name) for name in asked.in_selections]
    conditions += [~_picked(store, table, name) for name in asked.not_in_selections]
    return conditions


def _picked(store: Store, table: ScoreTable, name: str) -> np.ndarray:
    """bool[n]: the rows of a saved selection."""
    cursor = store.cursor()
    picks = rows_of_store.picked_rows(cursor, find_selection(cursor, name).selection_id)
    inside = np.zeros(len(table), bool)
    if len(table):
        place = np.minimum(np.searchsorted(table.row_key, picks), len(table) - 1)
        # An update may have taken rows of the selection out of the project.
        inside[place[table.row_key[place] == picks]] = True
    return inside


def _with_samples(table: ScoreTable, keys: np.ndarray) -> np.ndarray:
    """bool[n]: rows of the samples with these keys. Keys are sequential, so a table of booleans is the fastest set."""
    by_sample = np.zeros(int(table.sample_key.max(initial=-1)) + 1, bool)
    by_sample[keys[keys < len(by_sample)]] = True
    return by_sample[table.sample_key]


def _with_status(table: ScoreTable, statuses: Sequence[str]) -> np.ndarray:
    parts = [table.has(STATUS_FLAGS[name]) for name in statuses if name != "ok"]
    if "ok" in statuses:
        parts.append(~table.has(int(np.bitwise_or.reduce(list(STATUS_FLAGS.values())))))
    return np.logical_or.reduce(parts)


def _in(names: Sequence[str], codes: np.ndarray, wanted: Sequence[str], kind: str) -> np.ndarray:
    unknown = sorted(set(wanted) - set(names))
    if unknown:
        raise RequestError(f"there is no {kind} {', '.join(unknown)}", do=f"There are: {', '.join(names) or 'none'}.")
    # A table of booleans over the few names; np.isin takes ten times as long.
    return np.array([name in wanted for name in names], bool)[codes]


def _between(values: np.ndarray, limits: Range) -> np.ndarray:
    low, high = limits
    inside = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        if low is not None:
            inside &= values >= low
        if high is not None:
            inside &= values <= high
    return inside


def _browse_row(rows: RowTable, stored: StoredRow, place: int, values: Mapping[str, float | None]) -> BrowseRow:
    table = rows.table
    names, n_tokens = flag.names(int(table.flags[place])), table.tokens_of(place)
    return BrowseRow(
        stored=stored,
        values=values,
        n_tokens=n_tokens,
        n_prompt_tokens=None if n_tokens is None else int(table.n_prompt_tokens[place]),
        flags=tuple(names.split(",")) if names else (),
        rank=int(rows.rank[place]),
        rank_in_domain=int(rows.rank_in_domain[place]),
    )


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
