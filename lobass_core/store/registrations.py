"""Which finished runs the store has taken note of, each once, with the time at which it finished.

Without it every new process would register all runs again and date them by its own clock; and a run that a later one
has replaced would take its place again.
"""

from datetime import UTC, datetime
from pathlib import Path

import duckdb

from lobass_core.errors import RunError
from lobass_core.jobs.documents import read_json, to_document
from lobass_core.jobs.progress import Progress
from lobass_core.jobs.run_files import RunFiles


def is_registered(cursor: duckdb.DuckDBPyConnection, run_id: str) -> bool:
    """Whether the store knows what the run scored."""
    return cursor.execute("SELECT 1 FROM registered_runs WHERE run_id = ?", [run_id]).fetchone() is not None


def scoring_run_ids(cursor: duckdb.DuckDBPyConnection) -> set[str]:
    """The runs that the scorings came from."""
    return {run_id for (run_id,) in cursor.execute("SELECT run_id FROM scoring_runs").fetchall()}


def note_registered(cursor: duckdb.DuckDBPyConnection, run_id: str, finished_at: str) -> None:
    """Take note that the store knows what the run scored."""
    cursor.execute("DELETE FROM registered_runs WHERE run_id = ?", [run_id])
    cursor.execute("INSERT INTO registered_runs VALUES (?, ?)", [run_id, finished_at])


def registered_at(cursor: duckdb.DuckDBPyConnection, run_id: str) -> str:
    """When a registered run finished; empty for one that is not registered."""
    row = cursor.execute("SELECT finished_at FROM registered_runs WHERE run_id = ?", [run_id]).fetchone()
    return str(row[0]) if row else ""


def finished_at(run: RunFiles) -> str:
    """When the run finished, as ISO 8601 in UTC: by its own word, else by its result's date; empty without either."""
    try:
        said = to_document(read_json(run.progress_path), Progress, run.progress_path).finished_at
    except (OSError, RunError):
        said = ""
    if said:
        return said
    try:
        return datetime.fromtimestamp(run.result_path.stat().st_mtime, UTC).isoformat(timespec="seconds")
    except OSError:
        return ""


def register_old_runs(cursor: duckdb.DuckDBPyConnection, runs_dir: Path) -> None:
    """Take note of the runs behind the scorings of a store that kept no such list, and date the scorings by them."""
    known = cursor.execute(
        "SELECT run_id FROM scoring_runs UNION SELECT run_id FROM refinements ORDER BY ALL"
    ).fetchall()
    for (run_id,) in known:
        if said := finished_at(RunFiles(runs_dir / run_id)):
            cursor.execute("INSERT INTO registered_runs VALUES (?, ?)", [run_id, said])
    cursor.execute(
        "UPDATE scorings SET made_at = r.finished_at FROM registered_runs r WHERE r.run_id = scorings.run_id"
    )
    # A run whose folder is gone finished when its scoring was last dated, or before.
    cursor.execute(
        """
        INSERT INTO registered_runs
        SELECT g.run_id, min(s.made_at)
        FROM (SELECT scoring_id, run_id FROM scoring_runs UNION SELECT scoring_id, run_id FROM refinements) g
        JOIN scorings s USING (scoring_id) ANTI JOIN registered_runs r ON r.run_id = g.run_id GROUP BY g.run_id
        """
    )
