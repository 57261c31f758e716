"""The findings as a table: what each is, what it means, what to do; every line ends in a link or a command."""

import re
from collections.abc import Sequence

import streamlit as st

from lobass_core.project import Project
from lobass_core.workflows.diagnose import Diagnosis
from lobass_core.workflows.finding import Finding
from pages.components import command_line, parts, state, theme, view
from pages.components.parts import KeyNumber
from pages.components.selection import in_address as select_address
from pages.components.view import Node, el

MARKS = {"good": ("✓", "kept", "As it should be"), "note": ("!", "amber", "Note"), "bad": ("✕", "red", "Act first")}
COMMAND = "command"


def show(project: Project, diagnosis: Diagnosis, findings: Sequence[Finding]) -> None:
    """Draw the table; a link opens its page with the rows filtered or the gate set."""
    clicked = view.show(table(findings), key="trust-findings", label="Findings")
    if not clicked:
        return
    number, _, place = clicked.partition(".")
    one = findings[int(number)]
    if place == COMMAND:
        _command(command_line.plain(one.command[0], project.root, *_groups(one.command[1:])))
    else:
        link = one.links[int(place)]
        # Select gets all of the selection that was looked at, with the change; it starts anew from what is named.
        asked = select_address.query(diagnosis.spec) if link.page == "select" else {}
        state.go(link.page, **(asked | dict(link.query)))


@st.dialog("The same from the command line")
def _command(line: str) -> None:
    st.code(line, language="bash", wrap_lines=True)


def _groups(words: Sequence[str]) -> list[list[str]]:
    """Each option with its value, so that a long line is broken between them."""
    groups: list[list[str]] = []
    for word in words:
        if groups and not word.startswith("--") and groups[-1][0].startswith("--") and len(groups[-1]) == 1:
            groups[-1].append(word)
        else:
            groups.append([word])
    return groups


def table(findings: Sequence[Finding]) -> Node:
    """One line a finding."""
    widths = ("124px", "", "", "300px")
    columns = el("colgroup", *[el("col", style={"width": width} if width else None) for width in widths])
    names = ("About", "Finding", "What it means", "What to do")
    head = el("thead", el("tr", *[el("th", name, scope="col") for name in names]))
    body = el("tbody", *[_line(number, one) for number, one in enumerate(findings)])
    return el("table", columns, head, body, cls="wrap", aria_label="Findings")


def _line(number: int, one: Finding) -> Node:
    sign, tone, words = MARKS[one.tone]
    mark = el("span", sign, cls=f"mark {tone}", role="img", aria_label=words)
    links = [parts.link(link.words, on=f"{number}.{place}") for place, link in enumerate(one.links)]
    links.append(parts.link(f"lobass {one.command[0]} …", on=f"{number}.{COMMAND}"))
    return el(
        "tr",
        el("td", mark, " ", one.topic),
        el("td", whole(one.what)),
        el("td", whole(one.meaning), cls="muted"),
        el("td", *[node for link in links for node in (link, " · ")][:-1]),
    )


def whole(text: str) -> str:
    """The text with every number, its sign and its per cent on one line; a minus as in the tables."""
    signed = re.sub(r"(?<![\w.])-(?=\d+\.\d)", "\N{MINUS SIGN}", text)
    return signed.replace(" %", "\N{NO-BREAK SPACE}%")


def key_numbers(diagnosis: Diagnosis) -> Node:
    """The strip: rows, length, stability, self-test, files for evaluation."""
    lengths = [one for one in diagnosis.lengths if one.score_response is not None]
    longest = max(lengths, key=lambda one: abs(one.score_response or 0.0), default=None)
    n_kept = sum(one.n_kept for one in diagnosis.cuts)
    stays = sum(one.share_stays * one.n_kept for one in diagnosis.cuts) / n_kept if n_kept else None
    rank = diagnosis.planted.of("learnability") if diagnosis.planted else None
    check = diagnosis.overlap
    strip = parts.key_numbers(
        [
            KeyNumber("Scored", theme.count(diagnosis.n_rows), "rows", note=f"run {diagnosis.run_id}"),
            KeyNumber("Looked at", theme.count(diagnosis.n_kept), "rows", note=diagnosis.words, weight=1.4),
            KeyNumber(
                "Score and response length",
                theme.signed(longest.score_response) if longest else "–",
                note=f"Spearman's ρ, {longest.domain}" if longest else "nothing to compare",
                weight=1.3,
            ),
            KeyNumber(
                "Would be kept again",
                f"{100 * stays:.0f}" if stays is not None else "–",
                "%" if stays is not None else "",
                note="if the rows were drawn again" if stays is not None else "this cut does not move",
            ),
            KeyNumber(
                "In evaluation files",
                theme.count(check.n_rows) if check else "–",
                "rows" if check else "",
                note=f"{theme.count(check.n_compared)} samples compared" if check else "not compared",
            ),
            KeyNumber(
                "Swapped responses below the others",
                f"{100 * rank.auc:.0f}" if rank else "–",
                "% of pairs" if rank else "",
                note=f"95 %: {100 * rank.low:.0f} to {100 * rank.high:.0f} %" if rank else "no self-test yet",
                tinted=True,
                weight=1.6,
            ),
        ]
    )
    return el("div", strip, cls="long-labels")
