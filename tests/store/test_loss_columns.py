"""A scoring may have more losses than base and reference: each of one model under one rendering, by its name."""

import pytest

from lobass_core.learnability.measure_values import values_of
from lobass_core.learnability.measures import BUILT_IN, Measure
from lobass_core.project import Project
from lobass_core.specs import SelectionSpec
from lobass_core.store.browse import loss_places
from lobass_core.store.scorings import find_scoring
from lobass_core.workflows import explore, select
from tests.filled_project import BASE, Row, fill

ROWS = [Row("Name a fish", "Cod and eel", base=3.0, reference=1.0), Row("Say hello", "Hi you", base=2.0, reference=1.5)]
NAME = "base-no-prompt"


@pytest.fixture
def scored(project: Project) -> Project:
    """Base and reference, and the base's losses of the responses without their prompts, of the first row alone."""
    filled = fill(project, ROWS)
    with project.store() as store, store.transaction() as cursor:
        scoring = find_scoring(cursor)
        cursor.execute(
            "INSERT INTO loss_columns VALUES (?, ?, 'tiny', ?, 'bare', '')", [scoring.scoring_id, NAME, BASE]
        )
        cursor.execute(
            "INSERT INTO losses SELECT * REPLACE ('bare' AS render_fp, 12.0 AS loss_sum_nats) FROM losses "
            "WHERE model_fp = ? AND sample_key IN (SELECT sample_key FROM samples WHERE sample_id = ?)",
            [BASE, filled.sample_ids[0]],
        )
    return project


def test_the_table_has_it_beside_the_others(scored: Project):
    table = explore.score_table(scored)
    assert list(table.losses) == ["base", NAME, "reference"]
    assert table.losses["base"].tolist() == pytest.approx([3.0, 2.0])
    assert table.losses[NAME].tolist() == pytest.approx([4.0, float("nan")], nan_ok=True)
    assert table.flags.tolist() == [2**2, 2**2]  # short; the third loss marks no row
    with scored.store() as store:
        cursor = store.cursor()
        assert set(loss_places(cursor, find_scoring(cursor), int(table.sample_key[0]))) == {"base", NAME, "reference"}


def test_a_measure_over_it_ranks_the_rows(scored: Project, monkeypatch: pytest.MonkeyPatch):
    """Instruction-following difficulty: the loss of the response with its prompt over that without."""
    measure = Measure(
        "ifd", "instruction-following difficulty", "", f"base_loss / {NAME}", "Li et al. 2023", False, ("base", NAME),
        lambda rows: rows["base"] / rows[NAME],
    )  # fmt: skip
    monkeypatch.setitem(BUILT_IN, "ifd", measure)
    assert values_of(explore.score_table(scored), "ifd").tolist() == pytest.approx([0.75, float("nan")], nan_ok=True)
    spec = SelectionSpec(method="ifd", budget="threshold", value=0.8, balance="global")
    assert select.select(scored, spec).rows.tolist() == [0]
