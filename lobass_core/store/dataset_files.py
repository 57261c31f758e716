"""The files of each dataset in the order of their rows: which rows a file gave follows from where it begins."""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from lobass_core.store.home import Home

# A dataset of an older version is one file, whatever its rows.
FILES_OF_DATASETS = """
CREATE TABLE dataset_files (
    dataset_id INTEGER, file_number INTEGER, name VARCHAR, path VARCHAR, file_sha256 VARCHAR, container VARCHAR,
    encoding VARCHAR, first_row BIGINT, n_rows BIGINT, n_rejected BIGINT);
INSERT INTO dataset_files
    SELECT dataset_id, 0, parse_filename(path), path, file_sha256, container, encoding, 0, n_rows, n_rejected
    FROM datasets;
"""
# Joined to rows or rejects named `r`: the file that a row came from. A file without rows begins where the next does.
FILE_OF_ROW = """
ASOF LEFT JOIN (FROM dataset_files WHERE n_rows + n_rejected > 0) f
    ON f.dataset_id = r.dataset_id AND r.row_index >= f.first_row
"""


@dataclass(frozen=True, slots=True)
class DatasetFile:
    """One file of a dataset. Its rows, imported and rejected, are numbered from `first_row` on.

    `name` is its path in the folder that the files share.
    """

    file_number: int
    name: str
    path: str
    file_sha256: str
    container: str
    encoding: str
    first_row: int
    n_rows: int
    n_rejected: int


def add_files(cursor: duckdb.DuckDBPyConnection, dataset_id: int, files: Sequence[DatasetFile]) -> None:
    """Write down the files of a new dataset."""
    cursor.executemany(
        "INSERT INTO dataset_files VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            [
                *(dataset_id, file.file_number, file.name, file.path, file.file_sha256, file.container, file.encoding),
                *(file.first_row, file.n_rows, file.n_rejected),
            ]
            for file in files
        ],
    )


def paths_of_files(cursor: duckdb.DuckDBPyConnection) -> frozenset[str]:
    """Every path that a dataset has been read from, in its present state or a former one."""
    tables = ("datasets", "dataset_files", "former_datasets", "former_files")
    sql = " UNION ".join(f"SELECT path FROM {table}" for table in tables)
    paths = cursor.execute(sql).fetchall()
    home = Home.of(cursor)
    return frozenset(home.path(path) for (path,) in paths)


def list_files(cursor: duckdb.DuckDBPyConnection) -> dict[int, tuple[DatasetFile, ...]]:
    """The files of every dataset, by dataset id, in their order."""
    rows = cursor.execute("SELECT * FROM dataset_files ORDER BY dataset_id, file_number").fetchall()
    home, files_of = Home.of(cursor), dict[int, list[DatasetFile]]()
    for dataset_id, number, name, path, *values in rows:
        files_of.setdefault(dataset_id, []).append(DatasetFile(number, name, home.path(path), *values))
    return {dataset_id: tuple(files) for dataset_id, files in files_of.items()}
