"""How many steps each response has: its lines that are not blank."""

import duckdb
import numpy as np

# Lines of blanks alone are rare, and looking for them takes most of the time: only texts that may have one are.
_STEPS = r"""
    SELECT sample_key, CASE WHEN contains(response_text, E' \n') OR contains(response_text, E'\t\n')
            OR contains(response_text, E'\r\n') OR response_text[-1] IN (' ', E'\t', E'\r')
        THEN len(list_filter(string_split(response_text, E'\n'), lambda line: trim(line, E' \t\r') <> ''))
        ELSE len(list_filter(string_split(response_text, E'\n'), lambda line: line <> '')) END AS n
    FROM samples
"""


def response_steps(cursor: duckdb.DuckDBPyConnection, sample_key: np.ndarray) -> np.ndarray:
    """int64[n] for these samples, a worked answer having a step a line; 1 for an empty response."""
    found = cursor.execute(_STEPS).fetchnumpy()
    order = np.argsort(found["sample_key"])
    n_steps = np.maximum(np.asarray(found["n"], np.int64)[order], 1)
    return n_steps[np.searchsorted(found["sample_key"][order], sample_key)]
