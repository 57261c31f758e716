"""A project's scores as arrays: read once, decisions read anew, views as counted by hand."""

from dataclasses import replace

import numpy as np
import pytest

from lobass_core.errors import SelectionError
from lobass_core.learnability.measure_values import values_of
from lobass_core.learnability.measures import BUILT_IN, Measure
from lobass_core.learnability.regions import Limits
from lobass_core.store.decisions import DecisionAct, append_decisions
from lobass_core.store.undo import undo_decision
from lobass_core.workflows import explore
from tests.filled_project import Row, fill, import_rows
from tests.filters import ranged

ROWS = [
    Row("one", "a b c d", "chat", 2.0, 1.0),
    Row("two", "a b", "chat", 1.0, 1.5),
    Row("three", "a b c d e f g h", "math", 4.0, 1.0),
    Row("four", "a", "math", None),
]


def test_scores_of_every_imported_row(project):
    fill(project, ROWS)
    found = explore.scored(project)
    table = found.table
    assert (table.domains, table.datasets) == (("chat", "math"), ("first",))
    assert values_of(table, "learnability").tolist()[:3] == pytest.approx([0.5, -0.5, 0.75])
    assert table.n_tokens.tolist() == [4, 2, 8, 0]
    assert (found.scoring.base.model_name, found.scoring.reference.model_name) == ("tiny", "tuned")
    assert explore.dataset_names(project) == ["first"]
    assert [scoring.run_id for scoring in explore.list_scorings(project)] == ["r-0001"]


def test_nothing_scored_says_what_to_do(project):
    import_rows(project, ROWS)
    with pytest.raises(SelectionError, match="nothing is scored yet"):
        explore.scored(project)


def test_reading_twice_reads_once_until_the_store_changes(project):
    fill(project, ROWS)
    first = explore.scored(project)
    assert explore.scored(project) is first
    import_rows(project, [Row("five", "x", "code", None)], "second")
    again = explore.scored(project)
    assert again.revision != first.revision
    assert again.table.domains == ("chat", "code", "math")


def test_a_decision_shows_at_once_and_its_undoing_too(project):
    fill(project, ROWS)
    keys = explore.score_table(project).sample_key.tolist()
    with project.store() as store, store.transaction() as cursor:
        append_decisions(cursor, [DecisionAct("d1", keys[1], "keep"), DecisionAct("d2", keys[2], "drop")])
    assert explore.score_table(project).decision.tolist() == [0, 1, -1, 0]
    with project.store() as store, store.transaction() as cursor:
        undo_decision(cursor)
    assert explore.score_table(project).decision.tolist() == [0, 1, 0, 0]


def test_some_datasets_only(project):
    fill(project, ROWS)
    import_rows(project, [Row("five", "x", "code", None)], "second")
    assert explore.scored(project, datasets=["second"]).table.domains == ("code",)
    part = explore.scored(project, datasets=["first"])
    assert part.table.domains == ("chat", "math")
    assert explore.distribution(part).n.tolist() == [2, 1]
    assert explore.scored(project, datasets=["first"]) is part
    with pytest.raises(SelectionError, match="no scored dataset third"):
        explore.scored(project, datasets=["third"])


def test_views(project):
    fill(project, ROWS)
    rows = explore.scored(project)
    shape = explore.distribution(rows)
    assert shape.n.tolist() == [2, 1]
    assert shape.counts.sum() == 3
    assert explore.distribution(rows) is shape
    plane = explore.plane(rows, [Limits(0.6, 0.69)] * 2)
    assert plane.region_counts.tolist() == [[0, 0, 1, 1], [1, 0, 0, 0]]
    assert plane.shares.tolist() == [[0, 0, 0.5, 0.5], [1, 0, 0, 0]]
    assert plane.grid.counts.sum() + plane.grid.n_beyond.sum() == 3
    against = explore.plane(rows, [Limits(0.6, 0.69)] * 2, against_reference=True)
    assert against.grid.counts.sum() == 3
    assert against.region_counts is plane.region_counts
    length = explore.length(rows)
    assert length.rho == 1.0
    assert length.rho_by_domain == (1.0, None)
    assert [one.learnable_from for one in explore.usual_limits(rows)] == pytest.approx([0.5, 0.75])
    assert [one.known_below for one in explore.usual_limits(rows)] == pytest.approx([1.5, 4.0])
    assert explore.plane(rows).limits == explore.usual_limits(rows)
    assert [line.n_rows for line in explore.by_dataset(rows)] == [4]
    assert [(line.name, line.n_scored) for line in explore.by_domain(rows)] == [("chat", 2), ("math", 1)]
    assert {line.name: line.n_rows for line in explore.by_length(rows) if line.n_rows} == {"1–4": 2, "5–15": 1}
    assert explore.total(rows).n_scored == 3


def test_a_brushed_box_is_counted_closed(project):
    fill(project, ROWS)
    rows = explore.scored(project)
    assert explore.n_within(rows, ranged()) == 4
    assert explore.n_within(rows, ranged("chat", learnability=(0.5, None))) == 1
    assert explore.n_within(rows, ranged(base_loss=(1.0, 2.0))) == 2
    assert explore.n_within(rows, ranged(length=(None, 4), reference_loss=(1.2, None))) == 1
    assert explore.n_within(rows, ranged("poems")) == 0


def test_bins_of_every_count_grow_and_a_column_of_tokens_is_no_count(project, monkeypatch):
    fill(project, [Row(f"one two {'x ' * k}", "a b c", base=2.0, reference=1.0 + k / 100) for k in range(40)])
    prompt = Measure(
        "prompt", "prompt tokens", "tokens", "n", "a test", True, ("prompt_tokens",),
        lambda rows: rows["prompt_tokens"].astype(float),
    )  # fmt: skip
    monkeypatch.setitem(BUILT_IN, "prompt", prompt)
    edges = explore.distribution(explore.scored(project), "prompt").edges
    # A logarithmic axis has no edge at 0 or below.
    assert edges[0] > 0 and np.diff(edges)[0] < np.diff(edges)[-1]
    assert not replace(prompt, needs=("prompt",)).is_whole
