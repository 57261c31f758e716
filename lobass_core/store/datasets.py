"""Datasets, samples, imported rows and rejects: what an import left, read back in import order."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace

import duckdb
import pyarrow as pa

from lobass_core.errors import RequestError
from lobass_core.store.connection import read_table
from lobass_core.store.home import Home

BATCH_ROWS = 20_000


@dataclass(frozen=True, slots=True)
class Dataset:
    """One imported file, or several imported together; `store/dataset_files.py` names them.

    `spec` holds the settings as the files settled them, `import_spec` the ones asked for, as JSON text; imports of
    older versions did not keep the latter. `format_asked`: the format was named rather than told from the rows.
    """

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
    import_spec: str | None = None
    format_asked: bool = False

    def to_dict(self) -> dict:
        return asdict(self)


def list_datasets(cursor: duckdb.DuckDBPyConnection) -> list[Dataset]:
    """All datasets in order of import."""
    datasets = [Dataset(*row) for row in cursor.execute("SELECT * FROM datasets ORDER BY dataset_id").fetchall()]
    home = Home.of(cursor)
    return [
        replace(
            one,
            path=home.path(one.path),
            import_spec=home.document(one.import_spec) if one.import_spec else one.import_spec,
        )
        for one in datasets
    ]


@dataclass(frozen=True, slots=True)
class RowCount:
    """Rows of one dataset in one domain; `n_duplicates` have another row that stands for their sample."""

    dataset_id: int
    domain: str
    n_rows: int
    n_duplicates: int


def row_counts(cursor: duckdb.DuckDBPyConnection) -> list[RowCount]:
    """Rows by dataset and domain."""
    rows = cursor.execute(
        """
        SELECT dataset_id, domain, count(*), count(*) FILTER (is_duplicate)
        FROM rows GROUP BY dataset_id, domain ORDER BY dataset_id, domain
        """
    ).fetchall()
    return [RowCount(*row) for row in rows]


def find_dataset(cursor: duckdb.DuckDBPyConnection, name: str) -> Dataset:
    """The dataset of that name.

    Raises:
        RequestError: there is none; the message lists those there are.
    """
    datasets = list_datasets(cursor)
    dataset_named = next((dataset for dataset in datasets if dataset.name == name), None)
    if dataset_named is None:
        names = ", ".join(dataset.name for dataset in datasets)
        raise RequestError(
            f"there is no dataset named {name!r}",
            do=f"The datasets are {names}." if names else "Import one: lobass import FILE --domain NAME.",
        )
    return dataset_named


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
    chosen = read_table(
        cursor,
        """
        SELECT r.sample_key, arg_min(r.domain, (r.domain, d.name, r.row_index)) AS domain,
               arg_min(d.name, (r.domain, d.name, r.row_index)) AS dataset
        FROM rows r JOIN datasets d USING (dataset_id)
        WHERE len($datasets) = 0 OR list_contains($datasets, d.name)
        GROUP BY r.sample_key ORDER BY r.sample_key
        """,
        {"datasets": list(datasets)},
    )
    # The texts of a million samples are gigabytes: they are joined to a page of keys at a time.
    for start in range(0, chosen.num_rows, batch_rows):
        cursor.register("chosen", chosen.slice(start, batch_rows))
        page = read_table(
            cursor,
            """
            SELECT s.sample_id, s.kind, s.turns, s.tools, c.domain, c.dataset
            FROM chosen c JOIN samples s USING (sample_key) ORDER BY sample_key
            """,
        )
        cursor.unregister("chosen")
        yield from page.to_batches()


def sample_ids_of_rows(cursor: duckdb.DuckDBPyConnection) -> pa.ChunkedArray:
    """The sample id of every row, in the order of the rows' keys."""
    sql = "SELECT s.sample_id FROM rows r JOIN samples s USING (sample_key) ORDER BY r.row_key"
    return read_table(cursor, sql)["sample_id"]
