"""A project at a glance: what is imported, scored, selected and exported, and what to do next."""

import shlex
from dataclasses import asdict, dataclass
from pathlib import Path

import duckdb

from lobass_core.jobs.progress import RunState
from lobass_core.jobs.run_folder import RunFolder, list_runs
from lobass_core.project import Project
from lobass_core.store.connection import Store
from lobass_core.store.datasets import Dataset, RowCount, list_datasets, row_counts
from lobass_core.store.exports import LoggedExport, list_exports
from lobass_core.store.models import KnownModel, list_models
from lobass_core.store.scorings import Coverage, Scoring, coverage, list_scorings
from lobass_core.store.selections import SavedSelection, list_selections
from lobass_core.workflows.recent import Recent


@dataclass(frozen=True, slots=True)
class DatasetStatus:
    """One imported file; `n_scored` and `n_tokens` (response tokens of the scored rows) under the scoring shown."""

    name: str
    path: str
    format: str
    domains: tuple[str, ...]
    n_rows: int
    n_rejected: int
    n_duplicates: int
    n_scored: int
    n_tokens: int
    imported_at: str


@dataclass(frozen=True, slots=True)
class DomainStatus:
    """One domain's way through the project, in rows; None where nothing is selected, or exported, at all."""

    domain: str
    n_datasets: int
    n_rows: int
    n_scored: int
    n_tokens: int
    n_selected: int | None
    n_exported: int | None

    @property
    def n_to_score(self) -> int:
        return self.n_rows - self.n_scored


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """A model that has scored samples; `place` is "trained here", "on disk", "missing" or "hub"."""

    name: str
    part: str
    adapter: str
    path: str
    place: str
    n_losses: int
    mean_nats: float | None


@dataclass(frozen=True, slots=True)
class ScoringStatus:
    """One pair of models with the rows that both have read."""

    run_id: str
    base_name: str
    reference_name: str
    template: str
    max_tokens: int | None
    n_scored: int
    made_at: str

    @property
    def label(self) -> str:
        return f"{self.base_name} → {self.reference_name}"


@dataclass(frozen=True, slots=True)
class SelectionStatus:
    """A saved selection; `rule` is its budget and balance in words.

    `cuts` holds (domain, score of the last row that its score brought in), `threshold` the one cut of all if it is one.
    """

    name: str
    run_id: str
    method: str
    rule: str
    cuts: tuple[tuple[str, float], ...]
    threshold: float | None
    n_kept: int
    n_rows: int
    tokens_kept: int
    made_at: str


@dataclass(frozen=True, slots=True)
class ExportStatus:
    """One export as it was written."""

    selection: str
    format: str
    folder: str
    n_rows: int
    made_at: str


@dataclass(frozen=True, slots=True)
class RunStatus:
    """One run; `seconds` from start to end, None before the end."""

    run_id: str
    kind: str
    name: str
    state: RunState
    n_done: int
    n_total: int
    created_at: str
    finished_at: str | None
    message: str


@dataclass(frozen=True, slots=True)
class NextStep:
    """What to do next: a page by its name, a label for the button, and the command that does the same."""

    page: str
    label: str
    command: str


@dataclass(frozen=True, slots=True)
class ProjectStatus:
    """Everything that Overview and `lobass status` show. Counts are of imported rows.

    `scoring` is the one that scored counts refer to: the chosen or the latest; `selection` the latest made from it, and
    `export` the latest of that selection. Lists are latest first, but datasets in order of import and domains by name.
    """

    name: str
    root: str
    n_bytes: int
    revision: int
    n_rows: int
    n_rejected: int
    n_duplicates: int
    n_scored: int
    datasets: tuple[DatasetStatus, ...]
    domains: tuple[DomainStatus, ...]
    models: tuple[ModelStatus, ...]
    scoring: ScoringStatus | None
    scorings: tuple[ScoringStatus, ...]
    selection: SelectionStatus | None
    selections: tuple[SelectionStatus, ...]
    export: ExportStatus | None
    exports: tuple[ExportStatus, ...]
    runs: tuple[RunStatus, ...]
    next_step: NextStep

    @property
    def n_to_score(self) -> int:
        return self.n_rows - self.n_scored

    @property
    def changed_at(self) -> str | None:
        """ISO time of the latest event."""
        times = [item.imported_at for item in self.datasets]
        times += [item.made_at for group in (self.scorings, self.selections, self.exports) for item in group]
        times += [run.finished_at or run.created_at for run in self.runs]
        return max(times, default=None)

    def to_dict(self) -> dict:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Stored:
    """What the store says at one revision."""

    revision: int
    datasets: list[Dataset]
    rows: list[RowCount]
    models: list[KnownModel]
    scorings: list[Scoring]
    coverage: dict[int, list[Coverage]]
    selections: list[SavedSelection]
    exports: list[LoggedExport]


_stored: Recent[_Stored] = Recent(4)


def status(project: Project, run: str | None = None) -> ProjectStatus:
    """Look at the project; `run` names the scoring that scored counts refer to, else the latest one's.

    Raises:
        StoreError: the store is in use elsewhere, or damaged.
    """
    with project.store() as store:
        stored = _stored.get((project.store_path, store.revision()), lambda: _read(store))
    runs = tuple(_run_status(folder) for folder in reversed(list_runs(project.runs_dir)))
    scoring = _shown_scoring(stored.scorings, run)
    seen = {(item.dataset_id, item.domain): item for item in (stored.coverage[scoring.scoring_id] if scoring else [])}
    selection = next((item for item in stored.selections if scoring and item.scoring_id == scoring.scoring_id), None)
    export = next((item for item in stored.exports if selection and item.selection_name == selection.name), None)
    datasets = tuple(_dataset_status(item, stored.rows, seen) for item in stored.datasets)
    domains = _domain_status(stored.rows, seen, selection, export)
    return ProjectStatus(
        name=project.name,
        root=str(project.root),
        n_bytes=_disk_usage(project.root),
        revision=stored.revision,
        n_rows=sum(item.n_rows for item in datasets),
        n_rejected=sum(item.n_rejected for item in datasets),
        n_duplicates=sum(item.n_duplicates for item in datasets),
        n_scored=sum(item.n_scored for item in datasets),
        datasets=datasets,
        domains=domains,
        models=tuple(_model_status(model, project) for model in stored.models),
        scoring=_scoring_status(scoring, stored) if scoring else None,
        scorings=tuple(_scoring_status(item, stored) for item in stored.scorings),
        selection=_selection_status(selection, stored.scorings) if selection else None,
        selections=tuple(_selection_status(item, stored.scorings) for item in stored.selections),
        export=_export_status(export) if export else None,
        exports=tuple(_export_status(item) for item in stored.exports),
        runs=runs,
        next_step=_next_step(project, scoring, domains, selection, export, runs),
    )


def _read(store: Store) -> _Stored:
    cursor: duckdb.DuckDBPyConnection = store.cursor()
    scorings = list_scorings(cursor)
    return _Stored(
        revision=store.revision(),
        datasets=list_datasets(cursor),
        rows=row_counts(cursor),
        models=list_models(cursor),
        scorings=scorings,
        coverage={scoring.scoring_id: coverage(cursor, scoring) for scoring in scorings},
        selections=list_selections(cursor),
        exports=list_exports(cursor),
    )


def _shown_scoring(scorings: list[Scoring], run: str | None) -> Scoring | None:
    return next((scoring for scoring in scorings if scoring.run_id == run), scorings[0] if scorings else None)


def _dataset_status(dataset: Dataset, rows: list[RowCount], seen: dict[tuple[int, str], Coverage]) -> DatasetStatus:
    own = [item for item in rows if item.dataset_id == dataset.dataset_id]
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
    )


def _domain_status(
    rows: list[RowCount],
    seen: dict[tuple[int, str], Coverage],
    selection: SavedSelection | None,
    export: LoggedExport | None,
) -> tuple[DomainStatus, ...]:
    selected = _got(selection.result.get("domains")) if selection else None
    exported = _exported(export) if export else None
    found = []
    for domain in sorted({item.domain for item in rows}):
        own = [item for item in rows if item.domain == domain]
        scored = [item for (_, name), item in seen.items() if name == domain]
        found.append(
            DomainStatus(
                domain=domain,
                n_datasets=len(own),
                n_rows=sum(item.n_rows for item in own),
                n_scored=sum(item.n_scored for item in scored),
                n_tokens=sum(item.n_tokens for item in scored),
                n_selected=None if selected is None else selected.get(domain, 0),
                n_exported=None if exported is None else exported.get(domain, 0),
            )
        )
    return tuple(found)


def _got(shares: list[dict] | None) -> dict[str, int]:
    return {share["domain"]: share["got"] for share in shares or []}


def _exported(export: LoggedExport) -> dict[str, int] | None:
    """Rows written by domain; None where rows did not fit the format, for the log does not say which."""
    got = _got(export.manifest.get("selection", {}).get("domains"))
    return got if sum(got.values()) == export.n_rows else None


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
    if folder.is_relative_to(project.models_dir) and folder.is_dir():
        return "trained here"
    if folder.is_dir():
        return "on disk"
    return "missing" if folder.is_absolute() else "hub"


def _scoring_status(scoring: Scoring, stored: _Stored) -> ScoringStatus:
    return ScoringStatus(
        run_id=scoring.run_id,
        base_name=scoring.base_name,
        reference_name=scoring.reference_name,
        template=scoring.result.get("template", ""),
        max_tokens=scoring.result.get("max_tokens"),
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
        tokens_kept=selection.tokens_kept,
        made_at=selection.made_at,
    )


def _export_status(export: LoggedExport) -> ExportStatus:
    return ExportStatus(export.selection_name, export.format, export.folder, export.n_rows, export.made_at)


def rule_in_words(spec: dict) -> str:
    """A selection's budget, balance and method as a person would say them: "6 %, natural", "5,000 rows, equal"."""
    value, budget = spec.get("value", 0), spec.get("budget")
    amount = {
        "ratio": f"{value * 100:.4g} %",
        "samples": f"{value:,.0f} rows",
        "tokens": f"{value:,.0f} response tokens",
        "threshold": f"≥ {value:.4g}",
    }.get(str(budget), str(value))
    weights = " / ".join(f"{domain} {weight:g}" for domain, weight in spec.get("weights", []))
    method = spec.get("method", "learnability")
    parts = [amount, weights or spec.get("balance", ""), "" if method == "learnability" else f"by {method}"]
    return ", ".join(part for part in parts if part)


def _run_status(run: RunFolder) -> RunStatus:
    progress = run.read_progress()
    return RunStatus(
        run_id=run.run_id,
        kind=run.kind,
        name=_run_name(run.spec),
        state=run.state(),
        n_done=progress.n_done,
        n_total=progress.n_total,
        created_at=run.created_at,
        finished_at=progress.finished_at,
        message=progress.error.what if progress.error else progress.message,
    )


def _run_name(spec: dict) -> str:
    base = Path(str((spec.get("base") or {}).get("path", ""))).name
    reference = spec.get("reference_name") or spec.get("name", "")
    return f"{base} → {reference}" if base and reference else base or reference


def _disk_usage(root: Path) -> int:
    total = 0
    for path in root.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:
            continue  # a worker has just renamed it
    return total


def _next_step(
    project: Project,
    scoring: Scoring | None,
    domains: tuple[DomainStatus, ...],
    selection: SavedSelection | None,
    export: LoggedExport | None,
    runs: tuple[RunStatus, ...],
) -> NextStep:
    root = shlex.quote(str(project.root))
    if not domains:
        return NextStep("import", "Import a file", f"lobass import FILE --project {root} --domain NAME")
    work = next((run for run in runs if run.kind in ("score", "train_reference")), None)
    if work and work.state in ("running", "queued"):
        return NextStep("score", f"Watch run {work.run_id}", f"lobass runs --project {root}")
    if work and work.kind == "score" and work.state in ("failed", "interrupted", "cancelled"):
        return NextStep("score", f"Resume run {work.run_id}", f"lobass score --project {root} --resume {work.run_id}")
    to_do = [domain for domain in domains if domain.n_to_score]
    if to_do:
        n = sum(domain.n_to_score for domain in to_do)
        of = f"{to_do[0].domain} " if len(to_do) == 1 and len(domains) > 1 else ""
        models = _model_options(project, scoring)
        return NextStep("score", f"Score {n:,} {of}rows", f"lobass score --project {root} {models}")
    if selection is None:
        return NextStep("select", "Select rows", f"lobass select --project {root} --ratio 0.06 --name paper-6")
    if export is None:
        name = shlex.quote(selection.name)
        command = f"lobass export --project {root} --selection {name} --to FOLDER --format messages"
        return NextStep("export", f"Export {selection.name}", command)
    return NextStep("select", "Move the cut", f"lobass select --project {root} --ratio 0.06 --name NAME")


def _model_options(project: Project, scoring: Scoring | None) -> str:
    if scoring is None:
        return "--base MODEL --reference MODEL"
    spec = scoring.spec
    model = spec["references"][0]
    reference = spec.get("reference_name", "")
    adapter = ""
    if not (reference and (project.models_dir / reference).is_dir()):
        reference = model.get("adapter") or model["path"]
        adapter = " --adapter" if model.get("adapter") else ""
    return f"--base {shlex.quote(spec['base']['path'])} --reference {shlex.quote(reference)}{adapter}"
