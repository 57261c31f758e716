"""Records that an import set aside, with their places and reasons."""

import duckdb

from lobass_core.store.dataset_files import FILE_OF_ROW

# Dataset, file, row index, line in the file, reason, source text.
RejectValues = tuple[str, str, int, int, str, str]


def rejects(cursor: duckdb.DuckDBPyConnection, dataset: str = "") -> list[RejectValues]:
    """All rejects, or those of one dataset, in order of import."""
    return _read(cursor, "r.source", dataset, None)


def first_rejects(cursor: duckdb.DuckDBPyConnection, dataset: str, limit: int, n_chars: int) -> list[RejectValues]:
    """The first of them, with the first characters of their sources."""
    return _read(cursor, f"left(r.source, {n_chars})", dataset, limit)


def reject_reasons(cursor: duckdb.DuckDBPyConnection, dataset_id: int) -> list[str]:
    """The reason of every reject of a dataset."""
    rows = cursor.execute("SELECT reason FROM rejects WHERE dataset_id = ?", [dataset_id]).fetchall()
    return [reason for (reason,) in rows]


def _read(cursor: duckdb.DuckDBPyConnection, source: str, dataset: str, limit: int | None) -> list[RejectValues]:
    return cursor.execute(
        f"""
        SELECT d.name, coalesce(f.name, ''), r.row_index, r.line, r.reason, {source}
        FROM rejects r JOIN datasets d USING (dataset_id) {FILE_OF_ROW}
        WHERE $dataset IN ('', d.name) ORDER BY r.dataset_id, r.row_index LIMIT $limit
        """,
        {"dataset": dataset, "limit": limit},
    ).fetchall()
