"""Compare an export with the scored tokens before it takes its place; a run does it, as rendering is heavy."""

import tempfile
from pathlib import Path

import pyarrow as pa

from lobass_core.errors import ExportError, LobassError
from lobass_core.exporting.layout import Written
from lobass_core.exporting.plan import ExportPlan
from lobass_core.exporting.write import Check
from lobass_core.jobs.launch import follow, launch
from lobass_core.jobs.run_files import write_parquet
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_results import CheckExportResult
from lobass_core.jobs.run_specs import CheckExportRun
from lobass_core.project import Project
from lobass_core.store.chosen_records import cut_samples
from lobass_core.store.scorings import Scoring
from lobass_core.words.plural import plural
from lobass_core.workflows.resumable import is_gone

# Formats whose rows a chat template turns into tokens. LLaMA-Factory has templates of its own.
COMPARED = ("trl", "messages", "prompt-completion", "huggingface", "axolotl")
OWN_TEMPLATES = ("llama-factory", "alpaca", "sharegpt")
EXACT = "--format tokens keeps them exactly as scored"


def check_of(project: Project, plan: ExportPlan, scoring: Scoring) -> Check | None:
    """What compares the written rows of that plan; None for a format that no chat template is needed for."""
    if plan.format in OWN_TEMPLATES:
        note = (
            "LLaMA-Factory renders rows with its own templates, so they were not compared with the scored "
            f"tokens; {EXACT}"
        )
        return lambda folder, written: [note] if written.n_rows else []
    if plan.format not in COMPARED:
        return None

    def check(folder: Path, written: Written) -> list[str]:
        why = _why_not(scoring)
        if why:
            return [f"the rows were not compared with the tokens that were scored: {why}"]
        try:
            comparison = _compare(project, plan, scoring, folder, written)
        except LobassError as error:
            return [f"the rows were not compared with the tokens that were scored: {error.what}"]
        return _judged(plan, comparison)

    return check


def _why_not(scoring: Scoring) -> str:
    base = scoring.spec.base.path
    if not scoring.result.chat_template:
        return (
            "they were scored by LoBaSS 0.1.0, which kept no template. Score again (losses are carried over), then "
            "select from the new scores"
        )
    if is_gone(base) or (base.startswith(".") and not Path(base).exists()):
        return f"the base model is no longer at {base}"
    return ""


def _compare(project: Project, plan: ExportPlan, scoring: Scoring, folder: Path, written: Written) -> CheckExportResult:
    with project.store() as store:
        cut = cut_samples(store.cursor(), scoring.base.models_fp, scoring.render_fp)
    rows = [
        {"file": name, "sample_id": sample_id, "cut": sample_id in cut}
        for name, sample_ids in written.sample_ids.items()
        for sample_id in sample_ids
    ]
    asked = CheckExportRun(
        folder=str(folder),
        format=plan.format,
        tokenizer=scoring.spec.base,
        tokenizer_fp=scoring.result.base.info.tokenizer,
        chat_template=scoring.result.chat_template,
        mask_rule=scoring.result.mask_rule or scoring.spec.render.mask_rule,
        render_fp=scoring.render_fp,
        runs_dir=str(project.runs_dir),
    )
    with tempfile.TemporaryDirectory(prefix="lobass-check-") as runs:
        table = pa.Table.from_pylist(rows)
        run = RunFolder.create(Path(runs), "check_export", asked, lambda new: write_parquet(new.input_path, table))
        launch(run)
        follow(run)
        return run.read_result(CheckExportResult)


def _judged(plan: ExportPlan, comparison: CheckExportResult) -> list[str]:
    """What a person should know; rows that are wrong themselves end the export.

    Raises:
        ExportError: a row gives other tokens than were scored, and not because of the trainer.
    """
    if comparison.first_wrong:
        wrong = comparison.first_wrong
        raise ExportError(
            f"{plural(comparison.n_wrong, 'row does', 'rows do')} not give the tokens that were scored: {wrong.how}",
            where=f"{wrong.file}, row {wrong.row:,}",
            do=f"Nothing was written; {EXACT}, and --no-check writes all rows as they are.",
        )
    notes = []
    trainer = "Axolotl" if plan.format == "axolotl" else "TRL without train.py"
    script = "" if plan.format == "axolotl" else "the train.py of --format trl uses the scored tokens; "
    if comparison.first_trainer:
        rows = plural(comparison.n_trainer, "row")
        notes.append(f"{trainer} renders {rows} differently: {comparison.first_trainer.how}; {script}{EXACT}")
    if comparison.first_trainer_labels:
        rows = plural(comparison.n_trainer_labels, "row")
        notes.append(f"{trainer} trains on {rows} differently: {comparison.first_trainer_labels.how}; {script}{EXACT}")
    if comparison.n_other_labels:
        notes.append(
            f"train.py trains on other tokens than were scored in {plural(comparison.n_other_labels, 'row')}; {EXACT}"
        )
    if comparison.n_cut:
        was_cut = plural(comparison.n_cut, "row was", "rows were")
        notes.append(f"{was_cut} truncated when scored but exported in full; {EXACT}")
    if comparison.n_not_kept:
        notes.append(f"{plural(comparison.n_not_kept, 'row')} could not be compared, because no run kept the tokens")
    return notes
