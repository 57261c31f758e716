"""Datasets, samples, imported rows and rejects: streamed in through Arrow, read back in import order."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

import duckdb
import pyarrow as pa

from lobass_core.jobs.run_folder import utc_now
from lobass_core.records import Sample, turns_to_json
from lobass_core.store.connection import read_table

BATCH_ROWS = 20_000
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class DatasetInfo:
    """What is known of a file when its import begins; `mapping` and `spec` are JSON text."""

    name: str
    path: str
    file_sha256: str
    format: str
    container: str
    encoding: str
    mapping: str
    spec: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """One imported file."""

    dataset_id: int
    name: str
    path: str
    file_sha256: str
    format: str
    container: str
    encoding: str
    mapping: str
    spec: str
    n_rows: int
    n_rejected: int
    imported_at: str

    def to_dict(self) -> dict:
        return asdict(self)


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


_BATCH_SCHEMA = pa.schema(
    [
        ("row_index", pa.int64()),
        ("line", pa.int64()),
        ("sample_id", pa.string()),
        ("kind", pa.string()),
        ("turns", pa.string()),
        ("tools", pa.string()),
        ("rejected", pa.string()),
        ("system_text", pa.string()),
        ("prompt_text", pa.string()),
        ("response_text", pa.string()),
        ("n_chars", pa.int64()),
        ("domain", pa.string()),
        ("source", pa.string()),
    ]
)
_REJECT_SCHEMA = pa.schema(
    [("row_index", pa.int64()), ("line", pa.int64()), ("reason", pa.string()), ("source", pa.string())]
)


class DatasetWriter:
    """One file's way into the store, inside the caller's transaction: add batches, then `finish`."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, info: DatasetInfo) -> None:
        self._cursor = cursor
        (self.dataset_id,) = _row(cursor, "SELECT coalesce(max(dataset_id), 0) + 1 FROM datasets")
        (self._next_row,) = _row(cursor, "SELECT coalesce(max(row_key), -1) + 1 FROM rows")
        (self._next_sample,) = _row(cursor, "SELECT coalesce(max(sample_key), -1) + 1 FROM samples")
        self._first_own_sample = self._next_sample
        self._n_imported = self._n_rejected = 0
        cursor.execute(
            "INSERT INTO datasets VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, ?)",
            [self.dataset_id, *asdict(info).values(), utc_now()],
        )

    def add(self, rows: Sequence[ImportedRow]) -> None:
        """Add readable rows; equal samples are stored once."""
        if not rows:
            return
        batch = pa.Table.from_pylist([_record(row) for row in rows], schema=_BATCH_SCHEMA)
        self._cursor.register("import_batch", batch)
        self._cursor.execute(
            """
            INSERT INTO samples
            SELECT $next + row_number() OVER (ORDER BY first_index) - 1, sample_id, kind, turns, tools, rejected,
                   system_text, prompt_text, response_text, n_chars
            FROM (SELECT sample_id, min(row_index) AS first_index,
                         arg_min(kind, row_index) AS kind, arg_min(turns, row_index) AS turns,
                         arg_min(tools, row_index) AS tools, arg_min(rejected, row_index) AS rejected,
                         arg_min(system_text, row_index) AS system_text, arg_min(prompt_text, row_index) AS prompt_text,
                         arg_min(response_text, row_index) AS response_text, arg_min(n_chars, row_index) AS n_chars
                  FROM import_batch b
                  WHERE NOT EXISTS (SELECT 1 FROM samples s WHERE s.sample_id = b.sample_id)
                  GROUP BY sample_id)
            """,
            {"next": self._next_sample},
        )
        (self._next_sample,) = _row(self._cursor, "SELECT coalesce(max(sample_key), -1) + 1 FROM samples")
        self._cursor.execute(
            """
            INSERT INTO rows
            SELECT $next + row_number() OVER (ORDER BY b.row_index) - 1, $dataset_id, b.row_index, b.line,
                   s.sample_key, b.domain, b.source, false
            FROM import_batch b JOIN samples s ON s.sample_id = b.sample_id
            """,
            {"next": self._next_row, "dataset_id": self.dataset_id},
        )
        self._cursor.unregister("import_batch")
        self._next_row += len(rows)
        self._n_imported += len(rows)

    def add_rejects(self, rejects: Sequence[RejectedRow]) -> None:
        """Keep unreadable rows aside."""
        if not rejects:
            return
        batch = pa.Table.from_pylist([asdict(reject) for reject in rejects], schema=_REJECT_SCHEMA)
        self._cursor.register("reject_batch", batch)
        self._cursor.execute(
            "INSERT INTO rejects SELECT $dataset_id, row_index, line, reason, source FROM reject_batch",
            {"dataset_id": self.dataset_id},
        )
        self._cursor.unregister("reject_batch")
        self._n_rejected += len(rejects)

    def finish(self) -> ImportCounts:
        """Mark duplicates, write the counts, and return them."""
        self._cursor.execute(
            "UPDATE datasets SET n_rows = ?, n_rejected = ? WHERE dataset_id = ?",
            [self._n_imported, self._n_rejected, self.dataset_id],
        )
        mark_duplicates(self._cursor)
        n_seen, n_distinct = _row(
            self._cursor,
            """
            SELECT count(*) FILTER (sample_key < $first),
                   count(DISTINCT sample_key) FILTER (sample_key >= $first)
            FROM rows WHERE dataset_id = $dataset_id
            """,
            {"first": self._first_own_sample, "dataset_id": self.dataset_id},
        )
        return ImportCounts(self._n_imported, self._n_rejected, n_seen, self._n_imported - n_seen - n_distinct)


def _record(row: ImportedRow) -> dict:
    sample = row.sample
    by_role = {role: "\n\n".join(t.content for t in sample.turns if t.role == role) for role in ("system", "assistant")}
    prompt = "\n\n".join(turn.content for turn in sample.turns if turn.role in ("user", "tool"))
    return {
        "row_index": row.row_index,
        "line": row.line,
        "sample_id": sample.sample_id,
        "kind": sample.kind,
        "turns": storable(turns_to_json(sample.turns)),
        "tools": storable(sample.tools) if sample.tools else None,
        "rejected": storable(turns_to_json(sample.rejected)) if sample.rejected else None,
        "system_text": storable(by_role["system"]),
        "prompt_text": storable(prompt),
        "response_text": storable(by_role["assistant"]),
        "n_chars": sum(len(turn.content) for turn in sample.turns),
        "domain": row.domain,
        "source": storable(row.source),
    }


def storable(text: str) -> str:
    """Text as UTF-8 can hold it: an unpaired surrogate, which no database can, becomes its JSON escape."""
    return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def mark_duplicates(cursor: duckdb.DuckDBPyConnection) -> None:
    """Mark every row whose sample another row stands for: the least by (domain, dataset name, row index)."""
    cursor.execute(
        """
        UPDATE rows SET is_duplicate = ranked.is_duplicate
        FROM (SELECT r.row_key, row_number() OVER (
                        PARTITION BY r.sample_key ORDER BY r.domain, d.name, r.row_index) > 1 AS is_duplicate
              FROM rows r JOIN datasets d USING (dataset_id)
              WHERE r.sample_key IN (SELECT sample_key FROM rows GROUP BY sample_key HAVING count(*) > 1)) AS ranked
        WHERE rows.row_key = ranked.row_key AND rows.is_duplicate <> ranked.is_duplicate
        """
    )


def list_datasets(cursor: duckdb.DuckDBPyConnection) -> list[Dataset]:
    """All datasets in order of import."""
    return [Dataset(*row) for row in cursor.execute("SELECT * FROM datasets ORDER BY dataset_id").fetchall()]


def find_same_file(cursor: duckdb.DuckDBPyConnection, file_sha256: str, spec: str) -> Dataset | None:
    """The dataset that the same bytes made under the same settings, if any."""
    row = cursor.execute(
        "SELECT * FROM datasets WHERE file_sha256 = ? AND spec = ? ORDER BY dataset_id LIMIT 1", [file_sha256, spec]
    ).fetchone()
    return Dataset(*row) if row else None


def free_name(cursor: duckdb.DuckDBPyConnection, name: str) -> str:
    """The name, or name-2, name-3 ... where it is taken."""
    taken = {row[0] for row in cursor.execute("SELECT name FROM datasets").fetchall()}
    number, candidate = 1, name
    while candidate in taken:
        number += 1
        candidate = f"{name}-{number}"
    return candidate


def sample_batches(
    cursor: duckdb.DuckDBPyConnection, datasets: Sequence[str] = (), *, batch_rows: int = BATCH_ROWS
) -> Iterator[pa.RecordBatch]:
    """Unique samples in scope as Arrow batches: sample_id, kind, turns, tools, domain, dataset; by sample key.

    A sample in several rows carries its canonical row's domain and dataset.
    """
    relation = cursor.sql(
        """
        SELECT s.sample_id, any_value(s.kind) AS kind, any_value(s.turns) AS turns, any_value(s.tools) AS tools,
               arg_min(r.domain, (r.domain, d.name, r.row_index)) AS domain,
               arg_min(d.name, (r.domain, d.name, r.row_index)) AS dataset
        FROM rows r JOIN datasets d USING (dataset_id) JOIN samples s USING (sample_key)
        WHERE len($datasets) = 0 OR list_contains($datasets, d.name)
        GROUP BY s.sample_id, s.sample_key ORDER BY s.sample_key
        """,
        params={"datasets": list(datasets)},
    )
    assert relation is not None
    yield from relation.to_arrow_reader(batch_rows)


def rejects(cursor: duckdb.DuckDBPyConnection) -> list[tuple[str, int, int, str, str]]:
    """All rejects: dataset, row index, line, reason, source text; in order of import."""
    return cursor.execute(
        """
        SELECT d.name, j.row_index, j.line, j.reason, j.source
        FROM rejects j JOIN datasets d USING (dataset_id) ORDER BY dataset_id, j.row_index
        """
    ).fetchall()


def source_rows(cursor: duckdb.DuckDBPyConnection, row_keys: Sequence[int]) -> pa.Table:
    """The rows of those keys in import order: row_key, dataset_id, row_index, domain, sample_id, source."""
    cursor.register("asked_rows", pa.table({"row_key": pa.array(row_keys, pa.int64())}))
    table = read_table(
        cursor,
        """
        SELECT r.row_key, r.dataset_id, r.row_index, r.domain, s.sample_id, r.source
        FROM asked_rows a JOIN rows r USING (row_key) JOIN samples s USING (sample_key)
        ORDER BY r.dataset_id, r.row_index
        """,
    )
    cursor.unregister("asked_rows")
    return table


def _row(cursor: duckdb.DuckDBPyConnection, sql: str, values: dict | None = None) -> tuple:
    row = (cursor.execute(sql, values) if values else cursor.execute(sql)).fetchone()
    assert row is not None
    return row
