"""The steps that bring a store of an older version to this one, in their order.

A step never changes once it has been released: a change to the tables is one more step at the end of `STEPS`. A new
store is made of the tables of version 1 and all steps, so it equals a migrated one.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import duckdb

from lobass_core.store.asked_formats import note_asked_formats
from lobass_core.store.change_tables import FORMER_STATES, SET_DOMAINS
from lobass_core.store.collected import COLLECTED_RUNS, write_older_checksums
from lobass_core.store.constraints import add_constraints
from lobass_core.store.dataset_files import FILES_OF_DATASETS
from lobass_core.store.decision_imports import DECISION_IMPORTS, REMOVALS_OF_TAGS
from lobass_core.store.duplicates import mark_duplicates
from lobass_core.store.follow import extend_fold_files, follow_rows
from lobass_core.store.overlaps import OVERLAPS
from lobass_core.store.registrations import register_old_runs
from lobass_core.store.reread import reread_rows
from lobass_core.store.saved_filters import SAVED_FILTERS
from lobass_core.store.score_columns import SCORE_COLUMNS
from lobass_core.store.sequences import create_sequences
from lobass_core.store.standing import STANDING_DECISIONS
from lobass_core.store.token_bytes import fill_response_bytes
from lobass_core.store.versions import FIRST_CONTENT, raise_content, raise_revision

# Gets a cursor inside the migration's transaction and the project's folder, and returns sentences for the person whose
# project it is: what changed for them, one a line; nothing for changes that they cannot see.
Apply = Callable[[duckdb.DuckDBPyConnection, Path], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Step:
    """One change of the store; `name` says it in a few words."""

    name: str
    apply: Apply


def _tables(name: str, sql: str) -> Step:
    """A step of SQL statements that nobody has to be told about."""

    def apply(cursor: duckdb.DuckDBPyConnection, _: Path) -> tuple[str, ...]:
        cursor.execute(sql)
        return ()

    return Step(name, apply)


def _fill_bytes(cursor: duckdb.DuckDBPyConnection, folder: Path) -> tuple[str, ...]:
    fill_response_bytes(cursor, folder / "runs")
    return ()


def _register_runs(cursor: duckdb.DuckDBPyConnection, folder: Path) -> tuple[str, ...]:
    cursor.execute("CREATE TABLE registered_runs (run_id VARCHAR, finished_at VARCHAR)")
    register_old_runs(cursor, folder / "runs")
    return ()


def _write_checksums(cursor: duckdb.DuckDBPyConnection, folder: Path) -> tuple[str, ...]:
    # A project on a medium that cannot be written keeps unchecked shards.
    with suppress(OSError):
        write_older_checksums(cursor, folder / "runs")
    return ()


def _note_asked_formats(cursor: duckdb.DuckDBPyConnection, _: Path) -> tuple[str, ...]:
    note_asked_formats(cursor)
    return ()


def _give_sequences(cursor: duckdb.DuckDBPyConnection, _: Path) -> tuple[str, ...]:
    create_sequences(cursor)
    return ()


def _add_constraints(cursor: duckdb.DuckDBPyConnection, _: Path) -> tuple[str, ...]:
    return add_constraints(cursor)


def reread(cursor: duckdb.DuckDBPyConnection, folder: Path) -> tuple[str, ...]:
    reread_now = reread_rows(cursor)
    if reread_now.moved:
        follow_rows(cursor)
        mark_duplicates(cursor)
        extend_fold_files(cursor, folder / "models")
    for name in ("moved_rows", "links", "heirs", "copies", "copied", "standing", "inherited", "together"):
        cursor.execute(f"DROP TABLE IF EXISTS temp.{name}")
    return reread_now.sentences()


# `models_fp` is a model's fingerprint, or that of all fold models; `refined_fp` the like of what refined it, else "".
_LOSS_COLUMNS = """
CREATE TABLE loss_columns (
    scoring_id INTEGER, name VARCHAR, model_name VARCHAR, models_fp VARCHAR, render_fp VARCHAR, refined_fp VARCHAR);
INSERT INTO loss_columns
    SELECT s.scoring_id, 'base', s.base_name, s.base_fp, s.render_fp, coalesce(r.base_fp, '')
    FROM scorings s LEFT JOIN refinements r USING (scoring_id)
    UNION ALL
    SELECT s.scoring_id, 'reference', s.reference_name, s.reference_fp, s.render_fp, coalesce(r.reference_fp, '')
    FROM scorings s LEFT JOIN refinements r USING (scoring_id);
ALTER TABLE scorings DROP COLUMN base_fp;
ALTER TABLE scorings DROP COLUMN reference_fp;
ALTER TABLE scorings DROP COLUMN render_fp;
ALTER TABLE scorings DROP COLUMN base_name;
ALTER TABLE scorings DROP COLUMN reference_name;
ALTER TABLE refinements DROP COLUMN base_fp;
ALTER TABLE refinements DROP COLUMN reference_fp;
"""


STEPS: tuple[Step, ...] = (
    _tables(
        "Refinements of a scoring",
        # The first stores of version 1 had no such table, the later ones had it.
        "CREATE TABLE IF NOT EXISTS refinements"
        " (scoring_id INTEGER, run_id VARCHAR, base_fp VARCHAR, reference_fp VARCHAR)",
    ),
    _tables(
        "A log of updates",
        "CREATE TABLE upgrades"
        " (from_version INTEGER, to_version INTEGER, made_at VARCHAR, copy VARCHAR, notes VARCHAR)",
    ),
    _tables("A mark of the content", FIRST_CONTENT),
    _tables("Response bytes of losses", "ALTER TABLE losses ADD COLUMN n_response_bytes INTEGER"),
    Step("Response bytes of older losses", _fill_bytes),
    Step("Finished runs, each registered once", _register_runs),
    _tables(
        "Samples whose records read otherwise now",
        "CREATE TABLE earlier_samples (sample_key BIGINT, earlier_key BIGINT)",
    ),
    Step("Records read by the present readers", reread),
    _tables(
        "What a reference was trained on", "CREATE TABLE reference_training (reference_fp VARCHAR, tie_key UBIGINT)"
    ),
    _tables("The files of each dataset", FILES_OF_DATASETS),
    _tables("Updates of datasets and what they took away", FORMER_STATES),
    _tables("Domains set after the import", SET_DOMAINS),
    _tables("Runs that hold nothing new, and the project's id", COLLECTED_RUNS),
    Step("Checksums of older shards", _write_checksums),
    _tables(
        "Authors of decisions, tags and notes, and the files that they came from",
        "".join(f"ALTER TABLE {name} ADD COLUMN author VARCHAR DEFAULT '';" for name in ("decisions", "tags", "notes"))
        + DECISION_IMPORTS,
    ),
    _tables("Saved filters", SAVED_FILTERS),
    _tables("Score columns", SCORE_COLUMNS),
    _tables("Who took tags off, and the files that say so", REMOVALS_OF_TAGS),
    _tables("The decision that stands", STANDING_DECISIONS),
    Step("Datasets whose format was asked for", _note_asked_formats),
    Step("Ids that are given out once", _give_sequences),
    Step("What the database itself refuses", _add_constraints),
    _tables("Losses by name", _LOSS_COLUMNS),
    _tables("Samples that stand in evaluation files", OVERLAPS),
)
SCHEMA_VERSION = 1 + len(STEPS)


def apply_steps(cursor: duckdb.DuckDBPyConnection, folder: Path, version: int) -> tuple[str, ...]:
    """Apply the steps that a store of that version lacks and write its new version; returns what to tell its owner.

    Runs inside the caller's transaction; `folder` is the project's.
    """
    notes: list[str] = []
    for step in STEPS[version - 1 :]:
        notes += step.apply(cursor, folder)
    raise_content(cursor)
    raise_revision(cursor)
    cursor.execute("UPDATE meta SET value = ? WHERE name = 'schema_version'", [str(SCHEMA_VERSION)])
    return tuple(notes)
