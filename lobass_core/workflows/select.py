"""Select rows by a spec, and keep selections under names."""

import shlex

import numpy as np
import pyarrow as pa

from lobass_core.errors import SelectionError
from lobass_core.learnability.measures import uses_seed
from lobass_core.project import Project
from lobass_core.selection.order import usual_gates
from lobass_core.selection.result import SelectionResult
from lobass_core.selection.sorted_scores import SortedScores
from lobass_core.specs import SelectionSpec
from lobass_core.store import selections as saved
from lobass_core.store.former_states import GoneRow, gone_rows
from lobass_core.store.scorings import Scoring, list_scorings
from lobass_core.store.selections import NO_SCORING, SavedSelection
from lobass_core.workflows.explore import usual
from lobass_core.workflows.latest_overlap import check_recorded
from lobass_core.workflows.recent import Recent
from lobass_core.workflows.scored import Scored, scored, unscored

_sorted: Recent[SortedScores] = Recent(4)


def select(project: Project, spec: SelectionSpec, run: str | None = None) -> SelectionResult:
    """What the spec keeps of the scored rows, best first; nothing is saved.

    `rows` int64[n_kept] index the table of `scored`; `score` float64[n_kept] has the unit of the method.

    Raises:
        SelectionError: nothing is scored, several scorings and no `run`; and as `select_from`.
    """
    check_gates(project, spec)
    return select_from(scored(project, run), spec)


def check_gates(project: Project, spec: SelectionSpec) -> None:
    """Refuse a gate that cannot work in this project.

    Raises:
        SelectionError: rows of evaluation files should stay out, and no comparison with such files is recorded.
    """
    if spec.gates.exclude_overlap:
        check_recorded(project)


def select_from(rows: Scored, spec: SelectionSpec) -> SelectionResult:
    """What the spec keeps of these rows; they are sorted once for all budgets and balances.

    Raises:
        SelectionError: an unknown dataset, domain or measure, or one that needs another reference than the base.
    """
    return sorted_scores(rows, spec).select(spec)


def sorted_scores(rows: Scored, spec: SelectionSpec) -> SortedScores:
    """The rows sorted for the spec's method, scope and gates, ready to answer any budget and balance at once.

    Kept for the last few, so that a drag sorts nothing.
    """
    _sorted.forget(lambda old: old[0] == rows.store_path and old[1] != rows.revision)  # type: ignore[index]
    key = (*rows.key, spec.method, spec.datasets, spec.seed if uses_seed(spec.method) else 0)
    ranked = _sorted.get(
        key, lambda: SortedScores.build(rows.table, spec.method, seed=spec.seed, datasets=spec.datasets)
    )
    return _sorted.get((*key, spec.gates), lambda: ranked.with_gates(spec.gates))


def save(
    project: Project, name: str, spec: SelectionSpec, run: str | None = None, *, replace: bool = False
) -> SelectionResult:
    """Select and save spec, counts and picks under a name.

    Raises:
        SelectionError: as `select`; or the name is empty, or taken and `replace` is not asked.
    """
    check_gates(project, spec)
    rows = scored(project, run)
    result = select_from(rows, spec)
    with project.store() as store, store.transaction() as cursor:
        saved.save_selection(
            cursor,
            name=name.strip(),
            scoring_id=rows.scoring_id,
            spec=spec.to_dict(),
            result=result.to_dict(),
            tokens_kept=result.tokens_kept,
            picks=picks_table(rows, result),
            replace=replace,
        )
    return result


def picks_table(rows: Scored, result: SelectionResult) -> pa.Table:
    """The picks as the store keeps them: row_key, sample_key, pick_rank, reason, score (null without one)."""
    return pa.table(
        {
            "row_key": result.row_key,
            "sample_key": rows.table.sample_key[result.rows],
            "pick_rank": result.rank,
            "reason": pa.array(result.reasons, pa.string()),
            "score": pa.array(result.score, pa.float64(), mask=np.isnan(result.score)),
        }
    )


def list_selections(project: Project, *, deleted: bool = False) -> list[SavedSelection]:
    """Saved selections, latest first; with `deleted` those that can be brought back."""
    with project.store() as store:
        return saved.list_selections(store.cursor(), deleted=deleted)


def load(project: Project, name: str) -> tuple[SavedSelection, SelectionSpec]:
    """A saved selection and its spec.

    Raises:
        SelectionError: there is none of that name.
    """
    with project.store() as store:
        selection = saved.find_selection(store.cursor(), name)
    return selection, SelectionSpec.from_dict(selection.spec)


def gone(project: Project, name: str, limit: int = 1_000_000) -> list[GoneRow]:
    """The rows of a saved selection that updates took out of the project, by rank.

    Raises:
        SelectionError: there is none of that name.
    """
    with project.store() as store:
        cursor = store.cursor()
        return gone_rows(cursor, saved.find_selection(cursor, name).selection_id, limit)


def gone_in_words(selection: SavedSelection) -> str:
    """What to tell of a selection that has lost rows; "" where it has lost none."""
    if not selection.n_gone:
        return ""
    verb = "is" if selection.n_gone == 1 else "are"
    return (
        f"{selection.n_gone:,} of the {selection.n_kept:,} rows {verb} gone from {selection.name!r} after updates "
        f"of their datasets (lobass selections --gone {shlex.quote(selection.name)})"
    )


def dropped_in_words(project: Project, selection: SavedSelection) -> str:
    """What to tell of a selection whose rows were dropped by hand after it was saved; "" where none was."""
    with project.store() as store:
        n_dropped = saved.n_dropped(store.cursor(), selection.selection_id)
    if not n_dropped:
        return ""
    was, it, is_there = ("was", "it", "is") if n_dropped == 1 else ("were", "them", "are")
    return (
        f"{n_dropped:,} of the {selection.n_held:,} rows of {selection.name!r} {was} dropped by hand after "
        f"it was saved, and {is_there} still in it. To leave {it} out, save the selection again"
    )


def picks(project: Project, name: str) -> pa.Table:
    """The saved picks in rank order: row_key, sample_key, pick_rank (from 1) int64, reason, score float64 or null."""
    with project.store() as store:
        cursor = store.cursor()
        return saved.selection_picks(cursor, saved.find_selection(cursor, name).selection_id)


def rename(project: Project, name: str, new_name: str) -> None:
    """Give a selection another name.

    Raises:
        SelectionError: no such selection, or the new name is taken or empty.
    """
    with project.store() as store, store.transaction() as cursor:
        saved.rename_selection(cursor, name, new_name.strip())


def duplicate(project: Project, name: str, new_name: str = "") -> str:
    """Save the same picks again, as they are, under another name ("NAME copy" without one); returns the name.

    Raises:
        SelectionError: no such selection, or the new name is taken.
    """
    with project.store() as store, store.transaction() as cursor:
        original = saved.find_selection(cursor, name)
        taken = {other.name for other in saved.list_selections(cursor)}
        new_name = new_name.strip() or _free_name(f"{name} copy", taken)
        saved.save_selection(
            cursor,
            name=new_name,
            scoring_id=original.scoring_id,
            spec=original.spec,
            result=original.result,
            tokens_kept=original.tokens_kept,
            picks=saved.selection_picks(cursor, original.selection_id),
        )
    return new_name


def _free_name(wish: str, taken: set[str]) -> str:
    number = 2
    name = wish
    while name in taken:
        name = f"{wish} {number}"
        number += 1
    return name


def delete(project: Project, name: str) -> int:
    """Put a selection aside; returns the id for `undelete`.

    Raises:
        SelectionError: no such selection.
    """
    with project.store() as store, store.transaction() as cursor:
        return saved.delete_selection(cursor, name)


def undelete(project: Project, selection_id: int) -> str:
    """Bring a deleted selection back and return its name.

    Raises:
        SelectionError: it is not among the deleted ones, or its name is taken by now.
    """
    with project.store() as store, store.transaction() as cursor:
        return saved.undelete_selection(cursor, selection_id)


def usual_method(project: Project, run: str | None = None) -> str:
    """What rows are ranked by where no measure is named: learnability, without losses the only score column.

    Raises:
        SelectionError: as `scored`; or nothing is scored, and there are several score columns.
    """
    rows = scored(project, run)
    columns = rows.table.columns
    if rows.scoring is None and len(columns) > 1:
        raise SelectionError(
            "nothing is scored, and the project has several score columns",
            do=f"Choose one with --method: {', '.join(columns)}.",
        )
    return usual(rows)


def usual_spec(rows: Scored) -> SelectionSpec:
    """What a new selection starts from: 6 % by the usual measure of these rows."""
    method = usual(rows)
    return SelectionSpec(method=method, gates=usual_gates(method))


def rows_of(project: Project, selection: SavedSelection) -> Scored:
    """The rows with what a selection was made from: a scoring, or score columns alone.

    Raises:
        SelectionError: the scoring is not in the store any more.
    """
    scoring = scoring_of(project, selection)
    return scored(project, scoring.run_id) if scoring else unscored(project)


def scoring_of(project: Project, selection: SavedSelection) -> Scoring | None:
    """The scoring that a selection was made from; None for one that was made without losses.

    Raises:
        SelectionError: the scoring is not in the store any more.
    """
    if selection.scoring_id == NO_SCORING:
        return None
    with project.store() as store:
        for scoring in list_scorings(store.cursor()):
            if scoring.scoring_id == selection.scoring_id:
                return scoring
    raise SelectionError(
        f"the scores that selection {selection.name!r} is based on are gone", do="Select again and save."
    )
