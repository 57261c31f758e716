"""Find the samples that the lines of a file mean: by their id, else by dataset and row."""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Named:
    """How a line names its sample; row -1 where it names no row."""

    sample_id: str
    dataset: str
    row_index: int


@dataclass(frozen=True, slots=True)
class Match:
    """The sample that is meant, and whether its id was known or only dataset and row were."""

    sample_key: int
    by_id: bool


# For a sample in `known` (number, sample_key) that no row has any more: the sample that its rows have become, if it is
# only one.
HEIRS = """gone AS (SELECT number, sample_key FROM known ANTI JOIN rows USING (sample_key)),
heirs AS (
    SELECT g.number, min(e.sample_key) AS sample_key
    FROM gone g JOIN earlier_samples e ON e.earlier_key = g.sample_key SEMI JOIN rows r ON r.sample_key = e.sample_key
    GROUP BY g.number HAVING count(DISTINCT e.sample_key) = 1)"""
_MATCHES = f"""
WITH known AS (SELECT n.number, s.sample_key FROM named n JOIN samples s ON s.sample_id = n.sample_id),
{HEIRS},
placed AS (
    SELECT n.number, r.sample_key FROM named n ANTI JOIN known k ON k.number = n.number
    JOIN datasets d ON d.name = n.dataset JOIN rows r ON r.dataset_id = d.dataset_id AND r.row_index = n.row_index)
SELECT k.number, coalesce(h.sample_key, k.sample_key), true FROM known k LEFT JOIN heirs h ON h.number = k.number
UNION ALL SELECT number, sample_key, false FROM placed
"""


def match_samples(cursor: duckdb.DuckDBPyConnection, named: Sequence[Named]) -> list[Match | None]:
    """The sample of each line, None where the project has neither the id nor the row."""
    table = pa.table(
        {
            "number": pa.array(range(len(named)), pa.int64()),
            "sample_id": pa.array([one.sample_id for one in named], pa.string()),
            "dataset": pa.array([one.dataset for one in named], pa.string()),
            "row_index": pa.array([one.row_index for one in named], pa.int64()),
        }
    )
    cursor.register("named", table)
    rows = cursor.execute(_MATCHES).fetchall()
    cursor.unregister("named")
    matches: list[Match | None] = [None] * len(named)
    for number, sample_key, by_id in rows:
        matches[number] = Match(int(sample_key), by_id)
    return matches
