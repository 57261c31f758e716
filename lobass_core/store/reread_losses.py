"""Whether the rows that an update of the program read again have been scored since."""

import duckdb

from lobass_core.store.scored_rows import loss_tables
from lobass_core.store.scorings import Scoring


def reread_rows_lack_losses(cursor: duckdb.DuckDBPyConnection, scoring: Scoring) -> bool:
    """Whether a row that has moved to another sample has no loss of base or reference under the scoring."""
    losses, values = loss_tables(cursor, scoring)
    ((lacks,),) = cursor.execute(
        f"""
        WITH {losses}
        SELECT EXISTS (
            SELECT 1 FROM rows SEMI JOIN earlier_samples USING (sample_key)
            WHERE sample_key NOT IN (SELECT sample_key FROM base JOIN reference USING (sample_key)))
        """,
        values,
    ).fetchall()
    return bool(lacks)
