"""Builders for what pages show through `view`: key numbers, hairline tables, tags, bars, notices, logs.

Each returns a node for `view.show`. Rows and texts may be any data: they end as text.

    view.show([
        parts.heading("Datasets", "5", link=("Import data", "go-import")),
        parts.table(
            [Column("Name"), Column("Domain", 120), Column("Rows", 80, numeric=True)],
            [[d.name, parts.swatch(slots[d.domain], d.domain), theme.count(d.n_rows)] for d in datasets],
            on=[f"dataset-{d.dataset_id}" for d in datasets],
        ),
    ], key="overview-datasets")
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from pages.components.view import Node, el

MARKS = {"good": ("✓", "kept"), "note": ("!", "amber"), "bad": ("✕", "red")}


@dataclass(frozen=True, slots=True)
class KeyNumber:
    """One cell of the strip: label, large value with its unit, note. `extra` may be a spark or a gauge."""

    label: str
    value: str
    unit: str = ""
    note: str = ""
    tinted: bool = False
    extra: Node | None = None
    weight: float = 1


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a hairline table; width in px, 0 shares what is left."""

    name: str
    width: int = 0
    numeric: bool = False


def key_numbers(cells: Sequence[KeyNumber]) -> Node:
    """The 70 px strip under the toolbar. Tint the number that the primary button acts on."""
    return el("div", *[_cell(cell) for cell in cells], cls="strip")


def _cell(cell: KeyNumber) -> Node:
    return el(
        "div",
        el("div", cell.label, cls="label"),
        # A dash stands for a number that is not known, and has no unit.
        el(
            "div",
            cell.value,
            el("span", cell.unit, cls="unit") if cell.unit and cell.value != "–" else None,
            cls="value",
        ),
        el("div", cell.note, cls="note", title=cell.note),
        cell.extra,
        cls="cell tinted" if cell.tinted else "cell",
        style={"flex": f"{cell.weight:g} 1 0"} if cell.weight != 1 else None,
    )


def table(
    columns: Sequence[Column],
    rows: Sequence[Sequence[Node]],
    *,
    on: Sequence[str] | None = None,
    current: int | None = None,
    label: str = "",
) -> Node:
    """A table of hairlines. `on` has one click id a row, `current` tints one row."""
    widths = [el("col", style={"width": f"{column.width}px"} if column.width else None) for column in columns]
    head = el("tr", *[_head_cell(column) for column in columns])
    body = []
    for index, row in enumerate(rows):
        cells = [
            el("td", cell, cls="num" if column.numeric else "", title=cell if isinstance(cell, str) else None)
            for column, cell in zip(columns, row, strict=True)
        ]
        body.append(el("tr", *cells, cls="current" if index == current else "", on=on[index] if on else ""))
    return el("table", el("colgroup", *widths), el("thead", head), el("tbody", *body), aria_label=label or None)


def _head_cell(column: Column) -> Node:
    """A column without a name has no head that could be read out."""
    classes = "num" if column.numeric else ""
    return el("th", column.name, cls=classes, scope="col") if column.name else el("td", cls=classes)


def heading(title: str, note: str = "", *, link: tuple[str, str] | None = None) -> Node:
    """A section's title with a muted note, and on the right one link as (text, click id)."""
    return el(
        "div",
        el("h2", title, el("small", note) if note else None),
        el("span", el("button", link[0], cls="link", on=link[1]), cls="end") if link else None,
        cls="row",
    )


def title(text: str, note: str = "", *, badge: Node | None = None) -> Node:
    """The page's title for the left of a toolbar."""
    return el("div", el("h1", text), badge, el("span", note, cls="muted nowrap") if note else None, cls="row")


def link(text: str, on: str) -> Node:
    """A teal word that sends its click id."""
    return el("button", text, cls="link", on=on)


def tag(text: str, tone: str = "") -> Node:
    """A neutral tag; tone kept, amber or red where it means something."""
    return el("span", text, cls=f"tag {tone}".strip())


def dot(tone: str, text: str = "") -> Node:
    """A state: kept, amber, red, hollow, or grey for anything else, and its word."""
    return el("span", el("span", cls=f"dot {tone}".strip()), text, cls="nowrap")


def swatch(slot: int, text: str = "") -> Node:
    """A domain's colour beside its name."""
    return el("span", el("span", cls="swatch", domain=slot), text)


def bar(share: float, *, tone: str = "", thick: bool = False, label: str = "") -> Node:
    """A bar from 0 to 1 on its track; tone half, amber or muted."""
    width = f"{min(max(share, 0.0), 1.0) * 100:.2f}%"
    return el(
        "div",
        el("div", cls=f"fill {tone}".strip(), style={"width": width}),
        cls="bar thick" if thick else "bar",
        role="img",
        aria_label=label or f"{min(max(share, 0.0), 1.0):.0%}",
    )


def meter(name: str, note: str, share: float, value: str, detail: str) -> Node:
    """One line: name, note, a long bar, its percentage, its counts."""
    return el(
        "div",
        el("span", name, cls="strong"),
        el("span", note, cls="muted ellipsis", title=note),
        bar(share, thick=True, label=f"{name}: {value}"),
        el("span", value, cls="strong num"),
        el("span", detail, cls="muted num nowrap"),
        cls="meter",
    )


def notice(
    strong: str, text: str = "", second: str = "", *, tone: str = "", link: tuple[str, str] | None = None
) -> Node:
    """A sentence that matters, with a coloured edge: kept, amber or red; `link` is (text, click id)."""
    return el(
        "div",
        el("div", el("b", strong), " ", el("span", text, cls="muted"), *_ending(link)),
        el("div", second, cls="second") if second else None,
        cls=f"notice {tone}".strip(),
        role="status",
    )


def _ending(link: tuple[str, str] | None) -> list[Node]:
    return [" ", el("button", link[0], cls="link", on=link[1])] if link else []


def facts(pairs: Sequence[tuple[str, Node]]) -> Node:
    """Names and values, two columns."""
    return el("dl", *[node for name, value in pairs for node in (el("dt", name), el("dd", value))], cls="facts")


def check(
    mark: str, n: str, text: str, note: str = "", *, detail: str = "", link: tuple[str, str] | None = None
) -> Node:
    """One finding with its count: mark good, note or bad; `link` is (text, click id)."""
    sign, tone = MARKS[mark]
    return el(
        "div",
        el("span", sign, cls=f"mark {tone}"),
        el("span", n, cls="n"),
        el("span", text, el("span", f" {note}", cls="muted") if note else None),
        el("button", link[0], cls="link", on=link[1]) if link else el("span"),
        el("div", detail, cls="detail") if detail else None,
        cls="check",
    )


def plain_check(mark: str, text: str, note: str) -> Node:
    """One finding without a count."""
    sign, tone = MARKS[mark]
    return el(
        "div", el("span", sign, cls=f"mark {tone}"), el("span", text), el("span", note, cls="muted"), cls="check plain"
    )


def log(lines: Sequence[str], *, max_height: int = 240) -> Node:
    """The end of a log, scrolled to its last line; times are muted, lines that name an error are red."""
    body = el("div", *[_log_line(line) for line in lines])
    return el("div", body, cls="log", style={"max-height": f"{max_height}px"}, tabindex="0")


def _log_line(line: str) -> Node:
    time, _, rest = line.partition(" ")
    timed = len(time) == 8 and time.count(":") == 2
    text = rest if timed else line
    trouble = "error" in text.lower() or "traceback" in text.lower()
    return el("div", el("span", time, cls="time") if timed else None, el("span", text, cls="red" if trouble else ""))


def code(text: str) -> Node:
    """A block of code or of a file, as it is."""
    return el("pre", text, cls="code")


def spark(values: Sequence[float], *, cls: str = "spark", label: str = "") -> Node | None:
    """A small line over the last values, from zero; None for fewer than two."""
    finite = [float(value) for value in values if value == value]
    if len(finite) < 2:
        return None
    top = max(max(finite), 1e-12) * 1.25
    points = [(100 * i / (len(finite) - 1), 30 - 30 * value / top) for i, value in enumerate(finite)]
    line = "M" + "L".join(f"{x:.2f},{y:.2f}" for x, y in points)
    return el(
        "svg",
        el("path", d=f"{line}L100,30L0,30Z", cls="left-fill"),
        el("path", d=line, cls="kept-line"),
        cls=cls,
        viewBox="0 0 100 30",
        preserveAspectRatio="none",
        role="img",
        aria_label=label or None,
    )


def visible(text: str) -> list[Node]:
    """The text with control and format characters as boxed U+XXXX; tabs and ends of lines stay, LF and CR LF alike."""
    nodes: list[Node] = []
    plain: list[str] = []
    for place, character in enumerate(text):
        ends_line = character == "\r" and text[place + 1 : place + 2] == "\n"
        if character not in "\n\t" and not ends_line and unicodedata.category(character) in ("Cc", "Cf", "Cs"):
            if plain:
                nodes.append("".join(plain))
                plain = []
            nodes.append(el("span", f"U+{ord(character):04X}", cls="control"))
        else:
            plain.append(character)
    if plain:
        nodes.append("".join(plain))
    return nodes


def sample_text(text: str, *, limit: int = 0) -> Node:
    """A sample's text exactly, in its own direction; `limit` cuts long ones with an ellipsis."""
    shown = text if not limit or len(text) <= limit else text[:limit] + "…"
    return el("span", *visible(shown), cls="sample", dir="auto")


def first_line(text: str, limit: int = 140) -> Node:
    """A sample's text on one line, for table cells."""
    line = " ".join(text.split())
    return el("span", *visible(line if len(line) <= limit else line[: limit - 1] + "…"), dir="auto")
