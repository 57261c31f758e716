"""How long the rows of an export are: from the tokens that scoring kept, or from the counts in the store."""

import numpy as np

from lobass_core.exporting import row_facts as fact
from lobass_core.exporting.lengths import Lengths, n_dropped_of
from lobass_core.exporting.plan import ExportPlan
from lobass_core.exporting.row_facts import RowFacts
from lobass_core.exporting.tokens_layout import refusal
from lobass_core.jobs.token_files import TokenFiles
from lobass_core.project import Project
from lobass_core.store.chosen_records import cut_samples


def measure(project: Project, plan: ExportPlan, facts: RowFacts) -> tuple[Lengths, dict[int, str]]:
    """The lengths of the picks, and why some of them cannot be written as tokens, by their places."""
    sample_ids = plan.picks["sample_id"].to_pylist()
    models = plan.facts["models"]
    # Without a scoring no run has kept a token of theirs.
    render_fp, dropped = models.get("render_fingerprint", ""), dict[str, int]()
    if models:
        with project.store() as store:
            dropped = cut_samples(store.cursor(), models["base"]["fingerprint"], render_fp)
    kept = TokenFiles(project.runs_dir, render_fp, sample_ids).lengths(sample_ids, dropped)
    one_answer = (facts.bits & np.uint32(fact.SEVERAL_ANSWERS)) == 0
    is_pair = (facts.bits & np.uint32(fact.PAIR)) != 0
    n_answers = np.where(plan.facts["render"].get("mask_rule") == "last", 1, facts.n_answers)
    n_dropped = n_dropped_of(sample_ids, dropped)
    lengths = Lengths.measured(kept, n_dropped, n_answers, int(models.get("max_tokens") or 0)).or_else(
        Lengths.counted(plan.picks, one_answer)
    )
    reasons = {
        place: why
        for place in range(len(sample_ids))
        if (
            why := refusal(
                is_pair=bool(is_pair[place]),
                is_there=bool(kept.n_tokens[place] >= 0),
                has_answer=bool(kept.first[place] < kept.n_tokens[place]),
            )
        )
    }
    return lengths, reasons
