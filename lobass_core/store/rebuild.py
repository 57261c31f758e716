"""The loss tables held against the shards, and read from them again."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pyarrow as pa

from lobass_core.errors import StoreError
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_ids import number_of
from lobass_core.jobs.run_list import DamagedRun, scan_runs
from lobass_core.store.collected import project_id_of, shard_checksums
from lobass_core.store.connection import Store
from lobass_core.store.losses import Shard, checked_shards, grouped, insert_shards
from lobass_core.store.token_bytes import fill_response_bytes
from lobass_core.store.versions import raise_content

Torn = tuple[str, str, str]

# The losses that no usable shard holds, in the order of their runs; they are put back before the shards of later runs.
_KEEP = """
CREATE OR REPLACE TEMP TABLE kept_losses AS
SELECT l.* FROM losses l ANTI JOIN usable_shards u ON u.run_id = l.run_id AND u.shard = l.shard
"""
_PUT_BACK = """
DELETE FROM losses l USING kept_losses k
    WHERE k.run_id = $run_id AND l.sample_key = k.sample_key AND l.model_fp = k.model_fp AND l.render_fp = k.render_fp;
INSERT INTO losses BY NAME SELECT * FROM kept_losses WHERE run_id = $run_id
"""
_COMPARE = """
SELECT count(*) FILTER (l.sample_key IS NULL),
       count(*) FILTER (l.run_id = $run_id AND l.shard = n.shard
           AND (l.loss_sum_nats IS DISTINCT FROM CASE WHEN isfinite(n.loss_sum_nats) THEN n.loss_sum_nats END
                OR l.n_tokens <> n.n_tokens OR l.status <> n.status))
FROM shard_losses n
JOIN samples s ON s.tie_key = ('0x' || n.sample_id[1:16])::UBIGINT AND s.sample_id = n.sample_id
LEFT JOIN losses l ON l.sample_key = s.sample_key AND l.model_fp = n.model_fp AND l.render_fp = n.render_fp
"""


@dataclass(slots=True)
class LossCheck:
    """The loss tables beside the shards. Counts are losses of samples that the project has.

    `n_missing` stand in a shard alone, `n_other` are not what their shard says, `n_double` are there twice, `n_alone`
    have no usable shard. `torn` are shards that cannot be used: run, name and reason.
    """

    n_shards: int = 0
    n_missing: int = 0
    n_other: int = 0
    n_double: int = 0
    n_alone: int = 0
    torn: list[Torn] = field(default_factory=list)

    @property
    def needs_rebuild(self) -> bool:
        return bool(self.n_missing or self.n_other or self.n_double)


def compare_losses(store: Store, runs_dir: Path) -> LossCheck:
    """Read every shard whole and compare it with the loss tables; runs in progress are left out."""
    cursor, check = store.cursor(), LossCheck()
    _make_usable(cursor)
    for run in _runs_with_losses(store, runs_dir):
        if run.is_alive():
            _note_usable(cursor, run.run_id, [path.stem for path in run.finished_shards()])
            continue
        for group in _usable(store, run, check.torn):
            check.n_shards += len(group)
            _note_usable(cursor, run.run_id, [shard.name for shard in group])
            tables = [
                shard.table.append_column("shard", pa.array([shard.name] * shard.table.num_rows)) for shard in group
            ]
            cursor.register("shard_losses", pa.concat_tables(tables))
            ((n_missing, n_other),) = cursor.execute(_COMPARE, {"run_id": run.run_id}).fetchall()
            cursor.unregister("shard_losses")
            check.n_missing, check.n_other = check.n_missing + n_missing, check.n_other + n_other
    check.n_alone = _one(
        cursor,
        "SELECT count(*) FROM losses l ANTI JOIN usable_shards u ON u.run_id = l.run_id AND u.shard = l.shard",
    )
    check.n_double = _one(
        cursor,
        "SELECT coalesce(sum(n - 1), 0)::BIGINT FROM (SELECT count(*) AS n FROM losses"
        " GROUP BY sample_key, model_fp, render_fp HAVING count(*) > 1)",
    )
    cursor.execute("DROP TABLE usable_shards")
    return check


def rebuild_losses(store: Store, runs_dir: Path) -> int:
    """Read every run's shards into the loss tables again, in one transaction; returns the number of losses after it.

    A loss whose shard is gone or damaged stays as it is. Of two losses of one (sample, model, rendering) that of the
    later run stands. A run whose spec.json is damaged has whole shards all the same.

    Raises:
        StoreError: a shard changed meanwhile, the disk is full, or the database refused; nothing has changed then.
    """
    torn, torn_now = list[Torn](), list[Torn]()
    runs = {run.run_id: run for run in _runs_with_losses(store, runs_dir)}
    with store.transaction() as cursor:
        _make_usable(cursor)
        for run in runs.values():
            for group in _usable(store, run, torn):
                _note_usable(cursor, run.run_id, [shard.name for shard in group])
        cursor.execute(_KEEP)
        kept = {run_id for (run_id,) in cursor.execute("SELECT DISTINCT run_id FROM kept_losses").fetchall()}
        for statement in (
            "DELETE FROM losses",
            "DELETE FROM ingested_shards USING usable_shards u"
            " WHERE ingested_shards.run_id = u.run_id AND ingested_shards.shard = u.shard",
            "DELETE FROM collected_runs",
        ):
            cursor.execute(statement)
        for run_id in sorted({*runs, *kept}, key=number_of):
            for statement in _PUT_BACK.split(";"):
                cursor.execute(statement, {"run_id": run_id})
            if run_id in runs:
                for group in _usable(store, runs[run_id], torn_now):
                    insert_shards(cursor, run_id, group)
        if torn_now != torn:
            raise StoreError(
                f"{torn_now[-1][1]} of run {torn_now[-1][0]} changed while it was read",
                where=str(runs_dir),
                do="Nothing was changed. Check the disk and run it again.",
            )
        fill_response_bytes(cursor, runs_dir)
        raise_content(cursor)
        n_losses = _one(cursor, "SELECT count(*) FROM losses")
        for table in ("kept_losses", "usable_shards"):
            cursor.execute(f"DROP TABLE {table}")
    return n_losses


def _runs_with_losses(store: Store, runs_dir: Path) -> list[RunFolder | DamagedRun]:
    own = project_id_of(store.cursor())
    runs = scan_runs(runs_dir)
    return [run for run in runs if isinstance(run, DamagedRun) or (run.kind == "score" and not run.foreign_to(own))]


def _usable(store: Store, run: RunFolder | DamagedRun, torn: list[Torn]) -> Iterator[list[Shard]]:
    bad: list[tuple[str, str]] = []
    yield from grouped(checked_shards(run.finished_shards(), shard_checksums(store.cursor(), run.run_id), bad))
    torn += [(run.run_id, name, reason) for name, reason in bad]


def _make_usable(cursor: duckdb.DuckDBPyConnection) -> None:
    cursor.execute("CREATE OR REPLACE TEMP TABLE usable_shards (run_id VARCHAR, shard VARCHAR)")


def _note_usable(cursor: duckdb.DuckDBPyConnection, run_id: str, names: list[str]) -> None:
    if names:
        cursor.executemany("INSERT INTO usable_shards VALUES (?, ?)", [(run_id, name) for name in names])


def _one(cursor: duckdb.DuckDBPyConnection, sql: str) -> int:
    ((value,),) = cursor.execute(sql).fetchall()
    return int(value)
