"""The datasets of the project, below the file list: their changes, their domains, undo."""

import streamlit as st

from lobass_core.project import Project
from lobass_core.specs import SetDomainSpec
from lobass_core.workflows import set_domain as domains
from lobass_core.workflows import update_dataset as updates
from lobass_core.workflows.project_status import DatasetChange, DatasetStatus
from lobass_core.workflows.status import status
from pages.components import command_line, errors, parts, state, theme, view
from pages.components.importing import draft
from pages.components.view import el

DATASET = "import.dataset"
HOW, NAME, FIELD, RULES = "import.set.how", "import.set.name", "import.set.field", "import.set.rules"


def section(project: Project) -> None:
    """One dataset at a time, with its log and the two controls; nothing where there is none."""
    by_name = {one.name: one for one in status(project).datasets}
    if not by_name:
        return
    view.show(parts.heading("Datasets in the project", str(len(by_name))), key="import-datasets-title")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        name = st.selectbox("Dataset", list(by_name), key=DATASET, label_visibility="collapsed", width=260)
        one = by_name[str(name)]
        with st.popover("Set domain", icon=":material/category:", key="import-set-domain"):
            _domain_form(project, one)
        _undo_buttons(project, one)
    view.show(_facts(project, one), key="import-dataset-facts")


def _facts(project: Project, one: DatasetStatus) -> list[view.Node]:
    slots = theme.domain_slots(state.outline(project).domains)
    counts = domains.domain_counts(project, one.name)
    nodes: list[view.Node] = [
        parts.table(
            [parts.Column("Domain"), parts.Column("Rows", 90, numeric=True)],
            [[parts.swatch(slots.get(name, 0), name), theme.count(n)] for name, n in counts.items()],
        )
    ]
    if one.changes:
        columns = [
            parts.Column("Change"),
            parts.Column("When", 170),
            parts.Column("By", 110),
            parts.Column("", 170),
        ]
        nodes.append(parts.table(columns, [_line(change) for change in one.changes], label="Changes to the dataset"))
    return nodes


def _line(change: DatasetChange) -> list[view.Node]:
    undone = f"undone {theme.ago(change.undone_at)}" if change.undone_at else ""
    when = el("span", theme.ago(change.made_at), title=change.made_at)
    return [el("span", *parts.visible(change.what)), when, el("span", *parts.visible(change.made_by)), undone]


def _undo_buttons(project: Project, one: DatasetStatus) -> None:
    standing = {change.kind: change for change in one.changes if change.undone_at is None}
    acts = {
        "update": ("Undo the last update", "import-undo-update", updates.undo_update),
        "domain": ("Undo the last domain change", "import-undo-domain", domains.undo_set_domain),
    }
    for kind, (label, key, act) in acts.items():
        if kind in standing and st.button(label, icon=":material/undo:", key=key, help=standing[kind].what):
            with errors.shown():
                act(project, one.name)
                st.rerun()


def _domain_form(project: Project, one: DatasetStatus) -> None:
    """All rows, by a field, or by rules, in the terms of an import; scores stay as they are."""
    columns = domains.record_columns(project, one.name)
    how = st.segmented_control(
        "How to set the domain", [draft.ONE_NAME, draft.A_FIELD, draft.SOME_RULES], key=HOW, default=draft.ONE_NAME,
        required=True, label_visibility="collapsed", width="content",
    )  # fmt: skip
    field = ""
    rules: tuple[tuple[str, str, str], ...] = ()
    if how == draft.A_FIELD:
        field = st.selectbox("Field", columns, index=None, key=FIELD, placeholder="Choose a field") or ""
    elif how == draft.SOME_RULES:
        st.data_editor(
            {"field": [None], "is": [None], "domain": [None]}, num_rows="dynamic", key=RULES, hide_index=True,
            column_config={
                "field": st.column_config.SelectboxColumn("Where field", options=list(columns)),
                "is": st.column_config.TextColumn("is"),
                "domain": st.column_config.TextColumn("the domain is"),
            },
        )  # fmt: skip
        rules = draft.rules(st.session_state.get(RULES))
    name = st.selectbox(
        "Domain", list(state.outline(project).domains), index=None, key=NAME, accept_new_options=True,
        placeholder="Type or choose a name" if how == draft.ONE_NAME else "Otherwise: no change",
        label_visibility="collapsed",
    )  # fmt: skip
    st.caption("Scores stay. Distributions and new selections use the new domains; saved selections keep their rows.")
    if not (name or field or rules):
        return
    spec = SetDomainSpec((name or "").strip(), field, rules)
    st.code(command_line.set_domain(project.root, one.name, spec), language="bash", wrap_lines=True)
    if st.button("Set domain", type="primary", key="import-set-domain-go"):
        with errors.shown():
            change = domains.set_domain(project, one.name, spec)
            st.toast(f"{change.n_rows:,} rows of {errors.plain(one.name)} have a new domain.")
            st.rerun()
