"""Write the scores to a table or a file, one row per imported record."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from lobass_core.errors import RequestError
from lobass_core.files.atomic_file import whole_file
from lobass_core.formats.spreadsheet_cells import harmless_cell
from lobass_core.learnability.flags import names
from lobass_core.learnability.measure_values import measures_of, values_of
from lobass_core.learnability.score_table import ScoreTable
from lobass_core.project import Project
from lobass_core.store.browse import unscored_rows
from lobass_core.store.datasets import find_dataset, list_datasets, sample_ids_of_rows
from lobass_core.store.score_columns import score_columns
from lobass_core.store.scored_rows import score_rows
from lobass_core.workflows.outputs import noted
from lobass_core.workflows.row_table import chosen_scoring

# The worst comes first: what either model's loss is marked with is what the row is marked with.
OF_LOSSES = ("base_loss", "reference_loss", "base_bits_per_byte", "reference_bits_per_byte", "learnability")
STATUSES = ("non_finite", "no_response", "truncated", "ok")


def write_scores(project: Project, output: Path, *, run: str | None = None, datasets: Sequence[str] = ()) -> int:
    """Write the scores of one scoring to .parquet, .csv or .jsonl, in order of import; returns the number of rows.

    `datasets` leaves the rows of those only (all when empty).

    Columns: dataset, row_index, sample_id, domain, base_loss and reference_loss (mean nats per response token),
    n_response_tokens, n_response_bytes, base_bits_per_byte and reference_bits_per_byte (the same losses in a unit that
    compares between tokenizers), learnability, status (ok, truncated, no_response, non_finite, not_scored), flags (by
    commas); then the other measures that are exported, score columns among them.

    Where nothing is scored, columns of losses are empty, and score columns are what the file is for.

    Raises:
        RequestError: the file's ending is none of the three, or no such dataset.
        SelectionError: nothing is scored and there is no score column, or several scorings and no `run`.
    """
    writers = {".parquet": _write_parquet, ".csv": _write_csv, ".jsonl": _write_jsonl}
    if output.suffix not in writers:
        raise RequestError(
            f"{output.suffix or 'no ending'!r} is not a file type for scores",
            where=str(output),
            do="Use a .parquet, .csv or .jsonl file.",
        )
    project.require_outside(output)
    table = read_scores(project, run=run, datasets=datasets)
    output.parent.mkdir(parents=True, exist_ok=True)
    with noted(project, output), whole_file(output) as unfinished:
        writers[output.suffix](table, unfinished)
    return table.num_rows


def read_scores(project: Project, *, run: str | None = None, datasets: Sequence[str] = ()) -> pa.Table:
    """The per-sample losses and all measures as an Arrow table, one row an imported record in the order of row keys.

    Columns as of `write_scores`: losses float64 in nats per response token, lengths int32, null where there is no
    number. `.to_pandas()` makes a data frame.

    Raises:
        SelectionError: nothing is scored and there is no score column, or several scorings and no `run`.
    """
    with project.store() as store:
        cursor = store.cursor()
        chosen = [find_dataset(cursor, name).dataset_id for name in datasets]
        names_of = {dataset.dataset_id: dataset.name for dataset in list_datasets(cursor)}
        scoring = chosen_scoring(cursor, run)
        rows = score_rows(cursor, scoring) if scoring else unscored_rows(cursor)
        sample_ids = sample_ids_of_rows(cursor)
        brought = score_columns(cursor)
    scores = ScoreTable.from_arrow(rows, names_of, brought)
    measured = dict.fromkeys(OF_LOSSES, pa.nulls(len(scores), pa.float64()))
    measured |= {
        one.column: _numbers(values_of(scores, name)) for name, one in measures_of(scores).items() if one.exported
    }
    table = pa.table(
        {
            "dataset": pa.array([names_of[number] for number in rows["dataset_id"].to_pylist()], pa.string()),
            "row_index": rows["row_index"],
            "sample_id": sample_ids,
            "domain": rows["domain"],
            **{name: measured.pop(name) for name in ("base_loss", "reference_loss")},
            "n_response_tokens": pa.array(scores.n_tokens, pa.int32(), mask=_not_scored(rows)),
            "n_response_bytes": pa.array(scores.n_bytes, pa.int32(), mask=scores.n_bytes < 0),
            **{name: measured.pop(name) for name in ("base_bits_per_byte", "reference_bits_per_byte", "learnability")},
            "status": _status(rows),
            "flags": pa.array([names(bits) for bits in scores.flags], pa.string()),
        }
        | measured
    )
    return table.filter(pc.is_in(rows["dataset_id"], pa.array(chosen, rows["dataset_id"].type))) if chosen else table


def _numbers(values: np.ndarray) -> pa.Array:
    return pa.array(values, pa.float64(), mask=~np.isfinite(values))


def _not_scored(rows: pa.Table) -> np.ndarray:
    if "base_status" not in rows.column_names:
        return np.ones(rows.num_rows, bool)
    return rows["base_status"].is_null().to_numpy() & rows["reference_status"].is_null().to_numpy()


def _status(rows: pa.Table) -> pa.Array:
    if "base_status" not in rows.column_names:
        return pa.repeat("not_scored", rows.num_rows)
    pairs = zip(rows["base_status"].to_pylist(), rows["reference_status"].to_pylist(), strict=True)
    return pa.array(
        ["not_scored" if None in pair else next(status for status in STATUSES if status in pair) for pair in pairs],
        pa.string(),
    )


def _write_parquet(table: pa.Table, path: Path) -> None:
    pq.write_table(table, path, compression="zstd")


def _write_csv(table: pa.Table, path: Path) -> None:
    # Names of datasets and domains come from the data.
    for name in ("dataset", "domain"):
        cells = pa.array(map(harmless_cell, table[name].to_pylist()), pa.string())
        table = table.set_column(table.schema.get_field_index(name), name, cells)
    pyarrow.csv.write_csv(table, path)


def _write_jsonl(table: pa.Table, path: Path) -> None:
    table.to_pandas().to_json(path, orient="records", lines=True, force_ascii=False, double_precision=15)
