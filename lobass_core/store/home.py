"""Paths in the store that lead into the project, wherever its folder lies now."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from lobass_core.jobs.former_places import at_home, former_places


@dataclass(frozen=True, slots=True)
class Home:
    """The folder of the project that a cursor reads, and those in which it has lain before."""

    root: Path
    former: tuple[str, ...] = ()

    @classmethod
    def of(cls, cursor: duckdb.DuckDBPyConnection) -> "Home":
        """For a database in memory no path ever changes."""
        ((path,),) = cursor.execute(
            "SELECT path FROM duckdb_databases() WHERE database_name = current_database()"
        ).fetchall()
        root = Path(path).parent if path else Path()
        return cls(root, former_places(root) if path else ())

    def path(self, text: str) -> str:
        """The path as it leads there now."""
        return self.value(text)

    def value(self, value: Any) -> Any:
        """A JSON value with such paths in it."""
        return at_home(value, self.root, self.former) if self.former else value

    def document(self, text: str) -> str:
        """The JSON text of one; as it is where it cannot be read."""
        if not self.former:
            return text
        try:
            return json.dumps(self.value(json.loads(text)), ensure_ascii=False)
        except (ValueError, RecursionError):
            return text
