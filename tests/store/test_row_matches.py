"""Which rows of a dataset stand in a newer state of its files."""

from lobass_core.store.connection import read_table
from lobass_core.store.row_matches import LISTING, unchanged_rows
from tests.store.conftest import add_file


def test_equal_rows_keep_their_order(store):
    add_file(store, "a", "math", [("1+1", "2"), ("2+2", "4"), ("1+1", "2")])
    cursor = store.cursor()
    listing = read_table(
        cursor,
        "SELECT row_index, line, sample_id, domain, md5(source) AS digest FROM rows JOIN samples USING (sample_key)"
        " ORDER BY row_index",
    ).cast(LISTING)
    unchanged = unchanged_rows(cursor, 1, listing).to_pylist()
    assert [tuple(one.values()) for one in unchanged] == [(0, 0, True), (1, 1, True), (2, 2, True)]
