"""What an export consists of: picks with their numbers, sources, models, decisions, counts."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lobass_core.errors import ExportError, ModelError, SelectionError
from lobass_core.exporting.plan import (
    BITS_COLUMNS,
    BYTES_FIELD,
    DROPPED_SCHEMA,
    PICKS_SCHEMA,
    ExportPlan,
    ReadTokens,
    ScoredTokens,
    SourceFile,
    measure_field,
)
from lobass_core.formats.read_files import file_sha256
from lobass_core.jobs.token_files import TokenFiles
from lobass_core.learnability import flags
from lobass_core.learnability.measure_values import measure_of, measures_of, values_of
from lobass_core.learnability.measures import BUILT_IN, Measure
from lobass_core.learnability.score_table import ScoreTable
from lobass_core.project import Project
from lobass_core.records import BASE, REFERENCE
from lobass_core.selection import order
from lobass_core.specs import ExportSpec, SelectionSpec
from lobass_core.store.chosen_records import rows_of, standing_decisions
from lobass_core.store.dataset_files import list_files
from lobass_core.store.datasets import list_datasets
from lobass_core.store.former_states import former_files
from lobass_core.store.overlaps import OverlapCheck, latest_check
from lobass_core.store.scorings import Scoring
from lobass_core.store.selections import SavedSelection, find_selection, selection_picks
from lobass_core.words.plural import plural
from lobass_core.workflows.answer_ending import answer_ending
from lobass_core.workflows.export_sources import SourceNumbers, source_of
from lobass_core.workflows.recipes import read_recipe
from lobass_core.workflows.scored import Scored
from lobass_core.workflows.select import rows_of as rows_of_selection
from lobass_core.workflows.select import select_from, sorted_scores

LOSS_UNIT = "losses are mean negative log-likelihoods of the response tokens given the prompt, in nats per token"


def plan_export(project: Project, spec: ExportSpec) -> ExportPlan:
    """Everything that decides the bytes of the export.

    Raises:
        SelectionError: no such selection, or its scores are gone.
        ExportError: the selection keeps nothing that is still in the project.
    """
    with project.store() as store:
        cursor = store.cursor()
        saved = find_selection(cursor, spec.selection)
        rows = rows_of_selection(project, saved)
        scoring, table = rows.scoring, rows.table
        picks = selection_picks(cursor, saved.selection_id)
        placed = rows_of(cursor, picks["row_key"].combine_chunks())
        n_gone = picks.num_rows - placed.num_rows
        datasets = {dataset.dataset_id: dataset for dataset in list_datasets(cursor)}
        files = list_files(cursor)
        decisions, overlap_check = standing_decisions(cursor), latest_check(cursor)
        if n_gone != saved.n_gone or (n_gone and not placed.num_rows):
            raise ExportError(
                f"{plural(n_gone, 'row is', 'rows are')} gone of {picks.num_rows:,} in selection {saved.name!r}",
                do="Select again and save.",
            )
        picks = picks.filter(pc.is_in(picks["row_key"], placed["row_key"].combine_chunks()))
        left_out = _left_out(rows, saved, picks)
        dropped = _dropped_rows(cursor, table, left_out) if spec.with_dropped else None
    used = {
        number for part in (placed, dropped) if part is not None for number in part["dataset_id"].unique().to_pylist()
    }
    sources = sorted((datasets[number] for number in used), key=lambda dataset: dataset.name)
    parts = [(dataset, file) for dataset in sources for file in files[dataset.dataset_id]]
    numbers = SourceNumbers.of(parts)
    placed_picks = _picks_table(placed, picks, table, numbers)
    return ExportPlan(
        format=spec.format,
        selection=saved.name,
        sources=tuple(source_of(dataset, file) for dataset, file in parts),
        picks=placed_picks,
        facts={
            # A selection by a score column needs no model, so its manifest names none.
            "models": _models(project, scoring) if scoring else {},
            "render": _render(project, scoring, placed_picks["sample_id"].to_pylist()) if scoring else {},
            "formula": _formula(table, saved.spec["method"]),
            "selection": {"spec": saved.spec, "seed": saved.spec["seed"], "domains": saved.result.get("domains", [])},
            "decisions": decisions,
            **_evaluation_overlap(overlap_check, placed_picks),
            "counts": {
                "n_considered": saved.result.get("n_rows", len(table)),
                "n_selected": picks.num_rows,
                **({"n_gone": n_gone} if n_gone else {}),
                "n_by_hand": saved.result.get("n_by_hand", 0),
                "left_out": {name: int(n) for name, n in zip(*_counted(left_out), strict=True)},
            },
        },
        with_dropped=spec.with_dropped,
        dropped=None if dropped is None else _dropped_table(dropped, numbers),
        license=spec.license,
        languages=spec.languages,
    )


def _formula(table: ScoreTable, method: str) -> dict:
    """What the score of the selection is."""
    measure = measure_of(table, method)
    return {
        "method": method,
        "text": measure.formula,
        **({"unit": LOSS_UNIT} if table.is_scored else {}),
        "score_unit": measure.unit,
        "source": measure.source,
        "higher_is_better": measure.higher_is_better,
    }


def _left_out(rows: Scored, saved: SavedSelection, picks: pa.Table) -> dict[int, str]:
    """row_key -> why a row is not in the selection, for the rows that are scored or not but known to the table."""
    table = rows.table
    spec = SelectionSpec.from_dict(saved.spec)
    try:
        reasons = select_from(rows, spec).reason_codes
    except SelectionError:
        # The rule cannot be asked again: a domain is gone, or rows have come whose tokens nobody has counted.
        reasons = sorted_scores(rows, spec).reason
    kept = np.isin(table.row_key, picks["row_key"].to_numpy())
    # Decided on or imported after the selection was saved: today's rule would keep the row, the saved one did not.
    names = dict(enumerate(order.REASONS)) | {order.KEPT: "not in the saved selection"}
    return {int(table.row_key[row]): names[int(reasons[row])] for row in np.flatnonzero(~kept)}


def _counted(left_out: Mapping[int, str]) -> tuple[np.ndarray, np.ndarray]:
    if not left_out:
        return np.array([], str), np.array([], int)
    return np.unique(np.array(list(left_out.values())), return_counts=True)


def _dropped_rows(cursor: duckdb.DuckDBPyConnection, table: ScoreTable, left_out: Mapping[int, str]) -> pa.Table:
    placed = rows_of(cursor, pa.array(list(left_out), pa.int64()))
    reasons = [left_out[row_key] for row_key in placed["row_key"].to_pylist()]
    return placed.append_column("reason", pa.array(reasons, pa.string()))


def _dropped_table(placed: pa.Table, numbers: SourceNumbers) -> pa.Table:
    source = numbers.of_rows(placed)
    names = [name for name in DROPPED_SCHEMA.names if name != "source"]
    return pa.table({"source": source} | {name: placed[name] for name in names}).cast(DROPPED_SCHEMA)


def _picks_table(placed: pa.Table, picks: pa.Table, table: ScoreTable, numbers: SourceNumbers) -> pa.Table:
    """The picks in the order of the files, with the numbers that decided on them."""
    keys = placed["row_key"].to_numpy()
    by_key = np.argsort(picks["row_key"].to_numpy())
    saved = picks.take(by_key[np.searchsorted(picks["row_key"].to_numpy(), keys, sorter=by_key)])
    by_row = np.argsort(table.row_key)
    rows = table.take(by_row[np.searchsorted(table.row_key, keys, sorter=by_row)])
    columns = {
        "source": numbers.of_rows(placed),
        "row_index": placed["row_index"],
        "sample_id": placed["sample_id"],
        "domain": placed["domain"],
        "rank": saved["pick_rank"],
        "reason": saved["reason"],
        "score": saved["score"],
        **{one.column: _measured(rows, one) for one in map(BUILT_IN.__getitem__, _SCORED)},
        "n_response_tokens": _tokens(rows, rows.n_tokens),
        "n_prompt_tokens": _tokens(rows, rows.n_prompt_tokens),
        "flags": pa.array([flags.names(bits) for bits in rows.flags.tolist()], pa.string()),
        BYTES_FIELD.name: pa.array(rows.n_bytes, BYTES_FIELD.type, mask=rows.n_bytes <= 0),
    }
    more = {
        one.column: _finite(values_of(rows, name))
        for name, one in measures_of(rows).items()
        if one.exported and one.column not in (*columns, *BITS_COLUMNS)
    }
    return pa.table(columns | more).cast(pa.schema([*PICKS_SCHEMA, BYTES_FIELD, *map(measure_field, more)]))


def _evaluation_overlap(check: OverlapCheck | None, picks: pa.Table) -> dict:
    """Which evaluation files the rows were compared with, and how many of the picks stand in one; {} without any."""
    if check is None:
        return {}
    n_picks = sum(flags.FLAG_NAMES[flags.IN_EVALUATION] in text.split(",") for text in picks["flags"].to_pylist())
    files = [{"name": Path(file.path).name, "sha256": file.sha256, "n_rows": file.n_rows} for file in check.files]
    return {
        "evaluation_overlap": {
            "files": files, "near_duplicates": check.near, "n_selected": n_picks, "n_not_compared": check.n_new
        }
    }  # fmt: skip


# Measures that every manifest has a column for.
_SCORED = ("learnability", "base-loss", "reference-loss")


def _measured(rows: ScoreTable, measure: Measure) -> pa.Array:
    """The values of a measure; none where nothing is scored."""
    return _finite(values_of(rows, measure.name)) if rows.is_scored else pa.nulls(len(rows), pa.float64())


def _tokens(rows: ScoreTable, n_tokens: np.ndarray) -> pa.Array:
    """None where nobody has counted them."""
    return pa.array(n_tokens, pa.int32(), mask=~rows.is_counted)


def _finite(values: np.ndarray) -> pa.Array:
    return pa.array(values, pa.float64(), mask=~np.isfinite(values))


def _models(project: Project, scoring: Scoring) -> dict:
    """Names, revisions and fingerprints of what scored, and how the reference was trained; folders stay at home."""
    references = scoring.result.references
    return {
        "base": {
            "name": scoring.base.model_name,
            "fingerprint": scoring.base.models_fp,
            "revision": scoring.result.base.info.revision,
        },
        "reference": {
            "name": scoring.reference.model_name,
            "fingerprint": scoring.reference.models_fp,
            "revision": references[0].info.revision if len(references) == 1 else "",
            "folds": [model.model_fp for model in references] if len(references) > 1 else [],
            "recipe": trained_recipe(project, scoring),
        },
        **_others(scoring),
        "render_fingerprint": scoring.render_fp,
        "template": scoring.result.template,
        "max_tokens": scoring.result.max_tokens,
        "dtype": scoring.dtype,
        "refined_in_float32_by": scoring.refined_by,
    }


def _others(scoring: Scoring) -> dict:
    """The loss columns beside base and reference, of which the reference may be the mean; nothing without them."""
    others = [column for column in scoring.columns if column.name not in (BASE, REFERENCE)]
    named = {column.name: {"name": column.model_name, "fingerprint": column.models_fp} for column in others}
    return {"other_losses": named} if named else {}


_RECIPE_KEYS = (
    "method",
    "epochs",
    "epoch_chosen",
    "learning_rate",
    "schedule",
    "warmup_share",
    "weight_decay",
    "max_grad_norm",
    "optimizer",
    "seed",
    "batch_tokens",
    "lora",
    "mask_rule",
    "max_tokens",
    "n_samples_trained",
    "n_samples_held_out",
    "n_steps",
)


def trained_recipe(project: Project, scoring: Scoring) -> dict:
    """What made the reference what it is, where it was trained in this project; else empty."""
    paths = [path for one in scoring.spec.references for path in (one.adapter, one.path)]
    folder = project.models_dir / scoring.reference.model_name
    if not any(Path(path).is_relative_to(folder) for path in paths if path):
        return {}
    try:
        recipe = read_recipe(folder)
    except ModelError:
        return {}
    return {
        **{key: recipe.values[key] for key in _RECIPE_KEYS if key in recipe.values},
        "base": Path(recipe.base).name,
        "datasets": list(recipe.spec.datasets if recipe.spec else []),
        "folds": recipe.spec.folds if recipe.spec else 1,
        **({"seeds": recipe.spec.seeds} if recipe.spec and recipe.spec.seeds > 1 else {}),
    }


def _render(project: Project, scoring: Scoring, sample_ids: list[str]) -> dict:
    """How a sample became tokens: enough to make the same ones again."""
    template = scoring.result.chat_template
    return {
        "fingerprint": scoring.render_fp,
        "template": scoring.result.template,
        "template_sha256": hashlib.sha256(template.encode()).hexdigest() if template else "",
        "mask_rule": scoring.result.mask_rule or scoring.spec.render.mask_rule,
        "max_tokens": scoring.result.max_tokens,
        "truncation_side": "right",
        "chat_template": template,
        "answer_ending": answer_ending(project, scoring.render_fp, template, sample_ids),
    }


def tokens_reader(project: Project, plan: ExportPlan) -> ReadTokens:
    """Reads the scored tokens of samples from the folders of the runs; they are looked up at the first call."""

    def read(sample_ids: Sequence[str]) -> Iterator[ScoredTokens | None]:
        files = TokenFiles(project.runs_dir, plan.facts["models"].get("render_fingerprint", ""), sample_ids)
        for kept in files.read(sample_ids):
            yield ScoredTokens(kept.token_ids, kept.response_mask) if kept else None

    return read


def originals_of(project: Project, sources: tuple[SourceFile, ...]) -> dict[str, Path]:
    """The Parquet and Arrow sources that are still where they were imported from, byte for byte; path by sha256."""
    wanted = {source.sha256 for source in sources if source.container in ("parquet", "arrow")}
    if not wanted:
        return {}
    with project.store() as store:
        cursor = store.cursor()
        files = [file for of_dataset in list_files(cursor).values() for file in of_dataset]
        files += [file for _, _, file in former_files(cursor)]
    paths = [(file.file_sha256, Path(file.path)) for file in files]
    return {
        sha256: path for sha256, path in paths if sha256 in wanted and path.is_file() and file_sha256(path) == sha256
    }
