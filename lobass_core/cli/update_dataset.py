"""lobass import --update: the counts first, then the update, and the way back."""

import shlex
import sys

import typer

from lobass_core.cli.output import print_facts, print_json, print_table, progress_bar, stderr, warn
from lobass_core.errors import RequestError
from lobass_core.project import Project
from lobass_core.words.plural import plural
from lobass_core.workflows import update_dataset as workflow
from lobass_core.workflows.update_dataset import Update


def update_with(project: Project, name: str, asked: dict, *, dry_run: bool, yes: bool, json: bool) -> None:
    """Show what the update would do, ask, and do it; `asked` are the settings that were given."""
    with progress_bar() as show:
        update = workflow.compare_dataset(project, name, asked, lambda done, total: show("Comparing rows", done, total))
    is_written = not (dry_run or update.is_same)
    if is_written and not yes and (json or not sys.stdin.isatty()):
        raise RequestError(
            f"the update of {name!r} has not been confirmed",
            do="Add --yes to write it, or --preview 1 to see it first.",
        )
    if not json:
        _show(update)
    if is_written:
        if not yes:
            typer.confirm(f"Update {name}: {update.counts.words}?", abort=True, err=True)
        with progress_bar() as show:
            workflow.update_dataset(project, update, lambda done, total: show("Updating rows", done, total))
    if json:
        print_json({**update.to_dict(), "is_written": is_written})
    elif is_written:
        line = f"lobass import --update {shlex.quote(name)} --undo --project {shlex.quote(str(project.root))}"
        print_facts(f"Updated {name}", [("to undo", line)])
    elif dry_run:
        stderr.print("Nothing was written.")


def undo(project: Project, name: str, json: bool) -> None:
    """Bring back what the dataset was before its last update."""
    undone = workflow.undo_update(project, name)
    if json:
        print_json({"dataset": name, "made_at": undone.made_at, **undone.counts})
        return
    print_facts(f"Undid the update of {name} from {undone.made_at}", [("the update was", undone.words)])


def _show(update: Update) -> None:
    counts = update.counts
    if update.is_same:
        print_facts(f"{update.dataset} already contains these files", [("rows", counts.n_unchanged)])
        return
    facts: list[tuple[str, object]] = [
        ("unchanged", counts.n_unchanged),
        ("changed", counts.n_changed),
        ("new", counts.n_new),
        ("gone", counts.n_gone),
        ("rejected", f"{counts.n_rejected:,} (before: {counts.n_rejected_before:,})"),
    ]
    if counts.n_changed:
        by = "the column " + counts.matched_by if counts.matched_by != "place" else "their place in the file"
        facts.append(("changed rows found by", by))
    if counts.n_other_fields:
        facts.append(("unchanged text, changed other fields", counts.n_other_fields))
    if counts.n_decided:
        facts.append(("changed or gone, with a decision by a person", counts.n_decided))
    print_facts(f"What an update of {update.dataset} would do", facts)
    for note in update.notes:
        warn(f"{note}.")
    for name, n_rows in counts.selections:
        warn(f"the selection {name!r} loses {plural(n_rows, 'row')}.")
    if update.reasons:
        print_table(("rejected rows", "reason"), [(n, reason) for reason, n in update.reasons.items()])
