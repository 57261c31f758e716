"""What kind of file a project's store is, told from its first bytes before DuckDB opens it."""

from pathlib import Path

from lobass_core.errors import StoreError
from lobass_core.files.named_files import irregular_kind
from lobass_core.store.access import damaged_error

_MAGIC = b"DUCK"  # behind the checksum of the first block


def check_kind(path: Path) -> None:
    """Refuse a file of another program: DuckDB would look for an extension that reads it.

    Only for a file that this process does not have open: closing it again drops the locks that the process has on it.

    Raises:
        StoreError: it is not a DuckDB database.
    """
    try:
        if kind := irregular_kind(path):
            raise StoreError(f"the store is {kind}, not a file", where=str(path), do="Restore it from a backup.")
        with path.open("rb") as file:
            head = file.read(16)
    except OSError:
        return  # a new project; or DuckDB says better what it may not read
    if head[8:12] != _MAGIC:
        what = "an SQLite database" if head.startswith(b"SQLite format 3") else "not a DuckDB database"
        raise damaged_error(path, f"the store cannot be opened: it is {what}")
