"""A file is there whole or as it was."""

import pytest

from lobass_core.files.atomic_file import whole_file, write_whole


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "notes.txt"
    write_whole(path, "old")
    with pytest.raises(OSError, match="full"), whole_file(path) as unfinished:
        unfinished.write_text("half of the n")
        raise OSError("full")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_block_that_wrote_nothing_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError), whole_file(tmp_path / "notes.txt"):
        pass
    assert not list(tmp_path.iterdir())


def test_a_small_file_keeps_its_line_ends_and_the_bytes_of_a_name_that_is_no_utf_8(tmp_path):
    path = tmp_path / "SHA256SUMS"
    write_whole(path, "a\r\nb\n" + b"caf\xe9".decode("utf-8", "surrogateescape"))
    assert path.read_bytes() == b"a\r\nb\ncaf\xe9"
