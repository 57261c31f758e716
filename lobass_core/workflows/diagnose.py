"""What a scoring shows without any training: how the score follows length, and what it costs."""

from dataclasses import asdict, dataclass

import numpy as np

from lobass_core.learnability.score_table import BASE, REFERENCE
from lobass_core.project import Project
from lobass_core.specs import SelectionSpec
from lobass_core.store.selections import find_selection, selection_picks
from lobass_core.validation.diagnosis import (
    LengthDependence,
    Oddity,
    cost_sentence,
    kept_by_tenth,
    length_dependence,
    oddities,
)
from lobass_core.workflows.explore import scored
from lobass_core.workflows.recipes import RECIPE, read_recipe

# As Alpaca is trained, and the paper's subsets of it.
TRAINING_EPOCHS = 3


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Findings on one scoring; `kept` is the share kept of each tenth of response lengths by the named selection."""

    run_id: str
    n_rows: int
    lengths: tuple[LengthDependence, ...]
    cost: str
    selection: str = ""
    kept: tuple[float, ...] = ()
    oddities: tuple[Oddity, ...] = ()

    def to_dict(self) -> dict:
        return {**asdict(self), "sentences": [one.sentence for one in self.lengths]}


def diagnose(project: Project, run: str | None = None, selection: str = "") -> Diagnosis:
    """Look at the scores of a run, and at what a saved selection keeps of them.

    `oddities` are of all imported rows, scored or not.

    Raises:
        SelectionError: nothing is scored, several scorings and no `run`, or no such selection.
    """
    rows = scored(project, run)
    table = rows.table
    domains = np.array(table.domains)[table.domain_code]
    usable = np.isfinite(table.losses[BASE]) & np.isfinite(table.losses[REFERENCE]) & (table.n_tokens > 0)
    is_kept = np.zeros(len(table), bool)
    if selection:
        with project.store() as store:
            cursor = store.cursor()
            picks = selection_picks(cursor, find_selection(cursor, selection).selection_id)
        is_kept = np.isin(table.row_key, picks["row_key"].to_numpy())
    share = float(is_kept[usable].mean()) if selection and usable.any() else SelectionSpec().value
    epochs, folds = _reference(project, rows.scoring.reference.model_name)
    return Diagnosis(
        run_id=rows.scoring.run_id,
        n_rows=int(usable.sum()),
        lengths=tuple(
            length_dependence(
                domains[usable],
                table.losses[BASE][usable],
                table.losses[REFERENCE][usable],
                table.n_tokens[usable],
                table.n_prompt_tokens[usable],
            )
        ),
        cost=cost_sentence(share, TRAINING_EPOCHS, epochs, folds),
        selection=selection,
        kept=tuple(kept_by_tenth(table.n_tokens[usable], is_kept[usable])) if selection else (),
        oddities=tuple(oddities(table.flags, is_kept)),
    )


def _reference(project: Project, name: str) -> tuple[float, int]:
    """Epochs and folds of a reference that was trained here; of another one, none: it was there already."""
    folder = project.models_dir / name
    if not (folder / RECIPE).is_file():
        return 0.0, 1
    spec = read_recipe(folder).spec
    return (spec.epochs, spec.folds) if spec else (0.0, 1)
