"""The published formats: one file of rows, unknown fields as they came."""

from collections.abc import Callable, Iterable
from pathlib import Path

from lobass_core.exporting.data_file import DataFile, JsonRows
from lobass_core.exporting.layout import Job, Layout, Written
from lobass_core.exporting.plan import ExportRow
from lobass_core.exporting.trainer_rows import is_trained
from lobass_core.formats import FORMATS, RowError
from lobass_core.formats.prompt_completion import build_messages
from lobass_core.records import Sample


def rows_as(name: str, file_name: str) -> Layout:
    """A published format: one file of its rows, unknown fields as they came."""

    def write(job: Job) -> Written:
        return _write_json(job.folder, file_name, job.rows(), FORMATS[name].build)

    return write


def _write_json(
    folder: Path, file_name: str, rows: Iterable[ExportRow], build: Callable[[Sample, dict], dict]
) -> Written:
    written = Written()
    with DataFile(folder, file_name, "rows") as file:
        out = JsonRows(file, array=file_name.endswith(".json"))
        for row in rows:
            try:
                out.add(build(row.sample, row.extra))
            except RowError as error:
                written.refuse(row, error.reason)
        out.end()
    written.files.append(file.receipt())
    written.splits.append(("default", file_name))
    written.n_rows = file.rows
    return written


def prompt_completion(job: Job) -> Written:
    """Texts where every row is one plain exchange, else lists of messages in every row: a file has one type."""
    build = FORMATS["prompt-completion"].build
    plain, n_more_targets = True, 0
    for row in job.rows():
        plain = plain and _is_text_pair(row.sample)
        n_more_targets += sum(map(is_trained, row.sample.turns)) > 1
    written = _write_json(job.folder, "train.jsonl", job.rows(), build if plain else build_messages)
    if n_more_targets:
        written.notes.append(f"{n_more_targets:,} conversations have earlier answers, which become part of the prompt")
    return written


def _is_text_pair(sample: Sample) -> bool:
    try:
        row = FORMATS["prompt-completion"].build(sample, {})
    except RowError:
        return True  # refused either way
    return isinstance(row["prompt"], str)
