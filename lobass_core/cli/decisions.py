"""lobass decisions export, lobass decisions import"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from lobass_core.cli.opening import open_project
from lobass_core.cli.options import DEFAULT_PROJECT, JsonOption, ProjectOption
from lobass_core.cli.output import UNKNOWN, print_facts, print_json, print_table, warn
from lobass_core.words.plural import plural
from lobass_core.words.terminal_text import shortened
from lobass_core.workflows import decision_files as workflow
from lobass_core.workflows.decision_files import ImportedDecisions
from lobass_core.workflows.decision_lines import BadLine
from lobass_core.workflows.decision_merge import Counted, Side

SHOWN = 20


def register(app: typer.Typer) -> None:
    """Add `lobass decisions`."""
    group = typer.Typer(help="Export and import decisions, tags and notes as a file.", no_args_is_help=True)
    group.command("export")(export_decisions)
    group.command("import")(import_decisions)
    app.add_typer(group, name="decisions")


def export_decisions(
    file: Annotated[Path, typer.Argument(help="File to write: .csv or .jsonl.")],
    project: ProjectOption = DEFAULT_PROJECT,
    json: JsonOption = False,
) -> None:
    """Write the current decisions, tags and notes, with their authors and times.

    Each line holds what one author did to one sample at one time. Removed tags and emptied notes have lines too.
    An existing file is replaced.
    """
    n_lines = workflow.export_decisions(open_project(project), file)
    if json:
        print_json({"file": str(file), "n_lines": n_lines})
    else:
        print_facts(f"Wrote {plural(n_lines, 'line')}", [("file", file)])


def import_decisions(
    file: Annotated[Path, typer.Argument(help="File to read: CSV, TSV, JSON or JSON lines.")],
    project: ProjectOption = DEFAULT_PROJECT,
    on_conflict: Annotated[
        str,
        typer.Option(
            "--on-conflict",
            help="If project and file differ: newest uses the later decision, theirs the file's, mine the "
            "project's. If the times are equal, or the file has none, newest uses the project's.",
        ),
    ] = "newest",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change and list the conflicts; write nothing.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Add the decisions, tags and notes from a file. `lobass decide --undo` undoes the whole import.

    Each line names its sample by sample_id or, if the project does not have that id, by dataset and row_index. The
    other columns are decision, reason, tags, note, removed_tags, removed_note, author and made_at; all are optional.
    removed_tags removes tags, and yes in removed_note removes the note.
    """
    imported = workflow.import_decisions(open_project(project), file, on_conflict, dry_run=dry_run)
    if json:
        print_json(imported.to_dict())
        return
    _show(imported)


def _show(imported: ImportedDecisions) -> None:
    n = imported.n_added
    title = f"Would add {n:,}" if imported.is_dry_run else f"Added {n:,}"
    print_facts(
        f"{title} of the decisions, tags and notes in {imported.file}",
        [
            ("lines", imported.n_lines),
            ("found by sample id", imported.n_by_id),
            ("found by dataset and row", imported.n_by_row),
            ("not in this project", len(imported.unmatched)),
            ("not valid", len(imported.bad)),
            *([("without a decision, tag or note", imported.n_blank)] if imported.n_blank else []),
            *([("replaced by newer lines of the file", imported.n_outdated)] if imported.n_outdated else []),
            ("decisions", _counted(imported.decisions)),
            ("tags", _counted(imported.tags)),
            ("notes", _counted(imported.notes)),
            (
                "conflicts",
                f"{len(imported.conflicts):,}, settled by {imported.on_conflict}" if imported.conflicts else 0,
            ),
        ],
    )
    if imported.ignored_columns:
        warn(f"ignored columns: {', '.join(imported.ignored_columns)}.")
    _show_conflicts(imported)
    _show_lines("Lines that are not valid", imported.bad)
    _show_lines("Lines whose sample is not in this project", imported.unmatched)


def _counted(counted: Counted) -> str:
    parts = [f"{counted.n_new:,} new", f"{counted.n_same:,} unchanged"]
    if counted.n_conflicts:
        parts.append(f"{counted.n_theirs:,} replaced by the file's, {counted.n_mine:,} kept")
    return ", ".join(parts)


def _show_conflicts(imported: ImportedDecisions) -> None:
    if not imported.conflicts:
        return
    print_table(
        ("line", "sample", "what", "project", "by", "file", "by", "taken"),
        [
            (
                one.line,
                imported.ids.get(one.sample_key, "")[:12],
                one.kind,
                *_said(one.mine),
                *_said(one.theirs),
                "the file's" if one.taken == "theirs" else "the project's",
            )
            for one in imported.conflicts[:SHOWN]
        ],
        title="Conflicts" + _first(len(imported.conflicts)),
    )


def _said(side: Side) -> tuple[str, str]:
    when = side.made_at[:16].replace("T", " ")
    return shortened(side.words, 60) or "removed", ", ".join(part for part in (side.author or UNKNOWN, when) if part)


def _show_lines(title: str, lines: Sequence[BadLine]) -> None:
    if lines:
        print_table(
            ("line", "reason"), [(one.line, one.reason) for one in lines[:SHOWN]], title=title + _first(len(lines))
        )


def _first(n: int) -> str:
    return f", the first {SHOWN} of {n:,} (--json has all)" if n > SHOWN else ""
