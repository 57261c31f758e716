"""Which of several rows of one sample stands for it."""

import duckdb


def mark_duplicates(cursor: duckdb.DuckDBPyConnection) -> None:
    """Mark every row whose sample another row stands for: the least by (domain, dataset name, row index)."""
    cursor.execute(
        """
        UPDATE rows SET is_duplicate = ranked.is_duplicate
        FROM (SELECT r.row_key, row_number() OVER (
                        PARTITION BY r.sample_key ORDER BY r.domain, d.name, r.row_index) > 1 AS is_duplicate
              FROM rows r JOIN datasets d USING (dataset_id)
              WHERE r.is_duplicate
                 OR r.sample_key IN (SELECT sample_key FROM rows GROUP BY sample_key HAVING count(*) > 1)) AS ranked
        WHERE rows.row_key = ranked.row_key AND rows.is_duplicate <> ranked.is_duplicate
        """
    )
