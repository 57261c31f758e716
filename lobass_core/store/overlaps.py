"""The latest comparison with evaluation files: which samples were compared, and which of them stand in a file."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import duckdb
import pyarrow as pa

from lobass_core.store.versions import raise_content
from lobass_core.words.clock import utc_now

OVERLAPS = """
CREATE TABLE overlap_checks (
    made_at VARCHAR NOT NULL, files VARCHAR NOT NULL, datasets VARCHAR NOT NULL, near BOOLEAN NOT NULL);
CREATE TABLE compared_samples (sample_key BIGINT NOT NULL);
CREATE TABLE overlap_samples (
    sample_key BIGINT NOT NULL, file VARCHAR NOT NULL, other_row BIGINT NOT NULL, words VARCHAR NOT NULL);
"""
_TABLES = ("overlap_checks", "compared_samples", "overlap_samples")


@dataclass(frozen=True, slots=True)
class EvaluationFile:
    """A file that samples were compared with; `sha256` is empty for one that is no single file."""

    path: str
    sha256: str
    n_rows: int


@dataclass(frozen=True, slots=True)
class OverlapCheck:
    """The latest comparison. `n_new` are samples of the project that it did not look at, `n_rows` rows of it."""

    made_at: str
    files: tuple[EvaluationFile, ...]
    datasets: tuple[str, ...]
    near: bool
    n_compared: int
    n_found: int
    n_rows: int
    n_new: int

    def to_dict(self) -> dict:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class OverlappingSample:
    """A sample that stands in a file; `words` is the run that both share, empty for a near duplicate."""

    sample_id: str
    file: str
    other_row: int
    words: str


def record_overlap(
    cursor: duckdb.DuckDBPyConnection,
    files: Sequence[EvaluationFile],
    compared: Sequence[str],
    samples: Sequence[OverlappingSample],
    *,
    datasets: Sequence[str] = (),
    near: bool = True,
) -> None:
    """Keep a comparison in the place of the one before; `compared` are sample ids."""
    for table in _TABLES:
        cursor.execute(f"DELETE FROM {table}")
    cursor.execute(
        "INSERT INTO overlap_checks VALUES (?, ?, ?, ?)",
        [utc_now(), json.dumps([asdict(file) for file in files]), json.dumps(list(datasets)), near],
    )
    cursor.register("compared", pa.table({"sample_id": pa.array(compared, pa.string())}))
    cursor.execute("INSERT INTO compared_samples SELECT sample_key FROM samples SEMI JOIN compared USING (sample_id)")
    cursor.unregister("compared")
    schema = pa.schema(
        {name: pa.int64() if name == "other_row" else pa.string() for name in OverlappingSample.__slots__}
    )
    cursor.register("matches", pa.Table.from_pylist([asdict(one) for one in samples], schema=schema))
    cursor.execute(
        "INSERT INTO overlap_samples "
        "SELECT sample_key, file, other_row, words FROM matches JOIN samples USING (sample_id)"
    )
    cursor.unregister("matches")
    raise_content(cursor)


def latest_check(cursor: duckdb.DuckDBPyConnection) -> OverlapCheck | None:
    """The latest comparison, None where there was none."""
    row = cursor.execute("SELECT made_at, files, datasets, near FROM overlap_checks").fetchone()
    if row is None:
        return None
    ((n_compared,),) = cursor.execute("SELECT count(*) FROM compared_samples").fetchall()
    ((n_found, n_rows),) = cursor.execute(
        "SELECT count(DISTINCT sample_key), count(*) FROM rows SEMI JOIN overlap_samples USING (sample_key)"
    ).fetchall()
    ((n_new,),) = cursor.execute(
        "SELECT count(DISTINCT sample_key) FROM rows ANTI JOIN compared_samples USING (sample_key)"
    ).fetchall()
    made_at, files, datasets, near = row
    return OverlapCheck(
        made_at,
        tuple(EvaluationFile(**file) for file in json.loads(files)),
        tuple(json.loads(datasets)),
        near,
        n_compared,
        n_found,
        n_rows,
        n_new,
    )


def is_checked(cursor: duckdb.DuckDBPyConnection) -> bool:
    """Whether samples have ever been compared with evaluation files."""
    return cursor.execute("SELECT 1 FROM overlap_checks LIMIT 1").fetchone() is not None
