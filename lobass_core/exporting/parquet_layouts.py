"""Parquet: a Hugging Face dataset folder with its scores apart, or one table with everything in it."""

from collections.abc import Iterator
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq

from lobass_core.exporting.arrow_rows import CHAT_SHAPES
from lobass_core.exporting.data_file import DataFile
from lobass_core.exporting.layout import Job, Written
from lobass_core.exporting.plan import ExportPlan
from lobass_core.exporting.rows_file import ROW_GROUP_ROWS, KindRows, write_rows
from lobass_core.exporting.survey import RESERVED, survey
from lobass_core.exporting.trainer_layouts import add_template, trl_kinds
from lobass_core.exporting.trainer_rows import MessageStyle, trl_row

_PICK_COLUMNS = (
    "row_index",
    "sample_id",
    "domain",
    "rank",
    "reason",
    "score",
    "learnability",
    "base_loss",
    "reference_loss",
    "n_response_tokens",
    "flags",
)


def huggingface(job: Job) -> Written:
    """Parquet under data/, the scores in a configuration of their own, so that a trainer never sees them."""
    found = survey(job.rows())
    found.one_target = False
    written, _ = write_rows(job, found, trl_kinds(found, "data/", always_parquet=True))
    with DataFile(job.folder, "scores/train.parquet", "scores of the rows") as file:
        pq.write_table(scores_table(job.plan), file, row_group_size=ROW_GROUP_ROWS)
        file.rows = job.plan.picks.num_rows
    written.files.append(file.receipt())
    written.splits.append(("scores", file.name))
    add_template(job, written)
    return written


def parquet(job: Job) -> Written:
    """One table a kind with everything in it: turns, unknown fields, where each row came from and its scores."""
    beside = scores_table(job.plan).schema
    found = survey(job.rows(), RESERVED | frozenset(beside.names))
    style = MessageStyle(found.turn_columns, calls_as_text=not found.plain_calls)
    layouts = {
        kind: KindRows(
            lambda sample: trl_row(sample, style), CHAT_SHAPES[kind], "parquet", style, more_columns=tuple(beside)
        )
        for kind in found.kinds
    }

    def scores() -> Iterator[dict]:
        for batch in scores_table(job.plan).to_batches(ROW_GROUP_ROWS):
            yield from batch.to_pylist()

    written, _ = write_rows(job, found, layouts, scores)
    written.files = [replace(file, holds="rows with their scores") for file in written.files]
    return written


def scores_table(plan: ExportPlan) -> pa.Table:
    """One row a pick: where it came from and what decided on it."""
    names = pa.array([source.dataset for source in plan.sources])
    dataset = names.take(plan.picks["source"].combine_chunks())
    columns = {"dataset": dataset} | {name: plan.picks[name] for name in _PICK_COLUMNS}
    return pa.table(columns)
