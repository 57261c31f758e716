"""Which rows of an export are set aside for validation: near duplicates and repeats together, drawn from a seed."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from lobass_core.errors import ExportError
from lobass_core.selection.balance import largest_remainder
from lobass_core.similarity.folds import held_out_rows
from lobass_core.words.plural import plural


def n_validation_rows(asked: float, n_rows: int) -> int:
    """How many of the rows are asked for: a share below 1, else a number of rows."""
    return int(asked) if asked >= 1 else int(asked * n_rows + 0.5)


def validation_rows(
    sample_ids: Sequence[str], groups: np.ndarray, kinds: Sequence[str], asked: float, seed: int
) -> np.ndarray:
    """bool: the rows that are set aside, about as many as `asked`; `groups` are those of near duplicates.

    Each kind of sample gives its share and keeps a row to train on; groups that hold several kinds are trained on.
    They do not depend on the order of the rows.

    Raises:
        ExportError: no row would be set aside, or none would be left to train on.
    """
    n_rows = len(sample_ids)
    n_wanted = n_validation_rows(asked, n_rows)
    if not 0 < n_wanted < n_rows:
        what = "leaves no row to train on" if n_wanted else "contains no row"
        raise ExportError(
            f"with {plural(n_rows, 'row')}, a validation split of {asked:g} {what}",
            do="Use a smaller --validation." if n_wanted else "Use a larger --validation.",
        )
    names, kind_of = np.unique(np.array(kinds), return_inverse=True)
    sizes = np.bincount(kind_of, minlength=len(names))
    pairs = np.unique(np.stack([groups, kind_of]), axis=1)
    of_one_kind = np.bincount(pairs[0], minlength=int(groups.max()) + 1)[groups] == 1
    set_aside = np.zeros(n_rows, bool)
    shares = largest_remainder(n_wanted, [Fraction(int(size)) for size in sizes])
    for kind, (share, size) in enumerate(zip(shares, sizes.tolist(), strict=True)):
        rows = np.flatnonzero((kind_of == kind) & of_one_kind)
        at_most = min(share, size - 1)
        chosen = held_out_rows([sample_ids[row] for row in rows.tolist()], groups[rows], 1.0, seed, at_most)
        set_aside[rows[chosen]] = True
    if not set_aside.any():
        raise ExportError(
            f"no group of near duplicates is small enough for {n_wanted:,} validation rows",
            do="Use a larger --validation.",
        )
    return set_aside
