"""What hangs on a sample follows its rows to another one: decisions, tags, notes, picks and folds.

The temporary table `moved_rows` (row_key, old_key, new_key) says which rows have moved. A sample that has lost its last
row hands everything over. One that keeps rows, or whose rows went to several samples, keeps its own and gives each of
the new ones a copy; a decision and its copies are one batch, so that one undo takes all of them back. Losses stay
where they are: whether they hold for the new text is for the next scoring to find out, by its tokens.
"""

from pathlib import Path

import duckdb
import pyarrow as pa

from lobass_core.errors import RunError
from lobass_core.jobs.run_files import read_parquet, write_parquet
from lobass_core.store.score_columns import follow_scores
from lobass_core.words.clock import utc_now

# links     old sample -> each sample that a row of it has moved to
# heirs     old sample that all rows have left -> the one sample that takes over what hung on it
# copies    all other links
_LINKS = """
CREATE OR REPLACE TEMP TABLE links AS SELECT old_key, new_key, min(row_key) AS row_key FROM moved_rows GROUP BY ALL;
CREATE OR REPLACE TEMP TABLE heirs AS
    SELECT old_key, arg_min(new_key, row_key) AS new_key FROM links
    WHERE old_key NOT IN (SELECT sample_key FROM rows ANTI JOIN moved_rows USING (row_key)) GROUP BY old_key;
CREATE OR REPLACE TEMP TABLE copies AS SELECT old_key, new_key FROM links EXCEPT SELECT old_key, new_key FROM heirs;
"""
_DECISIONS = """
UPDATE decisions SET batch_id = decision_id
    WHERE batch_id = '' AND undone_at IS NULL AND sample_key IN (SELECT old_key FROM copies);
CREATE OR REPLACE TEMP TABLE copied AS
    SELECT d.* REPLACE (d.decision_id || '-' || c.new_key AS decision_id, c.new_key AS sample_key)
    FROM decisions d JOIN copies c ON d.sample_key = c.old_key WHERE d.undone_at IS NULL;
UPDATE decisions SET sample_key = h.new_key FROM heirs h WHERE decisions.sample_key = h.old_key;
INSERT INTO decisions BY NAME SELECT * FROM copied;
"""
_TAGS = """
CREATE OR REPLACE TEMP TABLE copied AS
    SELECT t.* REPLACE (t.tag_id || '-' || c.new_key AS tag_id, c.new_key AS sample_key)
    FROM tags t JOIN copies c ON t.sample_key = c.old_key WHERE t.removed_at IS NULL;
UPDATE tags SET sample_key = h.new_key FROM heirs h WHERE tags.sample_key = h.old_key;
INSERT INTO tags BY NAME SELECT * FROM copied;
"""
# Notes of several samples that have become one are joined: only the last of a sample's notes is shown.
_NOTES = """
CREATE OR REPLACE TEMP TABLE standing AS
    SELECT sample_key, arg_max(note, n.rowid) AS note FROM notes n GROUP BY sample_key HAVING note <> '';
CREATE OR REPLACE TEMP TABLE inherited AS
    SELECT new_key AS sample_key, note FROM links JOIN standing ON sample_key = old_key;
CREATE OR REPLACE TEMP TABLE together AS
    SELECT sample_key, string_agg(DISTINCT note, chr(10) || chr(10) ORDER BY note) AS note
    FROM (FROM inherited UNION ALL
          SELECT sample_key, note FROM standing SEMI JOIN inherited USING (sample_key)
          WHERE sample_key NOT IN (SELECT old_key FROM heirs)) GROUP BY sample_key;
UPDATE notes SET sample_key = h.new_key FROM heirs h WHERE notes.sample_key = h.old_key;
INSERT INTO notes (note_id, sample_key, note, made_at)
    SELECT uuid()::VARCHAR, t.sample_key, t.note, $now FROM together t
    WHERE t.note IS DISTINCT FROM (SELECT arg_max(n.note, n.rowid) FROM notes n WHERE n.sample_key = t.sample_key);
"""
_PICKS = "UPDATE selection_picks SET sample_key = m.new_key FROM moved_rows m WHERE selection_picks.row_key = m.row_key"
_FOLDS = """
INSERT INTO reference_folds (reference_fp, sample_key, fold)
    SELECT f.reference_fp, l.new_key, min(f.fold) FROM reference_folds f JOIN links l ON f.sample_key = l.old_key
    WHERE NOT EXISTS (SELECT 1 FROM reference_folds o
                      WHERE o.reference_fp = f.reference_fp AND o.sample_key = l.new_key)
    GROUP BY f.reference_fp, l.new_key
"""
# The text of a loss that is looked for under its old sample, should it hold for the new one.
_FORERUNNERS = """
INSERT INTO earlier_samples
    WITH pairs AS (
        SELECT new_key AS sample_key, old_key AS earlier_key FROM links
        UNION SELECT l.new_key, e.earlier_key FROM links l JOIN earlier_samples e ON e.sample_key = l.old_key)
    SELECT f.sample_key, f.earlier_key FROM pairs f ANTI JOIN earlier_samples e
    ON e.sample_key = f.sample_key AND e.earlier_key = f.earlier_key WHERE f.sample_key <> f.earlier_key
"""


def follow_rows(cursor: duckdb.DuckDBPyConnection) -> None:
    """Let everything in the store follow the moved rows."""
    cursor.execute(_LINKS)
    cursor.execute(_DECISIONS)
    cursor.execute(_TAGS)
    *statements, last = _NOTES.strip().removesuffix(";").split(";\n")
    for statement in statements:
        cursor.execute(statement)
    cursor.execute(last, {"now": utc_now()})
    for statement in (_PICKS, _FOLDS, _FORERUNNERS):
        cursor.execute(statement)
    follow_scores(cursor)


def give_folds(cursor: duckdb.DuckDBPyConnection, update_id: int, models_dir: Path) -> None:
    """Give the texts that an update brought in place of others the folds of those, as `extend_fold_files` does."""
    cursor.execute(
        """
        CREATE OR REPLACE TEMP TABLE links AS
            SELECT DISTINCT f.sample_key AS old_key, r.sample_key AS new_key
            FROM former_rows f JOIN rows r ON r.row_key = f.new_key WHERE f.update_id = ? AND f.fate = 'changed'
        """,
        [update_id],
    )
    extend_fold_files(cursor, models_dir)
    cursor.execute("DROP TABLE temp.links")


def extend_fold_files(cursor: duckdb.DuckDBPyConnection, models_dir: Path) -> None:
    """Give the new samples the folds of the old ones in the files that the next scoring reads.

    A fold model was trained on the old text, which is nearly the new one: it must not score it now.
    """
    pairs = cursor.sql(
        "SELECT o.sample_id AS sample_id, n.sample_id AS new_id FROM links l"
        " JOIN samples o ON o.sample_key = l.old_key JOIN samples n ON n.sample_key = l.new_key"
    ).to_arrow_table()
    for path in sorted([*models_dir.glob("*/folds.parquet"), *models_dir.glob("*/seed-*/folds.parquet")]):
        try:
            folds = read_parquet(path, ["sample_id", "fold"])
        except RunError:
            continue  # whoever trains or scores with it will say so
        added = folds.join(pairs, "sample_id", join_type="inner").select(["new_id", "fold"])
        added = added.rename_columns(["sample_id", "fold"]).join(
            folds.select(["sample_id"]), "sample_id", join_type="left anti"
        )
        if added.num_rows:
            added = added.group_by("sample_id").aggregate([("fold", "min")]).rename_columns(["sample_id", "fold"])
            write_parquet(path, pa.concat_tables([folds, added.cast(folds.schema)]))
