"""Scored samples that are a question with one answer, as a self-test swaps answers between them."""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa

from lobass_core.records import Turn, turns_from_json
from lobass_core.store.scorings import Scoring


@dataclass(frozen=True, slots=True)
class PlantableRow:
    """A sample in two parts, and the fold whose model scores it; 0 where there are no folds."""

    sample_key: int
    sample_id: str
    question: tuple[Turn, ...]
    answer: Turn
    domain: str
    fold: int


def plantable_rows(
    cursor: duckdb.DuckDBPyConnection, scoring: Scoring, sample_keys: np.ndarray, domain: str
) -> list[PlantableRow]:
    """Those of the samples that end with their one answer, in the order of the keys; no tools, no pairs, no weights."""
    cursor.register(
        "asked", pa.table({"sample_key": pa.array(sample_keys, pa.int64()), "place": np.arange(len(sample_keys))})
    )
    rows = cursor.execute(
        """
        SELECT s.sample_key, s.sample_id, s.turns, f.fold
        FROM asked a JOIN samples s USING (sample_key)
        LEFT JOIN reference_folds f ON f.reference_fp = $reference_fp AND f.sample_key = s.sample_key
        WHERE s.kind = 'chat' AND s.tools IS NULL ORDER BY a.place
        """,
        {"reference_fp": scoring.reference.models_fp},
    ).fetchall()
    cursor.unregister("asked")
    n_folds = len(scoring.result.references)
    found = []
    for sample_key, sample_id, text, fold in rows:
        turns = turns_from_json(text)
        if _is_one_answer(turns):
            # As samples without an assignment are shared out (scored_rows.py).
            own_fold = fold if fold is not None else int(sample_id[:8], 16) % n_folds
            found.append(PlantableRow(sample_key, sample_id, turns[:-1], turns[-1], domain, own_fold))
    return found


def _is_one_answer(turns: Sequence[Turn]) -> bool:
    answers = [turn for turn in turns if turn.is_answer]
    return len(answers) == 1 and answers[0] is turns[-1] and answers[0].is_learnt and answers[0].tool_calls is None
