"""Scorings: which base, reference and rendering have been scored, and their losses side by side, one row a record."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import duckdb
import msgspec
import pyarrow as pa

from lobass_core.clock import utc_now
from lobass_core.errors import LobassError, SelectionError, StoreError
from lobass_core.jobs.documents import to_json
from lobass_core.jobs.run_results import ScoreRunResult
from lobass_core.spec_base import with_present_names
from lobass_core.specs import ScoreSpec
from lobass_core.store.connection import read_table
from lobass_core.store.home import Home
from lobass_core.store.models import register_models
from lobass_core.store.reference_training import is_training_known
from lobass_core.store.registrations import note_registered, registered_at
from lobass_core.store.sequences import take_ids
from lobass_core.store.versions import raise_content

Bound = dict[str, str | int | None]


@dataclass(frozen=True, slots=True)
class Scoring:
    """One (base, reference, rendering) triple; `run_id` is the latest run that scored it.

    `refined_by` is the run whose losses stand in for some of its own, empty for none.
    """

    scoring_id: int
    run_id: str
    base_fp: str
    reference_fp: str
    render_fp: str
    base_name: str
    reference_name: str
    spec: ScoreSpec
    result: ScoreRunResult
    made_at: str
    refined_by: str = ""

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
        return f"{self.base_name} → {self.reference_name}"

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
    triple = [result.base.model_fp, result.reference_fp, result.render_fp]
    known = cursor.execute(
        "SELECT scoring_id, made_at FROM scorings WHERE base_fp = ? AND reference_fp = ? AND render_fp = ?", triple
    ).fetchone()
    if not known or known[1] <= finished_at:
        register_models(cursor, result, folds, finished_at)
    names = [result.base.name, spec.reference_name or result.references[0].name]
    values = [*names, json.dumps(spec.to_dict()), to_json(result), finished_at]
    if known:
        scoring_id, made_at = known
        if made_at <= finished_at:
            cursor.execute(
                "UPDATE scorings SET run_id = ?, base_name = ?, reference_name = ?, spec = ?, result = ?, made_at = ? "
                "WHERE scoring_id = ?",
                [run_id, *values, scoring_id],
            )
    else:
        scoring_id = take_ids(cursor, "scoring_ids")
        cursor.execute(
            "INSERT INTO scorings VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [scoring_id, run_id, *triple, *values],
        )
    cursor.execute(
        "INSERT INTO scoring_runs SELECT $scoring_id, $run_id WHERE NOT EXISTS "
        "(SELECT 1 FROM scoring_runs WHERE scoring_id = $scoring_id AND run_id = $run_id)",
        {"scoring_id": scoring_id, "run_id": run_id},
    )
    return scoring_id


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
    cursor.execute(
        "INSERT INTO refinements VALUES (?, ?, ?, ?)",
        [scoring.scoring_id, run_id, result.base.model_fp, result.reference_fp],
    )


_SCORING_COLUMNS = (
    "scoring_id, run_id, base_fp, reference_fp, render_fp, base_name, reference_name, spec, result, made_at"
)


def list_scorings(cursor: duckdb.DuckDBPyConnection) -> list[Scoring]:
    """All scorings, latest first."""
    rows = cursor.execute(
        f"SELECT {_SCORING_COLUMNS}, coalesce((SELECT r.run_id FROM refinements r "
        "WHERE r.scoring_id = scorings.scoring_id), '') FROM scorings ORDER BY made_at DESC, scoring_id DESC"
    ).fetchall()
    home = Home.of(cursor)
    return [_scoring(row, home) for row in rows]


def _scoring(row: tuple, home: Home) -> Scoring:
    """A row of `_SCORING_COLUMNS` and the run that refines it."""
    try:
        spec: ScoreSpec = msgspec.convert(with_present_names(home.value(json.loads(row[7]))), ScoreSpec)
        result = msgspec.convert(with_present_names(home.value(json.loads(row[8]))), ScoreRunResult)
    except (ValueError, msgspec.ValidationError, LobassError) as error:
        raise StoreError(
            f"the scoring of run {row[1]} cannot be read: {error}", where="table scorings", do="Update LoBaSS."
        ) from error
    return Scoring(*row[:7], spec, result, *row[9:11])  # type: ignore[call-arg]


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
        scoring.base_fp, scoring.reference_fp, result.template, result.template_source, result.mask_rule,
        result.max_tokens,
    )  # fmt: skip


def _choices(scorings: list[Scoring]) -> str:
    if not scorings:
        return "Nothing is scored yet."
    return "The scoring runs are " + "; ".join(f"{scoring.run_id} ({scoring.label})" for scoring in scorings) + "."


def score_rows(cursor: duckdb.DuckDBPyConnection, scoring: Scoring) -> pa.Table:
    """One row an imported row in order of row_key, losses null where not scored; columns as selected below.

    `tie_key` is the first 8 bytes of the sample id. For K folds each sample's reference loss is that of the fold model
    assigned to it (by hash where none is). `is_unseen` is null where the samples that the reference was trained on are
    not known. Decisions are overlaid by `workflows/row_table.py`.
    """
    losses, values = base_and_reference(cursor, scoring)
    values |= {
        "trained_fp": scoring.reference_fp,
        "is_training_known": is_training_known(cursor, scoring.reference_fp),
        "vocabulary_size": scoring.vocabulary_size,
    }
    return read_table(
        cursor,
        f"""
        WITH {losses},
        trained AS (SELECT tie_key FROM reference_training WHERE reference_fp = $trained_fp)
        SELECT r.row_key, r.sample_key, s.tie_key, r.dataset_id, r.row_index,
               r.domain, b.loss_sum_nats AS base_loss_sum, b.n_tokens AS base_n_tokens, b.status AS base_status,
               f.loss_sum_nats AS reference_loss_sum, f.n_tokens AS reference_n_tokens, f.status AS reference_status,
               coalesce(b.n_prompt_tokens, f.n_prompt_tokens) AS n_prompt_tokens,
               coalesce(b.n_response_bytes, f.n_response_bytes) AS n_response_bytes,
               $vocabulary_size::INTEGER AS vocabulary_size,
               CASE WHEN $is_training_known AND f.sample_key IS NOT NULL THEN t.tie_key IS NULL END AS is_unseen,
               r.is_duplicate
        FROM rows r JOIN samples s USING (sample_key)
        LEFT JOIN base b USING (sample_key) LEFT JOIN reference f USING (sample_key)
        LEFT JOIN trained t USING (tie_key)
        ORDER BY r.row_key
        """,
        values,
    )


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many rows of one dataset and domain have both losses, and their response tokens."""

    dataset_id: int
    domain: str
    n_scored: int
    n_tokens: int


def coverage(cursor: duckdb.DuckDBPyConnection, scoring: Scoring) -> list[Coverage]:
    """By dataset and domain, also those without a scored row."""
    losses, values = base_and_reference(cursor, scoring)
    rows = cursor.execute(
        f"""
        WITH {losses}
        SELECT r.dataset_id, r.domain, count(f.sample_key) FILTER (b.sample_key IS NOT NULL),
               coalesce(sum(b.n_tokens) FILTER (f.sample_key IS NOT NULL), 0)::BIGINT
        FROM rows r LEFT JOIN base b USING (sample_key) LEFT JOIN reference f USING (sample_key)
        GROUP BY r.dataset_id, r.domain ORDER BY r.dataset_id, r.domain
        """,
        values,
    ).fetchall()
    return [Coverage(*row) for row in rows]


def base_and_reference(cursor: duckdb.DuckDBPyConnection, scoring: Scoring) -> tuple[str, Bound]:
    """The tables `base` and `reference` of a scoring, at most one loss a sample in each, and the bound values.

    A sample's refined losses stand in for the others where both are there, never one alone.
    """
    values: Bound = {"render_fp": scoring.render_fp}
    base, reference, bound = _losses_of(cursor, "own", scoring.base_fp, scoring.reference_fp)
    values |= bound
    refined = cursor.execute(
        "SELECT base_fp, reference_fp FROM refinements WHERE scoring_id = ?", [scoring.scoring_id]
    ).fetchone()
    if not refined:
        return f"base AS ({base}), reference AS ({reference})", values
    fine_base, fine_reference, bound = _losses_of(cursor, "fine", *refined)
    values |= bound
    return _REFINED.format(base=base, reference=reference, fine_base=fine_base, fine_reference=fine_reference), values


def _losses_of(cursor: duckdb.DuckDBPyConnection, name: str, base_fp: str, reference_fp: str) -> tuple[str, str, Bound]:
    """Queries for the losses of base and reference, and the values bound in them under names that begin with `name`."""
    folds = dict(
        cursor.execute(
            "SELECT fold, model_fp FROM reference_models WHERE reference_fp = ? ORDER BY fold", [reference_fp]
        ).fetchall()
    )
    values: Bound = {f"{name}_base_fp": base_fp}
    if len(folds) > 1:
        reference = _FOLD_LOSSES.format(name=name)
        values |= {f"{name}_reference_fp": reference_fp, f"{name}_n_folds": len(folds)}
    else:
        reference = _MODEL_LOSSES.format(name=f"{name}_model_fp")
        values |= {f"{name}_model_fp": folds.get(0, reference_fp)}
    return _MODEL_LOSSES.format(name=f"{name}_base_fp"), reference, values


_MODEL_LOSSES = "SELECT * FROM losses WHERE model_fp = ${name} AND render_fp = $render_fp"

_FOLD_LOSSES = """
    SELECT l.*
    FROM losses l JOIN reference_models m ON m.reference_fp = ${name}_reference_fp AND m.model_fp = l.model_fp
    JOIN samples s USING (sample_key)
    LEFT JOIN reference_folds a ON a.reference_fp = ${name}_reference_fp AND a.sample_key = l.sample_key
    WHERE l.render_fp = $render_fp AND m.fold = coalesce(a.fold, (s.tie_key >> 32) % ${name}_n_folds)
"""

_REFINED = """
    fine_base AS ({fine_base}), fine_reference AS ({fine_reference}),
    refined AS (
        SELECT b.sample_key FROM fine_base b JOIN fine_reference f USING (sample_key)
        WHERE b.loss_sum_nats IS NOT NULL AND f.loss_sum_nats IS NOT NULL),
    base AS (
        SELECT * FROM fine_base SEMI JOIN refined USING (sample_key)
        UNION ALL SELECT * FROM ({base}) ANTI JOIN refined USING (sample_key)),
    reference AS (
        SELECT * FROM fine_reference SEMI JOIN refined USING (sample_key)
        UNION ALL SELECT * FROM ({reference}) ANTI JOIN refined USING (sample_key))
"""
