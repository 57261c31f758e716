"""The log of exports: what was written where, by which manifest."""

import json
from dataclasses import asdict, dataclass

import duckdb

from lobass_core.store.home import Home
from lobass_core.store.sequences import take_ids
from lobass_core.words.clock import utc_now


@dataclass(frozen=True, slots=True)
class LoggedExport:
    """One export as it was written."""

    export_id: int
    selection_name: str
    format: str
    folder: str
    n_rows: int
    manifest: dict
    manifest_sha256: str
    made_at: str

    def to_dict(self) -> dict:
        return asdict(self)


def log_export(
    cursor: duckdb.DuckDBPyConnection,
    *,
    selection_name: str,
    format: str,
    folder: str,
    n_rows: int,
    manifest: dict,
    manifest_sha256: str,
) -> int:
    """Record an export and return its id."""
    export_id = take_ids(cursor, "export_ids")
    cursor.execute(
        "INSERT INTO exports VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [export_id, selection_name, format, folder, n_rows, json.dumps(manifest), manifest_sha256, utc_now()],
    )
    return export_id


def forget_export(cursor: duckdb.DuckDBPyConnection, export_id: int) -> None:
    """Take an export out of the log that did not come about."""
    cursor.execute("DELETE FROM exports WHERE export_id = ?", [export_id])


def list_exports(cursor: duckdb.DuckDBPyConnection) -> list[LoggedExport]:
    """All exports, latest first."""
    rows = cursor.execute(
        "SELECT export_id, selection_name, format, folder, n_rows, manifest, manifest_sha256, made_at "
        "FROM exports ORDER BY export_id DESC"
    ).fetchall()
    home = Home.of(cursor)
    return [
        LoggedExport(row[0], row[1], row[2], home.path(row[3]), row[4], json.loads(row[5]), row[6], row[7])
        for row in rows
    ]
