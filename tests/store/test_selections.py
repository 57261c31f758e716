"""Saved selections and the log of exports."""

import pyarrow as pa
import pytest

from lobass_core.errors import SelectionError
from lobass_core.store.exports import list_exports, log_export
from lobass_core.store.selections import (
    delete_selection,
    find_selection,
    list_selections,
    rename_selection,
    save_selection,
    selection_picks,
    undelete_selection,
)

PICKS = pa.table(
    {
        "row_key": [5, 2],
        "sample_key": [4, 1],
        "pick_rank": [1, 2],
        "reason": ["kept by hand", "score"],
        "score": pa.array([None, 0.25]),
    }
)


def save(store, name: str, *, replace: bool = False) -> int:
    with store.transaction() as cursor:
        return save_selection(
            cursor,
            name=name,
            scoring_id=3,
            spec={"value": 0.06},
            result={"n_kept": 2},
            tokens_kept=90,
            picks=PICKS,
            replace=replace,
        )


def test_a_selection_comes_back_as_it_was_saved(store):
    selection_id = save(store, "paper-6")
    found = find_selection(store.cursor(), "paper-6")
    assert (found.selection_id, found.scoring_id, found.n_kept, found.tokens_kept) == (selection_id, 3, 2, 90)
    assert (found.spec, found.result) == ({"value": 0.06}, {"n_kept": 2})
    assert selection_picks(store.cursor(), selection_id).to_pylist() == PICKS.to_pylist()


def test_a_name_is_taken_once_unless_it_is_replaced(store):
    first = save(store, "paper-6")
    with pytest.raises(SelectionError, match="a selection 'paper-6' already exists"):
        save(store, "paper-6")
    second = save(store, "paper-6", replace=True)
    assert [item.selection_id for item in list_selections(store.cursor())] == [second]
    assert [item.selection_id for item in list_selections(store.cursor(), deleted=True)] == [first]
    with pytest.raises(SelectionError, match="needs a name"):
        save(store, "  ")


def test_a_deleted_selection_can_be_brought_back(store):
    selection_id = save(store, "paper-6")
    with store.transaction() as cursor:
        assert delete_selection(cursor, "paper-6") == selection_id
    with pytest.raises(SelectionError, match="there is no selection 'paper-6'"):
        find_selection(store.cursor(), "paper-6")
    with store.transaction() as cursor:
        assert undelete_selection(cursor, selection_id) == "paper-6"
    assert find_selection(store.cursor(), "paper-6").selection_id == selection_id
    with pytest.raises(SelectionError, match="no deleted selection"), store.transaction() as cursor:
        undelete_selection(cursor, selection_id)


def test_a_name_taken_meanwhile_stops_the_return(store):
    selection_id = save(store, "paper-6")
    with store.transaction() as cursor:
        delete_selection(cursor, "paper-6")
    save(store, "paper-6")
    with pytest.raises(SelectionError, match="is already taken"), store.transaction() as cursor:
        undelete_selection(cursor, selection_id)


def test_a_selection_gets_another_name(store):
    save(store, "paper-6")
    save(store, "equal")
    with store.transaction() as cursor:
        rename_selection(cursor, "paper-6", "paper")
    assert {item.name for item in list_selections(store.cursor())} == {"paper", "equal"}
    with pytest.raises(SelectionError, match="taken or empty"), store.transaction() as cursor:
        rename_selection(cursor, "paper", "equal")


def test_an_unknown_name_lists_those_there_are(store):
    save(store, "equal")
    with pytest.raises(SelectionError, match="The saved selections are equal"):
        find_selection(store.cursor(), "papr")


def test_exports_are_logged_latest_first(store):
    for name in ("first", "second"):
        with store.transaction() as cursor:
            log_export(
                cursor,
                selection_name=name,
                format="trl",
                folder="/out",
                n_rows=2,
                manifest={"n": 1},
                manifest_sha256="ab",
            )
    found = list_exports(store.cursor())
    assert [(item.export_id, item.selection_name, item.manifest) for item in found] == [
        (2, "second", {"n": 1}),
        (1, "first", {"n": 1}),
    ]
