"""The order of an export's rows, which of them are set aside for validation, and whether they have weights."""

from dataclasses import replace

import numpy as np
import pyarrow as pa

from lobass_core.exporting.plan import SPLIT_FIELD, ExportPlan
from lobass_core.exporting.validation_split import validation_rows
from lobass_core.project import Project
from lobass_core.records import turns_from_json
from lobass_core.specs import ExportSpec
from lobass_core.store.chosen_records import kinds_and_turns


def arranged(project: Project, plan: ExportPlan, spec: ExportSpec) -> ExportPlan:
    """The plan with the order, the validation split and the weights that the settings ask for.

    Raises:
        ExportError: the split would leave one side without a row.
    """
    picks = plan.picks
    if spec.validation:
        splits = np.where(_set_aside(project, plan, spec), "validation", "train")
        picks = picks.append_column(SPLIT_FIELD, pa.array(splits.tolist(), SPLIT_FIELD.type))
    if spec.order == "rank":
        picks = picks.sort_by("rank")
    return replace(
        plan, picks=picks, order=spec.order, validation=spec.validation, seed=spec.seed, weighted=spec.weight
    )


def _set_aside(project: Project, plan: ExportPlan, spec: ExportSpec) -> np.ndarray:
    sample_ids = plan.picks["sample_id"].to_pylist()
    with project.store() as store:
        found = kinds_and_turns(store.cursor(), sample_ids)
    texts = ["\n".join(turn.content for turn in turns_from_json(turns)) for turns in found["turns"].to_pylist()]
    return validation_rows(sample_ids, texts, found["kind"].to_pylist(), spec.validation, spec.seed)
