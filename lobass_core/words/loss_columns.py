"""Names of loss columns: what each loss of a scoring is of.

base                       the base model
reference                  the reference; where there are several, the mean of those called reference@seed-N
reference@seed-0           one of several references, which differ in their training seed
reference@epoch-2          the reference as it was after its second epoch; reference@seed-0-epoch-2 likewise
reference@target           a reference that was trained on a target set

Epochs of one training are no members of the mean: they are not independent, and the best of them is the reference.
Beside the losses of several references lies `spread`, which is no loss: the standard error of their mean. Beside those
of kept epochs lies `spread@epochs`, their standard deviation.
"""

import re

# The losses that every scoring has.
BASE, REFERENCE = "base", "reference"
TARGET, SPREAD = f"{REFERENCE}@target", "spread"
EPOCH_SPREAD = f"{SPREAD}@epochs"

_MEMBER = re.compile(rf"{REFERENCE}@seed-\d+")


def seed_column(seed: int) -> str:
    """The loss column of the reference that was trained with this seed, one of several."""
    return f"{REFERENCE}@seed-{seed}"


def epoch_column(column: str, epoch: float) -> str:
    """The loss column of a reference (`reference` or `reference@seed-N`) as it was after an epoch."""
    return f"{column}{'@' if column == REFERENCE else '-'}epoch-{epoch:g}"


def is_epoch(column: str) -> bool:
    """Whether a loss column is of the only reference as it was after an epoch; the chosen epoch is among them."""
    return column.startswith(f"{REFERENCE}@epoch-")


def is_member(column: str) -> bool:
    """Whether `reference` is the mean of this loss column and of others like it."""
    return _MEMBER.fullmatch(column) is not None


def is_reference(column: str) -> bool:
    """Whether a loss column is of a reference that was trained on the data: the reference, a seed or an epoch of it."""
    return column.partition("@")[0] == REFERENCE and column != TARGET


def label_of_column(column: str) -> str:
    """The column as a person reads it: "reference, seed 2, epoch 1"."""
    part, _, which = column.partition("@")
    words = re.sub(r"(?<=[a-z])-(?=\d)", " ", which).replace("-epoch", ", epoch")
    return f"{part}, {words}" if which else part
