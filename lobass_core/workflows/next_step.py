"""What to do next in a project, as a button and as a command."""

import shlex

from lobass_core.project import Project
from lobass_core.store.exports import LoggedExport
from lobass_core.store.scorings import Scoring
from lobass_core.store.selections import SavedSelection
from lobass_core.workflows.project_status import DomainStatus, NextStep, RunStatus


def next_step(
    project: Project,
    scoring: Scoring | None,
    domains: tuple[DomainStatus, ...],
    selection: SavedSelection | None,
    export: LoggedExport | None,
    runs: tuple[RunStatus, ...],
) -> NextStep:
    """The first of: import, watch or resume a run, score what is not scored, select, export, select again."""
    root = shlex.quote(str(project.root))
    if not domains:
        return NextStep("import", "Import a file", f"lobass import FILE --project {root} --domain NAME")
    own = (run for run in runs if run.kind in ("score", "train_reference") and run.state != "foreign")
    work = next(own, None)
    if work and work.state in ("running", "queued"):
        return NextStep("score", f"Watch run {work.run_id}", f"lobass runs --project {root}")
    if work and work.kind == "score" and work.state in ("failed", "interrupted", "cancelled", "damaged"):
        return NextStep("score", f"Resume run {work.run_id}", f"lobass score --project {root} --resume {work.run_id}")
    to_do = [domain for domain in domains if domain.n_to_score]
    if to_do:
        n = sum(domain.n_to_score for domain in to_do)
        of = f"{to_do[0].domain} " if len(to_do) == 1 and len(domains) > 1 else ""
        models = _model_options(project, scoring)
        return NextStep("score", f"Score {n:,} {of}rows", f"lobass score --project {root} {models}")
    if selection is None:
        return NextStep("select", "Select rows", f"lobass select --project {root} --ratio 0.06 --name paper-6")
    if export is None:
        name = shlex.quote(selection.name)
        command = f"lobass export --project {root} --selection {name} --to FOLDER --format messages"
        return NextStep("export", f"Export {selection.name}", command)
    return NextStep("select", "Move the cut", f"lobass select --project {root} --ratio 0.06 --name NAME")


def _model_options(project: Project, scoring: Scoring | None) -> str:
    if scoring is None:
        return "--base MODEL --reference MODEL"
    spec = scoring.spec
    model = spec.references[0]
    reference = spec.reference_name
    adapter = ""
    if not (reference and (project.models_dir / reference).is_dir()):
        reference = model.adapter or model.path
        adapter = " --adapter" if model.adapter else ""
    return f"--base {shlex.quote(spec.base.path)} --reference {shlex.quote(reference)}{adapter}"
