"""Take an imported dataset out again, as long as nothing that was decided stands on it."""

import duckdb

from lobass_core.errors import StoreError
from lobass_core.store.duplicates import mark_duplicates
from lobass_core.store.versions import raise_content


def remove_dataset(cursor: duckdb.DuckDBPyConnection, name: str) -> int:
    """Remove a dataset's rows and rejects; returns the number of rows. Samples that were scored or judged stay.

    Raises:
        StoreError: there is no such dataset, or a selection holds rows of it.
    """
    found = cursor.execute("SELECT dataset_id FROM datasets WHERE name = ?", [name]).fetchall()
    if not found:
        raise StoreError(f"there is no dataset {name!r}", do="Look at its name on the Overview, or by lobass status.")
    ((dataset_id,),) = found
    holding = cursor.execute(
        """
        SELECT DISTINCT s.name FROM selections s JOIN selection_picks p USING (selection_id) JOIN rows r USING (row_key)
        WHERE r.dataset_id = ? ORDER BY s.name
        """,
        [dataset_id],
    ).fetchall()
    if holding:
        raise StoreError(
            f"the selection {holding[0][0]!r} holds rows of {name!r}",
            do="The dataset stays, so that the selection can be opened and exported again.",
        )
    ((n_rows,),) = cursor.execute("SELECT count(*) FROM rows WHERE dataset_id = ?", [dataset_id]).fetchall()
    for table in ("rows", "rejects", "dataset_files", "datasets"):
        cursor.execute(f"DELETE FROM {table} WHERE dataset_id = ?", [dataset_id])
    # A sample key may be given out again only when nothing at all refers to it.
    cursor.execute(
        """
        DELETE FROM samples WHERE sample_key NOT IN (
            SELECT sample_key FROM rows UNION SELECT sample_key FROM losses UNION SELECT sample_key FROM decisions
            UNION SELECT sample_key FROM tags UNION SELECT sample_key FROM notes
            UNION SELECT sample_key FROM reference_folds UNION SELECT sample_key FROM selection_picks
            UNION SELECT sample_key FROM earlier_samples UNION SELECT earlier_key FROM earlier_samples)
        """
    )
    mark_duplicates(cursor)
    raise_content(cursor)
    return int(n_rows)
