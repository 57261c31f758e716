"""Which rows or samples the lines of a score file mean: by sample id, by place in a dataset, or by a column's value.

The work is done in temporary tables of the caller's cursor:

    brought        the lines with a number, as they came
    named          number of a line, sample_key, row_key (null where the sample is meant, not one row of it)
    new_scores     sample_key, row_key, value, number: the first line of each
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from lobass_core.errors import RequestError
from lobass_core.formats.named_values import key_text, named_value
from lobass_core.formats.raw_records import decode_line
from lobass_core.formats.row_errors import RowError
from lobass_core.formats.wrapped_rows import row_of
from lobass_core.store.datasets import BATCH_ROWS
from lobass_core.store.sample_matches import HEIRS
from lobass_core.store.samples import tie_key


@dataclass(frozen=True, slots=True)
class BroughtLine:
    """One line with a usable number, and how it names its rows: by a sample id, a dataset and row, or a key."""

    line: int
    value: float
    sample_id: str = ""
    dataset: str = ""
    row_index: int = -1
    key: str = ""


@dataclass(frozen=True, slots=True)
class Matched:
    """What became of the lines. `n_repeated` name what an earlier line names, `n_differing` of them with another value.

    `n_held` have a value in the column already. `n_rows` rows of the datasets in question have a value now, `n_without`
    have none. `unmatched` and `repeated` hold the first lines of their kinds with what they name.
    """

    n_matched: int
    n_unmatched: int
    n_repeated: int
    n_differing: int
    n_held: int
    n_rows: int
    n_without: int
    unmatched: tuple[tuple[int, str], ...]
    repeated: tuple[tuple[int, str], ...]


class BroughtLines:
    """The lines on their way into the temporary table `brought`, some thousand at a time."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._cursor = cursor
        self._n_added = 0
        cursor.execute(
            "CREATE OR REPLACE TEMP TABLE brought (number BIGINT, line BIGINT, value DOUBLE, sample_id VARCHAR,"
            " tie_key UBIGINT, dataset VARCHAR, row_index BIGINT, key VARCHAR)"
        )

    def add(self, lines: Sequence[BroughtLine]) -> None:
        """Add lines; sample ids are 64 hex digits or empty."""
        if not lines:
            return
        first, self._n_added = self._n_added, self._n_added + len(lines)
        table = pa.table(
            {
                "number": pa.array(range(first, self._n_added), pa.int64()),
                "line": pa.array([line.line for line in lines], pa.int64()),
                "value": pa.array([line.value for line in lines], pa.float64()),
                "sample_id": pa.array([line.sample_id for line in lines], pa.string()),
                "tie_key": pa.array([tie_key(line.sample_id or "0") for line in lines], pa.uint64()),
                "dataset": pa.array([line.dataset for line in lines], pa.string()),
                "row_index": pa.array([line.row_index for line in lines], pa.int64()),
                "key": pa.array([line.key for line in lines], pa.string()),
            }
        )
        self._cursor.from_arrow(table).insert_into("brought")


_BY_SAMPLE = f"""
WITH known AS (
    SELECT b.number, s.sample_key FROM brought b JOIN samples s USING (tie_key) WHERE s.sample_id = b.sample_id),
{HEIRS},
meant AS (
    SELECT k.number, coalesce(h.sample_key, k.sample_key) AS sample_key
    FROM known k LEFT JOIN heirs h ON h.number = k.number)
SELECT number, sample_key, NULL::BIGINT AS row_key FROM meant
SEMI JOIN scored_rows USING (sample_key)
"""
_BY_PLACE = """
SELECT b.number, r.sample_key, r.row_key
FROM brought b JOIN datasets d ON d.name = b.dataset
JOIN scored_rows r ON r.dataset_id = d.dataset_id AND r.row_index = b.row_index
"""
_BY_KEY = "SELECT b.number, k.sample_key, k.row_key FROM brought b JOIN record_keys k USING (key)"
_NEW = """
CREATE OR REPLACE TEMP TABLE new_scores AS
SELECT n.sample_key, n.row_key, b.value, n.number FROM named n JOIN brought b USING (number)
QUALIFY row_number() OVER (PARTITION BY n.sample_key, n.row_key ORDER BY n.number) = 1
"""
_NAMES = """
CASE WHEN b.sample_id <> '' THEN 'sample ' || b.sample_id[1:12] WHEN b.key <> '' THEN 'key ' || b.key[1:80]
     ELSE b.dataset || ', row ' || b.row_index END
"""
_UNMATCHED = f"SELECT b.line, {_NAMES} FROM brought b ANTI JOIN named USING (number) ORDER BY b.number"
# A line repeats another where all that it names was named before.
_REPEATED = """
FROM (SELECT DISTINCT n.number, min(t.value) AS taken
      FROM named n JOIN new_scores t ON t.sample_key = n.sample_key AND t.row_key IS NOT DISTINCT FROM n.row_key
      GROUP BY n.number HAVING bool_and(t.number <> n.number)) r
JOIN brought b USING (number)
"""


def match_lines(
    cursor: duckdb.DuckDBPyConnection, by: str, dataset_id: int | None, held_by: int | None, n_shown: int
) -> Matched:
    """Find what the lines of `brought` mean, and leave the values to store in the temporary table `new_scores`.

    `by` is "sample-id", "row", or the column of the records whose value the lines name. `dataset_id` None: any. Values
    that the column `held_by` has stay as they are.

    Raises:
        RequestError: no record has that column.
    """
    values = {"dataset_id": dataset_id}
    cursor.execute(
        "CREATE OR REPLACE TEMP TABLE scored_rows AS SELECT row_key, sample_key, dataset_id, row_index FROM rows"
        " WHERE $dataset_id IS NULL OR dataset_id = $dataset_id",
        values,
    )
    if by not in ("sample-id", "row"):
        _list_keys(cursor, by)
    way = {"sample-id": _BY_SAMPLE, "row": _BY_PLACE}.get(by, _BY_KEY)
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE named AS {way}")
    cursor.execute(_NEW)
    n_lines, n_unmatched = _count(cursor, "brought"), _count(cursor, "brought b ANTI JOIN named USING (number)")
    n_repeated, n_differing = _row(cursor, f"SELECT count(*), count(*) FILTER (b.value <> r.taken) {_REPEATED}")
    repeated = _first(cursor, f"SELECT b.line, {_NAMES} {_REPEATED} ORDER BY b.number", n_shown)
    n_held = _leave_held(cursor, held_by)
    n_rows = _row(
        cursor,
        """
        SELECT count(*) FROM scored_rows WHERE sample_key IN (
            SELECT sample_key FROM new_scores UNION SELECT sample_key FROM score_values WHERE column_id = $held_by)
        """,
        {"held_by": held_by},
    )[0]
    return Matched(
        n_matched=n_lines - n_unmatched - n_repeated - n_held,
        n_unmatched=n_unmatched,
        n_repeated=n_repeated,
        n_differing=n_differing,
        n_held=n_held,
        n_rows=n_rows,
        n_without=_count(cursor, "scored_rows") - n_rows,
        unmatched=_first(cursor, _UNMATCHED, n_shown),
        repeated=repeated,
    )


def forget_lines(cursor: duckdb.DuckDBPyConnection) -> None:
    """Drop the temporary tables."""
    for name in ("brought", "scored_rows", "record_keys", "named", "new_scores"):
        cursor.execute(f"DROP TABLE IF EXISTS temp.{name}")


def _leave_held(cursor: duckdb.DuckDBPyConnection, held_by: int | None) -> int:
    """Take what the column has already out of the new values; returns how many lines bring nothing else."""
    if held_by is None:
        return 0
    n_before = _row(cursor, "SELECT count(DISTINCT number) FROM new_scores")[0]
    cursor.execute(
        "DELETE FROM new_scores n USING score_values v WHERE v.column_id = ? AND v.sample_key = n.sample_key"
        " AND v.row_key IS NOT DISTINCT FROM n.row_key",
        [held_by],
    )
    return n_before - _row(cursor, "SELECT count(DISTINCT number) FROM new_scores")[0]


def _list_keys(cursor: duckdb.DuckDBPyConnection, column: str) -> None:
    """Make the temporary table `record_keys`: what each record says under the column, where it says anything."""
    cursor.execute("CREATE OR REPLACE TEMP TABLE record_keys (row_key BIGINT, sample_key BIGINT, key VARCHAR)")
    columns: set[str] = set()
    n_keys = 0
    for page in _records(cursor):
        keyed = []
        for row_key, sample_key, source in page:
            record = _record(source)
            columns.update(record)
            if key := key_text(named_value(record, column)):
                keyed.append((row_key, sample_key, key))
        n_keys += len(keyed)
        if keyed:
            row_keys, sample_keys, keys = zip(*keyed, strict=True)
            table = pa.table(
                {
                    "row_key": pa.array(row_keys, pa.int64()),
                    "sample_key": pa.array(sample_keys, pa.int64()),
                    "key": pa.array(keys, pa.string()),
                }
            )
            cursor.from_arrow(table).insert_into("record_keys")
    if not n_keys:
        raise RequestError(
            f"no imported record has a key in the column {column!r}",
            do=f"The columns are {', '.join(sorted(columns)[:20]) or 'none'}.",
        )


def _records(cursor: duckdb.DuckDBPyConnection) -> Iterator[list[tuple[int, int, str]]]:
    """(row key, sample key, untouched record) of the rows in question, a page at a time."""
    last = -1
    while True:
        page = cursor.execute(
            "WITH page AS (SELECT row_key FROM scored_rows WHERE row_key > ? ORDER BY row_key LIMIT ?)"
            " SELECT r.row_key, r.sample_key, r.source FROM page JOIN rows r USING (row_key) ORDER BY r.row_key",
            [last, BATCH_ROWS],
        ).fetchall()
        if not page:
            return
        yield page
        last = page[-1][0]


def _record(source: str) -> dict:
    try:
        return row_of(decode_line(source))
    except (RowError, ValueError, RecursionError):
        return {}


def _count(cursor: duckdb.DuckDBPyConnection, table: str) -> int:
    return int(_row(cursor, f"SELECT count(*) FROM {table}")[0])


def _first(cursor: duckdb.DuckDBPyConnection, sql: str, n: int) -> tuple[tuple[int, str], ...]:
    return tuple((line, names) for line, names in cursor.execute(f"{sql} LIMIT {n:d}").fetchall())


def _row(cursor: duckdb.DuckDBPyConnection, sql: str, values: dict | None = None) -> tuple:
    return (cursor.execute(sql, values) if values else cursor.execute(sql)).fetchall()[0]
