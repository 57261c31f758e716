"""Which samples begin with the same tokens: a template's head, a system prompt, a prompt with many answers.

    input_ids   Below is an instruction ... Instruction : \\n  Name three colours ... \\n  Red ,
                '--------------- shared ------------------'  '----- read sample by sample -----'

A causal model makes the same of the shared tokens in every sample, so they need to be read once for all of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lobass_core.scoring.token_table import TokenTable

# Attention over kept keys needs a mask, which eats the gain of fewer tokens than these.
LEAST_TOKENS = 8
# Reading the shared tokens once and keeping them must be little beside what it saves.
LEAST_SAMPLES = 32
_COLUMNS = 256


@dataclass(frozen=True, slots=True, eq=False)
class SharedPrefixes:
    """For each sample its group (int32, 0: shares nothing) and for each group how many tokens its samples share."""

    group: np.ndarray
    n_tokens: np.ndarray

    def parts(self, order: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
        """The order's samples by group, each in the order given; the group of the first sample first."""
        groups, first = np.unique(self.group[order], return_index=True)
        for group in groups[np.argsort(first)].tolist():
            yield group, order[self.group[order] == group]


def no_prefixes(table: TokenTable) -> SharedPrefixes:
    """Every sample is read whole."""
    return SharedPrefixes(np.zeros(len(table), np.int32), np.zeros(1, np.int64))


def find_prefixes(table: TokenTable) -> SharedPrefixes:
    """Group the samples by the longest beginning that at least `LEAST_SAMPLES` of them share."""
    prefixes = no_prefixes(table)
    n_tokens = [0]
    reach = _reach(table)
    open_groups = [(np.flatnonzero(reach >= LEAST_TOKENS), 0)]
    while open_groups:
        members, depth = open_groups.pop()
        longer = members[reach[members] >= depth + LEAST_TOKENS]
        for same in _alike(table, longer, depth):
            common = _common(table, same, depth, int(reach[same].min()))
            prefixes.group[same] = len(n_tokens)
            n_tokens.append(common)
            open_groups.append((same, common))
    return SharedPrefixes(prefixes.group, np.array(n_tokens, dtype=np.int64))


def _reach(table: TokenTable) -> np.ndarray:
    """int64[n]: tokens in front of the first state that predicts; what is shared must end there."""
    reach = np.zeros(len(table), np.int64)
    responses = np.flatnonzero(table.response_mask)
    filled = np.flatnonzero(table.n_response_tokens)
    reach[filled] = responses[np.searchsorted(responses, table.starts[filled])] - table.starts[filled] - 1
    return reach


def _alike(table: TokenTable, members: np.ndarray, depth: int) -> list[np.ndarray]:
    """Samples that agree in the next `LEAST_TOKENS` tokens, where they are many."""
    if len(members) < LEAST_SAMPLES:
        return []
    tokens = table.input_ids[(table.starts[members] + depth)[:, None] + np.arange(LEAST_TOKENS)]
    _, kind, counts = np.unique(tokens, axis=0, return_inverse=True, return_counts=True)
    by_kind = members[np.argsort(kind.ravel(), kind="stable")]
    return [part for part in np.split(by_kind, np.cumsum(counts)[:-1]) if len(part) >= LEAST_SAMPLES]


def _common(table: TokenTable, members: np.ndarray, depth: int, limit: int) -> int:
    """How many tokens all members share, `limit` at most."""
    starts = table.starts[members]
    for low in range(depth + LEAST_TOKENS, limit, _COLUMNS):
        places = np.arange(low, min(low + _COLUMNS, limit))
        tokens = table.input_ids[starts[:, None] + places]
        differ = np.flatnonzero((tokens != tokens[:1]).any(axis=0))
        if len(differ):
            return low + int(differ[0])
    return limit
