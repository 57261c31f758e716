"""How far a scoring can be trusted, from what is there already: nothing is trained, no model is loaded."""

from collections.abc import Hashable
from dataclasses import asdict, dataclass, replace

import numpy as np

from lobass_core.errors import SelectionError
from lobass_core.learnability.measure_values import measure_of, values_of
from lobass_core.learnability.score_table import ScoreTable
from lobass_core.project import Project
from lobass_core.records import BASE, REFERENCE
from lobass_core.selection.order import usual_gates
from lobass_core.specs import SelectionSpec
from lobass_core.store.connection import Store
from lobass_core.store.overlaps import OverlapCheck
from lobass_core.store.response_steps import response_steps
from lobass_core.validation.arms import BAND_QUANTILE
from lobass_core.validation.diagnosis import (
    LengthDependence,
    Lengths,
    LengthTenth,
    Oddity,
    length_dependence,
    length_tenths,
    oddities,
)
from lobass_core.validation.stability import CutStability, ReferenceStability
from lobass_core.validation.training_effects import CopyEffect, InSampleEffect, OrderEffect
from lobass_core.workflows import stability, training_effects
from lobass_core.workflows.costs import cost_of_selection
from lobass_core.workflows.cut import Cut, kept_rows, open_cut
from lobass_core.workflows.either_way import EitherWay, rows_either_way
from lobass_core.workflows.latest_overlap import latest_overlap
from lobass_core.workflows.planted_report import PlantedReport, latest_report
from lobass_core.workflows.recent import Recent
from lobass_core.workflows.scored import Scored, list_scorings, scored
from lobass_core.workflows.select import load, picks

# Near duplicates of so many rows are looked for unasked: about two seconds.
MOST_ROWS_UNASKED = 20_000
_diagnoses: Recent["Diagnosis"] = Recent(8)
_steps: Recent[np.ndarray] = Recent(2)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Findings on one scoring, and on what a selection keeps of it.

    `selection` is the name of a saved one, empty for the one that `spec` describes. `oddities` are of all imported
    rows, scored or not. `lengths` are about the measure `ranked_by`, without steps where they were not asked for.
    `copies` is empty where near duplicates were not looked for, as `looked_for_copies` says.
    `base_loss_limit` is where a band of base loss would end. `run_option` names the run to a command, where there are
    several scorings. `training_known`: whether the reference was trained on these rows ("in-sample"), on other folds
    of them ("cross-fitted"), or nobody knows ("").
    """

    run_id: str
    run_option: tuple[str, ...]
    base: str
    n_rows: int
    n_kept: int
    selection: str
    spec: SelectionSpec
    ranked_by: str
    measure: str
    lengths: tuple[LengthDependence, ...]
    tenths: tuple[LengthTenth, ...]
    oddities: tuple[Oddity, ...]
    cuts: tuple[CutStability, ...]
    either_way: EitherWay | None
    references: tuple[ReferenceStability, ...]
    base_loss_limit: float | None
    training_known: str
    in_sample: tuple[InSampleEffect, ...]
    other_run: str
    order: tuple[OrderEffect, ...]
    copies: tuple[CopyEffect, ...]
    looked_for_copies: bool
    overlap: OverlapCheck | None
    planted: PlantedReport | None
    cost: str

    @property
    def kept(self) -> tuple[float, ...]:
        """The share kept of each tenth of response lengths, shortest first."""
        return tuple(one.share_kept for one in self.tenths)

    @property
    def words(self) -> str:
        """The selection, as a sentence names it."""
        if self.selection:
            return self.selection
        amounts = {
            "ratio": f"the best {100 * self.spec.value:.4g} %",
            "samples": f"the best {self.spec.value:,.0f} rows",
            "tokens": f"the best {self.spec.value:,.0f} response tokens",
            "threshold": f"all rows from {self.spec.value:.4g}",
        }
        by = "" if self.spec.method == "learnability" else f" by {self.measure}"
        return f"{amounts[self.spec.budget]}{by}"

    def to_dict(self) -> dict:
        return {**asdict(self), "kept": self.kept, "sentences": [one.sentence for one in self.lengths]}


def diagnose(
    project: Project,
    run: str | None = None,
    selection: str = "",
    *,
    spec: SelectionSpec | None = None,
    near_duplicates: bool | None = None,
    steps: bool = True,
) -> Diagnosis:
    """Look at the scores of a run, and at what a saved selection, or that of `spec` (the paper's 6 %), keeps of them.

    `near_duplicates` None looks for them among up to 20,000 rows. `steps` counts those of each response, which reads
    all texts: no finding needs them. Kept until the project changes.

    Raises:
        SelectionError: nothing is scored, several scorings and no `run`, or no such selection.
    """
    rows = scored(project, run)
    if selection:
        spec = load(project, selection)[1]
    asked = spec or replace(SelectionSpec(), gates=usual_gates("learnability"))
    copies = len(rows.table) <= MOST_ROWS_UNASKED if near_duplicates is None else near_duplicates
    planted = latest_report(project, rows)
    key = (*rows.key, selection, asked, copies, planted and planted.run_id)
    quick = _diagnoses.get(key, lambda: _diagnose(project, rows, selection, asked, copies, planted))
    if not steps:
        return quick
    return _diagnoses.get((key, "steps"), lambda: _with_steps(project, rows, quick))


def steps_are_counted(project: Project) -> bool:
    """Whether a diagnosis with the steps of each response is as quick as one without."""
    with project.store() as store:
        return _steps.has(_texts_of(project, store))


def _texts_of(project: Project, store: Store) -> Hashable:
    # A decision changes no text.
    return project.store_path, store.content()


def _with_steps(project: Project, rows: Scored, quick: Diagnosis) -> Diagnosis:
    table = rows.table
    with project.store() as store:
        n_steps = _steps.get(_texts_of(project, store), lambda: response_steps(store.cursor(), table.sample_key))
    return replace(quick, lengths=_lengths(table, quick.ranked_by, quick.spec.seed, n_steps))


def _lengths(
    table: ScoreTable, measure: str, seed: int, n_steps: np.ndarray | None = None
) -> tuple[LengthDependence, ...]:
    usable = _usable(table)
    drop = (table.losses[BASE] - table.losses[REFERENCE])[usable]
    lengths = Lengths(table.n_tokens, table.n_prompt_tokens, n_steps).of(usable)
    score = values_of(table, measure, seed)[usable]
    return tuple(length_dependence(table.domains, table.domain_code[usable], score, drop, lengths))


def _usable(table: ScoreTable) -> np.ndarray:
    """bool[n]: rows with both losses."""
    return np.isfinite(table.losses[BASE]) & np.isfinite(table.losses[REFERENCE]) & (table.n_tokens > 0)


def _diagnose(
    project: Project,
    rows: Scored,
    selection: str,
    spec: SelectionSpec,
    look_for_copies: bool,
    planted: PlantedReport | None,
) -> Diagnosis:
    table = rows.table
    cut = _cut(project, rows, spec)
    is_kept = np.zeros(len(table), bool)
    if selection:
        is_kept = np.isin(table.row_key, picks(project, selection)["row_key"].to_numpy())
    elif cut is not None:
        is_kept[kept_rows(cut)] = True
    base, usable = table.losses[BASE], _usable(table)
    method = spec.method if cut is not None else "learnability"
    share = float(is_kept[usable].mean()) if usable.any() and is_kept.any() else SelectionSpec().value
    cost = cost_of_selection(project, rows, share)
    other, in_sample = training_effects.beside_another(project, rows, share)
    return Diagnosis(
        run_id=rows.need_scoring().run_id,
        run_option=("--run", rows.need_scoring().run_id) if len(list_scorings(project)) > 1 else (),
        base=rows.need_scoring().spec.base.path,
        n_rows=int(usable.sum()),
        n_kept=int(is_kept.sum()),
        selection=selection,
        spec=spec,
        ranked_by=method,
        measure=measure_of(table, method).label,
        lengths=_lengths(table, method, spec.seed),
        tenths=tuple(length_tenths(table.n_tokens[usable], is_kept[usable])) if is_kept.any() else (),
        oddities=tuple(oddities(table.flags, is_kept)),
        cuts=stability.of_cuts(cut),
        either_way=rows_either_way(project, cut),
        references=stability.of_references(cut),
        base_loss_limit=float(np.quantile(base[usable], BAND_QUANTILE)) if usable.any() else None,
        training_known=training_effects.training_known(project, rows.need_scoring()),
        in_sample=in_sample,
        other_run=other,
        order=training_effects.of_order(project, rows),
        copies=training_effects.of_copies(project, rows) if look_for_copies else (),
        looked_for_copies=look_for_copies,
        overlap=latest_overlap(project),
        planted=planted,
        cost=f"{cost.sentence} {cost.time_sentence}",
    )


def _cut(project: Project, rows: Scored, spec: SelectionSpec) -> Cut | None:
    """The selection over these scores; None where they do not have what it needs, as another scoring's spec may."""
    try:
        return open_cut(project, spec, rows.need_scoring().run_id)
    except SelectionError:
        return None
