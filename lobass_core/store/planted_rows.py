"""Scored samples that are a question with one answer, as a self-test swaps answers between them."""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa

from lobass_core.jobs.run_results import ScoredColumn
from lobass_core.records import REFERENCE, Turn, turns_from_json
from lobass_core.store.scorings import Scoring


@dataclass(frozen=True, slots=True)
class PlantableRow:
    """A sample in two parts, and the fold whose model scores it, by reference; 0 where there are no folds."""

    sample_key: int
    sample_id: str
    question: tuple[Turn, ...]
    answer: Turn
    domain: str
    folds: tuple[int, ...]


def reference_columns(scoring: Scoring) -> list[ScoredColumn]:
    """What the reference loss comes from: the reference, or all whose mean it is."""
    members = {column.name for column in scoring.members} or {REFERENCE}
    return [column for column in scoring.result.scored if column.name in members]


def plantable_rows(
    cursor: duckdb.DuckDBPyConnection, scoring: Scoring, sample_keys: np.ndarray, domain: str
) -> list[PlantableRow]:
    """Those of the samples that end with their one answer, in the order of the keys; no tools, no pairs, no weights."""
    columns = reference_columns(scoring)
    assigned = [_folds(cursor, column.models_fp) if len(column.models) > 1 else {} for column in columns]
    cursor.register(
        "asked", pa.table({"sample_key": pa.array(sample_keys, pa.int64()), "place": np.arange(len(sample_keys))})
    )
    rows = cursor.execute(
        """
        SELECT s.sample_key, s.sample_id, s.turns FROM asked a JOIN samples s USING (sample_key)
        WHERE s.kind = 'chat' AND s.tools IS NULL ORDER BY a.place
        """
    ).fetchall()
    cursor.unregister("asked")
    plantable = []
    for sample_key, sample_id, text in rows:
        turns = turns_from_json(text)
        if _is_one_answer(turns):
            # As samples without an assignment are shared out (scored_rows.py).
            folds = tuple(
                by_key.get(sample_key, int(sample_id[:8], 16) % len(column.models))
                for by_key, column in zip(assigned, columns, strict=True)
            )
            plantable.append(PlantableRow(sample_key, sample_id, turns[:-1], turns[-1], domain, folds))
    return plantable


def _folds(cursor: duckdb.DuckDBPyConnection, models_fp: str) -> dict[int, int]:
    rows = cursor.execute("SELECT sample_key, fold FROM reference_folds WHERE reference_fp = ?", [models_fp])
    return dict(rows.fetchall())


def _is_one_answer(turns: Sequence[Turn]) -> bool:
    answers = [turn for turn in turns if turn.is_answer]
    return len(answers) == 1 and answers[0] is turns[-1] and answers[0].is_learnt and answers[0].tool_calls is None
