"""What the database itself refuses: missing values, one key twice, words that mean nothing.

Keys of the small tables cost nothing measurable. The great ones (rows, samples, losses) have none: an import with keys
takes twice as long, and the writers keep each of them single.
"""

from dataclasses import dataclass

import duckdb


@dataclass(frozen=True, slots=True)
class Constraints:
    """Of one table: columns that always have a value, columns that are together its key, and conditions."""

    table: str
    required: str
    key: str = ""
    conditions: tuple[str, ...] = ()


_VERDICTS = "verdict IN ('keep', 'drop', 'undecided')"
_FATES = "fate IN ('kept', 'changed', 'gone', 'undone')"
# Written anew with all that they hold, as a table gets a key or a condition no other way.
SMALL = (
    Constraints("meta", "value", "name"),
    Constraints("datasets", "name, path, file_sha256, format, mapping, spec, n_rows, n_rejected, imported_at",
                "dataset_id", ("n_rows >= 0", "n_rejected >= 0")),
    Constraints("dataset_files", "name, path, file_sha256, first_row, n_rows, n_rejected", "dataset_id, file_number"),
    Constraints("decisions", "decision_number, decision_id, sample_key, verdict, reason, made_at, batch_id, author",
                "", (_VERDICTS,)),
    Constraints("tags", "tag_id, sample_key, tag, made_at, author"),
    Constraints("notes", "note_id, sample_key, note, made_at, author"),
    Constraints("decision_imports", "file, file_sha256, on_conflict, n_decisions, n_tags, n_notes, made_at",
                "batch_id"),
    Constraints("selections", "name, scoring_id, spec, result, n_kept, tokens_kept, made_at", "selection_id",
                ("n_kept >= 0",)),
    Constraints("exports", "selection_name, format, folder, n_rows, manifest, manifest_sha256, made_at", "export_id"),
    Constraints("domain_changes", "dataset_id, made_at, spec, n_rows", "change_id"),
    Constraints("dataset_updates", "dataset_id, made_at, counts, first_row", "update_id"),
    Constraints("former_rows", "update_id, row_key, row_index, line, sample_key, domain, fate", "", (_FATES,)),
    Constraints("imported_domains", "domain", "row_key"),
    Constraints("saved_filters", "query, made_at", "name"),
    Constraints("registered_runs", "finished_at", "run_id"),
    Constraints("collected_runs", "stamp", "run_id"),
    Constraints("ingested_shards", "n_rows, sha256", "run_id, shard"),
)  # fmt: skip
# Changed where they are: with their texts they are gigabytes.
GREAT = (
    Constraints("rows", "row_key, dataset_id, row_index, line, sample_key, domain, source, is_duplicate"),
    Constraints("samples", "sample_key, sample_id, tie_key, kind, turns, system_text, prompt_text, response_text"),
    Constraints("losses", "sample_key, model_fp, render_fp, n_tokens, n_prompt_tokens, n_dropped_tokens, status,"
                          " run_id, shard"),
    Constraints("selection_picks", "selection_id, row_key, sample_key, pick_rank, reason"),
)  # fmt: skip


# Of those, what follows a record that reads as another sample now.
MOVED = ("rows", "selection_picks")


def add_constraints(cursor: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
    """Give every table its constraints; one that breaks them keeps all that it holds, and a sentence says so."""
    # A column cannot be changed where it is once the same transaction has written to it.
    ((has_moved,),) = cursor.execute("SELECT EXISTS (FROM earlier_samples)").fetchall()
    notes: list[str] = []
    for wanted in (*SMALL, *GREAT):
        if fault := _fault(cursor, wanted):
            notes.append(f"The table {wanted.table} is left without its checks: {fault}.")
        elif wanted in SMALL or (has_moved and wanted.table in MOVED):
            _write_anew(cursor, wanted)
        else:
            for column in _names(wanted.required):
                cursor.execute(f"ALTER TABLE {wanted.table} ALTER COLUMN {column} SET NOT NULL")
    return tuple(notes)


def _fault(cursor: duckdb.DuckDBPyConnection, wanted: Constraints) -> str:
    """What of a table breaks its constraints, or nothing."""
    required = " OR ".join(f"{column} IS NULL" for column in (*_names(wanted.required), *_names(wanted.key)))
    if _counts(cursor, f"FROM {wanted.table} WHERE {required}"):
        return "some of its values are missing"
    twice = f"FROM (FROM {wanted.table} SELECT {wanted.key} GROUP BY ALL HAVING count(*) > 1)"
    if wanted.key and _counts(cursor, twice):
        return "a key occurs twice"
    if wanted.conditions and _counts(cursor, f"FROM {wanted.table} WHERE NOT ({' AND '.join(wanted.conditions)})"):
        return "some of its values are not valid"
    return ""


def _counts(cursor: duckdb.DuckDBPyConnection, source: str) -> bool:
    return bool(cursor.execute(f"SELECT count(*) {source}").fetchall()[0][0])


def _write_anew(cursor: duckdb.DuckDBPyConnection, wanted: Constraints) -> None:
    """Make the table again, with its constraints, of the columns that it has, and give it all its rows in order."""
    required, table = _names(wanted.required), wanted.table
    columns = []
    for name, kind, _, _, default, *_ in cursor.execute(f"DESCRIBE {table}").fetchall():
        given = f" DEFAULT {default}" if default is not None else ""
        columns.append(f"{name} {kind}{given}{' NOT NULL' if name in required else ''}")
    if wanted.key:
        columns.append(f"PRIMARY KEY ({wanted.key})")
    columns += [f"CHECK ({condition})" for condition in wanted.conditions]
    for statement in (
        f"CREATE TABLE checked_{table} ({', '.join(columns)})",
        f"INSERT INTO checked_{table} SELECT * FROM {table} ORDER BY rowid",
        f"DROP TABLE {table}",
        f"ALTER TABLE checked_{table} RENAME TO {table}",
    ):
        cursor.execute(statement)


def _names(columns: str) -> list[str]:
    return [name.strip() for name in columns.split(",") if name.strip()]
