"""Parquet: a Hugging Face dataset folder with its scores apart, or one table with everything in it."""

import math
from collections.abc import Iterator
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lobass_core.exporting.arrow_rows import CHAT_SHAPES
from lobass_core.exporting.data_file import DataFile
from lobass_core.exporting.layout import CardEntry, Job, Written
from lobass_core.exporting.plan import BYTES_FIELD, SPLITS, ExportPlan, Split, measure_columns
from lobass_core.exporting.row_weights import WEIGHT_FIELD, row_weights
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
    surveyed = survey(job.rows())
    surveyed.one_target = False
    written, _ = write_rows(job, surveyed, trl_kinds(surveyed, "data/", always_parquet=True))
    scores, splits = scores_table(job.plan), pa.array(job.plan.splits)
    for split in SPLITS:
        table = scores.filter(pc.equal(splits, split))
        if table.num_rows:
            _write_scores(job, written, table, split)
    add_template(job, written)
    return written


def _write_scores(job: Job, written: Written, table: pa.Table, split: Split) -> None:
    with DataFile(job.folder, f"scores/{split}.parquet", "scores of the rows") as file:
        pq.write_table(table, file, row_group_size=ROW_GROUP_ROWS)
        file.rows = table.num_rows
    written.files.append(file.receipt())
    written.data_files.append(CardEntry("scores", split, file.name))


def parquet(job: Job) -> Written:
    """One table a kind and split: turns, unknown fields, where each row came from and its scores."""
    table = scores_table(job.plan)
    if job.plan.weighted:
        table = table.append_column(WEIGHT_FIELD, pa.array(row_weights(job.plan), WEIGHT_FIELD.type))
    beside = table.schema
    surveyed = survey(job.rows(), RESERVED | frozenset(beside.names))
    style = MessageStyle(surveyed.turn_columns, calls_as_text=not surveyed.plain_calls)
    layouts = {
        kind: KindRows(
            lambda sample: trl_row(sample, style), CHAT_SHAPES[kind], "parquet", style, more_columns=tuple(beside)
        )
        for kind in surveyed.kinds
    }

    def scores() -> Iterator[dict]:
        for batch in table.to_batches(ROW_GROUP_ROWS):
            yield from batch.to_pylist()

    written, _ = write_rows(job, surveyed, layouts, scores)
    written.files = [replace(file, holds="rows with their scores") for file in written.files]
    return written


def scores_table(plan: ExportPlan) -> pa.Table:
    """One row a pick: where it came from and what decided on it; losses in bits per byte where the bytes are known.

    Measures that not every export has, such as score columns, come last.
    """
    names = pa.array([source.dataset for source in plan.sources])
    dataset = names.take(plan.picks["source"].combine_chunks())
    columns = {"dataset": dataset} | {name: plan.picks[name] for name in _PICK_COLUMNS}
    has_bytes = BYTES_FIELD.name in plan.picks.schema.names
    n_bytes = plan.picks[BYTES_FIELD.name] if has_bytes else pa.nulls(len(dataset), BYTES_FIELD.type)
    n_tokens = plan.picks["n_response_tokens"].cast(pa.float64())
    nats_of_all_bits = pc.multiply(n_bytes.cast(pa.float64()), math.log(2))
    bits = {
        f"{part}_bits_per_byte": pc.divide(pc.multiply(plan.picks[f"{part}_loss"], n_tokens), nats_of_all_bits)
        for part in ("base", "reference")
    }
    more = {name: plan.picks[name] for name in measure_columns(plan.picks)}
    return pa.table(columns | {BYTES_FIELD.name: n_bytes} | bits | more)
