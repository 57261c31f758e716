"""Scores that mislead: rows where the base is worse than chance, and rows that are new to the reference."""

from dataclasses import dataclass

import numpy as np

from lobass_core.learnability import flags as flag
from lobass_core.learnability.score_table import ScoreTable
from lobass_core.records import BASE


@dataclass(frozen=True, slots=True)
class Doubts:
    """Counts of rows. `n_unseen` is 0 too where it is not known what the reference was trained on."""

    n_scored: int
    n_worse_than_chance: int
    n_unseen: int

    @property
    def chance_share(self) -> float:
        """Of the scored rows."""
        return self.n_worse_than_chance / max(self.n_scored, 1)

    @property
    def unseen_share(self) -> float:
        """Of the scored rows."""
        return self.n_unseen / max(self.n_scored, 1)

    def chance_sentence(self) -> str:
        """What it means, where so many rows are concerned that a person should hear of it; else empty."""
        if self.chance_share <= flag.WORSE_THAN_CHANCE_SHARE:
            return ""
        return (
            f"The base is worse than chance on {self.n_worse_than_chance:,} of {self.n_scored:,} scored rows: their "
            "scores are not meaningful. The usual cause is a template or language that the base does not know."
        )

    def unseen_sentence(self) -> str:
        """The same of the rows that are new to the reference."""
        if self.unseen_share <= flag.UNSEEN_SHARE:
            return ""
        return (
            f"The reference was not trained on {self.n_unseen:,} of {self.n_scored:,} scored rows: this alone "
            "lowers their learnability. Train a new reference on all rows, or one with folds."
        )

    def sentences(self) -> list[str]:
        """Both, where they apply."""
        return [sentence for sentence in (self.chance_sentence(), self.unseen_sentence()) if sentence]


def doubts_of(table: ScoreTable) -> Doubts:
    """Count them; none without losses."""
    if not table.is_scored:
        return Doubts(0, 0, 0)
    return Doubts(
        n_scored=int((~np.isnan(table.losses[BASE])).sum()),
        n_worse_than_chance=int(table.has(flag.WORSE_THAN_CHANCE).sum()),
        n_unseen=int(table.has(flag.UNSEEN_BY_REFERENCE).sum()),
    )
