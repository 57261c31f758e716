"""Import: choose a file, see what each row becomes, import it."""

from dataclasses import replace
from pathlib import Path

import streamlit as st

from lobass_core.errors import LobassError
from lobass_core.specs import ImportSpec
from lobass_core.workflows import import_data as workflow
from pages.components import command_line, errors, parts, scope, state, theme, toolbar, view
from pages.components.importing import (
    choosing,
    datasets,
    draft,
    in_address,
    preview,
    reading,
    reading_options,
    result,
    scores,
    settings,
    updating,
)

project = state.project()
in_address.follow(project)
scope.show(project, scores=False, datasets=False)
left, right = toolbar.toolbar("import")
with left:
    choosing.pick(project)


def strip(shown: workflow.Preview, scan: workflow.FileScan, in_use: bool) -> None:
    """The key numbers of a file that is not imported yet."""
    share = theme.percent(scan.n_importable / max(scan.n_rows, 1))
    reason = next((f"{n:,}: {text}" for text, n in scan.reasons.items()), "every row is valid")
    size = f"{theme.byte_size(shown.n_bytes)}, {shown.shape}"
    cells = [
        parts.KeyNumber("Rows in file" if scan.complete else "Rows checked", theme.count(scan.n_rows), note=size),
        parts.KeyNumber("Will import", theme.count(scan.n_importable), note=share, tinted=True),
        parts.KeyNumber("Rejected", theme.count(scan.n_rejected), note=reason),
        parts.KeyNumber(
            "Seen before",
            "–" if in_use else theme.count(scan.n_seen_before),
            note="the project is in use elsewhere" if in_use else "same conversation in the project",
        ),
        parts.KeyNumber(
            "Response, median",
            theme.count(scan.median_words),
            unit="words",
            note=f"longest {scan.longest_words:,} words",
        ),
    ]
    view.show(parts.key_numbers(cells), key="import-strip")


def import_button(spec: ImportSpec, settled: bool, scan: workflow.FileScan) -> None:
    """Command and the one primary button; importing keeps the page until it is done."""
    with right:
        line = spec if settled else replace(spec, domain="NAME")
        command_line.popover(command_line.import_file(project.root, line))
        label = f"Import {scan.n_importable:,} rows" if scan.complete else "Import the whole file"
        go = toolbar.primary(
            label,
            ":material/download:",
            key="import-go",
            disabled=not (settled and scan.n_importable),
            help=None if settled else "Set the domain first",
        )
    if not go:
        return
    bar = st.progress(0.0, "Importing. Keep this tab open until it is done; an interrupted import writes nothing.")

    def show(n_done: int, n_total: int) -> None:
        bar.progress(min(n_done / max(n_total, 1), 1.0), f"Importing, {n_done:,} of about {n_total:,} rows")

    with errors.shown():
        st.session_state[draft.RESULT] = (spec.path, workflow.import_file(project, spec, show))
        st.rerun()
    bar.empty()


def done_page(done: workflow.ImportResult) -> None:
    """After an import: what it did, and on to the next step."""
    with right:
        if toolbar.primary("Score the rows", ":material/arrow_forward:", key="import-next"):
            state.go("score")
    result.strip(done)
    result.details(project, done)
    result.after(project, done)


def preview_page(path: Path) -> None:
    """Before an import: format, mapping and domain beside what one row becomes."""
    spec, settled = draft.spec(path, settings.mapped_fields())
    revision = choosing.revision(project)
    in_use = revision == choosing.IN_USE
    domains = () if in_use else state.outline(project).domains
    try:
        columns = workflow.columns_of(spec)
    except LobassError as error:
        errors.show(error)
        if "--" in error.do or st.session_state.get(draft.WHOLE):
            with st.columns([0.37, 0.63])[0]:
                reading_options.file_options()
        return
    try:
        shown = reading.window(spec, 0)
        scan = reading.scan(None if in_use else project, spec, revision)
    except LobassError as error:
        beside, main = st.columns([0.37, 0.63], gap="medium")
        with beside:
            settings.format_choice(None, None, columns)
            settings.domain_choice(columns, domains, None, settled)
        with main:
            errors.show(error)
        return
    import_button(spec, settled, scan)
    strip(shown, scan, in_use)
    beside, main = st.columns([0.37, 0.63], gap="medium")
    with beside:
        settings.format_choice(shown, scan, columns)
        settings.domain_choice(columns, domains, scan, settled)
    with main:
        row = preview.choose_row(scan)
        for preview_row in reading.rows(spec, row, row + 1):
            preview.show_row(preview_row, shown.detection.mapping, of_several=shown.n_files > 1)
        preview.notices(scan)
    preview.show_neighbours(spec, row, scan.n_rows)


def file_page(path: Path, in_use: bool) -> None:
    """A chosen file: what an update did or would do with a dataset, or what an import would make of it."""
    done_path, name, counts = st.session_state.get(draft.UPDATED, ("", "", None))
    if counts is not None and done_path == str(path):
        updating.done_page(project, name, counts, right)
        return
    with left:
        target = "" if in_use else updating.target(project)
    if target == draft.SCORES:
        scores.page(project, path, right, choosing.revision(project))
        return
    if target:
        updating.page(project, target, path, right, choosing.revision(project))
        return
    if not in_use:
        updating.hint(project, path)
    preview_page(path)


try:
    chosen = choosing.chosen(project)
    in_use = choosing.revision(project) == choosing.IN_USE
    done_path, done = st.session_state.get(draft.RESULT, ("", None))
    if done is not None and chosen is not None and done_path == str(chosen):
        done_page(done)
    elif chosen is not None:
        file_page(chosen, in_use)
    elif not in_use:
        datasets.section(project)
        scores.section(project)
except LobassError as error:
    errors.show(error)
in_address.write(settings.mapped_fields())
