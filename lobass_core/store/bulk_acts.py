"""Decisions and tags on many samples at once."""

import duckdb
import numpy as np
import pyarrow as pa

from lobass_core.store.sequences import take_ids
from lobass_core.words.clock import utc_now


def decide_many(
    cursor: duckdb.DuckDBPyConnection, batch_id: str, keys: np.ndarray, verdict: str, reason: str, author: str = ""
) -> int:
    """Log one verdict on each of the samples as one batch, so that one undo takes all of it back.

    A batch that is in the log already is passed over. Returns how many decisions are new.
    """
    cursor.register("decided", pa.table({"sample_key": pa.array(keys, pa.int64())}))
    inserted = cursor.execute(
        """
        INSERT INTO decisions
        SELECT $first + row_number() OVER (ORDER BY sample_key) - 1, $batch_id || '-' || sample_key, sample_key,
               $verdict, $reason, $now, $batch_id, NULL, $author
        FROM (SELECT DISTINCT sample_key FROM decided)
        WHERE NOT EXISTS (SELECT 1 FROM decisions WHERE batch_id = $batch_id)
        """,
        {
            "first": take_ids(cursor, "decision_numbers", max(len(keys), 1)),
            "batch_id": batch_id,
            "verdict": verdict,
            "reason": reason,
            "now": utc_now(),
            "author": author,
        },
    ).fetchone()
    cursor.unregister("decided")
    return int(inserted[0]) if inserted else 0


def tag_many(cursor: duckdb.DuckDBPyConnection, batch_id: str, keys: np.ndarray, tag: str, author: str = "") -> int:
    """Tag each of the samples; those that carry the tag, or did by this very batch, are passed over.

    Returns how many are new.
    """
    cursor.register("tagged", pa.table({"sample_key": pa.array(keys, pa.int64())}))
    inserted = cursor.execute(
        """
        INSERT INTO tags (tag_id, sample_key, tag, made_at, author)
        SELECT $batch_id || '-' || sample_key, sample_key, $tag, $now, $author
        FROM (SELECT DISTINCT sample_key FROM tagged) n
        WHERE NOT EXISTS (SELECT 1 FROM tags t
                          WHERE t.sample_key = n.sample_key AND t.tag = $tag AND t.removed_at IS NULL)
              AND NOT EXISTS (SELECT 1 FROM tags t WHERE t.tag_id = $batch_id || '-' || n.sample_key)
        """,
        {"batch_id": batch_id, "tag": tag, "now": utc_now(), "author": author},
    ).fetchone()
    cursor.unregister("tagged")
    return int(inserted[0]) if inserted else 0
