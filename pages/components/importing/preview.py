"""The right column: one row of the file and the conversation that it becomes, and the neighbouring rows."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st

from lobass_core.formats.reading_rules import columns_in
from lobass_core.records import Turn, response_turns
from lobass_core.specs import ImportSpec
from lobass_core.words.plural import plural
from lobass_core.workflows import import_data as workflow
from lobass_core.workflows.file_scan import count_words, n_response_words
from pages.components import number_field, parts, theme, view
from pages.components.importing import draft, reading
from pages.components.view import Node, el

ANY, LONGEST, WITH_INPUT, REJECTED = "Any row", "Longest", "With input", "Rejected"
SHOWN_CHARS = 12_000
ROWS_AROUND = 7
# As high as the screen allows with the rows around it still in sight: 240 px of 800.
SHORT = {"max-height": "max(240px, calc(100vh - 560px))"}


def choose_row(scan: workflow.FileScan) -> int:
    """The heading with the picks; returns the row index to show."""
    picks = [ANY, LONGEST]
    picks += [WITH_INPUT] if len(scan.input_rows) else []
    picks += [REJECTED] if scan.rejected_rows else []
    if st.session_state.get(draft.PICK) not in picks:
        st.session_state[draft.PICK] = ANY
    with st.container(horizontal=True, vertical_alignment="center", gap="small", wrap=False):
        view.show(parts.heading("Preview"), key="import-preview-title", width=70)
        st.segmented_control(
            "Rows to preview", picks, key=draft.PICK, required=True, label_visibility="collapsed", width="content",
            on_change=_first_of_pick,
        )  # fmt: skip
        pick: str = st.session_state[draft.PICK]
        listed = _listed(scan, pick)
        n_listed = len(listed) if listed is not None else scan.n_rows
        row = st.session_state.get(draft.ROW, 0)
        if pick == LONGEST:
            row = scan.longest_row
        else:
            st.session_state[draft.ROW] = min(max(int(row), 0), n_listed - 1)
            at = number_field.show(
                "Number", key=draft.ROW, whole=True, least=0, most=n_listed - 1, otherwise=0, width=130,
                label_visibility="collapsed",
                help="Counts from 0" + ("" if listed is None else f", within the {n_listed:,} rows of this kind"),
            )  # fmt: skip
            row = int(at or 0) if listed is None else int(listed[int(at or 0)])
        of = f"row {row:,} of {scan.n_rows:,}" + ("" if scan.complete else " read so far")
        view.show(el("span", of, cls="muted nowrap"), key="import-preview-at", width="content")
    return row


def _listed(scan: workflow.FileScan, pick: str) -> Sequence[int] | np.ndarray | None:
    """The rows of a kind, None where every row is one."""
    if pick == WITH_INPUT:
        return scan.input_rows
    return scan.rejected_rows if pick == REJECTED else None


def _first_of_pick() -> None:
    st.session_state[draft.ROW] = 0


def show_row(row: workflow.PreviewRow, mapping: dict[str, str], *, of_several: bool = False) -> None:
    """Source beside conversation, or the reason why there is none."""
    place = [f"In {row.file}" if of_several else "In the file", f", line {row.line:,}"]
    view.show(
        el(
            "div",
            el("div", el("div", *parts.visible("".join(place)), cls="muted"), _source(row, mapping), cls="stack"),
            el("div", el("div", "As a conversation", cls="muted"), *_conversation(row), cls="stack"),
            cls="grid two",
        ),
        key="import-row",
        label="The row in the file and as a conversation",
    )


def _source(row: workflow.PreviewRow, mapping: dict[str, str]) -> Node:
    """The record with the columns that became the conversation underlined."""
    if not isinstance(row.value, dict):
        return el("pre", *parts.visible(_cut(row.source)), cls="code source", dir="auto", style=SHORT, tabindex="0")
    used = {part for column in columns_in(mapping).values() for part in (column, *map(str.strip, column.split("+")))}
    nodes: list[Node] = ["{"]
    for index, (key, value) in enumerate(row.value.items()):
        text = _cut(_pretty(value))
        nodes += [",\n  " if index else "\n  ", el("span", *parts.visible(_pretty(key)), ": ", cls="key")]
        nodes.append(el("span", *parts.visible(text), cls="used" if key in used else ""))
    return el("pre", *nodes, "\n}", cls="code source", style=SHORT, tabindex="0")


def _pretty(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2).replace("\n", "\n  ")


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN_CHARS else text[:SHOWN_CHARS] + f"… {len(text) - SHOWN_CHARS:,} more characters"


def _conversation(row: workflow.PreviewRow) -> list[Node]:
    if row.sample is None:
        return [parts.notice("Rejected.", row.reason[:1].upper() + row.reason[1:] + ".", tone="red")]
    sample = row.sample
    scored = response_turns(sample.turns, sample.kind, "all")
    turns = [_turn(turn, flag, sample.kind) for turn, flag in zip(sample.turns, scored, strict=True)]
    turns += [_turn(turn, False, "rejected") for turn in sample.rejected]
    return [el("div", *turns, cls="stack tall", style=SHORT, tabindex="0")]


def _turn(turn: Turn, scored: bool, kind: str) -> Node:
    notes = [turn.role]
    if kind == "rejected":
        notes.append("rejected answer, not scored yet")
    elif scored:
        n_words = count_words(turn.content)
        calls_only = turn.tool_calls and not n_words
        notes += ["scored", "tool calls" if calls_only else f"{n_words:,} word{'' if n_words == 1 else 's'}"]
    elif turn.is_answer:
        notes.append("before both answers, not scored" if turn.is_learnt else "weight 0, not scored")
    elif turn.input is not None:
        notes.append("instruction, blank line, input")
    body = [
        el("div", el("div", key, cls="who"), parts.sample_text(thought, limit=SHOWN_CHARS), cls="muted")
        for key, thought in turn.thoughts.items()
    ]
    if turn.content:
        body.append(parts.sample_text(turn.content, limit=SHOWN_CHARS))
    if turn.tool_calls:
        body.append(el("pre", *parts.visible(_cut(turn.tool_calls)), cls="mono sample"))
    if not body:
        body.append(el("span", "empty", cls="muted"))
    tone = "rejected" if kind == "rejected" else "scored" if scored else ""
    return el("div", el("div", " · ".join(notes), cls="who"), *body, cls=f"turn {tone}".strip())


def notices(scan: workflow.FileScan) -> None:
    """What a curator should know before importing."""
    nodes: list[Node | None] = []
    if scan.n_importable and scan.n_seen_before == scan.n_importable:
        nodes.append(
            parts.notice("Every row is already in the project.", "Importing the file again adds rows but no samples.")
        )
    nodes += [parts.notice(f"{what}.", then, tone=tone) for n, what, then, tone in _counted(scan) if n]
    if not scan.complete:
        what = f"This preview covers the first {scan.n_rows:,} rows, {theme.percent(scan.read_share, 0)} of the file."
        nodes.append(parts.notice(what, "The import reads the whole file."))
    if nodes:
        view.show(el("div", *nodes, cls="stack"), key="import-notices")


def _counted(scan: workflow.FileScan) -> list[tuple[int, str, str, str]]:
    """Whether a notice is due, what it is about, what becomes of these rows, and its tone."""
    return [
        (
            scan.n_empty_response,
            plural(scan.n_empty_response, "response is", "responses are") + " empty",
            "They are imported, but the model only learns to stop at once.",
            "amber",
        ),
        (
            scan.n_one_word,
            plural(scan.n_one_word, "response is", "responses are") + " a single word",
            "They are imported, but their losses are noisy. A gate on Select can exclude short responses.",
            "amber",
        ),
        (
            scan.n_mended,
            plural(scan.n_mended, "row holds", "rows hold") + " broken characters",
            "They are imported with � in their place. The source record stays unchanged.",
            "",
        ),
        (
            len(scan.dropped_media),
            f"{workflow.counted(scan.dropped_media)} will be left out",
            "Only the text of these rows is imported.",
            "amber",
        ),
        (
            scan.n_duplicates,
            plural(scan.n_duplicates, "row repeats", "rows repeat") + " another row of the file",
            "They are imported but scored once. Select excludes duplicates by default.",
            "",
        ),
    ]


def show_neighbours(spec: ImportSpec, row: int, n_rows: int) -> None:
    """Seven rows with the current one tinted; a click shows another."""
    start = max(min(row - ROWS_AROUND // 2, n_rows - ROWS_AROUND), 0)
    neighbours = reading.rows(spec, start, min(start + ROWS_AROUND, n_rows))
    columns = [
        parts.Column("Row", 84, numeric=True),
        parts.Column("Turns", 60, numeric=True),
        parts.Column("User"),
        parts.Column("Assistant"),
        parts.Column("Words", 70, numeric=True),
        parts.Column("", 130),
    ]
    current = next((index for index, item in enumerate(neighbours) if item.row_index == row), None)
    view.show(
        [
            parts.heading("Neighbouring rows", "as they will be imported"),
            parts.table(
                columns,
                [_summary(item) for item in neighbours],
                on=[str(r.row_index) for r in neighbours],
                current=current,
            ),
        ],
        key="import-around",
        on_event=_jump,
    )


def _jump() -> None:
    clicked = view.clicked("import-around")
    if clicked is not None and clicked.isdecimal():
        st.session_state[draft.PICK] = ANY
        st.session_state[draft.ROW] = int(clicked)


def _summary(row: workflow.PreviewRow) -> list[Node]:
    number = theme.count(row.row_index)
    if row.sample is None:
        return [
            number,
            "–",
            parts.first_line(row.source),
            "",
            "",
            el("span", parts.dot("red", "rejected"), title=row.reason),
        ]
    said = {
        role: next((t.content for t in row.sample.turns if t.role == role and t.content), "")
        for role in ("user", "assistant")
    }
    n_words = n_response_words(row.sample)
    state = parts.dot("kept", "imports")
    if n_words <= 1:
        state = parts.dot("amber", "1 word" if n_words else "empty")
    return [
        number,
        theme.count(len(row.sample.turns)),
        parts.first_line(said["user"]),
        parts.first_line(said["assistant"]),
        theme.count(n_words),
        state,
    ]
