"""A dataset's way into the store: rows in batches through Arrow, equal samples once, counts at the end."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from lobass_core.records import Sample
from lobass_core.store.dataset_files import DatasetFile, add_files
from lobass_core.store.duplicates import mark_duplicates
from lobass_core.store.samples import insert_samples, known_keys, storable
from lobass_core.store.sequences import take_ids
from lobass_core.store.versions import raise_content
from lobass_core.words.clock import utc_now


@dataclass(frozen=True, slots=True)
class DatasetInfo:
    """What is known of a dataset when its import begins; `mapping`, `spec` and `import_spec` are JSON text.

    `spec` holds the settings as the files settled them, `import_spec` those that were asked for. `format_asked`: the
    format was named, so that a row is never read by a sibling of it.

    Of several files, `path` is the folder that they share, `file_sha256` stands for all of them, `container` and
    `encoding` are those of the first.
    """

    name: str
    path: str
    file_sha256: str
    format: str
    container: str
    encoding: str
    mapping: str
    spec: str
    import_spec: str = ""
    format_asked: bool = False


@dataclass(frozen=True, slots=True)
class ImportedRow:
    """One readable record on its way into the store; `source` is the record's own text."""

    row_index: int
    line: int
    sample: Sample
    domain: str
    source: str


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """One record that could not become a sample."""

    row_index: int
    line: int
    reason: str
    source: str


@dataclass(frozen=True, slots=True)
class ImportCounts:
    """`n_seen_before`: rows whose sample an earlier file holds; `n_duplicates`: rows that repeat one of this file."""

    n_imported: int
    n_rejected: int
    n_seen_before: int
    n_duplicates: int


class RowWriter:
    """Rows and rejects on their way into a dataset that the store has, inside the caller's transaction."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, dataset_id: int) -> None:
        self._cursor, self.dataset_id = cursor, dataset_id
        self._n_imported = self._n_rejected = 0

    def add(self, rows: Sequence[ImportedRow]) -> None:
        """Add readable rows; equal samples are stored once."""
        if not rows:
            return
        samples: dict[str, Sample] = {}
        for row in rows:
            samples.setdefault(row.sample.sample_id, row.sample)
        keys = known_keys(self._cursor, samples)
        new = [sample for sample_id, sample in samples.items() if sample_id not in keys]
        keys |= insert_samples(self._cursor, new)
        first_row = take_ids(self._cursor, "row_keys", len(rows))
        table = pa.table(
            {
                "row_key": pa.array(range(first_row, first_row + len(rows)), pa.int64()),
                "dataset_id": pa.array([self.dataset_id] * len(rows), pa.int32()),
                "row_index": pa.array([row.row_index for row in rows], pa.int64()),
                "line": pa.array([row.line for row in rows], pa.int64()),
                "sample_key": pa.array([keys[row.sample.sample_id] for row in rows], pa.int64()),
                "domain": pa.array([storable(row.domain) for row in rows], pa.string()),
                "source": pa.array([storable(row.source) for row in rows], pa.string()),
                "is_duplicate": pa.array([False] * len(rows), pa.bool_()),
            }
        )
        self._append("rows", table)
        self._n_imported += len(rows)

    def _append(self, name: str, batch: pa.Table) -> None:
        """Append a batch that has the table's columns, in its order.

        Not by `register`: a registered batch stays in memory until the transaction ends, 1.8 GB for a million rows.
        """
        self._cursor.from_arrow(batch).insert_into(name)

    def add_rejects(self, rejects: Sequence[RejectedRow]) -> None:
        """Keep unreadable rows aside."""
        if not rejects:
            return
        table = pa.table(
            {
                "dataset_id": pa.array([self.dataset_id] * len(rejects), pa.int32()),
                "row_index": pa.array([reject.row_index for reject in rejects], pa.int64()),
                "line": pa.array([reject.line for reject in rejects], pa.int64()),
                "reason": pa.array([storable(reject.reason) for reject in rejects], pa.string()),
                "source": pa.array([storable(reject.source) for reject in rejects], pa.string()),
            }
        )
        self._append("rejects", table)
        self._n_rejected += len(rejects)


class DatasetWriter(RowWriter):
    """A new dataset's way into the store: add batches, then `finish`."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, info: DatasetInfo) -> None:
        dataset_id = take_ids(cursor, "dataset_ids")
        super().__init__(cursor, dataset_id)
        self._info = info
        values = {"dataset_id": dataset_id, **asdict(info), "n_rows": 0, "n_rejected": 0, "imported_at": utc_now()}
        cursor.execute(
            f"INSERT INTO datasets ({', '.join(values)}) VALUES ({', '.join('?' * len(values))})", [*values.values()]
        )

    def finish(self, files: Sequence[DatasetFile] = ()) -> ImportCounts:
        """Mark duplicates, write counts and files, and return the counts. Without `files` the dataset is one file."""
        info, n_good, n_bad = self._info, self._n_imported, self._n_rejected
        one = (0, Path(info.path).name, info.path, info.file_sha256, info.container, info.encoding, 0, n_good, n_bad)
        add_files(self._cursor, self.dataset_id, files or (DatasetFile(*one),))
        self._cursor.execute(
            "UPDATE datasets SET n_rows = ?, n_rejected = ? WHERE dataset_id = ?",
            [self._n_imported, self._n_rejected, self.dataset_id],
        )
        mark_duplicates(self._cursor)
        raise_content(self._cursor)
        ((n_seen, n_distinct),) = self._cursor.execute(
            """
            WITH others AS (SELECT sample_key FROM rows WHERE dataset_id <> $dataset_id),
            own AS (
                SELECT sample_key, sample_key IN (FROM others) AS is_seen FROM rows WHERE dataset_id = $dataset_id)
            SELECT count(*) FILTER (is_seen), count(DISTINCT sample_key) FILTER (NOT is_seen) FROM own
            """,
            {"dataset_id": self.dataset_id},
        ).fetchall()
        return ImportCounts(self._n_imported, self._n_rejected, n_seen, self._n_imported - n_seen - n_distinct)
