"""A number with its noun."""

from lobass_core.words.plural import plural


def test_one_and_several():
    assert [plural(n, "row") for n in (0, 1, 2000)] == ["0 rows", "1 row", "2,000 rows"]
    assert plural(1, "row is", "rows are") == "1 row is"
    assert plural(2, "row is", "rows are") == "2 rows are"
