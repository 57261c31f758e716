"""How many steps each response has: its lines that are not blank."""

import duckdb
import numpy as np

# A worked answer has a step a line; blank lines only part them.
_STEPS = r"""
    SELECT CASE WHEN contains(s.response_text, E'\n')
        THEN len(string_split(regexp_replace(trim(s.response_text, E' \t\r\n'), '\s*\n\s*', E'\n', 'g'), E'\n'))
        ELSE 1 END AS n
    FROM rows r JOIN samples s USING (sample_key) ORDER BY r.row_key
"""


def response_steps(cursor: duckdb.DuckDBPyConnection) -> np.ndarray:
    """int64[rows], in the order of the rows' keys; 1 for an empty response."""
    return np.asarray(cursor.execute(_STEPS).fetchnumpy()["n"], np.int64)
