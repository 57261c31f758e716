"""The table of measures: what a table has of it, by what needs, and row by row."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from lobass_core.errors import RequestError, SelectionError
from lobass_core.learnability import flags
from lobass_core.learnability.length_adjusted import length_adjusted
from lobass_core.learnability.measure_values import (
    EQUAL_NATS,
    check_difference,
    measure_of,
    measures_of,
    values_of,
)
from lobass_core.learnability.measures import BUILT_IN, Measure, check_column_name, label_of, reads_losses
from lobass_core.learnability.score_table import ScoreTable
from tests.score_tables import USUAL, arrow_of, row, table_of, with_column


def unscored() -> ScoreTable:
    """Two rows as the store gives them where nothing is scored."""
    table = arrow_of([row(0), row(1)])
    losses = [name for name in table.column_names if name.startswith(("base_", "reference_"))]
    empty = pa.nulls(2, pa.int32())
    table = table.drop_columns(losses)
    for name in ("n_prompt_tokens", "n_response_bytes", "vocabulary_size"):
        table = table.set_column(table.schema.get_field_index(name), name, empty)
    return ScoreTable.from_arrow(table)


@pytest.mark.parametrize("name", USUAL)
def test_a_value_depends_on_its_own_row_alone(name):
    table = table_of([row(k, base=1.0 + k, reference=3.0 - k / 2, n=k, n_response_bytes=k or None) for k in range(9)])
    chosen = np.array([7, 0, 3])
    assert np.array_equal(values_of(table.take(chosen), name, 5), values_of(table, name, 5)[chosen], equal_nan=True)


def test_a_fit_over_all_rows_is_made_once_and_for_every_part_of_them(monkeypatch):
    fits = []
    measure = BUILT_IN["length-adjusted"]
    counting = replace(measure, compute=lambda rows: fits.append(1) or measure.compute(rows))
    monkeypatch.setitem(BUILT_IN, "length-adjusted", counting)
    table = table_of([row(k, base=1.0, reference=(k % 7) / 10, n=1 + k % 5) for k in range(20)])
    whole = values_of(table, "length-adjusted")
    decided = replace(table, decision=np.ones(20, np.int8))
    part = decided.take(np.arange(20) % 2 == 0).take(np.array([3, 1]))
    assert values_of(part, "length-adjusted").tolist() == whole[[6, 2]].tolist()
    # Three rows alone would lie on their own curve.
    assert np.abs(whole[[6, 2]]).min() > 0.01
    assert fits == [1]


def test_what_nothing_is_scored_for_is_not_there_and_says_so():
    table = with_column(unscored(), "quality", [1.0, 2.0])
    assert list(measures_of(table)) == ["random", "quality"]
    assert [flags.names(bits) for bits in table.flags] == ["not_scored", "not_scored"]
    assert values_of(table, "quality").tolist() == [1.0, 2.0]
    with pytest.raises(SelectionError, match="learnability needs losses, and nothing is scored"):
        measure_of(table, "learnability")


def test_a_score_column_is_a_measure_with_its_own_facts():
    table = with_column(table_of([row(0)]), "PPL of x", [3.0], unit="nats", source="ppl.csv", higher_is_better=False)
    found = measures_of(table)["PPL of x"]
    assert (found.title, found.label, found.column, found.unit, found.formula, found.source) == (
        "PPL of x", "PPL of x", "PPL of x", "nats", "PPL of x", "ppl.csv",
    )  # fmt: skip
    assert (found.higher_is_better, found.is_column, found.reads_losses, found.uses_seed) == (False, True, False, False)
    assert (label_of("PPL of x"), reads_losses("PPL of x")) == ("PPL of x", False)


def test_a_measure_may_need_losses_of_any_name_columns_and_facts(monkeypatch):
    table = with_column(table_of([row(0, "chat", n=4), row(1, "math", n=2)]), "grade", [2.0, 3.0])
    table.losses["reference@epoch-2"] = np.array([0.5, 0.25])  # type: ignore[index]
    needs = ("reference@epoch-2", "grade", "domain", "prompt_tokens")

    def compute(rows):
        return (
            np.where(rows["domain"] == "math", rows["grade"], 0.0) * rows["prompt_tokens"] + rows["reference@epoch-2"]
        )

    measure = Measure("odd", "odd", "", "odd formula", "here", True, needs, compute)
    monkeypatch.setitem(BUILT_IN, "odd", measure)
    assert values_of(table, "odd").tolist() == [0.5, 21.25]
    assert reads_losses("odd")
    assert "odd" not in measures_of(table_of([row(0)]))


def test_only_differences_refuse_a_reference_that_gained_nothing():
    table = table_of([row(0, base=2.0, reference=2.0), row(1, base=1.0, reference=1.0 + 1e-6)])
    refused = []
    for name, measure in measures_of(table).items():
        try:
            check_difference(table, measure)
        except SelectionError as error:
            refused.append(name)
            assert "rank by one of: base-loss, reference-loss, base-bits-per-byte" in str(error)
    assert refused == ["learnability", "length-adjusted", "loss-drop", "loss-drop-sum"]


TAKEN = ("learnability", "base_loss", "base", "score", "tokens", "flags", "cut", "domain")
NO_NAMES = ("", " ", "a:b", "a=b", "a,b", "-x", "x\n", "x ", "best-desc", "y" * 81)


@pytest.mark.parametrize("name", [*TAKEN, *NO_NAMES])
def test_names_that_mean_something_already_are_no_score_columns(name):
    with pytest.raises(RequestError, match="a score column cannot be called"):
        check_column_name(name)


@pytest.mark.parametrize("name", ["quality", "IFD", "deita.quality_v2", "Güte (1-5)", "top-5 %"])
def test_other_names_are(name):
    check_column_name(name)


def test_columns_in_files_are_all_different():
    columns = [one.column for one in BUILT_IN.values()]
    assert len(set(columns)) == len(columns)
    assert all(one.name == name for name, one in BUILT_IN.items())


def test_losses_as_far_apart_as_two_passes_of_one_model_are_no_difference():
    table = table_of([row(0, base=EQUAL_NATS, reference=0.0)])
    with pytest.raises(SelectionError, match="their losses are equal"):
        check_difference(table, BUILT_IN["loss-drop"])
    check_difference(table_of([row(0, base=1.01 * EQUAL_NATS, reference=0.0)]), BUILT_IN["loss-drop"])


@pytest.mark.parametrize(
    ("n_tokens", "score", "adjusted"),
    [
        # The second length's only row is under the first's three: all four share their mean, each row counting once.
        ([1, 1, 1, 2, 3, 3], [0.6, 0.6, 0.6, 0.2, 0.9, 0.9], [0.1, 0.1, 0.1, -0.3, 0.0, 0.0]),
        # Neither up nor down: the fit rises.
        ([1, 2, 3], [1.0, 0.0, 1.0], [0.5, -0.5, 0.0]),
    ],
    ids=["lengths by their rows", "no direction"],
)
def test_length_adjusted_by_hand(n_tokens: list[int], score: list[float], adjusted: list[float]):
    found = length_adjusted(np.array(score), np.array(n_tokens), np.array(["math"] * len(score)))
    assert found.tolist() == pytest.approx(adjusted)
