"""Ids that are given out once: every kind has a sequence, so what is removed never lends its id again."""

from collections.abc import Mapping

import duckdb

# Each sequence with the first number that it gives, and the columns that hold its numbers, those that refer to what is
# gone included.
SEQUENCES: Mapping[str, tuple[int, tuple[str, ...]]] = {
    "dataset_ids": (1, ("datasets.dataset_id", "rows.dataset_id", "domain_changes.dataset_id")),
    "row_keys": (0, ("rows.row_key", "former_rows.row_key", "former_rows.new_key", "selection_picks.row_key",
                     "score_values.row_key")),
    "sample_keys": (
        0,
        (
            "samples.sample_key", "rows.sample_key", "losses.sample_key", "decisions.sample_key", "tags.sample_key",
            "notes.sample_key", "reference_folds.sample_key", "selection_picks.sample_key", "former_rows.sample_key",
            "earlier_samples.sample_key", "earlier_samples.earlier_key", "score_values.sample_key",
            "compared_samples.sample_key", "overlap_samples.sample_key",
        ),
    ),
    "decision_numbers": (1, ("decisions.decision_number", "decision_imports.after_number")),
    "scoring_ids": (1, ("scorings.scoring_id", "scoring_runs.scoring_id", "loss_columns.scoring_id",
                        "selections.scoring_id")),
    "selection_ids": (1, ("selections.selection_id", "selection_picks.selection_id")),
    "export_ids": (1, ("exports.export_id",)),
    "update_ids": (1, ("dataset_updates.update_id", "former_rows.update_id")),
    "column_ids": (1, ("score_columns.column_id", "score_values.column_id", "score_imports.column_id")),
    "change_ids": (1, ("domain_changes.change_id",)),
}  # fmt: skip


def take_ids(cursor: duckdb.DuckDBPyConnection, name: str, n: int = 1) -> int:
    """The first of `n` numbers, one after another, that nothing had before and nothing else will have."""
    ((first, last),) = cursor.execute(
        f"SELECT min(id), max(id) FROM (SELECT nextval('{name}') AS id FROM range(?))", [n]
    ).fetchall()
    assert last - first == n - 1, "one transaction writes at a time"
    return int(first)


def has_sequences(cursor: duckdb.DuckDBPyConnection) -> bool:
    """Whether the store gives its ids out by sequences; the steps of older versions run before it does."""
    query = "SELECT count(*) FROM duckdb_sequences() WHERE database_name = current_database() AND sequence_name = ?"
    return bool(cursor.execute(query, ["sample_keys"]).fetchall()[0][0])


def create_sequences(cursor: duckdb.DuckDBPyConnection) -> None:
    """Make the sequences of a store that has none; each goes on behind the greatest number that the store holds."""
    for name, (first, _) in SEQUENCES.items():
        start = max(first, _greatest(cursor, name) + 1)
        cursor.execute(f"CREATE SEQUENCE {name} MINVALUE 0 START {start}")


def raise_sequences(cursor: duckdb.DuckDBPyConnection, given: Mapping[str, int]) -> None:
    """Let each sequence go on behind what the store holds and behind what it is known to have given out."""
    for name in SEQUENCES:
        last = max(_greatest(cursor, name), given.get(name, -1))
        if last >= 0:
            cursor.execute(f"SELECT setval('{name}', {last})").fetchall()


def given_out(cursor: duckdb.DuckDBPyConnection, database: str) -> dict[str, int]:
    """The last number of each sequence of an attached database, without those that have given none."""
    rows = cursor.execute(
        "SELECT sequence_name, last_value FROM duckdb_sequences() WHERE database_name = ? AND last_value IS NOT NULL",
        [database],
    ).fetchall()
    return {name: last for name, last in rows if name in SEQUENCES}


def _greatest(cursor: duckdb.DuckDBPyConnection, name: str) -> int:
    """The greatest number of a sequence that the store holds, -1 for none; later steps make some of the tables."""
    there = "SELECT table_name || '.' || column_name FROM duckdb_columns() WHERE database_name = current_database()"
    known = {column for (column,) in cursor.execute(there).fetchall()}
    columns = (column.split(".") for column in SEQUENCES[name][1] if column in known)
    queries = " UNION ALL ".join(f"SELECT max({column}) AS id FROM {table}" for table, column in columns)
    ((greatest,),) = cursor.execute(f"SELECT coalesce(max(id), -1) FROM ({queries})").fetchall()
    return int(greatest)
