"""The rows that an import rejected: listed, or written to a file."""

import csv
import io
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb

from lobass_core.errors import RequestError
from lobass_core.files.atomic_file import whole_file
from lobass_core.formats.spreadsheet_cells import harmless_cell
from lobass_core.project import Project
from lobass_core.store.datasets import list_datasets
from lobass_core.store.rejects import first_rejects, rejects
from lobass_core.workflows.outputs import noted

SHOWN_CHARS = 2_000
JSON_LINES = (".jsonl", ".ndjson")


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that was set aside; `line` counts in its file, `source` is the beginning of its text."""

    dataset: str
    file: str
    row_index: int
    line: int
    reason: str
    source: str

    def to_dict(self) -> dict:
        return asdict(self)


def list_rejects(project: Project, dataset: str = "", limit: int = 1000) -> list[Reject]:
    """The first rejects of a dataset, or of all, with the first 2,000 characters of their sources.

    Raises:
        RequestError: there is no such dataset.
    """
    with project.store() as store:
        _check_dataset(store.cursor(), dataset)
        return [Reject(*values) for values in first_rejects(store.cursor(), dataset, limit, SHOWN_CHARS)]


def rejects_of(project: Project, dataset: str, limit: int = 1000) -> list[tuple[str, int, int, str, str]]:
    """The first rejects of a dataset: file, row index, line, reason, source text (its first 2,000 characters)."""
    rejected = list_rejects(project, dataset, limit)
    return [(reject.file, reject.row_index, reject.line, reject.reason, reject.source) for reject in rejected]


def _check_dataset(cursor: duckdb.DuckDBPyConnection, dataset: str) -> None:
    names = [known.name for known in list_datasets(cursor)]
    if dataset and dataset not in names:
        raise RequestError(
            f"there is no dataset named {dataset!r}", do=f"The datasets are {', '.join(names)}." if names else ""
        )


def write_rejects(project: Project, path: Path | str, dataset: str = "") -> int:
    """Write all rejects, with the place of each, as CSV or JSON lines by the name's ending; returns their number.

    `dataset` limits them to one.

    Raises:
        RequestError: the ending is neither, the file cannot be written, or there is no such dataset.
    """
    path = Path(path)
    project.require_outside(path)
    if path.suffix not in (".csv", *JSON_LINES):
        raise RequestError(
            f"{path.suffix or 'no ending'!r} is not a file type for rejected rows",
            where=str(path),
            do="Use a .csv or .jsonl file.",
        )
    with project.store() as store:
        _check_dataset(store.cursor(), dataset)
        rejected = rejects(store.cursor(), dataset)
    names = ("dataset", "file", "row_index", "line", "reason", "source")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with (
            noted(project, path),
            whole_file(path) as unfinished,
            unfinished.open("w", encoding="utf-8", newline="") as file,
        ):
            if path.suffix in JSON_LINES:
                for values in rejected:
                    file.write(json.dumps(dict(zip(names, values, strict=True)), ensure_ascii=False) + "\n")
            else:
                _write_csv(file, names, rejected)
    except OSError as error:
        raise RequestError(
            f"the rejects cannot be written: {error.strerror}", where=str(path), do="Use another path."
        ) from None
    return len(rejected)


def rejects_csv(project: Project, dataset: str, limit: int) -> bytes:
    """The first rejects of a dataset as a CSV file."""
    out = io.StringIO()
    _write_csv(out, ("file", "row_index", "line", "reason", "source"), rejects_of(project, dataset, limit))
    return out.getvalue().encode("utf-8")


def _write_csv(file: Any, names: Iterable[str], rows: Iterable[tuple]) -> None:
    writer = csv.writer(file)
    writer.writerow(names)
    writer.writerows([harmless_cell(cell) for cell in row] for row in rows)
