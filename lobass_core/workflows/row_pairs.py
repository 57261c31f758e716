"""Pair the rows that an update removes with the rows that replace them."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence


def pair_by_id(gone: Mapping[int, str], new: Mapping[int, str]) -> list[tuple[int, int]]:
    """(row that goes, row that comes) of equal ids; both map a row to its id."""
    comes = {text: row for row, text in new.items()}
    return [(row, comes[text]) for row, text in gone.items() if text in comes]


def pair_by_place(
    gone: Sequence[int], new: Sequence[int], unchanged: Sequence[tuple[int, int]]
) -> list[tuple[int, int]]:
    """(old place, new place) of rows that follow the same unchanged row, first with first.

        before   A B C D        A, B and D are unchanged: C and Z follow B, so Z is C changed;
        after    X A B Z D      X follows nothing, where nothing was before, and is new

    All are places in the file; `unchanged` holds (old place, new place) by new place.
    """
    old_places = sorted(old for old, _ in unchanged)
    old_of_new = [old for _, old in sorted((new, old) for old, new in unchanged)]
    new_places = [new for _, new in sorted(unchanged, key=lambda pair: pair[1])]
    waiting: dict[int, list[int]] = defaultdict(list)
    for place in sorted(gone):
        at = bisect_left(old_places, place)
        waiting[old_places[at - 1] if at else -1].append(place)
    paired = []
    used: dict[int, int] = defaultdict(int)
    for place in sorted(new):
        at = bisect_left(new_places, place)
        after = old_of_new[at - 1] if at else -1
        if used[after] < len(waiting[after]):
            paired.append((waiting[after][used[after]], place))
            used[after] += 1
    return paired
