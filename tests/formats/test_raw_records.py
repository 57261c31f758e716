"""Records as they stand in a file."""

import pytest

from lobass_core.formats.raw_records import DuplicateKeyError, RawRecord, decode_line


def test_a_key_that_occurs_twice_may_say_the_same():
    assert decode_line('{"a": [1, 2], "b": 3, "a": [1, 2]}') == {"a": [1, 2], "b": 3}
    with pytest.raises(DuplicateKeyError, match="'a' occurs twice with different values"):
        decode_line('{"a": [1, 2], "a": [1, 3]}')


def test_a_row_of_a_table_is_kept_as_the_text_of_its_cells():
    assert RawRecord(0, 2, {"a": "é"}, None).source_text == '{"a": "é"}'
    assert RawRecord(0, 1, {"a": 1}, '{"a":1}').source_text == '{"a":1}'
