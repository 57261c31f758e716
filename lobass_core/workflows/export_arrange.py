"""The order of an export's rows, its validation split, and its weights."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from lobass_core.exporting.plan import SPLIT_FIELD, ExportPlan
from lobass_core.exporting.validation_split import validation_rows
from lobass_core.project import Project
from lobass_core.records import turns_from_json
from lobass_core.similarity.near_duplicates import duplicate_groups
from lobass_core.specs import ExportSpec
from lobass_core.store.chosen_records import kinds_and_turns


@dataclass(frozen=True, slots=True, eq=False)
class NearDuplicates:
    """The kind of each pick, and the group of near duplicates that it is in."""

    kinds: list[str]
    groups: np.ndarray


def find_near_duplicates(project: Project, plan: ExportPlan) -> NearDuplicates:
    """Look for near duplicates among the picks; it takes a second for some 5,000 rows."""
    with project.store() as store:
        samples = kinds_and_turns(store.cursor(), plan.picks["sample_id"].to_pylist())
    texts = ["\n".join(turn.content for turn in turns_from_json(turns)) for turns in samples["turns"].to_pylist()]
    return NearDuplicates(samples["kind"].to_pylist(), duplicate_groups(texts))


def arranged(plan: ExportPlan, spec: ExportSpec, find_groups: Callable[[], NearDuplicates]) -> ExportPlan:
    """The plan with the order, the validation split and the weights that the settings ask for.

    `find_groups` is called where there is to be a split.

    Raises:
        ExportError: the split would leave one side without a row.
    """
    picks = plan.picks
    if spec.validation:
        together, sample_ids = find_groups(), picks["sample_id"].to_pylist()
        is_set_aside = validation_rows(sample_ids, together.groups, together.kinds, spec.validation, spec.seed)
        splits = np.where(is_set_aside, "validation", "train")
        picks = picks.append_column(SPLIT_FIELD, pa.array(splits.tolist(), SPLIT_FIELD.type))
    if spec.order == "rank":
        picks = picks.sort_by("rank")
    return replace(
        plan, picks=picks, order=spec.order, validation=spec.validation, seed=spec.seed, weighted=spec.weight
    )
