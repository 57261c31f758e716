"""Scorings: which loss columns have been scored together, each one model under one rendering."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import duckdb
import msgspec

from lobass_core.errors import LobassError, SelectionError, StoreError
from lobass_core.jobs.documents import to_json
from lobass_core.jobs.run_results import LossColumn, ScoreRunResult
from lobass_core.records import BASE, REFERENCE
from lobass_core.specs import ScoreSpec
from lobass_core.specs.base import with_present_names
from lobass_core.store.home import Home
from lobass_core.store.models import register_models
from lobass_core.store.registrations import note_registered, registered_at
from lobass_core.store.sequences import take_ids
from lobass_core.store.versions import raise_content
from lobass_core.words.clock import utc_now
from lobass_core.words.loss_columns import is_member


@dataclass(frozen=True, slots=True)
class Scoring:
    """Loss columns that were scored together, `base` and `reference` among them; `run_id` is the latest run that did.

    `refined_by` is the run whose losses stand in for some of its own, empty for none.
    """

    scoring_id: int
    run_id: str
    columns: tuple[LossColumn, ...]
    spec: ScoreSpec
    result: ScoreRunResult
    made_at: str
    refined_by: str = ""

    def column(self, name: str) -> LossColumn:
        """The loss column of this name; it must be there."""
        return next(column for column in self.columns if column.name == name)

    @property
    def members(self) -> tuple[LossColumn, ...]:
        """The references whose mean is the reference loss; none where there is one reference."""
        return tuple(column for column in self.columns if is_member(column.name))

    @property
    def scored(self) -> tuple[LossColumn, ...]:
        """The columns that models scored: all but `reference` where that is a mean."""
        return tuple(column for column in self.columns if not (self.members and column.name == REFERENCE))

    @property
    def base(self) -> LossColumn:
        return self.column(BASE)

    @property
    def reference(self) -> LossColumn:
        return self.column(REFERENCE)

    @property
    def render_fp(self) -> str:
        """The rendering under which the base read the samples."""
        return self.base.render_fp

    @property
    def dtype(self) -> str:
        """Of the losses that are not refined."""
        return self.result.dtype

    @property
    def vocabulary_size(self) -> int | None:
        """How many tokens the base chooses from; None where the run that scored did not say."""
        return self.result.base.info.vocabulary_size

    @property
    def label(self) -> str:
        """Names a person can tell apart."""
        return f"{self.base.model_name} → {self.reference.model_name}"

    def to_dict(self) -> dict:
        return asdict(self)


def register_scoring(
    cursor: duckdb.DuckDBPyConnection,
    run_id: str,
    spec: ScoreSpec,
    result: ScoreRunResult,
    folds: Path,
    finished_at: str = "",
) -> int:
    """Record what a finished run scored, its models, fold assignment and training; returns the scoring's id.

    `folds` is a Parquet file (sample_id, fold) that exists for K folds only; beside it stands
    `trained_on.parquet` where the samples that one reference was trained on are known. `finished_at` dates the scoring
    (now, where it is empty); where a run that finished later has scored the same, the scoring stays that one's with the
    names that it gave its models.
    """
    finished_at = finished_at or utc_now()
    note_registered(cursor, run_id, finished_at)
    raise_content(cursor)
    columns = tuple(
        replace(column, model_name=spec.reference_name or column.model_name) if column.name == REFERENCE else column
        for column in result.columns
    )
    known = _scoring_of(cursor, columns)
    if not known or known[1] <= finished_at:
        register_models(cursor, result, folds, finished_at)
    values = [run_id, json.dumps(spec.to_dict()), to_json(result), finished_at]
    if known:
        scoring_id, made_at = known
        if made_at <= finished_at:
            cursor.execute(
                "UPDATE scorings SET run_id = ?, spec = ?, result = ?, made_at = ? WHERE scoring_id = ?",
                [*values, scoring_id],
            )
            cursor.executemany(
                "UPDATE loss_columns SET model_name = ? WHERE scoring_id = ? AND name = ?",
                [(column.model_name, scoring_id, column.name) for column in columns],
            )
    else:
        scoring_id = take_ids(cursor, "scoring_ids")
        cursor.execute("INSERT INTO scorings VALUES (?, ?, ?, ?, ?)", [scoring_id, *values])
        cursor.executemany(
            "INSERT INTO loss_columns VALUES (?, ?, ?, ?, ?, '')",
            [(scoring_id, one.name, one.model_name, one.models_fp, one.render_fp) for one in columns],
        )
    cursor.execute(
        "INSERT INTO scoring_runs SELECT $scoring_id, $run_id WHERE NOT EXISTS "
        "(SELECT 1 FROM scoring_runs WHERE scoring_id = $scoring_id AND run_id = $run_id)",
        {"scoring_id": scoring_id, "run_id": run_id},
    )
    return scoring_id


def _scoring_of(cursor: duckdb.DuckDBPyConnection, columns: Sequence[LossColumn]) -> tuple[int, str] | None:
    """The scoring of these very models under these renderings, and when it was made."""
    wanted = sorted((column.name, column.models_fp, column.render_fp) for column in columns)
    by_scoring: dict[int, list[tuple[str, str, str]]] = {}
    for scoring_id, *column in cursor.execute(
        "SELECT scoring_id, name, models_fp, render_fp FROM loss_columns ORDER BY ALL"
    ).fetchall():
        by_scoring.setdefault(scoring_id, []).append(tuple(column))
    same = next((scoring_id for scoring_id, named in by_scoring.items() if named == wanted), None)
    return cursor.execute("SELECT scoring_id, made_at FROM scorings WHERE scoring_id = ?", [same]).fetchone()


def register_refinement(
    cursor: duckdb.DuckDBPyConnection,
    scoring: Scoring,
    run_id: str,
    result: ScoreRunResult,
    folds: Path,
    finished_at: str = "",
) -> None:
    """Record that a run computed losses of a scoring again: where it has both of a sample, they count from now on.

    `finished_at` as for `register_scoring`: the refinement of a run that finished later stands.

    Raises:
        StoreError: the run rendered its samples otherwise than the scoring.
    """
    if result.render_fp != scoring.render_fp:
        raise StoreError(
            f"run {run_id} used other tokens than {scoring.run_id}, whose losses it should refine",
            where=scoring.label,
            do="The template or the tokenizer has changed: score all samples again.",
        )
    finished_at = finished_at or utc_now()
    is_older = registered_at(cursor, scoring.refined_by) > finished_at
    note_registered(cursor, run_id, finished_at)
    if is_older:
        return
    register_models(cursor, result, folds, finished_at)
    raise_content(cursor)
    cursor.execute("DELETE FROM refinements WHERE scoring_id = ?", [scoring.scoring_id])
    cursor.execute("INSERT INTO refinements VALUES (?, ?)", [scoring.scoring_id, run_id])
    cursor.executemany(
        "UPDATE loss_columns SET refined_fp = ? WHERE scoring_id = ? AND name = ?",
        [(column.models_fp, scoring.scoring_id, column.name) for column in result.columns],
    )


def list_scorings(cursor: duckdb.DuckDBPyConnection) -> list[Scoring]:
    """All scorings, latest first."""
    rows = cursor.execute(
        "SELECT scoring_id, run_id, spec, result, made_at, coalesce((SELECT r.run_id FROM refinements r "
        "WHERE r.scoring_id = scorings.scoring_id), '') FROM scorings ORDER BY made_at DESC, scoring_id DESC"
    ).fetchall()
    columns: dict[int, list[LossColumn]] = {}
    for scoring_id, *values in cursor.execute(
        "SELECT scoring_id, name, model_name, models_fp, render_fp FROM loss_columns ORDER BY scoring_id, name"
    ).fetchall():
        columns.setdefault(scoring_id, []).append(LossColumn(*values))
    home = Home.of(cursor)
    return [_scoring(row, tuple(columns[row[0]]), home) for row in rows]


def _scoring(row: tuple, columns: tuple[LossColumn, ...], home: Home) -> Scoring:
    scoring_id, run_id, spec_text, result_text, made_at, refined_by = row
    try:
        spec: ScoreSpec = msgspec.convert(with_present_names(home.value(json.loads(spec_text))), ScoreSpec)
        result = msgspec.convert(with_present_names(home.value(json.loads(result_text))), ScoreRunResult)
    except (ValueError, msgspec.ValidationError, LobassError) as error:
        raise StoreError(
            f"the scoring of run {run_id} cannot be read: {error}", where="table scorings", do="Update LoBaSS."
        ) from error
    return Scoring(scoring_id, run_id, columns, spec, result, made_at, refined_by)


def find_scoring(cursor: duckdb.DuckDBPyConnection, run: str | None = None) -> Scoring:
    """The only scoring, or the one that run `run` computed.

    Of scorings of the same models under the same settings the latest counts: the earlier ones were rendered by an older
    program, or before the template was changed.

    Raises:
        SelectionError: nothing is scored, several scorings and no run named, or no scoring of that run.
    """
    scorings = list_scorings(cursor)
    if run is not None:
        row = cursor.execute("SELECT scoring_id FROM scoring_runs WHERE run_id = ?", [run]).fetchone()
        for scoring in scorings:
            if row and scoring.scoring_id == row[0]:
                return scoring
        raise SelectionError(f"run {run!r} has no scores", do=_choices(scorings))
    if not scorings:
        raise SelectionError("nothing is scored yet", do="Run lobass score --base MODEL --reference MODEL first.")
    if len({_asked(scoring) for scoring in scorings}) > 1:
        raise SelectionError(
            "several pairs of models have been scored", do=f"Choose one with --run. {_choices(scorings)}"
        )
    return scorings[0]


def _asked(scoring: Scoring) -> tuple:
    """What a person asked of a scoring."""
    result = scoring.result
    return (
        tuple((column.name, column.models_fp) for column in scoring.columns), result.template, result.template_source,
        result.mask_rule, result.max_tokens,
    )  # fmt: skip


def _choices(scorings: list[Scoring]) -> str:
    if not scorings:
        return "Nothing is scored yet."
    return "The scoring runs are " + "; ".join(f"{scoring.run_id} ({scoring.label})" for scoring in scorings) + "."
