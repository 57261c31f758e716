"""What browsing reads from the database."""

import numpy as np

from lobass_core.project import Project
from lobass_core.store import browse, bulk_acts
from lobass_core.store.scorings import find_scoring
from tests.filled_project import BASE, REFERENCE, RENDER, Row, fill, import_rows

ROWS = [Row("Ünïcode İstanbul", "Straße"), Row("100%_sure", "a\\b'c"), Row("third", "more", system="rules")]


def keys(project: Project, text: str, scope: str = "any", match_case: bool = False) -> list[int]:
    with project.store() as store:
        return browse.matching_samples(store.cursor(), text, scope, match_case).tolist()


def test_search_is_literal_in_any_script(project: Project):
    import_rows(project, ROWS)
    assert keys(project, "ünÏcode") == [0]
    assert keys(project, "ünÏcode", match_case=True) == []
    assert keys(project, "100%_") == [1]
    assert keys(project, "_") == [1]
    assert keys(project, "a\\b'c", "assistant") == [1]
    assert keys(project, "rules", "system") == [2]
    assert keys(project, "rules", "user") == []


def test_rows_are_read_in_the_order_asked_without_those_that_are_gone(project: Project):
    import_rows(project, ROWS)
    with project.store() as store:
        rows = browse.read_rows(store.cursor(), [2, 77, 0])
        assert [row.row_key for row in rows] == [2, 0]
        assert rows[0].verdict == "undecided"
        assert browse.read_rows(store.cursor(), []) == []


def test_losses_are_found_where_they_came_from(project: Project):
    fill(project, ROWS)
    with project.store() as store:
        cursor = store.cursor()
        places = browse.loss_places(cursor, find_scoring(cursor), 1)
        assert places["base"] == browse.LossPlace(BASE, "r-0001", f"base-{BASE}-00000")
        assert places["reference"].model_fp == REFERENCE
        assert browse.runs_that_scored(cursor, 1, RENDER) == ["r-0001"]
        assert browse.runs_that_scored(cursor, 1, "another") == []


def test_bulk_acts_count_each_sample_once(project: Project):
    import_rows(project, ROWS)
    with project.store() as store, store.transaction() as cursor:
        assert bulk_acts.decide_many(cursor, "batch", np.array([0, 0, 2]), "keep", "") == 2
        assert bulk_acts.decide_many(cursor, "batch", np.array([0, 1]), "drop", "") == 0
        assert bulk_acts.tag_many(cursor, "tags", np.array([0, 1]), "odd") == 2
        assert bulk_acts.tag_many(cursor, "more", np.array([1, 2]), "odd") == 1
        assert browse.list_tags(cursor) == [("odd", 3)]
        assert sorted(browse.tagged_samples(cursor, ["odd", "even"]).tolist()) == [0, 1, 2]
