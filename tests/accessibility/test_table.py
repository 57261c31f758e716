"""The table in docs/pages.md is of the pages that there are, and says 0 everywhere."""

import pytest

from pages.components import state

matrix = pytest.importorskip("tests.accessibility.matrix", reason="playwright or axe is not installed")


def rows_of_table() -> dict[tuple[str, str], list[str]]:
    text = matrix.PAGE.read_text(encoding="utf-8").split(matrix.BEGIN)[1].split(matrix.END)[0]
    lines = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
    return {(name.strip(), project.strip()): [cell.strip() for cell in cells] for name, project, *cells in lines[2:]}


def test_every_page_in_every_view_has_no_violation() -> None:
    rows = rows_of_table()
    for _, _, title, _, _ in state.PAGES:
        for project in ("filled", "empty"):
            assert rows[title, project] == ["0"] * len(matrix.VIEWS)


def test_what_opens_on_a_page_is_in_it_too() -> None:
    rows = rows_of_table()
    assert set(rows) == {(place.name, place.project) for place in (*matrix.places.pages(), *matrix.places.opened())}
    assert {cell for cells in rows.values() for cell in cells} == {"0", ""}


def test_a_table_counts_what_was_found_and_leaves_open_what_was_not_looked_at() -> None:
    views = [view.words for view in matrix.VIEWS]
    found = {("Overview", "filled", views[0]): [], ("Overview", "filled", views[1]): ["one", "two"]}
    line = next(line for line in matrix.table(found).splitlines() if line.startswith("| Overview | filled |"))
    assert [cell.strip() for cell in line.strip("|").split("|")][2:] == ["0", "2", *[""] * (len(views) - 2)]
