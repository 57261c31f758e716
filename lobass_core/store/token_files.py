"""The tokens that run folders keep, held against the losses in the store."""

from pathlib import Path

import duckdb

from lobass_core.errors import RunError
from lobass_core.jobs.run_files import read_parquet

COLUMNS = ["sample_id", "render_fp"]


def n_without_tokens(cursor: duckdb.DuckDBPyConnection, runs_dir: Path) -> int:
    """Samples that were scored under a rendering of which no run keeps their tokens."""
    cursor.execute("CREATE OR REPLACE TEMP TABLE kept_tokens (tie_key UBIGINT, render_fp VARCHAR)")
    for path in sorted(runs_dir.glob("r-*/tokens/*.parquet")):
        try:
            tokens = read_parquet(path, COLUMNS)
        except RunError:
            continue  # the check of the run's files says what is wrong with it
        cursor.register("token_file", tokens)
        cursor.execute("INSERT INTO kept_tokens SELECT ('0x' || sample_id[1:16])::UBIGINT, render_fp FROM token_file")
        cursor.unregister("token_file")
    ((n_samples,),) = cursor.execute(
        """
        SELECT count(*) FROM (
            SELECT DISTINCT s.tie_key, l.render_fp FROM losses l JOIN samples s USING (sample_key)
            WHERE l.status IN ('ok', 'truncated')) scored
        ANTI JOIN kept_tokens USING (tie_key, render_fp)
        """
    ).fetchall()
    cursor.execute("DROP TABLE kept_tokens")
    return int(n_samples)
