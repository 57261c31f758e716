"""TRL, Axolotl and LLaMA-Factory: rows in their shape, with the script or settings that read them."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from lobass_core.exporting.data_file import DataFile, JsonRows, write_text
from lobass_core.exporting.layout import Job, KindFile, Written
from lobass_core.exporting.plan import ExportRow
from lobass_core.exporting.survey import Survey, survey
from lobass_core.exporting.trainer_files import axolotl_yaml, dataset_info, train_script
from lobass_core.exporting.trainer_rows import MessageStyle, axolotl_row, llama_factory_row, trl_row
from lobass_core.formats import RowError
from lobass_core.records import Sample


def _split_by_kind(
    folder: Path, suffix: str, rows: Iterable[ExportRow], found: Survey, build: Callable[[Sample], dict[str, Any]]
) -> tuple[Written, list[KindFile]]:
    """One JSON file a kind, every row with the same columns."""
    written = Written(notes=found.notes())
    kinds = [KindFile(kind, suffix) for kind in found.kinds]
    files = {item.kind: DataFile(folder, item.name, "rows") for item in kinds}
    outs = {kind: JsonRows(file, array=suffix == "json") for kind, file in files.items()}
    try:
        for row in rows:
            kind = row.sample.kind
            try:
                outs[kind].add(build(row.sample) | found.row_columns[kind].of(row.extra))
            except RowError as error:
                written.refuse(row, error.reason)
        for out in outs.values():
            out.end()
    finally:
        for file in files.values():
            file.close()
    for item in kinds:
        written.files.append(files[item.kind].receipt())
        written.n_rows += files[item.kind].rows
        written.splits.append(("default" if item is kinds[0] else item.kind, item.name))
    return written, kinds


def trl(job: Job) -> Written:
    """`prompt` and `completion` where every chat has one target, else `messages`; pairs and texts apart; train.py."""
    found = survey(job.rows())
    style = MessageStyle(found.turn_columns)
    written, kinds = _split_by_kind(
        job.folder, "jsonl", job.rows(), found, lambda sample: trl_row(sample, style, one_target=found.one_target)
    )
    script = train_script({item.kind: item.name for item in kinds}, one_target=found.one_target)
    written.files.append(write_text(job.folder, "train.py", "the trainer call, ready to run", script))
    return written


def axolotl(job: Job) -> Written:
    """Messages with a YAML fragment that names their fields."""
    found = survey(job.rows())
    style = MessageStyle(found.turn_columns)
    written, kinds = _split_by_kind(job.folder, "jsonl", job.rows(), found, lambda sample: axolotl_row(sample, style))
    weights = "weight" in found.turn_keys
    for name, text in axolotl_yaml({item.kind: item.name for item in kinds}, weights=weights).items():
        written.files.append(write_text(job.folder, name, "fragment for the training configuration", text))
    return written


def llama_factory(job: Job) -> Written:
    """JSON arrays with dataset_info.json beside them."""
    found = survey(job.rows())
    written, kinds = _split_by_kind(job.folder, "json", job.rows(), found, llama_factory_row)
    if found.n_parallel_results:
        written.notes.append(
            f"{found.n_parallel_results:,} conversations have parallel tool results, written as one turn"
        )
    text = dataset_info({item.kind: item.name for item in kinds})
    written.files.append(write_text(job.folder, "dataset_info.json", "names, columns and tags", text))
    return written
