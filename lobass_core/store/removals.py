"""Take an imported dataset out again, as long as nothing that was decided stands on it."""

import duckdb

from lobass_core.errors import StoreError
from lobass_core.store.domain_changes import forget_domain_changes
from lobass_core.store.duplicates import mark_duplicates
from lobass_core.store.former_states import forget_updates
from lobass_core.store.samples import drop_unused_samples
from lobass_core.store.score_columns import release_gone_rows
from lobass_core.store.versions import raise_content


def remove_dataset(cursor: duckdb.DuckDBPyConnection, name: str) -> int:
    """Remove a dataset's rows and rejects; returns the number of rows. Samples that were scored or judged stay.

    Raises:
        StoreError: there is no such dataset, or a selection holds rows of it.
    """
    ids = cursor.execute("SELECT dataset_id FROM datasets WHERE name = ?", [name]).fetchall()
    if not ids:
        raise StoreError(
            f"there is no dataset {name!r}", do="Check its name on the Overview page or with lobass status."
        )
    ((dataset_id,),) = ids
    holding = cursor.execute(
        """
        WITH own AS (
            SELECT row_key FROM rows WHERE dataset_id = $dataset_id
            UNION SELECT row_key FROM former_rows SEMI JOIN (
                SELECT update_id FROM dataset_updates WHERE dataset_id = $dataset_id) USING (update_id))
        SELECT DISTINCT s.name FROM selections s JOIN selection_picks p USING (selection_id)
        SEMI JOIN own USING (row_key) ORDER BY s.name
        """,
        {"dataset_id": dataset_id},
    ).fetchall()
    if holding:
        raise StoreError(
            f"the selection {holding[0][0]!r} contains rows of {name!r}",
            do="The dataset is kept, so that the selection can still be opened and exported.",
        )
    ((n_rows,),) = cursor.execute("SELECT count(*) FROM rows WHERE dataset_id = ?", [dataset_id]).fetchall()
    forget_updates(cursor, dataset_id)
    forget_domain_changes(cursor, dataset_id)
    for table in ("rows", "rejects", "dataset_files", "datasets"):
        cursor.execute(f"DELETE FROM {table} WHERE dataset_id = ?", [dataset_id])
    release_gone_rows(cursor)
    drop_unused_samples(cursor)
    mark_duplicates(cursor)
    raise_content(cursor)
    return int(n_rows)
