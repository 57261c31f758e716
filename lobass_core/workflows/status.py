"""A project at a glance: what is imported, scored, selected and exported, and what to do next."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from lobass_core.learnability.measures import BUILT_IN
from lobass_core.project import Project
from lobass_core.store.connection import Store
from lobass_core.store.datasets import Dataset, RowCount, find_dataset, list_datasets, row_counts
from lobass_core.store.domain_changes import DomainChange, list_domain_changes
from lobass_core.store.exports import LoggedExport, list_exports
from lobass_core.store.models import KnownModel, list_models
from lobass_core.store.reread import SCORE_AGAIN
from lobass_core.store.reread_losses import reread_rows_lack_losses
from lobass_core.store.score_columns import StoredColumn, column_counts, list_columns
from lobass_core.store.scored_rows import Coverage, coverage
from lobass_core.store.scorings import Scoring, list_scorings
from lobass_core.store.selections import NO_SCORING, SavedSelection, list_selections, picked_rows
from lobass_core.store.updates import LoggedUpdate, list_updates
from lobass_core.store.upgrade import Upgrade, list_upgrades
from lobass_core.words.plural import plural
from lobass_core.workflows.column_status import Counts, as_coverage, column_status, of_datasets
from lobass_core.workflows.next_step import next_step
from lobass_core.workflows.project_status import (
    DatasetChange,
    DatasetStatus,
    DomainStatus,
    ExportStatus,
    ModelStatus,
    ProjectStatus,
    ScoringStatus,
    SelectionStatus,
    UpgradeStatus,
)
from lobass_core.workflows.recent import Recent
from lobass_core.workflows.resumable import is_gone
from lobass_core.workflows.runs import list_runs


@dataclass(frozen=True, slots=True)
class _Stored:
    """What the store says at one revision."""

    revision: str
    datasets: list[Dataset]
    rows: list[RowCount]
    models: list[KnownModel]
    scorings: list[Scoring]
    coverage: dict[int, list[Coverage]]
    selections: list[SavedSelection]
    picked: dict[int, Counts]
    exports: list[LoggedExport]
    upgrades: list[Upgrade]
    lacking: set[int]  # scorings in which rows that an upgrade has read again lack losses
    columns: list[StoredColumn]
    column_counts: dict[str, Counts]
    updates: list[LoggedUpdate]
    domain_changes: list[DomainChange]


_stored: Recent[_Stored] = Recent(4)


def status(project: Project, run: str | None = None, datasets: Sequence[str] = ()) -> ProjectStatus:
    """Look at the project; `run` names the scoring that scored counts refer to, else it is the latest one.

    `datasets` narrows the counts of rows to theirs (all when empty); selections and exports are listed as they are.

    Raises:
        StoreError: the store is in use elsewhere, or damaged.
        RequestError: no such dataset.
    """
    with project.store() as store:
        for name in datasets:
            find_dataset(store.cursor(), name)
        stored = _stored.get((project.store_path, store.revision()), lambda: _read(store))
    stored = _within(stored, datasets)
    runs = tuple(list_runs(project))
    scoring = _shown_scoring(stored.scorings, run)
    measure = "learnability" if scoring or not stored.columns else stored.columns[0].name
    scored = stored.coverage[scoring.scoring_id] if scoring else as_coverage(stored.column_counts.get(measure, {}))
    seen = {(item.dataset_id, item.domain): item for item in scored}
    made_from = scoring.scoring_id if scoring else NO_SCORING
    selection = next((item for item in stored.selections if item.scoring_id == made_from), None)
    export = next((item for item in stored.exports if selection and item.selection_name == selection.name), None)
    shown = tuple(_dataset_status(item, stored, seen) for item in stored.datasets)
    # The log of an export says how many rows of each domain, not of each dataset.
    domains = _domain_status(stored.rows, seen, selection, None if datasets else export, stored.picked)
    return ProjectStatus(
        name=project.name,
        root=str(project.root),
        n_bytes=_disk_usage(project.root),
        revision=stored.revision,
        n_rows=sum(item.n_rows for item in shown),
        n_rejected=sum(item.n_rejected for item in shown),
        n_duplicates=sum(item.n_duplicates for item in shown),
        n_scored=sum(item.n_scored for item in shown),
        datasets=shown,
        domains=domains,
        models=tuple(_model_status(model, project) for model in stored.models),
        scoring=_scoring_status(scoring, stored) if scoring else None,
        scorings=tuple(_scoring_status(item, stored) for item in stored.scorings),
        selection=_selection_status(selection, stored.scorings) if selection else None,
        selections=tuple(_selection_status(item, stored.scorings) for item in stored.selections),
        export=_export_status(export) if export else None,
        exports=tuple(_export_status(item) for item in stored.exports),
        runs=runs,
        next_step=next_step(project, scoring, domains, selection, export, runs, datasets, measure),
        upgrade=_upgrade_status(stored, scoring),
        read_only=project.is_read_only,
        columns=tuple(column_status(item, stored.column_counts) for item in stored.columns),
        measure=measure,
    )


def _read(store: Store) -> _Stored:
    cursor: duckdb.DuckDBPyConnection = store.cursor()
    scorings, upgrades = list_scorings(cursor), list_upgrades(cursor, store.path.parent)
    counts = column_counts(cursor)
    return _Stored(
        revision=store.revision(),
        datasets=list_datasets(cursor),
        rows=row_counts(cursor),
        models=list_models(cursor),
        scorings=scorings,
        coverage={scoring.scoring_id: coverage(cursor, scoring) for scoring in scorings},
        selections=list_selections(cursor),
        picked=picked_rows(cursor),
        exports=list_exports(cursor),
        upgrades=upgrades,
        lacking={one.scoring_id for one in scorings if upgrades and reread_rows_lack_losses(cursor, one)},
        columns=list_columns(cursor, counts),
        column_counts=counts,
        updates=list_updates(cursor),
        domain_changes=list_domain_changes(cursor),
    )


def _within(stored: _Stored, datasets: Sequence[str]) -> _Stored:
    """The same with the rows of these datasets alone."""
    if not datasets:
        return stored
    kept = [item for item in stored.datasets if item.name in datasets]
    ids = {item.dataset_id for item in kept}
    return replace(
        stored,
        datasets=kept,
        rows=[item for item in stored.rows if item.dataset_id in ids],
        coverage={key: [one for one in parts if one.dataset_id in ids] for key, parts in stored.coverage.items()},
        picked=of_datasets(stored.picked, ids),
        column_counts=of_datasets(stored.column_counts, ids),
    )


def _upgrade_status(stored: _Stored, scoring: Scoring | None) -> UpgradeStatus | None:
    is_scored = scoring is not None and scoring.scoring_id not in stored.lacking
    for item in stored.upgrades:
        if item.copy.is_file():
            n_bytes = item.copy.stat().st_size
            notes = tuple(note.removesuffix(f" {SCORE_AGAIN}") if is_scored else note for note in item.notes)
            return UpgradeStatus(item.from_version, item.to_version, item.made_at, str(item.copy), n_bytes, notes)
    return None


def _shown_scoring(scorings: list[Scoring], run: str | None) -> Scoring | None:
    return next((scoring for scoring in scorings if scoring.run_id == run), scorings[0] if scorings else None)


def _dataset_status(dataset: Dataset, stored: _Stored, seen: dict[tuple[int, str], Coverage]) -> DatasetStatus:
    own = [item for item in stored.rows if item.dataset_id == dataset.dataset_id]
    scored = [item for (dataset_id, _), item in seen.items() if dataset_id == dataset.dataset_id]
    return DatasetStatus(
        name=dataset.name,
        path=dataset.path,
        format=dataset.format,
        domains=tuple(item.domain for item in own),
        n_rows=sum(item.n_rows for item in own),
        n_rejected=dataset.n_rejected,
        n_duplicates=sum(item.n_duplicates for item in own),
        n_scored=sum(item.n_scored for item in scored),
        n_tokens=sum(item.n_tokens for item in scored),
        imported_at=dataset.imported_at,
        changes=_changes(dataset.dataset_id, stored),
    )


def _changes(dataset_id: int, stored: _Stored) -> tuple[DatasetChange, ...]:
    changes = [
        DatasetChange("update", f"updated: {one.words}", one.made_at, one.made_by, one.undone_at)
        for one in stored.updates
        if one.dataset_id == dataset_id
    ]
    for change in stored.domain_changes:
        if change.dataset_id == dataset_id:
            what = f"domain: {change.spec.words} ({plural(change.n_rows, 'row')})"
            changes.append(DatasetChange("domain", what, change.made_at, change.made_by, change.undone_at))
    return tuple(sorted(changes, key=lambda change: change.made_at))


def _domain_status(
    rows: list[RowCount],
    seen: dict[tuple[int, str], Coverage],
    selection: SavedSelection | None,
    export: LoggedExport | None,
    picked: dict[int, Counts],
) -> tuple[DomainStatus, ...]:
    selected = picked.get(selection.selection_id, {}) if selection else None
    names = {item.domain for item in rows}
    exported = _exported(export, names) if export else None
    statuses = []
    for domain in sorted(names):
        own = [item for item in rows if item.domain == domain]
        scored = [item for (_, name), item in seen.items() if name == domain]
        statuses.append(
            DomainStatus(
                domain=domain,
                n_datasets=len(own),
                n_rows=sum(item.n_rows for item in own),
                n_scored=sum(item.n_scored for item in scored),
                n_tokens=sum(item.n_tokens for item in scored),
                n_selected=None if selected is None else sum(n for (_, name), n in selected.items() if name == domain),
                n_exported=None if exported is None else exported.get(domain, 0),
            )
        )
    return tuple(statuses)


def _got(shares: list[dict] | None) -> dict[str, int]:
    return {share["domain"]: share["got"] for share in shares or []}


def _exported(export: LoggedExport, domains: set[str]) -> dict[str, int] | None:
    """Rows written by domain; None where the log does not say: rows did not fit the format, or domains were renamed."""
    got = _got(export.manifest.get("selection", {}).get("domains"))
    return got if sum(got.values()) == export.n_rows and domains.issuperset(got) else None


def _model_status(model: KnownModel, project: Project) -> ModelStatus:
    return ModelStatus(
        name=model.name,
        part=model.part,
        adapter=model.adapter,
        path=model.path,
        place=_place(model.adapter or model.path, project),
        n_losses=model.n_losses,
        mean_nats=model.mean_nats,
    )


def _place(path: str, project: Project) -> str:
    if not path:
        return "missing"
    folder = Path(path).expanduser()
    if is_gone(path):
        return "missing"
    if folder.is_relative_to(project.models_dir) and folder.is_dir():
        return "trained here"
    if folder.is_dir():
        return "on disk"
    return "on disk" if folder.is_absolute() else "hub"


def _scoring_status(scoring: Scoring, stored: _Stored) -> ScoringStatus:
    return ScoringStatus(
        run_id=scoring.run_id,
        base_name=scoring.base.model_name,
        reference_name=scoring.reference.model_name,
        template=scoring.result.template,
        max_tokens=scoring.result.max_tokens or None,
        n_scored=sum(item.n_scored for item in stored.coverage[scoring.scoring_id]),
        made_at=scoring.made_at,
    )


def _selection_status(selection: SavedSelection, scorings: list[Scoring]) -> SelectionStatus:
    shares = selection.result.get("domains", [])
    cuts = tuple((share["domain"], share["threshold"]) for share in shares if share.get("threshold") is not None)
    common = {cut for _, cut in cuts}
    return SelectionStatus(
        name=selection.name,
        run_id=next((item.run_id for item in scorings if item.scoring_id == selection.scoring_id), ""),
        method=selection.spec.get("method", "learnability"),
        rule=rule_in_words(selection.spec),
        cuts=cuts,
        threshold=common.pop() if len(common) == 1 else None,
        n_kept=selection.n_kept,
        n_rows=selection.result.get("n_rows", 0),
        tokens_kept=selection.known_tokens,
        made_at=selection.made_at,
        n_gone=selection.n_gone,
    )


def _export_status(export: LoggedExport) -> ExportStatus:
    return ExportStatus(export.selection_name, export.format, export.folder, export.n_rows, export.made_at)


def rule_in_words(spec: dict) -> str:
    """A selection's budget, balance and method as a person would say them: "6 %, natural", "5,000 rows, equal"."""
    value, budget, method = spec.get("value", 0), spec.get("budget"), spec.get("method", "learnability")
    amount = {
        "ratio": f"{value * 100:.4g} %",
        "samples": f"{value:,.0f} rows",
        "tokens": f"{value:,.0f} response tokens",
        # Of a score column the lowest may be the best.
        "threshold": f"{'≥' if method in BUILT_IN else 'cut at'} {value:.4g}",
    }.get(str(budget), str(value))
    weights = " / ".join(f"{domain} {weight:g}" for domain, weight in spec.get("weights", []))
    parts = [amount, weights or spec.get("balance", ""), "" if method == "learnability" else f"by {method}"]
    return ", ".join(part for part in parts if part)


def _disk_usage(root: Path) -> int:
    total = 0
    for path in root.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:
            continue  # a worker has just renamed it
    return total
