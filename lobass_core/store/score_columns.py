"""Score columns: numbers of rows or samples that are not losses, each column under its own name.

A value belongs to a sample and, where its file named rows, to one row of that sample. A row without a value of its own
has the value of its sample, so equal rows of two datasets share a score.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import duckdb
import numpy as np

from lobass_core.errors import RequestError
from lobass_core.learnability.score_table import ScoreColumn
from lobass_core.store.sequences import take_ids
from lobass_core.store.versions import raise_content

# No key on the values: they arrive like losses, and an import keeps each one single.
SCORE_COLUMNS = """
CREATE TABLE score_columns (
    column_id INTEGER NOT NULL UNIQUE, name VARCHAR NOT NULL UNIQUE CHECK (name <> ''), unit VARCHAR NOT NULL,
    higher_is_better BOOLEAN NOT NULL, made_at VARCHAR NOT NULL);
CREATE TABLE score_values (
    column_id INTEGER NOT NULL, sample_key BIGINT NOT NULL, row_key BIGINT, value DOUBLE NOT NULL
    CHECK (isfinite(value)));
CREATE TABLE score_imports (
    column_id INTEGER NOT NULL, file VARCHAR NOT NULL, file_sha256 VARCHAR NOT NULL, spec VARCHAR NOT NULL,
    n_values BIGINT NOT NULL, made_at VARCHAR NOT NULL, made_by VARCHAR NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class StoredColumn:
    """One score column without its values. `source` names its files, `n_rows` rows have a value."""

    column_id: int
    name: str
    unit: str
    higher_is_better: bool
    source: str
    made_at: str
    made_by: str
    n_rows: int

    def to_dict(self) -> dict:
        fields = asdict(self)
        del fields["column_id"]
        return fields


@dataclass(frozen=True, slots=True)
class ScoreImport:
    """One file that a column's values came from; `spec` is the JSON text of the settings of its import."""

    file: str
    file_sha256: str
    spec: str
    n_values: int
    made_at: str
    made_by: str


_COLUMNS = """
WITH files AS (
    SELECT column_id, string_agg(DISTINCT file, ', ' ORDER BY file) AS source FROM score_imports GROUP BY column_id)
SELECT column_id, name, unit, higher_is_better, coalesce(source, '')
FROM score_columns LEFT JOIN files USING (column_id) ORDER BY lower(name), name
"""
_LIST = """
WITH imports AS (
    SELECT column_id, string_agg(DISTINCT file, ', ' ORDER BY file) AS source, arg_max(made_by, made_at) AS made_by
    FROM score_imports GROUP BY column_id)
SELECT c.column_id, c.name, c.unit, c.higher_is_better, coalesce(i.source, ''), c.made_at, coalesce(i.made_by, '')
FROM score_columns c LEFT JOIN imports i USING (column_id)
ORDER BY lower(c.name), c.name
"""


def list_columns(
    cursor: duckdb.DuckDBPyConnection, counts: Mapping[str, Mapping[tuple[int, str], int]] | None = None
) -> list[StoredColumn]:
    """All score columns by name; `counts` are those of `column_counts`, where they are known already."""
    counts = column_counts(cursor) if counts is None else counts
    columns = cursor.execute(_LIST).fetchall()
    return [StoredColumn(*(*column, sum(counts[column[1]].values()))) for column in columns]


def column_names(cursor: duckdb.DuckDBPyConnection) -> list[str]:
    """The names of all score columns; nothing is counted."""
    return [name for (name,) in cursor.execute("SELECT name FROM score_columns ORDER BY lower(name), name").fetchall()]


def column_counts(cursor: duckdb.DuckDBPyConnection) -> dict[str, dict[tuple[int, str], int]]:
    """Name of a score column -> rows with a value in each (dataset_id, domain); columns by name."""
    counts: dict[str, dict[tuple[int, str], int]] = {name: {} for name in column_names(cursor)}
    if not counts:
        return counts
    rows = cursor.execute(
        """
        WITH scored AS (SELECT DISTINCT column_id, sample_key FROM score_values)
        SELECT c.name, r.dataset_id, r.domain, count(*)
        FROM rows r JOIN scored USING (sample_key) JOIN score_columns c USING (column_id)
        GROUP BY ALL
        """
    ).fetchall()
    for name, dataset_id, domain, n_rows in rows:
        counts[name][dataset_id, domain] = n_rows
    return counts


def find_column(cursor: duckdb.DuckDBPyConnection, name: str) -> StoredColumn:
    """The column of that name.

    Raises:
        RequestError: there is none; the message lists those there are.
    """
    columns = list_columns(cursor)
    for column in columns:
        if column.name == name:
            return column
    names = ", ".join(column.name for column in columns)
    raise RequestError(
        f"there is no score column {name!r}",
        do=f"The score columns are {names}." if names else "Import one with lobass import-scores FILE --name NAME.",
    )


def columns_by_file(cursor: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """sha256 of each file that scores came from -> the columns that have them, by name."""
    rows = cursor.execute(
        "SELECT file_sha256, string_agg(DISTINCT name, ', ' ORDER BY name) FROM score_imports"
        " JOIN score_columns USING (column_id) GROUP BY file_sha256"
    ).fetchall()
    return dict(rows)


_VALUES = """
WITH own AS (SELECT row_key, value FROM score_values WHERE column_id = $column_id AND row_key IS NOT NULL),
shared AS (
    SELECT sample_key, arg_min(value, coalesce(row_key, -1)) AS value
    FROM score_values WHERE column_id = $column_id GROUP BY sample_key)
SELECT coalesce(o.value, s.value) AS value
FROM rows r LEFT JOIN own o USING (row_key) LEFT JOIN shared s USING (sample_key) ORDER BY r.row_key
"""


def column_values(cursor: duckdb.DuckDBPyConnection, column_id: int) -> np.ndarray:
    """float64, one a row of the project in the order of the rows' keys; NaN where the column has no value."""
    values = cursor.execute(_VALUES, {"column_id": column_id}).fetchnumpy()["value"]
    return np.ma.filled(np.ma.asarray(values, np.float64), np.nan)


def score_columns(cursor: duckdb.DuckDBPyConnection) -> list[ScoreColumn]:
    """All score columns by name, with one value a row of the project in the order of the rows' keys."""
    columns = cursor.execute(_COLUMNS).fetchall()
    return [
        ScoreColumn(name, column_values(cursor, column_id), unit, source, higher_is_better=higher_is_better)
        for column_id, name, unit, higher_is_better, source in columns
    ]


def add_column(cursor: duckdb.DuckDBPyConnection, name: str, unit: str, made_at: str, *, higher_is_better: bool) -> int:
    """Add a column without values, in the place of one of that name; returns its id."""
    remove_values(cursor, name)
    column_id = take_ids(cursor, "column_ids")
    cursor.execute(
        "INSERT INTO score_columns VALUES (?, ?, ?, ?, ?)", [column_id, name, unit, higher_is_better, made_at]
    )
    return column_id


def add_values(cursor: duckdb.DuckDBPyConnection, column_id: int, logged: ScoreImport) -> None:
    """Add the values of the temporary table `new_scores` (see `store/score_matches.py`) and log their file."""
    cursor.execute(
        "INSERT INTO score_values SELECT $column_id, sample_key, row_key, value FROM new_scores ORDER BY sample_key",
        {"column_id": column_id},
    )
    cursor.execute(
        "INSERT INTO score_imports VALUES (?, ?, ?, ?, ?, ?, ?)",
        [column_id, *(getattr(logged, name) for name in ScoreImport.__slots__)],
    )
    raise_content(cursor)


def remove_values(cursor: duckdb.DuckDBPyConnection, name: str) -> None:
    """Remove the column of that name with all that belongs to it; without one nothing happens."""
    column_ids = cursor.execute("SELECT column_id FROM score_columns WHERE name = ?", [name]).fetchall()
    for (column_id,) in column_ids:
        for table in ("score_values", "score_imports", "score_columns"):
            cursor.execute(f"DELETE FROM {table} WHERE column_id = ?", [column_id])
        raise_content(cursor)


# Keys of rows that are neither there nor kept as a former state may be given to other rows. Of no row at all, even a
# null is not in them.
_GONE = "row_key IS NOT NULL AND row_key NOT IN (SELECT row_key FROM rows UNION SELECT row_key FROM former_rows)"
_RELEASE = (
    f"""
    INSERT INTO score_values
        SELECT column_id, sample_key, NULL, arg_min(value, row_key) FROM score_values v
        WHERE {_GONE} AND NOT EXISTS (
            SELECT 1 FROM score_values o
            WHERE o.column_id = v.column_id AND o.sample_key = v.sample_key AND o.row_key IS NULL)
        GROUP BY column_id, sample_key
    """,
    f"DELETE FROM score_values WHERE {_GONE}",
)


def release_gone_rows(cursor: duckdb.DuckDBPyConnection) -> None:
    """Leave the values of rows that are gone for good to their samples, as losses stay when a dataset goes."""
    for statement in _RELEASE:
        cursor.execute(statement)


_FOLLOW = (
    "UPDATE score_values SET sample_key = m.new_key FROM moved_rows m WHERE score_values.row_key = m.row_key",
    """
    INSERT INTO score_values
        SELECT v.column_id, l.new_key, NULL, arg_min(v.value, l.old_key)
        FROM score_values v JOIN links l ON v.sample_key = l.old_key
        WHERE v.row_key IS NULL AND NOT EXISTS (
            SELECT 1 FROM score_values o
            WHERE o.column_id = v.column_id AND o.sample_key = l.new_key AND o.row_key IS NULL)
        GROUP BY v.column_id, l.new_key
    """,
)


def follow_scores(cursor: duckdb.DuckDBPyConnection) -> None:
    """Let values follow rows whose records read otherwise now (`moved_rows` and `links` of `store/follow.py`)."""
    # A store of before score columns reads its records again before it has these tables.
    if cursor.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 'score_values'").fetchall():
        for statement in _FOLLOW:
            cursor.execute(statement)


def orphaned_columns(cursor: duckdb.DuckDBPyConnection) -> list[int]:
    """Ids that values name and no column has: a damaged store has lost the columns' names."""
    rows = cursor.execute(
        "SELECT DISTINCT column_id FROM score_values ANTI JOIN score_columns USING (column_id) ORDER BY column_id"
    ).fetchall()
    return [column_id for (column_id,) in rows]


def name_orphans(cursor: duckdb.DuckDBPyConnection, names: Mapping[int, str], made_at: str) -> None:
    """Give columns that have lost their names others, so that their values can be used again."""
    for column_id, name in names.items():
        cursor.execute("INSERT INTO score_columns VALUES (?, ?, '', true, ?)", [column_id, name, made_at])
    raise_content(cursor)
