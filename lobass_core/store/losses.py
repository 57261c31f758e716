"""The loss cache: shards come home in one transaction, each once; the tables can be rebuilt from the run folders."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from lobass_core.jobs.run_folder import RunFolder, list_runs
from lobass_core.store.connection import Store, read_table

LOSS_COLUMNS = (
    "sample_id",
    "model_fp",
    "render_fp",
    "loss_sum_nats",
    "n_tokens",
    "n_prompt_tokens",
    "n_dropped_tokens",
    "status",
)


@dataclass(frozen=True, slots=True)
class Ingested:
    """What came home: losses that are new, and shards that could not be read, each with the reason."""

    n_new: int
    torn: tuple[tuple[str, str], ...] = ()


def ingest_run(store: Store, run: RunFolder) -> Ingested:
    """Bring the run's shards into the loss tables; shards that are home already cost nothing.

    Every shard is read and checked before the transaction: one torn file would fail the whole set.
    """
    known = {
        shard
        for (shard,) in store.cursor()
        .execute("SELECT shard FROM ingested_shards WHERE run_id = ?", [run.run_id])
        .fetchall()
    }
    tables, ledger, torn = [], [], []
    for path in run.finished_shards():
        if path.stem in known:
            continue
        try:
            table = pq.read_table(path, columns=list(LOSS_COLUMNS))
        except (pa.ArrowException, OSError, KeyError) as error:
            torn.append((path.name, str(error).splitlines()[0]))
            continue
        shard = pa.array([path.stem] * table.num_rows, pa.string())
        tables.append(table.append_column("shard", shard))
        ledger.append((run.run_id, path.stem, table.num_rows, hashlib.sha256(path.read_bytes()).hexdigest()))
    if not tables:
        return Ingested(0, tuple(torn))
    with store.transaction() as cursor:
        n_new = _insert(cursor, run.run_id, pa.concat_tables(tables))
        cursor.executemany("INSERT INTO ingested_shards VALUES (?, ?, ?, ?)", ledger)
    return Ingested(n_new, tuple(torn))


def _insert(cursor: duckdb.DuckDBPyConnection, run_id: str, table: pa.Table) -> int:
    cursor.register("new_losses", table)
    inserted = cursor.execute(
        """
        INSERT INTO losses
        SELECT s.sample_key, n.model_fp, n.render_fp, CASE WHEN isfinite(n.loss_sum_nats) THEN n.loss_sum_nats END,
               n.n_tokens, n.n_prompt_tokens, n.n_dropped_tokens, n.status, $run_id, n.shard
        FROM (SELECT DISTINCT ON (sample_id, model_fp, render_fp) * FROM new_losses ORDER BY shard) n
        JOIN samples s USING (sample_id)
        WHERE NOT EXISTS (SELECT 1 FROM losses l WHERE l.sample_key = s.sample_key
                          AND l.model_fp = n.model_fp AND l.render_fp = n.render_fp)
        """,
        {"run_id": run_id},
    ).fetchone()
    cursor.unregister("new_losses")
    return int(inserted[0]) if inserted else 0


def rebuild_losses(store: Store, runs_dir: Path) -> int:
    """Forget the loss tables and read every run's shards again; returns the number of losses."""
    with store.transaction() as cursor:
        cursor.execute("DELETE FROM losses")
        cursor.execute("DELETE FROM ingested_shards")
    return sum(ingest_run(store, run).n_new for run in list_runs(runs_dir) if run.kind == "score")


def write_known(cursor: duckdb.DuckDBPyConnection, path: Path) -> int:
    """Write the losses on record (sample_id, model_fp, render_fp) as a worker's known.parquet; returns their number."""
    table = read_table(
        cursor,
        "SELECT s.sample_id, l.model_fp, l.render_fp FROM losses l JOIN samples s USING (sample_key)",
    )
    pq.write_table(table, path, compression="zstd")
    return table.num_rows
