"""Steps are the lines of a response that are not blank, whatever ends them."""

import numpy as np

from lobass_core.store.response_steps import response_steps
from tests.filled_project import Row, import_rows

STEPS = {
    "one line": 1,
    "two\nlines": 2,
    "a blank\n\n\nbetween": 2,
    "blanks\n \t \nbetween": 2,
    "from\r\nanother\r\n\r\nsystem": 3,
    "\n\nfirst lines blank": 1,
    "last lines blank\nas here\n\n  ": 2,
    "ends with a break\n": 1,
    "trailing blanks \nat a line": 2,
    " \n ": 1,
}


def test_the_lines_that_are_not_blank_count(project):
    import_rows(project, [Row(f"{n}?", text) for n, text in enumerate(STEPS)])
    with project.store() as store:
        cursor = store.cursor()
        keys = np.array([key for (key,) in cursor.execute("SELECT sample_key FROM rows ORDER BY row_key").fetchall()])
        assert response_steps(cursor, keys).tolist() == list(STEPS.values())
        # Rows may share a sample, and come in any order.
        assert response_steps(cursor, keys[[4, 1, 4]]).tolist() == [3, 2, 3]
