"""What two sides share, by domain, and what each consists of."""

from collections.abc import Mapping, Sequence

from lobass_core.words import loss_words
from lobass_core.workflows.compare import Comparison, Side
from pages.components import parts, theme
from pages.components.parts import Column, KeyNumber
from pages.components.view import Node, el


def key_numbers(comparison: Comparison, part: str) -> Node:
    """The strip: the sizes, what is shared and by chance, how far the two orders agree; the part shown is tinted."""
    shared = comparison.overlap
    n_a, n_b = (side.n_kept for side in comparison.composition)
    both = shared.both
    of_each = f"{theme.percent(both / max(n_a, 1))} of A, {theme.percent(both / max(n_b, 1))} of B"
    of_a, of_b = (theme.percent(n / max(kept, 1)) for n, kept in ((shared.only_a, n_a), (shared.only_b, n_b)))
    cells = [
        KeyNumber("A keeps", theme.count(n_a), "rows", made_with(comparison.a, comparison.b)),
        KeyNumber("B keeps", theme.count(n_b), "rows", made_with(comparison.b, comparison.a)),
        KeyNumber("In both", theme.count(both), "rows", of_each, tinted=part == "both", weight=1.3),
        KeyNumber("Only in A", theme.count(shared.only_a), "rows", f"{of_a} of A", tinted=part == "only_a"),
        KeyNumber("Only in B", theme.count(shared.only_b), "rows", f"{of_b} of B", tinted=part == "only_b"),
        KeyNumber("Both by chance", theme.count(shared.expected_both), "rows", "expected at random"),
        KeyNumber("Rank agreement", theme.signed(comparison.agreement), "ρ", "of the scores of all rows"),
    ]
    return parts.key_numbers(cells)


def made_with(side: Side, other: Side) -> str:
    """What a side is called, with what else decides its rows: its scores where the other has others, its datasets."""
    parts, run = [side.label], side.rows.run_id
    if run and run != other.rows.run_id and run not in side.label:
        parts.append(run)
    if side.spec.datasets:
        parts.append(f"only {', '.join(side.spec.datasets)}")
    return " · ".join(parts)


def by_domain(comparison: Comparison, slots: Mapping[str, int]) -> list[Node]:
    """A line a domain with a bar: only A, both, only B."""
    widest = max((part.both + part.only_a + part.only_b for part in comparison.overlap.domains), default=0) or 1
    rows = [
        [
            parts.swatch(slots.get(part.domain, 0), part.domain),
            theme.count(part.only_a),
            theme.count(part.both),
            theme.count(part.only_b),
            _bar(part.only_a / widest, part.both / widest, part.only_b / widest, part.domain),
            theme.signed(comparison.agreement_by_domain.get(part.domain)),
        ]
        for part in comparison.overlap.domains
        if part.both + part.only_a + part.only_b
    ]
    columns = [
        Column("Domain"),
        Column("Only A", 76, numeric=True),
        Column("Both", 76, numeric=True),
        Column("Only B", 76, numeric=True),
        Column("Only A, both, only B", 200),
        Column("ρ", 60, numeric=True),
    ]
    note = "solid: in both; hatched: only in A (left) or only in B (right)"
    return [parts.heading("Overlap by domain", note), parts.table(columns, rows, label="Overlap by domain")]


def _bar(only_a: float, both: float, only_b: float, domain: str) -> Node:
    """Three lengths from 0 to 1 side by side, 180 px for the widest domain."""
    x, pieces = 0.0, []
    for share, in_both in ((only_a, False), (both, True), (only_b, False)):
        width = share * 180
        place = {"x": f"{x:.2f}", "y": "2", "width": f"{max(width, 0.5):.2f}", "height": "10"}
        if width and in_both:
            pieces.append(el("rect", cls="kept-fill", **place))  # type: ignore[arg-type]
        elif width:
            # The class would hide the hatch: an outline of its own lies over it.
            pieces.append(el("rect", fill="url(#hatch)", **place))  # type: ignore[arg-type]
            pieces.append(el("rect", cls="left-line", **place))  # type: ignore[arg-type]
        x += width
    label = f"{domain}: rows only in A, in both, only in B"
    return el("svg", *pieces, width="182", height="14", viewBox="0 0 182 14", role="img", aria_label=label)


def composition(comparison: Comparison, slots: Mapping[str, int]) -> list[Node]:
    """Means and shares by domain of both sides, a line each."""
    a, b = comparison.composition
    lines: list[list[Node]] = [
        ["Response tokens", theme.compact(a.tokens_kept), theme.compact(b.tokens_kept), ""],
    ]
    for one in comparison.measures:
        means = [theme.number(side.means.get(one.column)) for side in (a, b)]
        lines.append([f"{one.with_unit}, {loss_words.OF_ROWS}", *means, ""])
    if a.domains == b.domains:
        names: list[Node] = [parts.swatch(slots.get(name, 0), name) for name in a.domains]
        lines += _shares(comparison, names, a.domain_rows, b.domain_rows)
    columns = [Column("Measure"), *_side_columns()]
    return [
        parts.heading("Composition", "share of each side's rows"),
        parts.table(columns, lines, label="Composition of both sides"),
    ]


def lengths(comparison: Comparison) -> list[Node]:
    """Shares by response tokens of both sides; nothing where no token is counted."""
    if not (comparison.a.rows.scoring or comparison.b.rows.scoring):
        return []
    a, b = comparison.composition
    return [
        parts.heading("By length", "share of each side's rows"),
        parts.table(
            [Column("Response tokens"), *_side_columns()],
            _shares(comparison, list(comparison.lengths), a.length_rows, b.length_rows),
            label="Lengths of both sides",
        ),
    ]


def _side_columns() -> list[Column]:
    return [Column("A", 84, numeric=True), Column("B", 84, numeric=True), Column("A above, B below", 200)]


def _shares(
    comparison: Comparison, names: Sequence[Node], rows_a: Sequence[int], rows_b: Sequence[int]
) -> list[list[Node]]:
    """A line for each name that either side has rows of."""
    n_a, n_b = (max(side.n_kept, 1) for side in comparison.composition)
    return [
        [name, theme.percent(a / n_a), theme.percent(b / n_b), _pair(a / n_a, b / n_b)]
        for name, a, b in zip(names, rows_a, rows_b, strict=True)
        if a or b
    ]


def _pair(share_a: float, share_b: float) -> Node:
    """Two thin bars, A solid over B paler."""
    return el(
        "svg",
        el("rect", x="0", y="1", width=f"{share_a * 180:.2f}", height="5", cls="kept-fill"),
        el("rect", x="0", y="8", width=f"{share_b * 180:.2f}", height="5", cls="left-fill"),
        el("rect", x="0", y="8", width=f"{share_b * 180:.2f}", height="5", cls="left-line", fill="none"),
        width="182",
        height="14",
        viewBox="0 0 182 14",
        role="img",
        aria_label=f"A {share_a:.1%}, B {share_b:.1%}",
    )


def csv_lines(comparison: Comparison) -> list[tuple[object, ...]]:
    """Overlap by domain as a file."""
    return [
        (part.domain, part.only_a, part.both, part.only_b, comparison.agreement_by_domain.get(part.domain))
        for part in comparison.overlap.domains
    ]


CSV_HEADER = ("domain", "only_a", "both", "only_b", "score_agreement")
