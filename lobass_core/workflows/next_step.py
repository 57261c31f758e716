"""The next step in a project, as a button and as a command."""

import shlex
from collections.abc import Sequence

from lobass_core.project import Project
from lobass_core.specs import ScoreSpec
from lobass_core.store.exports import LoggedExport
from lobass_core.store.scorings import Scoring
from lobass_core.store.selections import SavedSelection
from lobass_core.words.loss_columns import TARGET
from lobass_core.workflows.project_status import DomainStatus, NextStep, RunStatus
from lobass_core.workflows.resumable import is_gone
from lobass_core.workflows.runs import resume_command


def next_step(
    project: Project,
    scoring: Scoring | None,
    domains: tuple[DomainStatus, ...],
    selection: SavedSelection | None,
    export: LoggedExport | None,
    runs: tuple[RunStatus, ...],
    datasets: Sequence[str] = (),
    measure: str = "learnability",
) -> NextStep:
    """The first of: import, watch or resume a run, score what is not scored, select, export, select again.

    Without a scoring the rows of a project are selected by a score column, `measure`, and none is left to score.

    Where `domains` counts the rows of some datasets alone, the commands name them.

    A run that fails again when it is resumed is passed over, as its models or its input are not what they should be.
    """
    root = shlex.quote(str(project.root))
    within = f" --datasets {shlex.quote(','.join(datasets))}" if datasets else ""
    if not domains:
        return NextStep("import", "Import a file", f"lobass import FILE --project {root} --domain NAME")
    work = next((run for run in runs if _counts(run)), None)
    if work and work.state in ("running", "queued"):
        return NextStep("score", f"Watch run {work.run_id}", f"lobass runs --project {root}")
    if work and work.kind == "score" and work.can_resume:
        return NextStep("score", f"Resume run {work.run_id}", resume_command(project, work.run_id))
    by_column = measure != "learnability"
    to_do = [] if by_column else [domain for domain in domains if domain.n_to_score]
    if to_do:
        n = sum(domain.n_to_score for domain in to_do)
        of = f"{to_do[0].domain} " if len(to_do) == 1 and len(domains) > 1 else ""
        models = _model_options(project, scoring)
        return NextStep("score", f"Score {n:,} {of}rows", f"lobass score --project {root} {models}{within}")
    method = f" --method {shlex.quote(measure)}" if by_column else ""
    select = f"lobass select --project {root}{method} --ratio 0.06 --name"
    if selection is None:
        name = shlex.quote(f"{measure}-6") if by_column else "paper-6"
        return NextStep("select", "Select rows", f"{select} {name}{within}")
    if export is None:
        name = shlex.quote(selection.name)
        command = f"lobass export --project {root} --selection {name} --to FOLDER --format messages"
        return NextStep("export", f"Export {selection.name}", command)
    return NextStep("select", "Move the cut", f"{select} NAME{within}")


def _counts(run: RunStatus) -> bool:
    """Whether the run is work that goes, is done or can go on."""
    if run.kind not in ("score", "train_reference"):
        return False
    return run.state in ("running", "queued", "done") or run.can_resume


def _model_options(project: Project, scoring: Scoring | None) -> str:
    if scoring is None:
        return "--base MODEL --reference MODEL"
    spec = scoring.spec
    model = spec.references[0]
    reference = spec.reference_name
    adapter = ""
    folder = project.models_dir / reference
    if not (reference and folder.is_dir() and not is_gone(str(folder))):
        reference = model.adapter or model.path
        adapter = " --adapter" if model.adapter else ""
    base, reference = ("MODEL" if is_gone(path) else shlex.quote(path) for path in (spec.base.path, reference))
    return f"--base {base} --reference {reference}{_target_option(project, spec)}{adapter}"


def _target_option(project: Project, spec: ScoreSpec) -> str:
    """The reference that was trained on a target, where the scoring has one: without it, rows would be scored apart."""
    for one in spec.others:
        if one.name == TARGET:
            here = (project.models_dir / one.title).is_dir()
            named = one.title if here else one.models[0].adapter or one.models[0].path
            return f" --target {'MODEL' if is_gone(named) else shlex.quote(named)}"
    return ""
