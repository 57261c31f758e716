"""Small score tables for the tests, built through the same columns that the store gives."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
from hypothesis import strategies as st

from lobass_core.learnability.measures import BUILT_IN, FACTS
from lobass_core.learnability.score_table import ScoreColumn, ScoreTable
from lobass_core.selection.result import SelectionResult
from lobass_core.selection.sorted_scores import SortedScores
from lobass_core.specs import SelectionSpec

COLUMNS = pa.schema(
    {
        "row_key": pa.int64(),
        "sample_key": pa.int64(),
        "tie_key": pa.uint64(),
        "dataset_id": pa.int32(),
        "row_index": pa.int64(),
        "domain": pa.string(),
        "base_loss_sum": pa.float64(),
        "base_n_tokens": pa.int32(),
        "base_status": pa.string(),
        "reference_loss_sum": pa.float64(),
        "reference_n_tokens": pa.int32(),
        "reference_status": pa.string(),
        "n_prompt_tokens": pa.int32(),
        "n_response_bytes": pa.int32(),
        "vocabulary_size": pa.int32(),
        "is_unseen": pa.bool_(),
        "is_duplicate": pa.bool_(),
        "is_in_evaluation": pa.bool_(),
    }
)


def row(key: int, domain: str = "math", base: float = 2.0, reference: float = 1.0, n: int = 10, **other) -> dict:
    """One row with mean losses `base` and `reference` over `n` response tokens; `other` overrides columns."""
    return {
        "row_key": key,
        "sample_key": key,
        "tie_key": key,
        "dataset_id": 1,
        "row_index": key,
        "domain": domain,
        "base_loss_sum": base * n,
        "base_n_tokens": n,
        "base_status": "ok",
        "reference_loss_sum": reference * n,
        "reference_n_tokens": n,
        "reference_status": "ok",
        "n_prompt_tokens": 7,
        "n_response_bytes": 4 * n,
        "vocabulary_size": 50_000,
        "is_unseen": None,
        "is_duplicate": False,
        "is_in_evaluation": False,
    } | other


def arrow_of(rows: list[dict]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=COLUMNS)


def table_of(rows: list[dict], names: dict[int, str] | None = None) -> ScoreTable:
    """The arrays of rows made by `row`; their decisions lie over them, as `workflows/row_table.py` lays them."""
    decision = np.array([one.get("decision", 0) for one in rows], np.int8)
    return replace(ScoreTable.from_arrow(arrow_of(rows), names), decision=decision)


def sorted_for(table: ScoreTable, spec: SelectionSpec) -> SortedScores:
    """The table sorted as the spec asks."""
    return SortedScores.build(table, spec.method, seed=spec.seed, datasets=spec.datasets, gates=spec.gates)


def select(table: ScoreTable, spec: SelectionSpec) -> SelectionResult:
    """What the spec keeps of the table."""
    return sorted_for(table, spec).select(spec)


def with_column(table: ScoreTable, name: str, values: np.ndarray, **facts) -> ScoreTable:
    """The table with one more score column."""
    column = ScoreColumn(name, np.asarray(values, np.float64), **facts)
    return replace(table, columns={**table.columns, name: column})


def learnable(key: int, score: float, domain: str = "math", **other) -> dict:
    """A row whose learnability is `score`, up to rounding: base loss 1."""
    return row(key, domain, 1.0, 1.0 - score, **other)


# The measures that a scoring of base and reference has.
USUAL = [name for name, one in BUILT_IN.items() if {"base", "reference", *FACTS}.issuperset(one.needs)]

LOSSES = st.one_of(
    st.sampled_from([0.0, 1e-9, 0.5, 1.0, 2.0, -0.25, float("nan"), float("inf")]),
    st.floats(0.01, 8.0, allow_nan=False),
)


@st.composite
def score_rows(draw: st.DrawFn, max_rows: int = 40) -> list[dict]:
    """Rows with ties, copies, missing and odd losses, and decisions, in up to four domains and three datasets."""
    n = draw(st.integers(0, max_rows))
    rows = []
    for key in range(n):
        n_tokens = draw(st.integers(0, 12))
        state = draw(st.sampled_from(["ok"] * 6 + ["truncated", "non_finite", "no_response", "none"]))
        scored = state != "none"
        # Copies share the sample, so also its losses, status and verdict.
        if rows and draw(st.integers(0, 9)) == 0:
            original = draw(st.sampled_from(rows))
            rows.append(original | {"row_key": key, "row_index": key, "is_duplicate": True})
            continue
        rows.append(
            row(
                key,
                domain=draw(st.sampled_from(["chat", "code", "math", "prose"])),
                tie_key=draw(st.integers(0, 2**64 - 1)),
                dataset_id=draw(st.integers(1, 3)),
                base_loss_sum=draw(LOSSES) * n_tokens if scored else None,
                reference_loss_sum=draw(LOSSES) * n_tokens if scored else None,
                base_n_tokens=n_tokens if scored else None,
                reference_n_tokens=n_tokens if scored else None,
                base_status=state if scored else None,
                reference_status="ok" if scored else None,
                n_response_bytes=draw(st.sampled_from([None, 1, 4 * n_tokens])),
                vocabulary_size=50_000,
                is_in_evaluation=draw(st.integers(0, 9)) == 0,
                decision=draw(st.sampled_from([0] * 8 + [1, -1])),
            )
        )
    if rows:
        # Where the reference gains nothing in any row, methods that need the difference refuse.
        rows.append(row(n, domain="chat", base=2.0, reference=1.0))
    return rows


def shuffled(rows: list[dict], seed: int) -> list[dict]:
    return [rows[k] for k in np.random.default_rng(seed).permutation(len(rows))]
