"""lobass clean"""

import sys
from collections import Counter
from collections.abc import Sequence
from typing import Annotated

import typer

from lobass_core.cli.opening import open_project
from lobass_core.cli.options import DEFAULT_PROJECT, JsonOption, ProjectOption, names
from lobass_core.cli.output import print_facts, print_json, print_table, warn
from lobass_core.errors import RequestError
from lobass_core.words.plural import plural
from lobass_core.workflows import clean as workflow
from lobass_core.workflows.clean import Cleanable, Kind

WORDS: dict[Kind, tuple[str, str]] = {
    "run": ("run", "runs"),
    "self-test": ("self-test", "self-tests"),
    "model": ("model", "models"),
    "arm": ("file of an experiment", "files of experiments"),
    "export": ("export", "exports"),
    "copy": ("copy of the store", "copies of the store"),
    "upload": ("upload", "uploads"),
    "leftover": ("leftover", "leftovers"),
}


def register(app: typer.Typer) -> None:
    """Add `lobass clean`."""
    app.command("clean")(clean)


def clean(
    project: ProjectOption = DEFAULT_PROJECT,
    only: Annotated[
        str,
        typer.Option("--only", help=f"Kinds, separated by commas: {', '.join(workflow.KINDS)}.", show_default="all"),
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List what can be removed; remove nothing.")] = False,
    yes: Annotated[
        bool,
        typer.Option(
            "--yes",
            "-y",
            help="Do not ask. Models and arms, which only a training makes again, are kept unless --only names them.",
        ),
    ] = False,
    json: JsonOption = False,
) -> None:
    """List what a project no longer needs, and remove it to free space.

    That is: runs without losses that cannot be resumed, previews, runs of other projects, self-tests that a later one
    replaces, trained models that no scoring uses, arms and reports of experiments whose run is gone, exports identical
    to a later one, copies of the store, uploads that were not imported, files left by killed processes, and free pages
    in the store. Losses, decisions and selections are always kept.
    """
    opened, kinds = open_project(project), names(only)
    if unknown := [kind for kind in kinds if kind not in workflow.KINDS]:
        raise RequestError(f"unknown kind {unknown[0]!r}", where="--only", do=f"Kinds are {', '.join(workflow.KINDS)}.")
    items = [item for item in workflow.cleanable(opened) if item.kind in (kinds or workflow.KINDS)]
    if yes and not kinds:
        items = [item for item in items if item.kind not in workflow.TRAINED]
    if items and not dry_run and not yes and (json or not sys.stdin.isatty()):
        raise RequestError(
            "the removal has not been confirmed", do="Add --yes, or --dry-run to list what can be removed."
        )
    if not json:
        _list(items)
    cleaned = None
    if items and not dry_run:
        if not yes:
            typer.confirm(f"Remove {_in_words(items)}?", abort=True, err=True)
        cleaned = workflow.clean(opened, items)
    if json:
        print_json({"found": [item.to_dict() for item in items], "cleaned": cleaned.to_dict() if cleaned else None})
    elif cleaned:
        print_facts(f"Freed {_mib(cleaned.n_bytes)}", [("removed", _in_words(cleaned.removed) or "nothing")])
        for path, reason in cleaned.stayed:
            warn(f"{path} was kept: {reason}")


def _list(items: Sequence[Cleanable]) -> None:
    if not items:
        print_facts("Nothing can be removed: everything here is needed", [])
        return
    rows = [(item.kind, item.path, _mib(item.n_bytes), item.reason) for item in items]
    print_table(("what", "where", "size", "reason"), rows)
    print_facts(f"{_mib(sum(item.n_bytes for item in items))} can be freed", [])


def _in_words(items: Sequence[Cleanable]) -> str:
    counts = Counter(item.kind for item in items)
    parts = [plural(counts[kind], *WORDS[kind]) for kind in WORDS if counts[kind]]
    return ", ".join([*parts, *(["the store's free pages"] if counts["store"] else [])])


def _mib(n_bytes: int) -> str:
    return f"{n_bytes / 2**20:,.1f} MiB"
