"""Export: a saved selection, the format of a trainer, and what that trainer will do with these rows."""

from contextlib import nullcontext
from pathlib import Path
from typing import get_args

import streamlit as st

from lobass_core.errors import LobassError
from lobass_core.project import Project
from lobass_core.specs import ExportFormat, ExportSpec
from lobass_core.store.selections import SavedSelection
from lobass_core.words.plural import plural
from lobass_core.words.typed_shares import read_share_or_rows
from lobass_core.workflows import export as workflow
from lobass_core.workflows import select as selections
from pages.components import command_line, empty, errors, number_field, parts, scope, state, toolbar, view
from pages.components.exporting import cards, draft, files, in_address, past, trainer_view

# Reading takes about a second for every 20,000 rows, the first time.
MANY_ROWS = 20_000

project = state.project()
saved = selections.list_selections(project)


def pick_selection() -> SavedSelection:
    """The selection to write."""
    by_name = {one.name: one for one in saved}
    if st.session_state.get(draft.SELECTION) not in by_name:
        st.session_state[draft.SELECTION] = saved[0].name
    state.relabel(draft.SELECTION)
    name = st.selectbox(
        "Selection", list(by_name), key=draft.SELECTION, label_visibility="collapsed", width=250,
        format_func=lambda name: f"{name} · {plural(by_name[name].n_held, 'row')}", help="The selection to export.",
    )  # fmt: skip
    return by_name[name]


def pick_destination(selection: str, format: str) -> str:
    """The folder, as typed."""
    key = draft.destination_key(selection, format)
    state.remember(key, draft.default_folder(selection, format))
    return st.text_input(
        "Destination", key=key, icon=":material/folder:", label_visibility="collapsed", persist_state="session",
        help="A folder in the project, or a path that the dashboard may write to.", width=330,
    )  # fmt: skip


def options() -> None:
    """The validation split, the order of the rows, the check, the trainer's limit, and what the data card says."""
    state.remember(draft.CHECK, True)
    with st.popover("Options", icon=":material/tune:", key="export.options"):
        split, seed = st.columns([0.62, 0.38])
        with split:
            number_field.show(
                "Validation rows", key=draft.VALIDATION, reads=read_share_or_rows, otherwise=0,
                help="Written to separate files; near duplicates stay together. A share (2 %), or a number of rows.",
            )  # fmt: skip
        with seed:
            number_field.show(
                "Seed",
                key=draft.SEED,
                whole=True,
                least=0,
                otherwise=0,
                help="Decides which rows are drawn for validation.",
            )
        st.toggle(
            "Best score first", key=draft.RANKED, persist_state="session", disabled=draft.chosen_format() == "source",
            help="Off: rows keep the order of their source files. Source rows always keep it.",
        )  # fmt: skip
        st.toggle(
            "Score as a weight", key=draft.WEIGHT, persist_state="session",
            disabled=not draft.takes_weight(draft.chosen_format()),
            help="Adds a column `weight` (mean 1) to JSONL messages and Parquet. Other formats have no place for it.",
        )  # fmt: skip
        st.toggle(
            "Compare with the scored tokens", key=draft.CHECK, persist_state="session",
            help="Renders each row again and compares it with the tokens that were scored, before the export is kept.",
        )  # fmt: skip
        st.toggle(
            "Replace another export", key=draft.REPLACE,
            help="Overwrites an export of another selection or format in this folder, unless its files were changed.",
        )  # fmt: skip
        st.toggle(
            "Write excluded rows", key=draft.DROPPED, persist_state="session",
            help="Adds dropped.jsonl: each excluded row with its reason.",
        )  # fmt: skip
        number_field.show(
            "Trainer's limit in tokens", key=draft.CUTOFF, whole=True, least=0, otherwise=0,
            help="The max_length, cutoff_len or sequence_len of your training. 0: the trainer's default.",
        )  # fmt: skip
        st.text_input(
            "Licence", key=draft.LICENSE, persist_state="session", placeholder="not stated",
            help="Copied to the data card as you type it, for example cc-by-4.0.",
        )  # fmt: skip
        st.text_input(
            "Languages", key=draft.LANGUAGES, persist_state="session", placeholder="not stated",
            help="Language codes separated by commas, for example en, de.",
        )  # fmt: skip


def write(project: Project, spec: ExportSpec, n_rows: int) -> None:
    """Write it with a bar; the receipt takes the place of the file list."""
    bar = st.progress(0.0, f"Exporting {plural(n_rows, 'row')}. An interrupted export writes nothing.")

    def show(n_done: int, n_total: int) -> None:
        words = (
            f"Exporting, {n_done:,} of {plural(n_total, 'row')} read"
            if n_done < n_total
            else "Comparing with the scores"
        )
        bar.progress(min(n_done / max(n_total, 1), 1.0), words)

    with errors.shown():
        st.session_state[draft.RECEIPT] = (spec, workflow.export(project, spec, show))
        st.rerun()
    bar.empty()


if not saved:
    empty.show(
        "Nothing to export yet",
        "Save a selection first. An export writes a saved selection, so that it can be reproduced byte for byte.",
        action=("Select rows", "select") if state.outline(project).datasets else empty.IMPORT_DATA,
    )
    st.stop()

in_address.follow([one.name for one in saved])
scope.show(project, scores=False, datasets=False)
left, right = toolbar.toolbar("export")
with left:
    selection = pick_selection()
    format = draft.chosen_format()
    # The arrow goes to the next line with what it leads to.
    with st.container(
        horizontal=True, wrap=False, gap="xsmall", vertical_alignment="center", width="content", key="export-to"
    ):
        st.markdown("→", width="content")
        typed = pick_destination(selection.name, format)
    options()

if selection.n_gone:
    view.show(
        parts.notice(f"{selections.gone_in_words(selection)}.", "The export leaves them out.", tone="amber"), key="gone"
    )

if dropped := selections.dropped_in_words(project, selection):
    view.show(parts.notice(f"{dropped} on Select.", tone="amber"), key="dropped")

to: Path | None = None
problem: LobassError | None = None
try:
    to = draft.destination(typed, project)
except LobassError as error:
    problem = error

with st.spinner("Reading the selected rows") if selection.n_kept > MANY_ROWS else nullcontext():
    preflights = workflow.preflights(
        project, draft.spec_of(selection.name, format, to or Path("-")), get_args(ExportFormat)
    )
spec = draft.spec_of(selection.name, format, to) if to else None
n_written = preflights[format].findings[0].n_rows
with right:
    if spec:
        command_line.popover(command_line.export(project.root, spec), key="export.command")
    go = toolbar.primary(
        f"Export {plural(n_written, 'row')}", ":material/ios_share:", key="export.go",
        disabled=spec is None or not n_written,
    )  # fmt: skip
in_address.show_chips(selection, state.outline(project).scorings)
cards.show(preflights, format)
if problem:
    errors.show(problem, key="export-destination")
if go and spec:
    write(project, spec, n_written)

beside, main = st.columns([0.53, 0.47], gap="medium")
with beside:
    trainer_view.show(project, preflights[format])
with main:
    written_spec, receipt = st.session_state.get(draft.RECEIPT, (None, None))
    if receipt is not None and written_spec == spec:
        files.receipt(project, receipt)
    elif spec:
        files.show_planned(project, spec)
past.show(project, workflow.logged_exports(project))
in_address.write(selection.name)
