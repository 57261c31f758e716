"""Values of score columns follow rows that read as another sample now."""

import math

from lobass_core.store.follow import follow_rows
from lobass_core.store.score_columns import add_column, column_values
from tests.store.conftest import add_file


def test_values_follow_rows_to_their_new_samples(store):
    add_file(store, "a", "math", [("one", "1"), ("two", "2")])
    add_file(store, "b", "math", [("one, mended", "1")])
    with store.transaction() as cursor:
        of_rows, of_samples = (
            add_column(cursor, name, "", "2026-01-01", higher_is_better=True) for name in ("rows", "samples")
        )
        cursor.executemany(
            "INSERT INTO score_values VALUES (?, ?, ?, ?)",
            [(of_rows, 0, 0, 7.0), (of_rows, 1, 1, 8.0), (of_samples, 0, None, 5.0), (of_samples, 1, None, 6.0)],
        )
        cursor.execute("CREATE TEMP TABLE moved_rows (row_key BIGINT, old_key BIGINT, new_key BIGINT)")
        cursor.execute("INSERT INTO moved_rows VALUES (0, 0, 2)")
        cursor.execute("UPDATE rows SET sample_key = 2 WHERE row_key = 0")
        follow_rows(cursor)
        assert column_values(cursor, of_rows).tolist() == [7.0, 8.0, 7.0]
        assert column_values(cursor, of_samples).tolist() == [5.0, 6.0, 5.0]
        # What is there already stays.
        follow_rows(cursor)
        assert column_values(cursor, of_samples).tolist() == [5.0, 6.0, 5.0]


def test_a_row_has_its_own_value_else_its_samples_else_that_of_its_first_equal_row(store):
    add_file(store, "a", "math", [("one", "1"), ("one", "1"), ("one", "1"), ("two", "2"), ("three", "3")])
    with store.transaction() as cursor:
        column_id = add_column(cursor, "q", "", "2026-01-01", higher_is_better=True)
        for row_key, value in ((2, 9.0), (1, 4.0)):
            cursor.execute("INSERT INTO score_values VALUES (?, 0, ?, ?)", [column_id, row_key, value])
        found = column_values(cursor, column_id).tolist()
        assert found[:3] == [4.0, 4.0, 9.0] and math.isnan(found[3])
        cursor.execute("INSERT INTO score_values VALUES (?, 0, NULL, 1.0)", [column_id])
        assert column_values(cursor, column_id).tolist()[:3] == [1.0, 4.0, 9.0]
