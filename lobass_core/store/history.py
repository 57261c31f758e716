"""What was done to samples, by whom and when: decisions, tags and notes, those that no longer stand included."""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

# More than anybody reads beside a sample; the log has all.
LATEST = 20


@dataclass(frozen=True, slots=True)
class HistoryAct:
    """One act on a sample. `kind` is decision, tag or note; `text` the verdict, the tag or the note.

    `ended_at` is when a decision was undone or a tag was taken off, empty while it stands. `author` is empty where
    nobody knows who it was.
    """

    kind: str
    text: str
    reason: str
    author: str
    made_at: str
    ended_at: str


def histories(
    cursor: duckdb.DuckDBPyConnection, sample_keys: Sequence[int], latest: int = LATEST
) -> dict[int, tuple[HistoryAct, ...]]:
    """The latest acts on each of the samples that has any, latest first."""
    rows = cursor.execute(
        """
        WITH asked AS (SELECT DISTINCT unnest($keys::BIGINT[]) AS sample_key),
        acts AS (
            SELECT sample_key, 'decision' AS kind, verdict AS text, reason, author, made_at, undone_at AS ended_at,
                   decision_number AS number
            FROM decisions SEMI JOIN asked USING (sample_key)
            UNION ALL SELECT sample_key, 'tag', tag, '', author, made_at, removed_at, t.rowid
            FROM tags t SEMI JOIN asked USING (sample_key)
            UNION ALL SELECT sample_key, 'note', note, '', author, made_at, NULL, n.rowid
            FROM notes n SEMI JOIN asked USING (sample_key))
        SELECT sample_key, kind, text, reason, author, made_at, coalesce(ended_at, '') FROM acts
        QUALIFY row_number() OVER (PARTITION BY sample_key ORDER BY made_at DESC, kind, number DESC) <= $latest
        ORDER BY sample_key, made_at DESC, kind, number DESC
        """,
        {"keys": [int(key) for key in sample_keys], "latest": latest},
    ).fetchall()
    acts_of: dict[int, list[HistoryAct]] = {}
    for sample_key, *act in rows:
        acts_of.setdefault(sample_key, []).append(HistoryAct(*act))
    return {sample_key: tuple(acts) for sample_key, acts in acts_of.items()}
