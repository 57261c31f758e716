"""What an import did, or would do, on the terminal."""

import shlex

from lobass_core.cli.output import print_facts, print_json, print_table
from lobass_core.project import Project
from lobass_core.specs import ImportSpec
from lobass_core.words.terminal_text import shortened
from lobass_core.workflows import import_data as workflow

SHOWN_FILES = 30


def show_result(project: Project, result: workflow.ImportResult, json: bool) -> None:
    """The counts of an import, its files and the reasons of its rejects."""
    if json:
        print_json(result.to_dict())
        return
    if result.already_imported:
        print_facts(
            f"{result.dataset} already contains this file; nothing was imported", [("rows", result.n_seen_before)]
        )
        return
    print_facts(
        f"Imported {result.n_imported:,} of {result.n_rows:,} rows as {result.dataset}",
        [
            ("read", result.shape),
            ("format", f"{result.detection.label}: {result.detection.reason}"),
            ("domains", ", ".join(f"{domain} {n:,}" for domain, n in result.domains.items())),
            ("seen in earlier files", result.n_seen_before),
            ("repeated in this file", result.n_duplicates),
            ("rejected", result.n_rejected),
            *_changes(result),
            ("seconds", round(result.seconds, 2)),
        ],
    )
    if result.files:
        listed = result.files if len(result.files) <= SHOWN_FILES else result.files[:SHOWN_FILES]
        print_table(("file", "imported", "rejected"), [(one.name, one.n_imported, one.n_rejected) for one in listed])
        if len(listed) < len(result.files):
            print_facts(f"and {len(result.files) - len(listed):,} more files", [("all of them", "--json")])
    if result.reasons:
        print_table(("rejected rows", "reason"), [(n, reason) for reason, n in result.reasons.items()])
        line = f"lobass rejects {shlex.quote(result.dataset)} --project {shlex.quote(str(project.root))}"
        print_facts("The rejected rows are kept", [("to see them", line)])


def _changes(result: workflow.ImportResult) -> list[tuple[str, object]]:
    """What of the imported rows is not as it was in the file."""
    facts: list[tuple[str, object]] = []
    if result.n_mended:
        facts.append(("rows with broken characters replaced by U+FFFD", result.n_mended))
    if result.dropped_media:
        facts.append(("left out", workflow.counted(result.dropped_media)))
    return facts


def show_preview(project: Project, spec: ImportSpec, n_rows: int, json: bool) -> None:
    """The first rows as they would be imported."""
    shown = workflow.preview(project, spec, limit=n_rows)
    if json:
        print_json(shown.to_dict())
        return
    print_facts(
        f"{shown.path.name} would be read as {shown.detection.label}",
        [
            ("read", shown.shape),
            ("reason", shown.detection.reason),
            ("encoding", shown.encoding),
            ("columns", ", ".join(shown.columns)),
        ],
    )
    for row in shown.rows:
        turns = row.sample.turns if row.sample else ()
        facts = [(turn.role, shortened(turn.content)) for turn in turns] or [("rejected", row.reason)]
        place = f"line {row.line:,}" + (f" of {row.file}" if shown.n_files > 1 else "")
        print_facts(f"row {row.row_index:,}, {place}, {row.domain or 'no domain'}", facts)
