"""How fast the cut moves: sorted scores over synthetic losses, no store and no browser.

    python benchmarks/cut.py [--rows 1000000] [--domains 8]

Prints medians of repeated calls in milliseconds, with the machine's load, as other work on it slows every line alike.
"""

import argparse
import os
import time
from collections.abc import Callable
from statistics import median

import numpy as np

from lobass_core.learnability.score_table import ScoreTable
from lobass_core.records import BASE, REFERENCE
from lobass_core.selection.cut_curves import cut_curves
from lobass_core.selection.sorted_scores import SortedScores
from lobass_core.specs import Gates, SelectionSpec


def synthetic_table(n_rows: int, n_domains: int, seed: int = 0) -> ScoreTable:
    """Log-normal base losses, normal learnability, log-normal lengths."""
    random = np.random.default_rng(seed)
    keys = np.arange(n_rows)
    base = random.lognormal(0.0, 0.5, n_rows)
    return ScoreTable(
        row_key=keys,
        sample_key=keys,
        tie_key=random.integers(0, 2**64, n_rows, dtype=np.uint64),
        domains=tuple(f"domain {k}" for k in range(n_domains)),
        domain_code=random.integers(0, n_domains, n_rows).astype(np.int16),
        datasets=("one",),
        dataset_code=np.zeros(n_rows, np.int16),
        losses={BASE: base, REFERENCE: base * (1 - random.normal(0.3, 0.2, n_rows))},
        columns={},
        n_tokens=random.lognormal(4.0, 1.0, n_rows).astype(np.int32) + 1,
        n_prompt_tokens=np.full(n_rows, 30, np.int32),
        n_bytes=np.full(n_rows, -1, np.int32),
        flags=np.zeros(n_rows, np.uint16),
        decision=np.zeros(n_rows, np.int8),
    )


def measured(call: Callable[[], object], repeats: int) -> float:
    """Median time of a call in milliseconds."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append((time.perf_counter() - start) * 1000)
    return median(times)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--domains", type=int, default=8)
    asked = parser.parse_args()
    table = synthetic_table(asked.rows, asked.domains)
    scores = SortedScores.build(table)
    tokens = SelectionSpec(budget="tokens", value=float(asked.rows), balance="global")
    lines = {
        "sort": measured(lambda: SortedScores.build(table), 3),
        "other gates": measured(lambda: scores.with_gates(Gates(min_response_tokens=20)), 5),
        "answer: ratio, natural": measured(lambda: scores.answer(SelectionSpec(value=0.06)), 500),
        "answer: ratio, equal": measured(lambda: scores.answer(SelectionSpec(value=0.5, balance="equal")), 500),
        "answer: threshold": measured(
            lambda: scores.answer(SelectionSpec(budget="threshold", value=0.4, balance="global")), 500
        ),
        "answer: tokens, global": measured(lambda: scores.answer(tokens), 500),
        "curves and histograms for the browser": measured(lambda: cut_curves(scores), 20),
        "select, with its picks": measured(lambda: scores.select(SelectionSpec(value=0.06)), 3),
    }
    print(f"{asked.rows:,} rows, {asked.domains} domains, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    for name, milliseconds in lines.items():
        print(f"{name:40s} {milliseconds:10.3f} ms")


if __name__ == "__main__":
    main()
