"""A file that could not be written to its end leaves nothing behind, whoever writes it."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pytest

from lobass_core.jobs.checksums import write_checked
from lobass_core.jobs.documents import replace_text
from lobass_core.jobs.run_files import write_batches


@contextmanager
def short_files(n_bytes: int) -> Iterator[None]:
    """No file of this process may grow beyond that, which a writer meets as it meets a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def batches(path: Path) -> None:
    table = pa.table({"number": list(range(5000))})
    write_batches(path, table.to_batches(), table.schema)


@pytest.mark.parametrize(
    "write",
    [lambda path: write_checked(path, b"x" * 5000), lambda path: replace_text(path, "x" * 5000), batches],
    ids=["write_checked", "replace_text", "write_batches"],
)
def test_nothing_is_left_behind(tmp_path: Path, write):
    path = tmp_path / "file"
    path.write_bytes(b"before")
    with short_files(1000), pytest.raises(OSError):
        write(path)
    assert [one.name for one in tmp_path.iterdir()] == ["file"]
    assert path.read_bytes() == b"before"
