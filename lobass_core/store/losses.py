"""The loss cache: shards are ingested in one transaction, each once; `rebuild.py` reads them all again."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lobass_core.jobs.checksums import check_bytes, expected_sha256
from lobass_core.jobs.run_files import RunFiles, may_read, write_parquet
from lobass_core.records import LossStatus
from lobass_core.store.collected import shard_checksums
from lobass_core.store.connection import Store, read_table
from lobass_core.store.token_bytes import fill_response_bytes
from lobass_core.store.versions import raise_content

LOSS_SCHEMA = pa.schema(
    [
        ("sample_id", pa.string()),
        ("model_fp", pa.string()),
        ("render_fp", pa.string()),
        ("loss_sum_nats", pa.float64()),
        ("n_tokens", pa.int32()),
        ("n_prompt_tokens", pa.int32()),
        ("n_dropped_tokens", pa.int32()),
        ("status", pa.string()),
        ("n_response_bytes", pa.int32()),
    ]
)
# Null where there is no loss, and where the shard is older than the column.
NULLABLE = ("loss_sum_nats", "n_response_bytes")
# Shards go in together up to this many losses: each insert looks once over the losses of its models.
GROUP_ROWS = 500_000


@dataclass(frozen=True, slots=True)
class Ingested:
    """The number of losses that the store did not have, and shards that could not be used, each with the reason."""

    n_new: int
    torn: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Shard:
    """A shard that was read and checked; `table` has the columns of LOSS_SCHEMA."""

    name: str
    sha256: str
    table: pa.Table


def ingest_run(store: Store, run: RunFiles) -> Ingested:
    """Add the losses of the run's shards to the loss tables; shards that are in them already cost nothing.

    Every shard is read and checked by itself, for one damaged file would fail the whole set. A damaged one is moved to
    the run's `damaged/`, so that a resumed worker computes it again. Which shards are in the tables is known by their
    content: other losses under an old name are added. Of two losses of one (sample, model, rendering) the later stands.
    """
    ingested, lack_bytes = _ingest(store, run)
    if lack_bytes:
        with store.transaction() as cursor:
            fill_response_bytes(cursor, run.path.parent)
    return ingested


def _ingest(store: Store, run: RunFiles) -> tuple[Ingested, bool]:
    """Ingest, and say whether some of the new losses are older than the column for response bytes."""
    recorded = shard_checksums(store.cursor(), run.run_id)
    paths = shards_to_add(run, recorded)
    torn: list[tuple[str, str]] = []
    if not paths:
        return Ingested(0), False
    n_new, lack_bytes = 0, False
    with store.transaction() as cursor:
        for group in grouped(checked_shards(paths, recorded, torn, skip=set(recorded.values()))):
            n_new += insert_shards(cursor, run.run_id, group)
            lack_bytes = lack_bytes or any(shard.table["n_response_bytes"].null_count for shard in group)
    for name, _ in torn:
        # One that this user may not read is left to those who may.
        if may_read(run.shards_dir / name):
            run.set_aside(run.shards_dir / name)
    return Ingested(n_new, tuple(torn)), lack_bytes


def shards_to_add(run: RunFiles, recorded: Mapping[str, str]) -> list[Path]:
    """The run's shards whose checksums are not among those that the store has recorded, by name."""
    known = set(recorded.values())
    return [path for path in run.finished_shards() if expected_sha256(path) not in known]


def checked_shards(
    paths: Iterable[Path], recorded: Mapping[str, str], torn: list[tuple[str, str]], *, skip: Collection[str] = ()
) -> Iterator[Shard]:
    """The shards that can be used, but those of a sha256 in `skip`; damaged ones are added to `torn` with the reason.

    A shard without a checksum file is compared with the sha256 that the store recorded for its name, if it did.
    """
    for path in paths:
        try:
            data = path.read_bytes()
            checked = check_bytes(path, data, recorded.get(path.stem))
            table = _read(data) if not checked.reason else LOSS_SCHEMA.empty_table()
            reason = checked.reason or _fault(table)
        except (pa.ArrowException, OSError, KeyError, ValueError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
        if reason:
            torn.append((path.name, reason))
        elif checked.sha256 not in skip:
            yield Shard(path.stem, checked.sha256, table)


def _read(data: bytes) -> pa.Table:
    table = pq.ParquetFile(pa.BufferReader(data)).read(columns=LOSS_SCHEMA.names)
    if "n_response_bytes" not in table.schema.names:
        table = table.append_column("n_response_bytes", pa.nulls(table.num_rows, pa.int32()))
    return table.select(LOSS_SCHEMA.names).cast(LOSS_SCHEMA)


def _fault(table: pa.Table) -> str:
    """What makes a readable shard unusable, or nothing."""
    for name in LOSS_SCHEMA.names:
        if name not in NULLABLE and table[name].null_count:
            return f"{name} is missing in {table[name].null_count:,} rows"
    # Made here: for its first array pyarrow imports pandas, which no command should wait for at its start.
    known = pa.array(get_args(LossStatus))
    if not pc.all(pc.is_in(table["status"], known), min_count=0).as_py():
        return "a status is not known"
    if not pc.all(pc.match_substring_regex(table["sample_id"], "^[0-9a-f]{64}$"), min_count=0).as_py():
        return "a sample id is not a sha256"
    return ""


def n_losses_of(cursor: duckdb.DuckDBPyConnection, run_id: str) -> int:
    """How many losses in the store are the run's."""
    ((n_losses,),) = cursor.execute("SELECT count(*) FROM losses WHERE run_id = ?", [run_id]).fetchall()
    return int(n_losses)


def grouped(shards: Iterable[Shard]) -> Iterator[list[Shard]]:
    """The shards in their order, some at a time."""
    group: list[Shard] = []
    for shard in shards:
        group.append(shard)
        if sum(member.table.num_rows for member in group) >= GROUP_ROWS:
            yield group
            group = []
    if group:
        yield group


def insert_shards(cursor: duckdb.DuckDBPyConnection, run_id: str, shards: list[Shard]) -> int:
    """Insert a group of shards in their order, and return how many losses the store did not have."""
    names = pa.array([shard.name for shard in shards], pa.string())
    lengths = [shard.table.num_rows for shard in shards]
    table = pa.concat_tables([shard.table for shard in shards])
    numbers = pa.array(np.repeat(np.arange(len(shards)), lengths), pa.int32())
    table = table.append_column("shard", pa.DictionaryArray.from_arrays(numbers, names))
    table = table.append_column("position", pa.array(range(table.num_rows), pa.int64()))
    cursor.register("shard_losses", table)
    cursor.execute(
        """
        CREATE OR REPLACE TEMP TABLE new_losses AS
        SELECT s.sample_key, n.* EXCLUDE (sample_id)
        FROM shard_losses n JOIN samples s ON s.tie_key = ('0x' || n.sample_id[1:16])::UBIGINT
        WHERE s.sample_id = n.sample_id
        """
    )
    cursor.unregister("shard_losses")
    _drop_earlier(cursor)
    n_replaced = _drop_stored(cursor)
    inserted = cursor.execute(
        """
        INSERT INTO losses (sample_key, model_fp, render_fp, loss_sum_nats, n_tokens, n_prompt_tokens,
                            n_dropped_tokens, status, run_id, shard, n_response_bytes)
        SELECT sample_key, model_fp, render_fp, CASE WHEN isfinite(loss_sum_nats) THEN loss_sum_nats END,
               n_tokens, n_prompt_tokens, n_dropped_tokens, status, $run_id, shard, n_response_bytes
        FROM new_losses ORDER BY model_fp, render_fp, sample_key
        """,
        {"run_id": run_id},
    ).fetchall()
    cursor.execute("DROP TABLE new_losses")
    cursor.executemany(
        "DELETE FROM ingested_shards WHERE run_id = ? AND shard = ?", [(run_id, shard.name) for shard in shards]
    )
    cursor.executemany(
        "INSERT INTO ingested_shards VALUES (?, ?, ?, ?)",
        [(run_id, shard.name, shard.table.num_rows, shard.sha256) for shard in shards],
    )
    raise_content(cursor)
    return int(inserted[0][0]) - n_replaced


def _drop_earlier(cursor: duckdb.DuckDBPyConnection) -> None:
    """Keep the last of the new losses of one (sample, model, rendering); there is hardly ever more than one."""
    triple = "sample_key, model_fp, render_fp"
    twice = f"SELECT {triple}, max(position) AS last FROM new_losses GROUP BY {triple} HAVING count(*) > 1"
    cursor.execute(
        f"""
        DELETE FROM new_losses n USING ({twice}) t
        WHERE n.sample_key = t.sample_key AND n.model_fp = t.model_fp AND n.render_fp = t.render_fp
              AND n.position < t.last
        """
    )


def _drop_stored(cursor: duckdb.DuckDBPyConnection) -> int:
    """Delete the stored losses that new ones replace, and return their number."""
    pairs = cursor.execute("SELECT DISTINCT model_fp, render_fp FROM new_losses").fetchall()
    return sum(
        cursor.execute(
            """
            DELETE FROM losses WHERE model_fp = $model AND render_fp = $render AND sample_key IN
                (SELECT sample_key FROM new_losses WHERE model_fp = $model AND render_fp = $render)
            """,
            {"model": model, "render": render},
        ).fetchall()[0][0]
        for model, render in pairs
    )


def write_known(cursor: duckdb.DuckDBPyConnection, path: Path) -> int:
    """Write the losses on record as a worker's known.parquet; returns their number.

    Columns: sample_id, model_fp, render_fp, loss_sum_nats, n_tokens, status, scored_as. A sample whose record reads
    otherwise since an update has the losses of its earlier reading here too: `scored_as`, else null, is the sample id
    under which the run folders hold them, and they hold for the sample only where its tokens are the same.
    """
    table = read_table(
        cursor,
        """
        WITH readings AS (
            SELECT sample_key, sample_key AS scored_key FROM samples
            UNION ALL SELECT sample_key, earlier_key FROM earlier_samples)
        SELECT s.sample_id, l.model_fp, l.render_fp, l.loss_sum_nats, l.n_tokens, l.status,
               nullif(e.sample_id, s.sample_id) AS scored_as
        FROM losses l JOIN readings r ON r.scored_key = l.sample_key
        JOIN samples s ON s.sample_key = r.sample_key JOIN samples e ON e.sample_key = r.scored_key
        """,
    )
    write_parquet(path, table)
    return table.num_rows
