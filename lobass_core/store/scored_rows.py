"""The losses of a scoring side by side, one row an imported record."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from lobass_core.records import REFERENCE
from lobass_core.store.connection import read_table
from lobass_core.store.reference_training import is_training_known
from lobass_core.store.scorings import Scoring

Bound = dict[str, str | int | None]


def score_rows(cursor: duckdb.DuckDBPyConnection, scoring: Scoring) -> pa.Table:
    """One row an imported row in order of row_key, losses null where not scored; columns as selected below.

    A loss called NAME stands in NAME_loss_sum, NAME_n_tokens and NAME_status; that of several references is their mean.

    `tie_key` is the first 8 bytes of the sample id. For K folds each sample's reference loss is that of the fold model
    assigned to it (by hash where none is). `is_unseen` is null where the samples that the reference was trained on are
    not known, and for rows without a response. Decisions are overlaid by `workflows/row_table.py`.
    """
    losses, values = loss_tables(cursor, scoring)
    names = [column.name for column in scoring.columns]
    tables = [identifier(name) for name in names]
    values |= {
        "trained_fp": scoring.reference.models_fp,
        "is_training_known": is_training_known(cursor, scoring.reference.models_fp),
        "vocabulary_size": scoring.vocabulary_size,
    }
    return read_table(
        cursor,
        f"""
        WITH {losses},
        trained AS (SELECT tie_key FROM reference_training WHERE reference_fp = $trained_fp)
        SELECT r.row_key, r.sample_key, s.tie_key, r.dataset_id, r.row_index,
               r.domain, {", ".join(_selected(name) for name in names)},
               coalesce({", ".join(f"{table}.n_prompt_tokens" for table in tables)}) AS n_prompt_tokens,
               coalesce({", ".join(f"{table}.n_response_bytes" for table in tables)}) AS n_response_bytes,
               $vocabulary_size::INTEGER AS vocabulary_size,
               CASE WHEN $is_training_known AND {identifier(REFERENCE)}.status <> 'no_response'
                    THEN t.tie_key IS NULL END AS is_unseen,
               r.is_duplicate, o.sample_key IS NOT NULL AS is_in_evaluation
        FROM rows r JOIN samples s USING (sample_key)
        LEFT JOIN (SELECT DISTINCT sample_key FROM overlap_samples) o USING (sample_key)
        {" ".join(f"LEFT JOIN {table} USING (sample_key)" for table in tables)}
        LEFT JOIN trained t USING (tie_key)
        ORDER BY r.row_key
        """,
        values,
    )


def _selected(name: str) -> str:
    table = identifier(name)
    parts = {"loss_sum": "loss_sum_nats", "n_tokens": "n_tokens", "status": "status"}
    return ", ".join(f"{table}.{column} AS {identifier(f'{name}_{part}')}" for part, column in parts.items())


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many rows of one dataset and domain have both losses, and their response tokens."""

    dataset_id: int
    domain: str
    n_scored: int
    n_tokens: int


def coverage(cursor: duckdb.DuckDBPyConnection, scoring: Scoring) -> list[Coverage]:
    """By dataset and domain, also those without a scored row."""
    losses, values = loss_tables(cursor, scoring)
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


def loss_tables(cursor: duckdb.DuckDBPyConnection, scoring: Scoring) -> tuple[str, Bound]:
    """A table for each loss column of a scoring, under its name, at most one loss a sample in each; and bound values.

    A sample's refined losses stand in for the others where all columns have one, never one alone.
    """
    values: Bound = {}
    own: dict[str, str] = {}
    for k, column in enumerate(scoring.scored):
        own[column.name], bound = _losses_of(cursor, f"own_{k}", column.models_fp, column.render_fp)
        values |= bound
    refined = cursor.execute(
        "SELECT name, refined_fp FROM loss_columns WHERE scoring_id = ? AND refined_fp <> ''", [scoring.scoring_id]
    ).fetchall()
    fine = {}
    for k, (name, models_fp) in enumerate(refined):
        if name in own:
            fine[name], bound = _losses_of(cursor, f"fine_{k}", models_fp, scoring.column(name).render_fp)
            values |= bound
    tables = _with_refined(own, fine) if fine else _each(own)
    if scoring.members:
        tables += f", {identifier(REFERENCE)} AS ({_mean_of([column.name for column in scoring.members])})"
    return tables, values


def _each(queries: Mapping[str, str]) -> str:
    return ", ".join(f"{identifier(name)} AS ({query})" for name, query in queries.items())


def _mean_of(names: Sequence[str]) -> str:
    """The samples that all of these columns have, each with the mean of its losses, null where one is."""
    first, *others = (identifier(name) for name in names)
    losses = " + ".join(f"{table}.loss_sum_nats" for table in (first, *others))
    failed = " OR ".join(f"{table}.status = 'non_finite'" for table in (first, *others))
    facts = ", ".join(f"{first}.{name}" for name in ("sample_key", "n_tokens", "n_prompt_tokens", "n_response_bytes"))
    # A sum in one order, where avg() over a union would add up in any: selections are the same to the last bit.
    return f"""
        SELECT {facts}, ({losses}) / {len(names)} AS loss_sum_nats,
               CASE WHEN {failed} THEN 'non_finite' ELSE {first}.status END AS status
        FROM {first} {" ".join(f"JOIN {table} USING (sample_key)" for table in others)}
        """


def identifier(name: str) -> str:
    """A name as SQL takes that of a table or column."""
    return '"' + name.replace('"', '""') + '"'


def _with_refined(own: Mapping[str, str], fine: Mapping[str, str]) -> str:
    """The tables of `own`, each sample's losses replaced where all of `fine` have one."""
    tables = {name: identifier(f"fine {name}") for name in fine}
    first, *others = tables.values()
    joins = "".join(f" JOIN {table} USING (sample_key)" for table in others)
    there = " AND ".join(f"{table}.loss_sum_nats IS NOT NULL" for table in tables.values())
    parts = [f"{tables[name]} AS ({query})" for name, query in fine.items()]
    parts.append(f"refined AS (SELECT sample_key FROM {first}{joins} WHERE {there})")
    for name, query in own.items():
        kept = f"SELECT * FROM ({query})"
        if name in fine:
            kept = (
                f"SELECT * FROM {tables[name]} SEMI JOIN refined USING (sample_key) "
                f"UNION ALL {kept} ANTI JOIN refined USING (sample_key)"
            )
        parts.append(f"{identifier(name)} AS ({kept})")
    return ", ".join(parts)


def _losses_of(cursor: duckdb.DuckDBPyConnection, name: str, models_fp: str, render_fp: str) -> tuple[str, Bound]:
    """A query for the losses of a model, or of those of its folds, and the values bound under names that begin so."""
    folds = dict(
        cursor.execute(
            "SELECT fold, model_fp FROM reference_models WHERE reference_fp = ? ORDER BY fold", [models_fp]
        ).fetchall()
    )
    values: Bound = {f"{name}_render_fp": render_fp}
    if len(folds) > 1:
        return _FOLD_LOSSES.format(name=name), values | {f"{name}_models_fp": models_fp, f"{name}_n_folds": len(folds)}
    return _MODEL_LOSSES.format(name=name), values | {f"{name}_model_fp": folds.get(0, models_fp)}


_MODEL_LOSSES = "SELECT * FROM losses WHERE model_fp = ${name}_model_fp AND render_fp = ${name}_render_fp"

_FOLD_LOSSES = """
    SELECT l.*
    FROM losses l JOIN reference_models m ON m.reference_fp = ${name}_models_fp AND m.model_fp = l.model_fp
    JOIN samples s USING (sample_key)
    LEFT JOIN reference_folds a ON a.reference_fp = ${name}_models_fp AND a.sample_key = l.sample_key
    WHERE l.render_fp = ${name}_render_fp AND m.fold = coalesce(a.fold, (s.tie_key >> 32) % ${name}_n_folds)
"""
