"""Shards of losses: what one holds, how it gets on the disk, and which are there already."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

import numpy as np
import pyarrow as pa

from lobass_core.errors import RunError
from lobass_core.jobs.run_files import read_parquet
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.rendering.render import Rendered
from lobass_core.scoring.engine import Losses
from lobass_core.scoring.token_table import TokenTable

SHARD_SCHEMA = pa.schema(
    [
        ("sample_id", pa.string()),
        ("model_fp", pa.string()),
        ("render_fp", pa.string()),
        ("loss_sum_nats", pa.float64()),
        ("n_tokens", pa.int32()),
        ("n_response_bytes", pa.int32()),
        ("n_prompt_tokens", pa.int32()),
        ("n_dropped_tokens", pa.int32()),
        ("status", pa.string()),
        ("token_nlls", pa.list_(pa.float32())),
    ]
)
TOKENS_SCHEMA = pa.schema(
    [
        ("sample_id", pa.string()),
        ("render_fp", pa.string()),
        ("text", pa.string()),
        ("token_ids", pa.list_(pa.int32())),
        ("token_starts", pa.list_(pa.int32())),
        ("token_ends", pa.list_(pa.int32())),
        ("response_mask", pa.list_(pa.bool_())),
    ]
)


@dataclass(frozen=True, slots=True)
class ShardJob:
    """One shard to compute: the place of its model among the run's, its name, and its samples, longest first.

    `measured` are the rows of a shard that was closed early, which stay in front of those of `places`.
    """

    model: int
    name: str
    places: np.ndarray
    measured: pa.Table | None = None


def what_is_left(run: RunFolder, table: TokenTable, job: ShardJob) -> ShardJob:
    """The job without the samples that its shard holds already: all of them, or some where it was closed early.

    A damaged shard, and one with samples of another cut, is computed again.
    """
    path = run.shards_dir / f"{job.name}.parquet"
    if not path.is_file():
        return job
    try:
        measured = read_parquet(path)
        ids = set(measured["sample_id"].to_pylist())
    except (RunError, KeyError):
        return job
    left = [place for place in job.places.tolist() if table.sample_ids[place] not in ids]
    if len(ids) != measured.num_rows or len(left) + len(ids) != len(job.places):
        return job
    if left and measured.schema.names != SHARD_SCHEMA.names:  # written by an earlier program
        return job
    return replace(job, places=np.array(left, dtype=np.int64), measured=measured)


def is_finished(run: RunFolder, table: TokenTable, job: ShardJob) -> bool:
    """Whether the shard is there, whole, and holds these very samples."""
    return not len(what_is_left(run, table, job).places)


def write_job(run: RunFolder, table: TokenTable, job: ShardJob, losses: Sequence[Losses], fps: tuple[str, str]) -> None:
    """Write what is known of a shard: its rows measured before, and these losses; `fps` of model and rendering."""
    rows = shard_table(table, losses, *fps)
    if job.measured is not None:
        rows = pa.concat_tables([job.measured.cast(SHARD_SCHEMA), rows])
    if rows.num_rows:
        run.write_shard(job.name, rows)


def shard_table(table: TokenTable, losses: Sequence[Losses], model_fp: str, render_fp: str) -> pa.Table:
    """One row a sample; a loss that is not finite is null, with its status."""
    rows = []
    for batch in losses:
        for index, nlls in zip(batch.indices.tolist(), batch.token_nlls, strict=True):
            total = float(nlls.astype(np.float64).sum())
            status = table.statuses[index]
            if status != "no_response" and not np.isfinite(total):
                status = "non_finite"
            rows.append(
                {
                    "sample_id": table.sample_ids[index],
                    "model_fp": model_fp,
                    "render_fp": render_fp,
                    "loss_sum_nats": total if status in ("ok", "truncated") else None,
                    "n_tokens": len(nlls),
                    "n_response_bytes": int(table.n_response_bytes[index]),
                    "n_prompt_tokens": int(table.n_prompt_tokens[index]),
                    "n_dropped_tokens": int(table.n_dropped_tokens[index]),
                    "status": status,
                    "token_nlls": nlls,
                }
            )
    return pa.Table.from_pylist(rows, schema=SHARD_SCHEMA)


def unscored_table(table: TokenTable, places: np.ndarray, model_fp: str, render_fp: str) -> pa.Table:
    """Samples without a response get a row too, so that they are known, counted and shown."""
    nothing = Losses(places, [np.zeros(0, np.float32)] * len(places), 0, 0)
    return shard_table(table, [nothing], model_fp, render_fp)


def tokens_table(rendered: Sequence[Rendered], render_fp: str) -> pa.Table:
    """What the dashboard needs to lay losses over the text: one row a sample."""
    return pa.table(
        {
            "sample_id": [item.sample_id for item in rendered],
            "render_fp": [render_fp] * len(rendered),
            "text": [item.text for item in rendered],
            "token_ids": [item.input_ids for item in rendered],
            "token_starts": [item.offsets[:, 0] for item in rendered],
            "token_ends": [item.offsets[:, 1] for item in rendered],
            "response_mask": [item.response_mask for item in rendered],
        },
        schema=TOKENS_SCHEMA,
    )


class ShardWriter:
    """Puts one shard at a time on the disk, in order, in a thread: the next one is computed meanwhile.

    Leaving the block waits for the last, whatever ended the block.
    """

    def __init__(self, run: RunFolder, table: TokenTable, render_fp: str) -> None:
        self._run, self._table, self._render_fp = run, table, render_fp
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="shard-writer")
        self._writing: Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def write(self, job: ShardJob, losses: Sequence[Losses], model_fp: str) -> None:
        """Begin to write a shard once the one before it is on the disk.

        Raises:
            OSError: the one before it could not be written.
        """
        self._wait()
        fps = model_fp, self._render_fp
        self._writing = self._thread.submit(write_job, self._run, self._table, job, losses, fps)

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._thread.shutdown(wait=True)
        self._wait()

    def _wait(self) -> None:
        if self._writing:
            self._writing.result()
