"""Domains that were set after the import: a log of rules, which can be taken back and hold for later rows as well.

A row's domain is what its import gave it (kept in `imported_domains` where it is another one now), then what each rule
that stands makes of it, in their order.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from lobass_core.errors import RequestError
from lobass_core.formats.domains import MAX_DOMAINS, named_domain
from lobass_core.formats.raw_records import decode_line
from lobass_core.formats.row_errors import RowError
from lobass_core.formats.wrapped_rows import row_of
from lobass_core.specs import SetDomainSpec
from lobass_core.store.connection import read_table
from lobass_core.store.datasets import BATCH_ROWS, Dataset
from lobass_core.store.duplicates import mark_duplicates
from lobass_core.store.sequences import take_ids
from lobass_core.store.versions import raise_content
from lobass_core.words.clock import utc_now

# Records that are looked at to offer their columns.
FIRST_RECORDS = 100


@dataclass(frozen=True, slots=True)
class DomainChange:
    """One change in the log; `n_rows` rows got another domain by it when it was made."""

    change_id: int
    dataset_id: int
    made_at: str
    made_by: str
    undone_at: str | None
    spec: SetDomainSpec
    n_rows: int


def list_domain_changes(cursor: duckdb.DuckDBPyConnection) -> list[DomainChange]:
    """All changes, oldest first, undone ones included."""
    rows = cursor.execute(
        "SELECT change_id, dataset_id, made_at, made_by, undone_at, spec, n_rows FROM domain_changes ORDER BY change_id"
    ).fetchall()
    return [
        DomainChange(change_id, dataset_id, made_at, made_by, undone_at, SetDomainSpec.from_dict(json.loads(spec)), n)
        for change_id, dataset_id, made_at, made_by, undone_at, spec, n in rows
    ]


def add_domain_change(
    cursor: duckdb.DuckDBPyConnection, dataset: Dataset, spec: SetDomainSpec, made_by: str
) -> DomainChange:
    """Log a change and apply it.

    Raises:
        RequestError: no record has a column that it names, it names more than `MAX_DOMAINS` domains, or no row gets
            another domain by it.
    """
    change_id = take_ids(cursor, "change_ids")
    change = DomainChange(change_id, dataset.dataset_id, utc_now(), made_by, None, spec, 0)
    cursor.execute(
        "INSERT INTO domain_changes VALUES (?, ?, ?, ?, NULL, ?, 0)",
        [change_id, dataset.dataset_id, change.made_at, made_by, json.dumps(spec.to_dict(), ensure_ascii=False)],
    )
    before = _domains(cursor, dataset.dataset_id)
    columns = apply_changes(cursor, dataset.dataset_id)
    for column in spec.columns:
        if column not in columns:
            raise RequestError(
                f"no row of {dataset.name!r} has the column {column!r}",
                do=f"The columns are {', '.join(sorted(columns)[:20]) or 'none'}.",
            )
    n_rows = _n_others(cursor, before, dataset.dataset_id)
    if not n_rows:
        raise RequestError(
            f"no row of {dataset.name!r} would get a new domain",
            do="Check the names: values must match exactly.",
        )
    cursor.execute("UPDATE domain_changes SET n_rows = ? WHERE change_id = ?", [n_rows, change_id])
    _follow(cursor)
    return DomainChange(change_id, dataset.dataset_id, change.made_at, made_by, None, spec, n_rows)


def undo_domain_change(cursor: duckdb.DuckDBPyConnection, dataset: Dataset) -> DomainChange:
    """Take back the latest change of a dataset that stands, and return it with the number of rows it touched now.

    Raises:
        RequestError: none stands.
    """
    standing = _standing(cursor, dataset.dataset_id)
    if not standing:
        raise RequestError(
            f"the domains of {dataset.name!r} have not been changed since its import", do="There is nothing to undo."
        )
    change = standing[-1]
    undone_at = utc_now()
    cursor.execute("UPDATE domain_changes SET undone_at = ? WHERE change_id = ?", [undone_at, change.change_id])
    before = _domains(cursor, dataset.dataset_id)
    restore_imported_domains(cursor, dataset.dataset_id)
    apply_changes(cursor, dataset.dataset_id)
    n_rows = _n_others(cursor, before, dataset.dataset_id)
    _follow(cursor)
    return DomainChange(
        change.change_id, change.dataset_id, change.made_at, change.made_by, undone_at, change.spec, n_rows
    )


def restore_imported_domains(cursor: duckdb.DuckDBPyConnection, dataset_id: int) -> None:
    """Give the rows of a dataset the domains of their import; the rules that stand are to be applied again."""
    cursor.execute(
        "UPDATE rows SET domain = i.domain FROM imported_domains i"
        " WHERE rows.row_key = i.row_key AND rows.dataset_id = ?",
        [dataset_id],
    )
    cursor.execute(
        "DELETE FROM imported_domains WHERE row_key IN (SELECT row_key FROM rows WHERE dataset_id = ?)", [dataset_id]
    )


def forget_domain_changes(cursor: duckdb.DuckDBPyConnection, dataset_id: int) -> None:
    """Remove the log of a dataset and what is kept of its rows' domains, before its rows go."""
    restore_imported_domains(cursor, dataset_id)
    cursor.execute("DELETE FROM domain_changes WHERE dataset_id = ?", [dataset_id])


def apply_changes(cursor: duckdb.DuckDBPyConnection, dataset_id: int) -> set[str]:
    """Apply the rules that stand to all rows of a dataset; returns the columns that its records have.

    Where nothing but one name for all rows is asked, no record is read and no column returned.

    Raises:
        RequestError: the rules name more than `MAX_DOMAINS` domains.
    """
    standing = _standing(cursor, dataset_id)
    columns: set[str] = set()
    domains: set[str] = set()
    if not standing:
        return columns
    for page in _pages(cursor, dataset_id, with_source=any(change.spec.columns for change in standing)):
        moved: list[tuple[int, str, str]] = []
        for row_key, now, imported, source in page:
            row = _row(source)
            columns.update(row)
            domain = imported
            for change in standing:
                domain = named_domain(row, change.spec.domain_column, change.spec.domain_rules) or (
                    change.spec.domain or domain
                )
            domains.add(domain)
            if domain != now:
                moved.append((row_key, domain, imported))
        if len(domains) > MAX_DOMAINS:
            raise RequestError(
                f"the change would make more than {MAX_DOMAINS} domains", do="Use a column with few different values."
            )
        _move(cursor, moved)
    return columns


def first_columns(cursor: duckdb.DuckDBPyConnection, dataset_id: int) -> tuple[str, ...]:
    """The columns that the first records of a dataset have."""
    sources = cursor.execute(
        "SELECT source FROM rows WHERE dataset_id = ? ORDER BY row_index LIMIT ?", [dataset_id, FIRST_RECORDS]
    ).fetchall()
    return tuple(dict.fromkeys(column for (source,) in sources for column in _row(source)))


def _standing(cursor: duckdb.DuckDBPyConnection, dataset_id: int) -> list[DomainChange]:
    return [
        change for change in list_domain_changes(cursor) if change.dataset_id == dataset_id and change.undone_at is None
    ]


def _pages(
    cursor: duckdb.DuckDBPyConnection, dataset_id: int, *, with_source: bool
) -> Iterator[list[tuple[int, str, str, str]]]:
    """Rows as (row key, domain, imported domain, source or ""), by key."""
    source = "r.source" if with_source else "''"
    last = -1
    while True:
        page = cursor.execute(
            f"""
            SELECT r.row_key, r.domain, coalesce(i.domain, r.domain), {source}
            FROM rows r LEFT JOIN imported_domains i USING (row_key)
            WHERE r.dataset_id = ? AND r.row_key > ? ORDER BY r.row_key LIMIT ?
            """,
            [dataset_id, last, BATCH_ROWS],
        ).fetchall()
        if not page:
            return
        yield page
        last = page[-1][0]


def _row(source: str) -> dict:
    """The record as columns; none where its text is no record."""
    if not source:
        return {}
    try:
        return row_of(decode_line(source))
    except (RowError, ValueError, RecursionError):
        return {}


def _move(cursor: duckdb.DuckDBPyConnection, moved: Sequence[tuple[int, str, str]]) -> None:
    """Give rows (row key, new domain, imported domain) their new domain."""
    if not moved:
        return
    keys, domains, imported = zip(*moved, strict=True)
    cursor.register(
        "moved_rows",
        pa.table({"row_key": pa.array(keys, pa.int64()), "domain": list(domains), "imported": list(imported)}),
    )
    for statement in (
        "DELETE FROM imported_domains WHERE row_key IN (SELECT row_key FROM moved_rows)",
        "INSERT INTO imported_domains SELECT row_key, imported FROM moved_rows WHERE domain <> imported",
        "UPDATE rows SET domain = m.domain FROM moved_rows m WHERE rows.row_key = m.row_key",
    ):
        cursor.execute(statement)
    cursor.unregister("moved_rows")


def _follow(cursor: duckdb.DuckDBPyConnection) -> None:
    # Which row stands for a sample is told by its domain.
    mark_duplicates(cursor)
    raise_content(cursor)


def _domains(cursor: duckdb.DuckDBPyConnection, dataset_id: int) -> pa.Table:
    return read_table(cursor, "SELECT row_key, domain FROM rows WHERE dataset_id = ?", [dataset_id])


def _n_others(cursor: duckdb.DuckDBPyConnection, before: pa.Table, dataset_id: int) -> int:
    """How many rows of the dataset have another domain than before."""
    cursor.register("before", before)
    ((n_rows,),) = cursor.execute(
        "SELECT count(*) FROM rows r JOIN before b USING (row_key) WHERE r.dataset_id = ? AND r.domain <> b.domain",
        [dataset_id],
    ).fetchall()
    cursor.unregister("before")
    return int(n_rows)
