"""Decisions, tags and notes that came in from a file: written in one go, known by the file, taken back in one go.

What a file brought is known by the id of its import: decisions by their batch, tags and notes by how their ids begin,
tags that it took off by `removed_in`. One that was never there is kept as taken off, so that the file can go on to
others.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass

import duckdb
import pyarrow as pa

from lobass_core.store.sequences import take_ids
from lobass_core.words.clock import utc_now

DECISION_IMPORTS = """
CREATE TABLE decision_imports (
    batch_id VARCHAR, file VARCHAR, file_sha256 VARCHAR, on_conflict VARCHAR, n_decisions BIGINT, n_tags BIGINT,
    n_notes BIGINT, after_number BIGINT, made_at VARCHAR, made_by VARCHAR, undone_at VARCHAR);
"""
REMOVALS_OF_TAGS = """
ALTER TABLE tags ADD COLUMN removed_by VARCHAR DEFAULT '';
ALTER TABLE tags ADD COLUMN removed_in VARCHAR DEFAULT '';
"""


@dataclass(frozen=True, slots=True)
class NewDecision:
    """A decision from a file, with the time and the author that stand there."""

    sample_key: int
    verdict: str
    reason: str
    author: str
    made_at: str


@dataclass(frozen=True, slots=True)
class NewText:
    """A tag or a note from a file, or a tag that it takes off; an empty note takes the one before it back."""

    sample_key: int
    text: str
    author: str
    made_at: str


@dataclass(frozen=True, slots=True)
class DecisionImport:
    """One file that was imported: what it added, by whom, and when that was taken back."""

    batch_id: str
    file: str
    file_sha256: str
    on_conflict: str
    n_decisions: int
    n_tags: int
    n_notes: int
    made_at: str
    made_by: str
    undone_at: str | None

    def to_dict(self) -> dict:
        return asdict(self)


def add_import(
    cursor: duckdb.DuckDBPyConnection,
    logged: DecisionImport,
    decisions: Sequence[NewDecision],
    tags: Sequence[NewText],
    notes: Sequence[NewText],
    removed_tags: Sequence[NewText] = (),
) -> None:
    """Add what a file brings, in its order, and log the file."""
    batch = {"batch_id": logged.batch_id}
    if decisions:
        with _registered(cursor, decisions):
            cursor.execute(
                """
                INSERT INTO decisions
                SELECT $first + position - 1, $batch_id || '-' || position, sample_key, verdict, reason, made_at,
                       $batch_id, NULL, author FROM brought ORDER BY position
                """,
                {**batch, "first": take_ids(cursor, "decision_numbers", len(decisions))},
            )
    if tags:
        with _registered(cursor, tags):
            cursor.execute(
                "INSERT INTO tags (tag_id, sample_key, tag, made_at, author)"
                " SELECT $batch_id || '-' || position, sample_key, text, made_at, author"
                " FROM brought ORDER BY position",
                batch,
            )
    if removed_tags:
        _take_off(cursor, logged.batch_id, removed_tags)
    if notes:
        with _registered(cursor, notes):
            cursor.execute(
                "INSERT INTO notes SELECT $batch_id || '-' || position, sample_key, text, made_at, author"
                " FROM brought ORDER BY position",
                batch,
            )
    cursor.execute(
        "INSERT INTO decision_imports VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)",
        [
            logged.batch_id,
            logged.file,
            logged.file_sha256,
            logged.on_conflict,
            len(decisions),
            len(tags) + len(removed_tags),
            len(notes),
            _last_number(cursor),
            logged.made_at,
            logged.made_by,
        ],
    )


def _take_off(cursor: duckdb.DuckDBPyConnection, batch_id: str, removed: Sequence[NewText]) -> None:
    with _registered(cursor, removed):
        cursor.execute(
            """
            INSERT INTO tags (tag_id, sample_key, tag, made_at, removed_at, removed_by)
            SELECT $batch_id || '-r' || position, sample_key, text, made_at, made_at, author FROM brought
            WHERE (sample_key, text) NOT IN (SELECT (sample_key, tag) FROM tags) ORDER BY position
            """,
            {"batch_id": batch_id},
        )
        cursor.execute(
            """
            UPDATE tags SET removed_at = brought.made_at, removed_by = brought.author, removed_in = $batch_id
            FROM brought
            WHERE tags.sample_key = brought.sample_key AND tags.tag = brought.text AND tags.removed_at IS NULL
            """,
            {"batch_id": batch_id},
        )


@contextmanager
def _registered(cursor: duckdb.DuckDBPyConnection, rows: Sequence[NewDecision | NewText]) -> Iterator[None]:
    """The rows as the table `brought`, with their positions from 1, for the length of a block."""
    cursor.register("brought", pa.Table.from_pylist([{**asdict(row), "position": n} for n, row in enumerate(rows, 1)]))
    yield
    cursor.unregister("brought")


def _last_number(cursor: duckdb.DuckDBPyConnection) -> int:
    ((number,),) = cursor.execute("SELECT coalesce(max(decision_number), 0) FROM decisions").fetchall()
    return int(number)


_COLUMNS = "batch_id, file, file_sha256, on_conflict, n_decisions, n_tags, n_notes, made_at, made_by, undone_at"


def list_imports(cursor: duckdb.DuckDBPyConnection, limit: int = 1_000) -> list[DecisionImport]:
    """The files that were imported, latest first, those that were taken back included."""
    rows = cursor.execute(
        f"SELECT {_COLUMNS} FROM decision_imports ORDER BY rowid DESC LIMIT $limit", {"limit": limit}
    ).fetchall()
    return [DecisionImport(*row) for row in rows]


def standing_import(cursor: duckdb.DuckDBPyConnection, batch_id: str) -> DecisionImport | None:
    """The import of that id, None where it was taken back or never was."""
    row = cursor.execute(
        f"SELECT {_COLUMNS} FROM decision_imports WHERE batch_id = ? AND undone_at IS NULL", [batch_id]
    ).fetchone()
    return DecisionImport(*row) if row else None


def latest_import(cursor: duckdb.DuckDBPyConnection) -> DecisionImport | None:
    """The latest import, if it was not taken back and no decision that stands was made after it."""
    row = cursor.execute(
        f"""
        SELECT {_COLUMNS} FROM decision_imports
        WHERE undone_at IS NULL AND after_number >= (
            SELECT coalesce(max(decision_number), 0) FROM decisions WHERE undone_at IS NULL)
        ORDER BY rowid DESC LIMIT 1
        """
    ).fetchone()
    return DecisionImport(*row) if row else None


def take_back(cursor: duckdb.DuckDBPyConnection, batch_id: str) -> None:
    """Take the tags and notes of an import away again, put back the tags that it took off, and note it in the log."""
    for table, name in (("tags", "tag_id"), ("notes", "note_id")):
        cursor.execute(f"DELETE FROM {table} WHERE starts_with({name}, ? || '-')", [batch_id])
    cursor.execute(
        "UPDATE tags SET removed_at = NULL, removed_by = '', removed_in = '' WHERE removed_in = ?", [batch_id]
    )
    cursor.execute("UPDATE decision_imports SET undone_at = ? WHERE batch_id = ?", [utc_now(), batch_id])
