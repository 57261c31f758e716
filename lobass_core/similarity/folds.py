"""Cut samples into folds for cross-fitting, near duplicates together, sizes and domains balanced."""

import hashlib
import heapq
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np


def assign_folds(
    sample_ids: Sequence[str], groups: np.ndarray, domains: Sequence[str], n_folds: int, seed: int
) -> np.ndarray:
    """The fold of each sample, int32[n] in 0..n_folds-1; a group is never split.

    Largest group first, each to the fold that holds fewest samples so far. Among groups of one size those of a domain
    follow each other, so that every fold gets its share of each domain, in an order drawn from the seed and the
    sample ids: the folds do not depend on the order of the rows. Sizes differ by at most one when all groups are
    single samples, and never by more than the largest group.

    Args:
        groups: int[n], the group number of each sample.
    """
    members: dict[int, list[int]] = {}
    for row, group in enumerate(np.asarray(groups).tolist()):
        members.setdefault(group, []).append(row)
    leaders = {group: min((sample_ids[row], row) for row in rows)[1] for group, rows in members.items()}

    def order(group: int) -> tuple[int, str, str]:
        leader = leaders[group]
        return -len(members[group]), domains[leader], _draw(seed, sample_ids[leader])

    folds = np.zeros(len(sample_ids), dtype=np.int32)
    smallest = [(0, fold) for fold in range(n_folds)]
    for group in sorted(members, key=order):
        n_samples, fold = heapq.heappop(smallest)
        folds[members[group]] = fold
        heapq.heappush(smallest, (n_samples + len(members[group]), fold))
    return folds


def fold_by_hash(sample_id: str, n_folds: int) -> int:
    """The fold of a sample that no fold model was trained on."""
    return int(sample_id[:8], 16) % n_folds


def folds_beside(
    sample_ids: Sequence[str], groups: np.ndarray, assigned: Mapping[str, int], n_folds: int
) -> dict[str, int]:
    """The fold of every sample where only some were there when the folds were cut.

    One that came later goes to the fold of its near duplicates, whose model was not trained on them either: to that of
    most of them where they lie in several, else by its own hash.
    """
    votes: dict[int, Counter[int]] = {}
    for sample_id, group in zip(sample_ids, np.asarray(groups).tolist(), strict=True):
        if sample_id in assigned:
            votes.setdefault(group, Counter())[assigned[sample_id]] += 1
    of_group = {group: min(folds, key=lambda fold: (-folds[fold], fold)) for group, folds in votes.items()}
    return {
        sample_id: assigned.get(sample_id, of_group.get(group, fold_by_hash(sample_id, n_folds)))
        for sample_id, group in zip(sample_ids, np.asarray(groups).tolist(), strict=True)
    }


def held_out_rows(sample_ids: Sequence[str], groups: np.ndarray, share: float, seed: int, at_most: int) -> np.ndarray:
    """Rows set aside to measure the loss on unseen samples, sorted, int64[m]: whole groups, drawn from the seed.

    About `share` of the rows and at most `at_most`; none if the share is 0 or if nothing would be left to train on.
    """
    n_wanted = min(int(share * len(sample_ids) + 0.5), at_most)
    members: dict[int, list[int]] = {}
    for row, group in enumerate(np.asarray(groups).tolist()):
        members.setdefault(group, []).append(row)
    if n_wanted < 1 or len(members) < 2:
        return np.zeros(0, dtype=np.int64)
    by_draw = sorted(members.values(), key=lambda rows: _draw(seed, "held-out", min(sample_ids[row] for row in rows)))
    chosen: list[int] = []
    for rows in by_draw:
        # A group too large for the rest of the place stays in training.
        if len(chosen) + len(rows) <= n_wanted:
            chosen.extend(rows)
        if len(chosen) == n_wanted:
            break
    return np.array(sorted(chosen), dtype=np.int64)


def _draw(seed: int, *parts: str) -> str:
    return hashlib.sha256("\x1f".join((str(seed), *parts)).encode()).hexdigest()
