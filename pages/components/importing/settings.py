"""The left column: format with its reason, mapping, domain."""

import streamlit as st

from lobass_core.formats.reading_rules import columns_in
from lobass_core.workflows import import_data as workflow
from pages.components import parts, state, theme, view
from pages.components.importing import draft, reading_options
from pages.components.view import el

ROLES = {
    "instruction": "user",
    "input": "user, after a blank line",
    "output": "assistant, scored",
    "system": "system",
    "history": "earlier turns",
    "conversations": "turns",
    "messages": "turns",
    "tools": "available tools",
    "prompt": "user",
    "completion": "assistant, scored",
    "response": "assistant, scored",
    "text": "all of it is scored",
    "chosen": "assistant, scored",
    "rejected": "kept, not scored yet",
    "tree": "turns of the best-ranked path",
}
# In a pair the prompt may be a whole conversation.
PAIR_ROLES = ROLES | {"prompt": "turns before both answers"}
ENCODINGS = ["auto", "utf-8", "utf-16", "gb18030", "cp1252", "big5", "shift_jis", "euc_kr", "latin-1"]


def format_choice(shown: workflow.Preview | None, scan: workflow.FileScan | None, columns: tuple[str, ...]) -> None:
    """Format and mapping; without a preview (no format fits) only the means to say what holds what."""
    if shown is not None:
        sure = shown.detection.confidence > 0.999
        view.show(
            [
                parts.heading("Format"),
                el(
                    "div",
                    parts.dot("kept" if sure else "amber"),
                    el("b", shown.detection.label),
                    el("span", " " + shown.detection.reason, cls="muted"),
                    el("div", f"{shown.shape} in {shown.encoding} ({shown.encoding_reason})", cls="muted"),
                    cls="tight",
                ),
            ],
            key="import-format-facts",
        )
    labels = workflow.format_labels()
    detected = shown.detection if shown and not shown.detection.asked else None
    names = {"auto": f"{detected.label} (detected)" if detected else "Detect format", **labels}
    state.remember(draft.FORMAT, "auto")
    state.relabel(draft.FORMAT)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="xsmall", wrap=False):
        st.selectbox(
            "Format", list(names), format_func=lambda name: names.get(name, name), key=draft.FORMAT,
            label_visibility="collapsed", on_change=draft.forget_mapping, persist_state="session",
        )  # fmt: skip
        if shown is not None:
            with st.popover("Columns", icon=":material/alt_route:", help="Set the column for each role"):
                _column_choice(columns, shown)
                reading_options.file_options()
    if shown is None:
        view.show(parts.heading("Columns", "set the column for each role"), key="import-columns-title")
        _column_choice(columns, None)
        reading_options.file_options()
        return
    _mapping_table(shown, scan)
    reading_options.row_options(scan)


def mapped_fields() -> tuple[str, ...]:
    """The fields that a mapping may name under the format chosen now; without one, those of columns."""
    name = st.session_state.get(draft.FORMAT) or "auto"
    return workflow.format_fields("columns" if name == "auto" else name)


def _column_choice(columns: tuple[str, ...], shown: workflow.Preview | None) -> None:
    name = st.session_state.get(draft.FORMAT) or "auto"
    st.caption(
        "Only columns named here are read. A+B joins two columns. Lists become one line per item."
        if name == "auto"
        else "An empty field uses the usual column name. A+B joins two columns."
    )
    known = shown.detection.mapping if shown and name != "auto" else {}
    for field in mapped_fields():
        key = draft.mapping_key(field)
        options = list(columns)
        if (chosen := st.session_state.get(key)) and chosen not in options:
            options.append(chosen)
        st.selectbox(
            f"{field} → {ROLES.get(field, field)}", options, index=None, key=key, accept_new_options=True,
            placeholder=known.get(field) or "not used", persist_state="session",
        )  # fmt: skip
    st.selectbox("Encoding", ENCODINGS, key=draft.ENCODING, accept_new_options=True, persist_state="session")
    st.text_input("Dataset name", key=draft.NAME, placeholder="the file's name", persist_state="session")


def _mapping_table(shown: workflow.Preview, scan: workflow.FileScan | None) -> None:
    mapping = columns_in(shown.detection.mapping)
    taken = {part for column in mapping.values() for part in (column, *map(str.strip, column.split("+")))}
    others = [column for column in shown.columns if column not in taken]
    roles = PAIR_ROLES if shown.detection.format == "preference" else ROLES
    rows = [
        [
            el("span", *parts.visible(column), cls="mono"),
            "→",
            el("b", roles.get(field, field)),
            el("span", f"{theme.count(_n_filled(column, scan))} filled", cls="muted") if scan else "",
        ]
        for field, column in mapping.items()
    ]
    listed = ", ".join(others[:6]) + (f" and {len(others) - 6} more" if len(others) > 6 else "")
    kept = f"{listed}; kept and exported unchanged" if others else "none"
    rows.append([el("span", "other fields", cls="muted"), "", el("span", kept, cls="muted", title=kept), ""])
    widths = (
        parts.Column("Column", 130),
        parts.Column("", 26),
        parts.Column("Becomes"),
        parts.Column("", 96, numeric=True),
    )
    view.show([parts.heading("Mapping", "column → role"), _bare(parts.table(widths, rows))], key="import-mapping")


def _bare(table: view.Node) -> view.Node:
    """The table without its header line: the heading says it."""
    if isinstance(table, str):
        return table
    name, attributes, children = table
    return name, attributes, [child for child in children if isinstance(child, str) or child[0] != "thead"]


def _n_filled(column: str, scan: workflow.FileScan) -> int:
    if column in scan.n_filled:
        return scan.n_filled[column]
    return min((scan.n_filled.get(part.strip(), 0) for part in column.split("+")), default=0)


def domain_choice(
    columns: tuple[str, ...], domains: tuple[str, ...], scan: workflow.FileScan | None, settled: bool
) -> None:
    """The domain by one name, by a field, or by rules; with the rows that each gets."""
    note = "the kind of data" + ("" if settled else "; required")
    view.show(parts.heading("Domain", note), key="import-domain-title")
    state.remember(draft.DOMAIN_HOW, draft.ONE_NAME)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", wrap=False):
        how = st.segmented_control(
            "How to set the domain", [draft.ONE_NAME, draft.A_FIELD, draft.SOME_RULES], key=draft.DOMAIN_HOW,
            required=True, label_visibility="collapsed", width="content", persist_state="session",
        )  # fmt: skip
        if how == draft.A_FIELD:
            st.selectbox(
                "Field",
                columns,
                index=None,
                key=draft.COLUMN,
                placeholder="Choose a field",
                label_visibility="collapsed",
                persist_state="session",
            )
        else:
            _domain_name(domains, "Otherwise" if how == draft.SOME_RULES else "Type or choose a name")
    if how == draft.SOME_RULES:
        st.data_editor(
            _rules(draft.first_rules()), num_rows="dynamic", key=draft.RULES, hide_index=True,
            column_config={
                "field": st.column_config.SelectboxColumn("Where field", options=list(columns)),
                "is": st.column_config.TextColumn("is"),
                "domain": st.column_config.TextColumn("the domain is"),
            },
        )  # fmt: skip
    elif how == draft.A_FIELD:
        _domain_name(domains, "If the field is empty")
    if scan is not None and how != draft.ONE_NAME and draft.UNNAMED not in scan.domains:
        slots = theme.domain_slots({*domains, *scan.domains})
        shown = sorted(scan.domains.items(), key=lambda item: -item[1])[:12]
        view.show(
            parts.table(
                [parts.Column("Domain"), parts.Column("Rows", 90, numeric=True)],
                [[parts.swatch(slots[name], name), theme.count(n)] for name, n in shown],
            ),
            key="import-domains",
        )


def _rules(first: draft.Rules) -> dict[str, list[str | None]]:
    """Columns of the editor: a row for each rule, an empty one where there is none."""
    rows = first or ((None, None, None),)
    return {field: [row[place] for row in rows] for place, field in enumerate(draft.RULE_FIELDS)}


def _domain_name(domains: tuple[str, ...], placeholder: str) -> None:
    options = list(domains)
    if (chosen := st.session_state.get(draft.DOMAIN)) and chosen not in options:
        options.append(chosen)
    st.selectbox(
        "Domain", options, index=None, key=draft.DOMAIN, accept_new_options=True, placeholder=placeholder,
        label_visibility="collapsed", persist_state="session",
    )  # fmt: skip
