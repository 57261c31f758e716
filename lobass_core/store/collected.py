"""What the store knows of the run folders beside it: which project they belong to, and which need no further look."""

from collections.abc import Mapping
from pathlib import Path

import duckdb

from lobass_core.jobs.checksums import checksum_path, write_checksum
from lobass_core.jobs.run_ids import number_of

COLLECTED_RUNS = """
CREATE TABLE collected_runs (run_id VARCHAR, stamp VARCHAR);
INSERT INTO meta SELECT 'project_id', replace(uuid()::VARCHAR, '-', '');
"""


def project_id_of(cursor: duckdb.DuckDBPyConnection) -> str:
    """The project's id, which the spec.json of each of its runs carries."""
    ((value,),) = cursor.execute("SELECT value FROM meta WHERE name = 'project_id'").fetchall()
    return str(value)


def highest_run_number(cursor: duckdb.DuckDBPyConnection) -> int:
    """The highest number of a run that the store has heard of, 0 for none; its folder may be gone."""
    tables = ("ingested_shards", "scoring_runs", "refinements", "registered_runs", "collected_runs")
    names = cursor.execute(" UNION ".join(f"SELECT run_id FROM {table}" for table in tables)).fetchall()
    return max((number_of(name) for (name,) in names), default=0)


def collected_stamps(cursor: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """By run id, the state of its folder when all that it holds was in the store."""
    return dict(cursor.execute("SELECT run_id, stamp FROM collected_runs").fetchall())


def note_collected(cursor: duckdb.DuckDBPyConnection, stamps: Mapping[str, str]) -> None:
    """Take note that these runs hold nothing that the store lacks."""
    cursor.executemany("DELETE FROM collected_runs WHERE run_id = ?", [[run_id] for run_id in stamps])
    cursor.executemany("INSERT INTO collected_runs VALUES (?, ?)", [[*item] for item in stamps.items()])


def shard_checksums(cursor: duckdb.DuckDBPyConnection, run_id: str) -> dict[str, str]:
    """The sha256 of each shard of a run that is in the store, by its name."""
    sql = "SELECT shard, sha256 FROM ingested_shards WHERE run_id = ?"
    return dict(cursor.execute(sql, [run_id]).fetchall())


def write_older_checksums(cursor: duckdb.DuckDBPyConnection, runs_dir: Path) -> None:
    """Put the checksums that the store has beside shards that an earlier program wrote without them."""
    shards = cursor.execute("SELECT run_id, shard, sha256 FROM ingested_shards ORDER BY ALL").fetchall()
    for run_id, name, sha256 in shards:
        path = runs_dir / run_id / "shards" / f"{name}.parquet"
        if path.is_file() and not checksum_path(path).exists():
            write_checksum(path, sha256)
