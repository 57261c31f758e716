"""Import scores from other tools: one number per row or sample, as a score column that works like a measure.

    spec = ScoreFileSpec("quality.csv", name="quality", key="sample-id")
    import_scores(project, spec, dry_run=True).n_matched     what an import would find
    import_scores(project, spec)

Losses are not brought this way: `lobass score` computes them, and `lobass scores` writes them out.
"""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass

import duckdb

from lobass_core.errors import RequestError
from lobass_core.project import Project
from lobass_core.specs import ScoreFileSpec, SelectionSpec
from lobass_core.store.datasets import BATCH_ROWS, find_dataset, list_datasets
from lobass_core.store.score_columns import (
    ScoreImport,
    StoredColumn,
    add_column,
    add_values,
    column_names,
    find_column,
    list_columns,
    remove_values,
)
from lobass_core.store.score_matches import BroughtLine, BroughtLines, Matched, forget_lines, match_lines
from lobass_core.store.selections import list_selections
from lobass_core.words.clock import utc_now
from lobass_core.words.plural import plural
from lobass_core.workflows.author import author_name
from lobass_core.workflows.column_names import check_new_name
from lobass_core.workflows.score_lines import FileColumns, ScoreLines, SetAside, file_columns, file_name, files_asked

__all__ = [
    "FileColumns",
    "ImportedScores",
    "ScoreFileSpec",
    "StoredColumn",
    "file_columns",
    "files_asked",
    "import_scores",
    "list_score_columns",
    "remove_scores",
]

# Lines of each kind that are listed; all are counted.
LISTED = 20
# A table of a million rows holds 8 MB a column.
MOST_COLUMNS = 64

OnProgress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class ImportedScores:
    """What an import of scores did, or would do.

    Every line of the file is counted once: matched, unmatched, missing (no value), not_number, non_finite, repeated (an
    earlier line names the same row), held (the row has a value in the column already) or unreadable. `n_differing` of
    the repeated ones have another value than the line that counts. `n_rows` rows of the datasets in question have a
    value then, `n_without` have none. `lines` are the first of each kind of line that brought nothing.
    """

    file: str
    name: str
    key: str
    column: str
    by_position: bool
    dry_run: bool
    n_lines: int
    n_matched: int
    n_unmatched: int
    n_missing: int
    n_not_number: int
    n_non_finite: int
    n_repeated: int
    n_differing: int
    n_held: int
    n_unreadable: int
    n_rows: int
    n_without: int
    lines: tuple[tuple[str, int, str], ...]  # (kind, line, reason)

    def to_dict(self) -> dict:
        lines = [{"kind": kind, "line": line, "reason": reason} for kind, line, reason in self.lines]
        return {**asdict(self), "lines": lines}


def import_scores(
    project: Project,
    spec: ScoreFileSpec,
    on_progress: OnProgress | None = None,
    *,
    dry_run: bool = False,
    file: str = "",
) -> ImportedScores:
    """Import a file of scores as a score column, whole or not at all; a dry run matches the lines and writes nothing.

    `on_progress` gets lines read and the estimated number of lines; `file` is what the log calls the file, its own name
    by default.

    Raises:
        InputFileError: the file cannot be read.
        RequestError: the name is taken or not allowed, a column is missing, or no line names a row of the project.
        ReadOnlyError: the project can only be read.
    """
    with project.store() as store:
        lines = _open(store.cursor(), spec)
        if dry_run:
            cursor = store.cursor()
            try:
                return _read(cursor, lines, on_progress, dry_run=True, file=file)
            finally:
                forget_lines(cursor)
        digest = lines.stream.sha256(lines.stream.sha256s())
        with store.transaction() as cursor:
            imported = _read(cursor, lines, on_progress, dry_run=False, file=file)
            _write(cursor, spec, imported, digest)
            forget_lines(cursor)
    return imported


def list_score_columns(project: Project) -> list[StoredColumn]:
    """The project's score columns by name, with how many rows have a value."""
    with project.store() as store:
        return list_columns(store.cursor())


def remove_scores(project: Project, name: str) -> StoredColumn:
    """Remove a score column.

    Raises:
        RequestError: there is no score column of that name, or a saved selection was made by it.
    """
    with project.store() as store, store.transaction() as cursor:
        column = find_column(cursor, name)
        for saved in list_selections(cursor):
            spec = SelectionSpec.from_dict(saved.spec)
            if name in (spec.method, *(measure for measure, _, _ in spec.gates.bands)):
                raise RequestError(
                    f"the selection {saved.name!r} was made by the score column {name!r}",
                    do="The column stays, so that the selection can be opened and exported again. Delete the selection "
                    "first.",
                )
        remove_values(cursor, name)
    return column


def _open(cursor: duckdb.DuckDBPyConnection, spec: ScoreFileSpec) -> ScoreLines:
    """The file with its columns told, once the project has the rows that it may mean."""
    if spec.dataset:
        find_dataset(cursor, spec.dataset)
    names = [dataset.name for dataset in list_datasets(cursor)]
    if not names:
        raise RequestError(
            "the project has no rows to score", do="Import data first with lobass import FILE --domain NAME."
        )
    lines = ScoreLines.open(spec, names[0] if len(names) == 1 else "")
    says_dataset = bool(spec.dataset or (lines.index_column and "dataset" in lines.columns))
    if spec.key == "row" and len(names) > 1 and not says_dataset:
        raise RequestError(
            "the project has several datasets, and the file does not say which one its rows are from",
            where=spec.path,
            do=f"Use --dataset with one of: {', '.join(names)}.",
        )
    return lines


def _read(
    cursor: duckdb.DuckDBPyConnection, lines: ScoreLines, on_progress: OnProgress | None, *, dry_run: bool, file: str
) -> ImportedScores:
    spec = lines.spec
    held = _check_name(cursor, spec)
    dataset_id = find_dataset(cursor, spec.dataset).dataset_id if spec.dataset else None
    faults, aside = _bring(cursor, lines, on_progress)
    matched = match_lines(cursor, spec.key, dataset_id, held, LISTED)
    if not matched.n_matched and not matched.n_held:
        raise _nothing_matched(spec, matched, faults, aside)
    return ImportedScores(
        file=file or file_name(spec.path),
        name=spec.name,
        key=spec.key,
        column=lines.value_column,
        by_position=lines.by_position,
        dry_run=dry_run,
        n_lines=matched.n_matched + matched.n_unmatched + matched.n_repeated + matched.n_held + faults.total(),
        n_matched=matched.n_matched,
        n_unmatched=matched.n_unmatched,
        n_missing=faults["missing"],
        n_not_number=faults["not a number"],
        n_non_finite=faults["non-finite"],
        n_repeated=matched.n_repeated,
        n_differing=matched.n_differing,
        n_held=matched.n_held,
        n_unreadable=faults["unreadable"],
        n_rows=matched.n_rows,
        n_without=matched.n_without,
        lines=(
            *(("unmatched", line, f"no imported row has the {names}") for line, names in matched.unmatched),
            *(("repeated", line, f"an earlier line names the {names}") for line, names in matched.repeated),
            *((one.fault, one.line, one.reason) for one in aside),
        ),
    )


def _check_name(cursor: duckdb.DuckDBPyConnection, spec: ScoreFileSpec) -> int | None:
    """The id of the column that the values are added to; None for a new one."""
    names = column_names(cursor)
    if spec.name not in names:
        check_new_name(spec.name, names)
        if len(names) >= MOST_COLUMNS:
            raise RequestError(
                f"the project has {len(names):,} score columns; the limit is {MOST_COLUMNS}",
                do="Remove one with lobass score-columns --remove NAME.",
            )
        return None
    if spec.if_named == "refuse":
        raise RequestError(
            f"a score column {spec.name!r} already exists",
            do="Use another name, replace it (--replace), or add values for rows without one (--add).",
        )
    if spec.if_named == "replace":
        return None
    held = find_column(cursor, spec.name)
    if (held.unit, held.higher_is_better) != (spec.unit, spec.higher_is_better):
        better = "better" if held.higher_is_better else "worse"
        raise RequestError(
            f"the score column {spec.name!r} has the unit {held.unit or 'none'!r}, and higher is {better}",
            do="Add values with the same unit and direction, or replace the column.",
        )
    return held.column_id


def _bring(
    cursor: duckdb.DuckDBPyConnection, lines: ScoreLines, on_progress: OnProgress | None
) -> tuple[Counter[str], list[SetAside]]:
    """Read the file into the store's temporary table; returns the faults by kind, and the first of each kind."""
    brought, faults = BroughtLines(cursor), Counter[str]()
    batch, aside = list[BroughtLine](), list[SetAside]()
    for n_read, line in enumerate(lines.read(), 1):
        if isinstance(line, BroughtLine):
            batch.append(line)
        else:
            faults[line.fault] += 1
            if faults[line.fault] <= LISTED:
                aside.append(line)
        if n_read % BATCH_ROWS == 0:
            brought.add(batch)
            batch.clear()
            if on_progress:
                share = lines.stream.n_read / max(lines.stream.n_bytes, 1)
                on_progress(n_read, max(n_read, round(n_read / max(share, 1e-9))))
    brought.add(batch)
    return faults, aside


def _nothing_matched(
    spec: ScoreFileSpec, matched: Matched, faults: Counter[str], aside: list[SetAside]
) -> RequestError:
    if matched.n_unmatched:
        line, names = matched.unmatched[0]
        return RequestError(
            f"none of its {matched.n_unmatched:,} lines names a row of the project: line {line:,} names {names}",
            where=spec.path,
            do="Use another --key or --dataset. Sample ids are those in the output of lobass scores; rows are "
            "counted from 0.",
        )
    if not aside:
        return RequestError("the file contains no lines", where=spec.path, do="Check that it is complete.")
    kind, n = faults.most_common(1)[0]
    first = next(one for one in aside if one.fault == kind)
    return RequestError(
        f"none of its {faults.total():,} lines can be used; {plural(n, 'time')}: {first.reason} (line {first.line:,})",
        where=spec.path,
        do="Use another --column or --key.",
    )


def _write(cursor: duckdb.DuckDBPyConnection, spec: ScoreFileSpec, imported: ImportedScores, digest: str) -> None:
    made_at = utc_now()
    if spec.if_named == "add" and spec.name in column_names(cursor):
        column_id = find_column(cursor, spec.name).column_id
    else:
        column_id = add_column(cursor, spec.name, spec.unit, made_at, higher_is_better=spec.higher_is_better)
    settings = json.dumps({**spec.to_dict(), "path": imported.file}, ensure_ascii=False)
    add_values(
        cursor, column_id, ScoreImport(imported.file, digest, settings, imported.n_matched, made_at, author_name())
    )
