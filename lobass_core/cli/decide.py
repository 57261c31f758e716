"""lobass decide"""

import shlex
from typing import Annotated

import typer

from lobass_core.cli.browse import WhereOption, filter_of
from lobass_core.cli.number_option import count
from lobass_core.cli.opening import open_project
from lobass_core.cli.options import DEFAULT_PROJECT, JsonOption, ProjectOption, RunOption
from lobass_core.cli.output import UNKNOWN, print_facts, print_json, print_table
from lobass_core.errors import RequestError
from lobass_core.project import Project
from lobass_core.words.plural import plural
from lobass_core.workflows import browse, decision_files
from lobass_core.workflows import decide as workflow

WORDS = {"keep": "Kept", "drop": "Dropped", "undecided": "Cleared the decisions on"}
TEXT_ACTS = ("tag", "untag", "note")


def register(app: typer.Typer) -> None:
    """Add `lobass decide`."""
    app.command("decide")(decide)


def decide(
    act: Annotated[
        str, typer.Argument(help="keep, drop, undecided; or tag, untag, note with --text.", show_default=False)
    ] = "",
    samples: Annotated[
        list[str] | None, typer.Argument(help="Sample ids, or at least their first 6 digits.", show_default=False)
    ] = None,
    project: ProjectOption = DEFAULT_PROJECT,
    reason: Annotated[str, typer.Option("--reason", help="Reason for the decision; shown in the log.")] = "",
    text: Annotated[str, typer.Option("--text", help="Text of the tag or note.")] = "",
    where: WhereOption = "",
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Do not ask before changing all the samples that --where finds.")
    ] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Undo the latest decision, and the rest of its batch.")] = False,
    log: Annotated[bool, typer.Option("--log", help="List the latest decisions.")] = False,
    limit: Annotated[
        int, typer.Option("--limit", parser=count("--limit", least=1), help="Number of log entries to list.")
    ] = 50,
    run: RunOption = None,
    json: JsonOption = False,
) -> None:
    """Overrule the score: keep or drop samples by hand, tag them or add notes. Everything can be undone."""
    opened = open_project(project)
    if undo:
        return _undo(opened, json)
    if log:
        return _log(opened, limit, json)
    if act not in (*WORDS, *TEXT_ACTS):
        raise RequestError(
            f"unknown action {act!r}" if act else "no action given",
            do="Use keep, drop, undecided, tag, untag or note with samples; or use --undo or --log.",
        )
    if bool(samples) == bool(where):
        raise RequestError("samples are chosen either by id or by --where", do="Use one of them, not both.")
    n_samples = (
        _act_on_matching(opened, act, where, run, reason, text, yes)
        if where
        else _named(opened, act, samples or [], reason, text)
    )
    if json:
        print_json({"act": act, "n_samples": n_samples})
    else:
        noun = "sample" if n_samples == 1 else "samples"
        title = f"{WORDS[act]} {n_samples:,} {noun}" if act in WORDS else f"{act.capitalize()}: {n_samples:,} {noun}"
        print_facts(
            title, [("to undo", f"lobass decide --undo --project {shlex.quote(str(project))}")] if act in WORDS else []
        )
    return None


def _named(project: Project, act: str, samples: list[str], reason: str, text: str) -> int:
    if act in WORDS:
        return workflow.decide(project, samples, act, reason)  # type: ignore[arg-type]
    return workflow.act_on(project, samples, act, text)  # type: ignore[arg-type]


def _act_on_matching(project: Project, act: str, where: str, run: str | None, reason: str, text: str, yes: bool) -> int:
    if act in ("untag", "note"):
        raise RequestError(f"{act} works on named samples only", do="List the sample ids.")
    matching = browse.find(project, filter_of(where, run), run)
    n_samples = len(workflow.sample_keys_of(matching))
    if not n_samples:
        raise RequestError("no row matches this filter", where=where, do="Try the filter with lobass browse --where.")
    if not yes:
        typer.confirm(
            f"{act.capitalize()} {plural(n_samples, 'sample')} ({plural(matching.n_found, 'row')})?",
            abort=True,
            err=True,
        )
    if act in WORDS:
        return workflow.decide_matching(project, matching, act, reason)  # type: ignore[arg-type]
    return workflow.tag_matching(project, matching, text)


def _undo(project: Project, json: bool) -> None:
    undone = workflow.undo(project)
    decisions, imported = undone.decisions, undone.imported
    if json:
        what = {"n_undone": len(decisions), "decisions": [decision.to_dict() for decision in decisions[:1000]]}
        print_json(what | ({"imported": imported.to_dict()} if imported else {}))
        return
    if imported:
        n = (plural(len(decisions), "decision"), plural(imported.n_tags, "tag"), plural(imported.n_notes, "note"))
        print_facts(f"Undid the import of {imported.file}", [("undone", ", ".join(n))])
        return
    print_facts(
        f"Undid {plural(len(decisions), 'decision')}: {decisions[0].verdict}",
        [("reason", decisions[0].reason)] if decisions[0].reason else [],
    )


def _log(project: Project, limit: int, json: bool) -> None:
    decisions = workflow.log(project, limit)
    if json:
        print_json([decision.to_dict() for decision in decisions])
        return
    print_table(
        ("when", "who", "decision", "sample", "reason", "from", "undone"),
        [
            (
                one.made_at,
                one.author or UNKNOWN,
                one.verdict,
                one.sample_id[:12],
                one.reason,
                one.file,
                one.undone_at or "",
            )
            for one in decisions
        ],
    )
    if imported := decision_files.imports(project):
        print_table(
            ("when", "who", "file", "decisions", "tags", "notes", "undone"),
            [
                (
                    one.made_at,
                    one.made_by or UNKNOWN,
                    one.file,
                    one.n_decisions,
                    one.n_tags,
                    one.n_notes,
                    one.undone_at or "",
                )
                for one in imported
            ],
            title="Imported files",
        )
