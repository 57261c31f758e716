"""The names of loss columns: built, told apart, and read aloud."""

import pytest

from lobass_core.words.loss_columns import TARGET, epoch_column, is_member, is_reference, label_of_column, seed_column


@pytest.mark.parametrize(
    ("column", "in_mean", "of_data", "label"),
    [
        ("base", False, False, "base"),
        ("reference", False, True, "reference"),
        (seed_column(12), True, True, "reference, seed 12"),
        (epoch_column("reference", 2.0), False, True, "reference, epoch 2"),
        (epoch_column(seed_column(0), 2.5), False, True, "reference, seed 0, epoch 2.5"),
        (TARGET, False, False, "reference, target"),
        ("base-no-prompt", False, False, "base-no-prompt"),
    ],
)
def test_names(column, in_mean, of_data, label):
    assert (is_member(column), is_reference(column), label_of_column(column)) == (in_mean, of_data, label)


def test_how_they_are_written():
    assert (seed_column(3), epoch_column("reference", 1.0), epoch_column("reference@seed-3", 2.5), TARGET) == (
        "reference@seed-3", "reference@epoch-1", "reference@seed-3-epoch-2.5", "reference@target",
    )  # fmt: skip
