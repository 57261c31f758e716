"""Write the new state of a dataset over the former one, and bring the former one back, inside the caller's transaction.

An unchanged row keeps its key, and with it its place in saved selections; one whose text is another is a new row. What
hangs on samples (losses, decisions, tags, notes) is not touched: it is found again through them.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from lobass_core.errors import InputFileError, RequestError
from lobass_core.store.dataset_files import DatasetFile, add_files
from lobass_core.store.dataset_writer import DatasetInfo, ImportedRow, RowWriter
from lobass_core.store.datasets import Dataset
from lobass_core.store.domain_changes import apply_changes, restore_imported_domains
from lobass_core.store.duplicates import mark_duplicates
from lobass_core.store.former_states import STATE_TABLES
from lobass_core.store.samples import drop_unused_samples, storable
from lobass_core.store.score_columns import release_gone_rows
from lobass_core.store.sequences import take_ids
from lobass_core.store.versions import raise_content
from lobass_core.words.clock import utc_now


@dataclass(frozen=True, slots=True)
class NewState:
    """What a dataset is to become: `listing` holds its rows, `unchanged` those that it has (see `row_matches.py`).

    `changed`: row_key of a row that goes and row_index of the one that comes in its place.
    """

    info: DatasetInfo
    listing: pa.Table
    unchanged: pa.Table
    changed: pa.Table


class UpdateWriter(RowWriter):
    """Takes the rows of the new state: stores those that are new, and the records that are other ones now."""

    def __init__(
        self, cursor: duckdb.DuckDBPyConnection, dataset: Dataset, state: NewState, made_by: str, counts: dict
    ) -> None:
        super().__init__(cursor, dataset.dataset_id)
        self.update_id = take_ids(cursor, "update_ids")
        self._state = state
        # Rows of this update get greater keys than this one, rows of earlier ones have lesser.
        first_row = take_ids(cursor, "row_keys")
        cursor.execute(
            "INSERT INTO dataset_updates VALUES (?, ?, ?, ?, NULL, ?, ?)",
            [self.update_id, self.dataset_id, utc_now(), made_by, json.dumps(counts), first_row],
        )
        self._keep_former()
        self._move_rows()
        indices, keys, same = (state.unchanged[name].to_pylist() for name in ("row_index", "row_key", "is_same"))
        self._unchanged = set(indices)
        self._other_records = {
            index: key for index, key, is_same in zip(indices, keys, same, strict=True) if not is_same
        }

    def _keep_former(self) -> None:
        values = {"update_id": self.update_id, "dataset_id": self.dataset_id}
        restore_imported_domains(self._cursor, self.dataset_id)
        self._register()
        for statement in _FORMER:
            self._cursor.execute(statement, values)
        self._unregister()

    def _move_rows(self) -> None:
        self._register()
        self._cursor.execute(
            "DELETE FROM rows WHERE dataset_id = ? AND row_key NOT IN (SELECT row_key FROM unchanged)",
            [self.dataset_id],
        )
        self._cursor.execute(
            """
            UPDATE rows SET row_index = n.row_index, line = n.line, domain = n.domain
            FROM unchanged k JOIN listing n USING (row_index) WHERE rows.row_key = k.row_key
                AND (rows.row_index <> n.row_index OR rows.line <> n.line OR rows.domain <> n.domain)
            """
        )
        self._unregister()
        for table in ("rejects", "dataset_files"):
            self._cursor.execute(f"DELETE FROM {table} WHERE dataset_id = ?", [self.dataset_id])

    def _register(self) -> None:
        for name, table in self._tables():
            self._cursor.register(name, table)

    def _unregister(self) -> None:
        for name, _ in self._tables():
            self._cursor.unregister(name)

    def _tables(self) -> tuple[tuple[str, pa.Table], ...]:
        state = self._state
        return ("listing", state.listing), ("unchanged", state.unchanged), ("changed", state.changed)

    def add(self, rows: Sequence[ImportedRow]) -> None:
        """Add the rows that are new, and replace the records of unchanged ones where they are other ones."""
        super().add([row for row in rows if row.row_index not in self._unchanged])
        others = [row for row in rows if row.row_index in self._other_records]
        if not others:
            return
        records = pa.table(
            {
                "row_key": pa.array([self._other_records[row.row_index] for row in others], pa.int64()),
                "source": pa.array([storable(row.source) for row in others], pa.string()),
            }
        )
        self._cursor.register("records", records)
        self._cursor.execute("UPDATE rows SET source = n.source FROM records n WHERE rows.row_key = n.row_key")
        self._cursor.unregister("records")

    def finish_update(self, files: Sequence[DatasetFile]) -> None:
        """Write the dataset's own line and files, and let duplicates and domains follow.

        Raises:
            InputFileError: the rows that came are not those of the listing.
        """
        cursor, dataset_id = self._cursor, self.dataset_id
        ((n_rows,),) = cursor.execute("SELECT count(*) FROM rows WHERE dataset_id = ?", [dataset_id]).fetchall()
        if n_rows != self._state.listing.num_rows:
            raise InputFileError(
                "the file changed while it was being read", where=self._state.info.path, do="Update again."
            )
        self._register()
        cursor.execute(
            """
            UPDATE former_rows SET new_key = r.row_key FROM changed c JOIN rows r ON r.row_index = c.row_index
            WHERE r.dataset_id = $dataset_id AND former_rows.update_id = $update_id
                AND former_rows.row_key = c.row_key
            """,
            {"update_id": self.update_id, "dataset_id": dataset_id},
        )
        self._unregister()
        info = self._state.info
        cursor.execute(
            """
            UPDATE datasets SET path = ?, file_sha256 = ?, format = ?, container = ?, encoding = ?, mapping = ?,
                spec = ?, import_spec = ?, format_asked = ?, n_rows = ?, n_rejected = ? WHERE dataset_id = ?
            """,
            [
                *(info.path, info.file_sha256, info.format, info.container, info.encoding, info.mapping, info.spec),
                *(info.import_spec, info.format_asked, n_rows, self._n_rejected, dataset_id),
            ],
        )
        add_files(cursor, dataset_id, files)
        apply_changes(cursor, dataset_id)
        mark_duplicates(cursor)
        raise_content(cursor)


_FORMER = (
    "INSERT INTO former_datasets SELECT $update_id, path, file_sha256, format, container, encoding, mapping, spec,"
    " n_rows, n_rejected, import_spec, format_asked FROM datasets WHERE dataset_id = $dataset_id",
    "INSERT INTO former_files SELECT $update_id, * EXCLUDE (dataset_id) FROM dataset_files"
    " WHERE dataset_id = $dataset_id",
    "INSERT INTO former_rejects SELECT $update_id, * EXCLUDE (dataset_id) FROM rejects WHERE dataset_id = $dataset_id",
    """
    INSERT INTO former_rows
        SELECT $update_id, r.row_key, r.row_index, r.line, r.sample_key, r.domain, r.source,
               CASE WHEN c.row_key IS NULL THEN 'gone' ELSE 'changed' END, NULL
        FROM rows r LEFT JOIN changed c ON c.row_key = r.row_key
        WHERE r.dataset_id = $dataset_id AND r.row_key NOT IN (SELECT row_key FROM unchanged)
    """,
    """
    INSERT INTO former_rows
        SELECT $update_id, r.row_key, r.row_index, r.line, r.sample_key, r.domain,
               CASE WHEN NOT k.is_same THEN r.source END, 'kept', NULL
        FROM rows r JOIN unchanged k ON k.row_key = r.row_key JOIN listing n ON n.row_index = k.row_index
        WHERE $dataset_id = r.dataset_id AND (
            r.row_index <> n.row_index OR r.line <> n.line OR r.domain <> n.domain OR NOT k.is_same)
    """,
)


@dataclass(frozen=True, slots=True)
class LoggedUpdate:
    """One update of a dataset; `undone_at` null while it stands."""

    update_id: int
    dataset_id: int
    made_at: str
    made_by: str
    undone_at: str | None
    counts: dict

    @property
    def words(self) -> str:
        """What it did in a few words."""
        return counts_in_words(self.counts)


def counts_in_words(counts: dict) -> str:
    """`3 changed, 1 new, 0 gone` of an update's counts."""
    return ", ".join(f"{counts.get(f'n_{name}', 0):,} {name}" for name in ("changed", "new", "gone"))


def list_updates(cursor: duckdb.DuckDBPyConnection) -> list[LoggedUpdate]:
    """All updates, oldest first, undone ones included."""
    rows = cursor.execute(
        "SELECT update_id, dataset_id, made_at, made_by, undone_at, counts FROM dataset_updates ORDER BY update_id"
    ).fetchall()
    return [
        LoggedUpdate(update_id, dataset_id, made_at, made_by, undone_at, json.loads(counts))
        for update_id, dataset_id, made_at, made_by, undone_at, counts in rows
    ]


def undo_last_update(cursor: duckdb.DuckDBPyConnection, dataset: Dataset) -> LoggedUpdate:
    """Bring back what the dataset was before its latest update that stands, and return that update.

    Raises:
        RequestError: no update stands.
    """
    standing = [one for one in list_updates(cursor) if one.dataset_id == dataset.dataset_id and one.undone_at is None]
    if not standing:
        raise RequestError(
            f"there is no update of {dataset.name!r} to undo", do="To remove the whole dataset, use lobass undo-import."
        )
    update = standing[-1]
    restore_imported_domains(cursor, dataset.dataset_id)
    for statement in _UNDO:
        cursor.execute(statement, {"update_id": update.update_id, "dataset_id": dataset.dataset_id})
    for table in STATE_TABLES:
        cursor.execute(f"DELETE FROM {table} WHERE update_id = ?{_KEPT.get(table, '')}", [update.update_id])
    cursor.execute("UPDATE dataset_updates SET undone_at = ? WHERE update_id = ?", [utc_now(), update.update_id])
    apply_changes(cursor, dataset.dataset_id)
    release_gone_rows(cursor)
    drop_unused_samples(cursor)
    mark_duplicates(cursor)
    raise_content(cursor)
    return update


_KEPT = {"former_rows": " AND fate <> 'undone'"}
# Rows of the update have keys from `first_row` on: no later update of this dataset stands.
_NEW = """
    r.dataset_id = $dataset_id
    AND r.row_key >= (SELECT first_row FROM dataset_updates WHERE update_id = $update_id)
"""
_UNDO = (
    f"""
    INSERT INTO former_rows
        SELECT $update_id, r.row_key, r.row_index, r.line, r.sample_key, r.domain, r.source, 'undone', NULL
        FROM rows r WHERE {_NEW} AND r.row_key IN (SELECT row_key FROM selection_picks)
    """,
    f"DELETE FROM rows r WHERE {_NEW}",
    """
    UPDATE rows SET row_index = f.row_index, line = f.line, domain = f.domain, source = coalesce(f.source, rows.source)
    FROM former_rows f WHERE f.row_key = rows.row_key AND f.update_id = $update_id AND f.fate = 'kept'
        AND rows.dataset_id = $dataset_id
    """,
    """
    INSERT INTO rows
        SELECT row_key, $dataset_id, row_index, line, sample_key, domain, source, false
        FROM former_rows WHERE update_id = $update_id AND fate IN ('changed', 'gone')
    """,
    "DELETE FROM rejects WHERE dataset_id = $dataset_id AND $update_id IS NOT NULL",
    "INSERT INTO rejects SELECT $dataset_id, * EXCLUDE (update_id) FROM former_rejects WHERE update_id = $update_id",
    "DELETE FROM dataset_files WHERE dataset_id = $dataset_id AND $update_id IS NOT NULL",
    "INSERT INTO dataset_files SELECT $dataset_id, * EXCLUDE (update_id) FROM former_files"
    " WHERE update_id = $update_id",
    """
    UPDATE datasets SET path = f.path, file_sha256 = f.file_sha256, format = f.format, container = f.container,
        encoding = f.encoding, mapping = f.mapping, spec = f.spec, n_rows = f.n_rows, n_rejected = f.n_rejected,
        import_spec = f.import_spec, format_asked = f.format_asked
    FROM former_datasets f WHERE f.update_id = $update_id AND datasets.dataset_id = $dataset_id
    """,
)
