"""Whether the base predicts responses better than chance: some rows of every domain, scored beforehand."""

import time
from collections.abc import Sequence

import numpy as np

from lobass_core.jobs.run_results import ChanceCheck, DomainChance
from lobass_core.learnability.flags import above_chance
from lobass_core.scoring.engine import Engine
from lobass_core.worker.reporter import Reporter

# As long as the timing before it, so that a slow model costs seconds and not minutes.
CHECK_SECONDS = 4.0
MOST_ROWS = 200
GROUP_TOKENS = 1024


def check_chance(
    engine: Engine,
    domains: Sequence[str],
    vocabulary_size: int | None,
    report: Reporter,
    seconds: float = CHECK_SECONDS,
) -> ChanceCheck:
    """Score rows of the engine's table until the time is out, at least one group of them; `domains` has one a row.

    The rows are those with the least sample ids of each domain, so the same ones whatever the order of the input.
    """
    table = engine.table
    report.update(phase="checking whether the base can read the responses")
    started, looked_at, worse = time.monotonic(), [], []
    for group in _groups(engine, _spread(table.sample_ids, domains, np.flatnonzero(table.lengths > 1))):
        for losses in engine.score(group):
            report.check_cancel()
            places, sums = losses.indices, np.array([nlls.sum(dtype=np.float64) for nlls in losses.token_nlls])
            n_tokens = table.n_response_tokens[places]
            looked_at += places.tolist()
            worse += above_chance(
                sums / n_tokens, n_tokens, table.n_response_bytes[places], vocabulary_size or 0
            ).tolist()
        if time.monotonic() - started > seconds:
            break
    return _counted([domains[place] for place in looked_at], worse)


def _spread(sample_ids: Sequence[str], domains: Sequence[str], places: np.ndarray) -> list[int]:
    """Places in turns from each domain, at most MOST_ROWS."""
    turn: dict[str, int] = {}
    ranked = []
    for place in sorted(places.tolist(), key=lambda place: sample_ids[place]):
        turn[domains[place]] = turn.get(domains[place], 0) + 1
        ranked.append((turn[domains[place]], domains[place], place))
    return [place for _, _, place in sorted(ranked)[:MOST_ROWS]]


def _groups(engine: Engine, places: list[int]) -> list[np.ndarray]:
    """The places in their order, cut into groups of about GROUP_TOKENS; the longest of a group comes first in it."""
    groups: list[list[int]] = [[]]
    n_tokens = 0
    for place in places:
        n_tokens += int(engine.table.lengths[place])
        if groups[-1] and n_tokens > GROUP_TOKENS:
            groups.append([])
            n_tokens = int(engine.table.lengths[place])
        groups[-1].append(place)
    lengths = engine.table.lengths
    return [np.array(sorted(group, key=lambda place: -lengths[place]), dtype=np.int64) for group in groups if group]


def _counted(domains: Sequence[str], worse: Sequence[bool]) -> ChanceCheck:
    pairs = list(zip(domains, worse, strict=True))
    parts = tuple(
        DomainChance(name, domains.count(name), sum(bad for domain, bad in pairs if domain == name))
        for name in sorted(set(domains))
    )
    return ChanceCheck(n_rows=len(pairs), n_worse=sum(worse), domains=parts)
