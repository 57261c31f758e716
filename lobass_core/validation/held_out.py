"""Rows set aside before anything is selected, near duplicates together: no arm has seen what it is judged by."""

import hashlib
from collections import Counter
from collections.abc import Sequence

import numpy as np


def held_out_by_domain(
    sample_ids: Sequence[str], groups: np.ndarray, domains: Sequence[str], per_domain: int, seed: int
) -> np.ndarray:
    """bool[n]: rows set aside, at most `per_domain` of each domain and at most half of it, drawn from the seed.

    Whole groups of near duplicates alone; a group that would take one of its domains over its number stays in training.
    """
    members: dict[int, list[int]] = {}
    for row, group in enumerate(np.asarray(groups).tolist()):
        members.setdefault(group, []).append(row)
    room = {domain: min(per_domain, n // 2) for domain, n in Counter(domains).items()}
    held_out = np.zeros(len(sample_ids), bool)
    for rows in sorted(members.values(), key=lambda rows: _draw(seed, min(sample_ids[row] for row in rows))):
        asked = Counter(domains[row] for row in rows)
        if all(room[domain] >= n for domain, n in asked.items()):
            held_out[rows] = True
            for domain, n in asked.items():
                room[domain] -= n
    return held_out


def has_duplicate_in(groups: np.ndarray, others: np.ndarray) -> np.ndarray:
    """bool[n]: rows that are not among the masked `others`, and of whose group one is."""
    return np.isin(groups, groups[others]) & ~others


def _draw(seed: int, sample_id: str) -> str:
    return hashlib.sha256(f"validation\x1f{seed}\x1f{sample_id}".encode()).hexdigest()
