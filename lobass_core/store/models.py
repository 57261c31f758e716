"""Models that have scored samples or were trained here."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from lobass_core.jobs.run_files import TRAINED_ON, folds_file, read_parquet
from lobass_core.jobs.run_results import ScoredColumn, ScoredModel, ScoreRunResult
from lobass_core.records import REFERENCE
from lobass_core.store.home import Home
from lobass_core.store.reference_training import register_training


@dataclass(frozen=True, slots=True)
class KnownModel:
    """One model by its fingerprint, how many losses it has, and the mean of these, each in nats per response token."""

    model_fp: str
    name: str
    path: str
    adapter: str
    part: str
    info: dict
    made_at: str
    n_losses: int
    mean_nats: float | None


def list_models(cursor: duckdb.DuckDBPyConnection) -> list[KnownModel]:
    """All models, bases first, then by name."""
    rows = cursor.execute(
        """
        SELECT m.model_fp, m.name, m.path, m.adapter, m.part, m.info, m.made_at, coalesce(l.n_losses, 0), l.mean_nats
        FROM models m LEFT JOIN (
            SELECT model_fp, count(*) AS n_losses, avg(loss_sum_nats / nullif(n_tokens, 0)) AS mean_nats
            FROM losses GROUP BY model_fp) l USING (model_fp)
        ORDER BY m.part, m.name
        """
    ).fetchall()
    home = Home.of(cursor)
    return [
        KnownModel(fp, name, home.path(path), home.path(adapter), part, json.loads(info), *rest)
        for fp, name, path, adapter, part, info, *rest in rows
    ]


def register_models(cursor: duckdb.DuckDBPyConnection, result: ScoreRunResult, folds: Path, finished_at: str) -> None:
    """Record the models of a finished run, the folds of its references and what the reference was trained on.

    `folds` as in `scorings.register_scoring`.
    """
    for column in result.scored:
        part = column.name.partition("@")[0]
        for model in column.models:
            _register_model(cursor, part, model, finished_at)
        if part == REFERENCE:
            of_column = folds if column.name == REFERENCE else folds.with_name(folds_file(column.name))
            _register_reference(cursor, column, of_column)
    if len(result.references) == 1:
        register_training(cursor, result.reference_fp, folds.with_name(TRAINED_ON))


def _register_reference(cursor: duckdb.DuckDBPyConnection, column: ScoredColumn, folds: Path) -> None:
    cursor.execute("DELETE FROM reference_models WHERE reference_fp = ?", [column.models_fp])
    cursor.executemany(
        "INSERT INTO reference_models VALUES (?, ?, ?)",
        [(column.models_fp, fold, model.model_fp) for fold, model in enumerate(column.models)],
    )
    if len(column.models) > 1 and folds.is_file():
        _register_folds(cursor, column.models_fp, read_parquet(folds, ["sample_id", "fold"]))


def _register_model(cursor: duckdb.DuckDBPyConnection, part: str, model: ScoredModel, finished_at: str) -> None:
    cursor.execute("DELETE FROM models WHERE model_fp = ? AND part = ?", [model.model_fp, part])
    cursor.execute(
        "INSERT INTO models VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            model.model_fp,
            model.name,
            model.path,
            model.adapter,
            part,
            json.dumps(asdict(model.info)),
            finished_at,
        ],
    )


def _register_folds(cursor: duckdb.DuckDBPyConnection, reference_fp: str, folds: pa.Table) -> None:
    """A run of some datasets says nothing of the samples of others, whose folds stay."""
    cursor.register("fold_table", folds)
    cursor.execute(
        "DELETE FROM reference_folds WHERE reference_fp = $reference_fp "
        "AND sample_key IN (SELECT sample_key FROM samples SEMI JOIN fold_table USING (sample_id))",
        {"reference_fp": reference_fp},
    )
    cursor.execute(
        "INSERT INTO reference_folds "
        "SELECT $reference_fp, s.sample_key, f.fold FROM fold_table f JOIN samples s USING (sample_id)",
        {"reference_fp": reference_fp},
    )
    cursor.unregister("fold_table")
