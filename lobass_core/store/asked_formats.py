"""Whether the format of each dataset was asked for: kept since it decides how records are read again."""

import json

import duckdb

from lobass_core.store.reread import first_rows, way_of_reading


def note_asked_formats(cursor: duckdb.DuckDBPyConnection) -> None:
    """Add the column: told by the settings that the import was asked for, else by what it made of the first rows."""
    for table in ("datasets", "former_datasets"):
        cursor.execute(f"ALTER TABLE {table} ADD COLUMN format_asked BOOLEAN DEFAULT false")
        specs = cursor.execute(f"SELECT DISTINCT import_spec FROM {table} WHERE import_spec IS NOT NULL").fetchall()
        for (text,) in specs:
            spec = json.loads(text) if text else {}
            if spec.get("format", "auto") != "auto" or spec.get("mapping"):
                cursor.execute(f"UPDATE {table} SET format_asked = true WHERE import_spec = ?", [text])
    unknown = "SELECT dataset_id, format, mapping FROM datasets WHERE import_spec IS NULL"
    for dataset_id, format, mapping in cursor.execute(unknown).fetchall():
        if way_of_reading(format, json.loads(mapping), first_rows(cursor, dataset_id)).asked:
            cursor.execute("UPDATE datasets SET format_asked = true WHERE dataset_id = ?", [dataset_id])
