"""Rows that chance could put on the other side of a selection's cut: how many, and which."""

from dataclasses import asdict, dataclass

import numpy as np

from lobass_core.learnability.measure_values import measure_of, standard_errors
from lobass_core.project import Project
from lobass_core.workflows import browse, stability
from lobass_core.workflows.browse_filter import BrowseFilter
from lobass_core.workflows.cut import Cut, kept_rows, prompt_of
from lobass_core.workflows.review import cuts_of


@dataclass(frozen=True, slots=True)
class EitherWay:
    """The undecided rows that could go either way: `n_rows`, of which `n_kept` are among the selection's `n_selected`.

    `asked` lists them in Browse, nearest to the cut first.
    """

    n_rows: int
    n_kept: int
    n_selected: int
    asked: BrowseFilter

    @property
    def share_kept(self) -> float:
        """The share of the selection that could go either way."""
        return self.n_kept / self.n_selected if self.n_selected else 0.0


@dataclass(frozen=True, slots=True)
class RowEitherWay:
    """One of them; `standard_error` is that of the score over several references, None where there is one."""

    sample_id: str
    domain: str
    score: float
    cut: float
    is_kept: bool
    standard_error: float | None
    n_tokens: int | None
    prompt: str

    def to_dict(self) -> dict:
        return asdict(self)


def rows_either_way(project: Project, cut: Cut | None) -> EitherWay | None:
    """Those of a selection with a cut that can move; None of another one."""
    if cut is None or not stability.of_cuts(cut):
        return None
    thresholds = [(share.domain, share.threshold) for share in cut.answer.domains]
    asked = BrowseFilter(
        review=("either_way",),
        decisions=("undecided",),
        datasets=cut.spec.datasets,
        cuts=cuts_of(thresholds, cut.spec.balance == "global"),
        cut_by=cut.spec.method,
        sort="cut",
    )
    found = browse.find(project, asked, cut.rows.run_id or None)
    kept = cut.rows.table.row_key[kept_rows(cut)]
    n_kept = int(np.isin(found.rows.table.row_key[found.positions], kept).sum())
    return EitherWay(found.n_found, n_kept, len(kept), asked)


def first_rows(project: Project, listed: EitherWay | None, run_id: str, most: int) -> list[RowEitherWay]:
    """The first of them, nearest to the cut first."""
    if listed is None:
        return []
    asked = listed.asked
    found = browse.find(project, asked, run_id or None)
    positions = found.positions[:most]
    scores, errors = found.rows.values(asked.cut_by), standard_errors(found.rows.table, asked.cut_by)
    cuts = dict(asked.cuts)
    higher = measure_of(found.rows.table, asked.cut_by).higher_is_better
    rows = []
    for row, place in zip(browse.read_rows(project, found.rows, positions), positions.tolist(), strict=True):
        score, cut = float(scores[place]), cuts.get(row.stored.domain, cuts.get("", float("nan")))
        rows.append(
            RowEitherWay(
                sample_id=row.stored.sample_id,
                domain=row.stored.domain,
                score=score,
                cut=cut,
                is_kept=score >= cut if higher else score <= cut,
                standard_error=None if errors is None else float(errors[place]),
                n_tokens=row.n_tokens,
                prompt=prompt_of(row.stored),
            )
        )
    return rows
