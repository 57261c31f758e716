"""Losses and learnability by domain, dataset and length, as tables whose rows open Browse."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, fields
from typing import TypeVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lobass_core.learnability.distributions import LENGTH_BINS, GroupSummary, ValueSummary
from lobass_core.words import loss_words
from lobass_core.workflows import explore
from lobass_core.workflows.browse_filter import BrowseFilter
from lobass_core.workflows.scored import Scored
from pages.components import parts, state, theme, view
from pages.components.learnability import brush, distributions_view, save
from pages.components.parts import Column

Line = TypeVar("Line", bound=GroupSummary | ValueSummary)

SENTENCE = (
    f"Losses are in {loss_words.NATS}, {loss_words.OF_ROWS}. Bits per byte (base → reference) cover all responses "
    "together; use them to compare models with different tokenizers. The middle half of the rows lies between the two "
    "learnability quartiles. Click a line to browse its rows."
)
HEADER = (
    "by",
    "name",
    "rows",
    "scored",
    "response_tokens",
    "base_loss",
    "reference_loss",
    "base_bits_per_byte",
    "reference_bits_per_byte",
    "learnability_lower_quartile",
    "learnability_median",
    "learnability_upper_quartile",
    "negative_share",
)


def show(rows: Scored, slots: Mapping[str, int], _tools: DeltaGenerator) -> None:
    """Draw the three tables, each with what saves it; without losses two of the measure that is drawn."""
    if rows.scoring is None:
        _show_values(rows, slots)
        return
    groups = {
        "domain": explore.by_domain(rows),
        "dataset": [line for line in explore.by_dataset(rows) if line.n_rows],
        "response tokens": [line for line in explore.by_length(rows) if line.n_rows],
    }
    _frame(groups, slots, caption=SENTENCE, header=HEADER, values=_values, table=_table, key="learnability-tables")


def _frame(
    groups: Mapping[str, Sequence[Line]],
    slots: Mapping[str, int],
    *,
    caption: str,
    header: Sequence[str],
    values: Callable[[Line], tuple],
    table: Callable[[str, Sequence[Line], Mapping[str, int]], view.Node],
    key: str,
) -> None:
    """What the lines are, the menu that saves them, and a table for each way of grouping."""
    bar = st.container(horizontal=True, vertical_alignment="center", gap="small", wrap=False, key="learnability-bar")
    with bar:
        st.caption(caption, width="stretch")
        lines = [(by, *values(line)) for by, group in groups.items() for line in group]
        save.popover(key, header, lines, has_picture=False)
    clicked = view.show(
        [
            node
            for by, group in groups.items()
            for node in (parts.heading(f"By {by}"), table(by, group, slots if by == "domain" else {}))
        ],
        key=key,
    )
    if clicked:
        _open(*clicked.split("-", 1), groups=groups)


def _table(by: str, lines: Sequence[GroupSummary], slots: Mapping[str, int]) -> view.Node:
    columns = [
        Column(by.capitalize()),
        Column("Rows", 90, numeric=True),
        Column("Scored", 90, numeric=True),
        Column("Response tokens", 130, numeric=True),
        Column("Base loss", 100, numeric=True),
        Column("Reference loss", 120, numeric=True),
        Column("Bits/byte", 110, numeric=True),
        Column("Learnability, quartiles", 170, numeric=True),
        Column("Median", 80, numeric=True),
        Column("Negative", 100, numeric=True),
    ]
    rows = [
        [
            parts.swatch(slots[line.name], line.name) if line.name in slots else line.name,
            theme.count(line.n_rows),
            theme.count(line.n_scored),
            theme.compact(line.n_tokens),
            theme.number(line.base_loss),
            theme.number(line.reference_loss),
            f"{theme.number(line.base_bits_per_byte, 2)} → {theme.number(line.reference_bits_per_byte, 2)}"
            if line.base_bits_per_byte is not None
            else "–",
            f"{theme.number(line.learnability_lower, 2)} to {theme.number(line.learnability_upper, 2)}",
            theme.number(line.learnability_median),
            theme.percent(line.negative_share) if line.negative_share is not None else "–",
        ]
        for line in lines
    ]
    return parts.table(columns, rows, on=[f"{by}-{k}" for k in range(len(lines))], label=f"Learnability by {by}")


def _show_values(rows: Scored, slots: Mapping[str, int]) -> None:
    """One measure by domain and by dataset."""
    measure = distributions_view.drawn(rows)
    groups: dict[str, list[ValueSummary]] = {
        "domain": explore.value_summaries(rows, measure.name, "domain"),
        "dataset": [one for one in explore.value_summaries(rows, measure.name, "dataset") if one.n_rows],
    }
    _frame(
        groups,
        slots,
        caption=f"{measure.with_unit} in each group. Click a line to browse its rows.",
        header=("by", *(field.name for field in fields(ValueSummary))),
        values=astuple,
        table=_value_table,
        key=f"tables-{measure.name}",
    )


def _value_table(by: str, lines: Sequence[ValueSummary], slots: Mapping[str, int]) -> view.Node:
    columns = [
        Column(by.capitalize()),
        Column("Rows", 90, numeric=True),
        Column("With a value", 110, numeric=True),
        Column("Mean", 100, numeric=True),
        Column("Quartiles", 170, numeric=True),
        Column("Median", 100, numeric=True),
    ]
    rows = [
        [
            parts.swatch(slots[line.name], line.name) if line.name in slots else line.name,
            theme.count(line.n_rows),
            theme.count(line.n_with_value),
            theme.figure(line.mean),
            f"{theme.figure(line.lower)} to {theme.figure(line.upper)}",
            theme.figure(line.median),
        ]
        for line in lines
    ]
    return parts.table(columns, rows, on=[f"{by}-{k}" for k in range(len(lines))], label=f"Values by {by}")


def _values(line: GroupSummary) -> tuple[object, ...]:
    return (
        line.name,
        line.n_rows,
        line.n_scored,
        line.n_tokens,
        line.base_loss,
        line.reference_loss,
        line.base_bits_per_byte,
        line.reference_bits_per_byte,
        line.learnability_lower,
        line.learnability_median,
        line.learnability_upper,
        line.negative_share,
    )


def _open(by: str, index: str, *, groups: Mapping[str, Sequence[Line]]) -> None:
    """Browse on the rows of a line."""
    name = groups[by][int(index)].name
    if by == "domain":
        brush.browse(BrowseFilter(domains=(name,)))
    elif by == "dataset":
        state.go("browse", dataset=[name])
    else:
        brush.browse(BrowseFilter(ranges=(("length", length_range(name)),)))


def length_range(name: str) -> tuple[float, float | None]:
    """The response tokens that the name of a length bin stands for."""
    low = int(name.split("–")[0].split(" ")[0].replace(",", ""))
    place = LENGTH_BINS.index(low) + 1
    return low, LENGTH_BINS[place] - 1 if place < len(LENGTH_BINS) else None
