"""The parts of `ProjectStatus`, which Overview and `lobass status` show."""

from dataclasses import asdict, dataclass
from typing import Literal

from lobass_core.jobs.progress import RunState


@dataclass(frozen=True, slots=True)
class DatasetChange:
    """What was done to a dataset after its import: `kind` is "update" or "domain", `what` says it in words.

    `undone_at` is None while it stands; `made_by` is the user of the machine, where it knew one.
    """

    kind: Literal["update", "domain"]
    what: str
    made_at: str
    made_by: str
    undone_at: str | None


@dataclass(frozen=True, slots=True)
class DatasetStatus:
    """One imported file; `n_scored` and `n_tokens` (response tokens of the scored rows) under the scoring shown.

    `changes` is the log of what was done to it since, oldest first.
    """

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
    changes: tuple[DatasetChange, ...] = ()


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
class ColumnStatus:
    """A score column with the rows that have a value; `source` names its files."""

    name: str
    unit: str
    higher_is_better: bool
    source: str
    n_rows: int
    made_at: str
    made_by: str


@dataclass(frozen=True, slots=True)
class SelectionStatus:
    """A saved selection; `rule` is its budget and balance in words.

    `n_gone` of the `n_kept` rows have left the project with updates of their datasets. `tokens_kept` is None where the
    response tokens of some row were not counted.
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
    tokens_kept: int | None
    made_at: str
    n_gone: int = 0


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
    """One run; `can_resume` where it stopped and a resume can work. `started_at` is of the last start."""

    run_id: str
    kind: str
    name: str
    state: RunState
    n_done: int
    n_total: int
    created_at: str
    finished_at: str | None
    message: str
    can_resume: bool = False
    started_at: str | None = None


@dataclass(frozen=True, slots=True)
class NextStep:
    """What to do next: a page by its name, a label for the button, and the command that does the same."""

    page: str
    label: str
    command: str


@dataclass(frozen=True, slots=True)
class UpgradeStatus:
    """The store was brought to this version of LoBaSS; the file `copy` still holds what it was before."""

    from_version: int
    to_version: int
    made_at: str
    copy: str
    n_bytes: int
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProjectStatus:
    """Everything that Overview and `lobass status` show. Counts are of imported rows.

    `scoring` is the one that scored counts refer to: the chosen or the latest; where nothing is scored they count the
    values of the first score column. `measure` is what they are scores of: learnability, or that column.

    `selection` is the latest made from it, `export` the latest of that selection, and `upgrade` the latest whose copy
    of the store has not been deleted. Lists are latest first, but datasets in order of import, domains and score
    columns by name.
    """

    name: str
    root: str
    n_bytes: int
    revision: str
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
    upgrade: UpgradeStatus | None = None
    read_only: bool = False
    columns: tuple[ColumnStatus, ...] = ()
    measure: str = "learnability"

    @property
    def n_to_score(self) -> int:
        return self.n_rows - self.n_scored

    @property
    def higher_is_better(self) -> bool:
        """Which end of `measure` a selection keeps."""
        return next((one.higher_is_better for one in self.columns if one.name == self.measure), True)

    @property
    def changed_at(self) -> str | None:
        """ISO time of the latest event."""
        times = [item.imported_at for item in self.datasets]
        times += [change.undone_at or change.made_at for item in self.datasets for change in item.changes]
        times += [
            item.made_at for group in (self.scorings, self.columns, self.selections, self.exports) for item in group
        ]
        times += [run.finished_at or run.created_at for run in self.runs]
        return max(times, default=None)

    def to_dict(self) -> dict:
        return asdict(self)
