"""Export a selection, repeat an export from its manifest, and predict what a trainer would do with it."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

import pyarrow as pa

from lobass_core.errors import ExportError
from lobass_core.exporting.data_file import file_sha256
from lobass_core.exporting.destination import MANIFEST_NAME, Claim, check, compare, read_manifest
from lobass_core.exporting.findings import LOST, Finding, Preflight
from lobass_core.exporting.judge import judge
from lobass_core.exporting.lengths import Lengths
from lobass_core.exporting.manifest import plan_of, without_rows
from lobass_core.exporting.plan import ExportPlan, ExportReceipt
from lobass_core.exporting.read_rows import read_rows
from lobass_core.exporting.row_facts import RowFacts, look_at
from lobass_core.exporting.sketch import Sketch, sketch
from lobass_core.exporting.write import Check, write
from lobass_core.project import Project
from lobass_core.specs import ExportFormat, ExportSpec
from lobass_core.store.exports import LoggedExport, forget_export, list_exports, log_export
from lobass_core.store.selections import find_selection
from lobass_core.workflows import select as selections
from lobass_core.workflows.export_arrange import NearDuplicates, arranged, find_near_duplicates
from lobass_core.workflows.export_check import check_of
from lobass_core.workflows.export_lengths import measure
from lobass_core.workflows.export_plan import originals_of, plan_export, tokens_reader
from lobass_core.workflows.export_records import texts_reader
from lobass_core.workflows.outputs import noted
from lobass_core.workflows.recent import Recent

__all__ = [
    "LOST",
    "ExportReceipt",
    "Finding",
    "PastExport",
    "Preflight",
    "Sketch",
    "export",
    "logged_exports",
    "named_in",
    "past_export",
    "past_exports",
    "preflight",
    "preflights",
    "preview",
    "records",
    "replay",
]

OnProgress = Callable[[int, int], None]
NOT_LOGGED = "the project is read-only, so this export is not in its log of exports"
DiskState = Literal["matches disk", "changed on disk", "replaced", "gone"]
_facts: Recent[tuple[ExportPlan, RowFacts, Lengths]] = Recent(4)
_judged: Recent[Preflight] = Recent(40)
_near_duplicates: Recent[NearDuplicates] = Recent(4)
_states: Recent[tuple[DiskState, tuple[str, ...]]] = Recent(200)


@dataclass(frozen=True, slots=True)
class PastExport:
    """One export that was made, and whether its folder still holds it."""

    logged: LoggedExport
    state: DiskState
    changed: tuple[str, ...] = ()  # files that are missing, or no longer what was written


def export(project: Project, spec: ExportSpec, on_progress: OnProgress | None = None) -> ExportReceipt:
    """Write a saved selection into a folder, check it by reading it back, and log it.

    Each row is compared with the tokens that were scored, in a short run, unless `spec.check` is off or nothing was
    scored; what differs because of the trainer is said in the notes. Rows stand in the order of their files, dataset by
    dataset, or by rank; some are set aside for validation if that is asked. Rows that the format cannot hold are
    counted and listed in the receipt and the manifest. `on_progress` gets rows read and rows to read.

    Raises:
        SelectionError: no such selection.
        ExportError: the destination is refused, the disk is full, a file did not verify, or a row gives other tokens
            than were scored; nothing is left behind.
    """
    to = _destination(project, spec.to, Claim(spec.selection, spec.format, spec.replace))
    plan = plan_export(project, spec)
    plan = arranged(plan, spec, lambda: find_near_duplicates(project, plan))
    scoring = selections.scoring_of(project, selections.load(project, spec.selection)[0])
    check = check_of(project, plan, scoring) if spec.check and scoring else None
    return _write(project, plan, to, on_progress, check=check, replace=spec.replace)


def replay(
    project: Project,
    manifest: Path | str,
    to: Path | str,
    on_progress: OnProgress | None = None,
    *,
    replace: bool = False,
) -> ExportReceipt:
    """Write the export of that manifest again, byte for byte, whatever has been decided or selected since.

    README and scripts are those of this version; a note names the ones that were different.

    `replace` lets it take the place of an export of something else.

    Raises:
        ExportError: it is no manifest, the project lacks one of its sources (by sha256), the destination is refused, or
            the bytes came out different.
    """
    path = Path(manifest).expanduser()
    promised = read_manifest(path)
    plan = plan_of(promised, str(path))
    to = _destination(project, to, Claim(plan.selection, plan.format, replace))
    return _write(project, plan, to, on_progress, promised=promised, replace=replace)


def named_in(manifest: Path | str) -> tuple[str, str]:
    """The selection and the format of the export that a manifest describes.

    Raises:
        ExportError: it is no manifest.
    """
    path = Path(manifest).expanduser()
    plan = plan_of(read_manifest(path), str(path))
    return plan.selection, plan.format


def preflight(project: Project, spec: ExportSpec) -> Preflight:
    """What the format refuses of a selection, and what its trainer would drop, cut or mask of the rest; writes nothing.

    Raises:
        SelectionError: no such selection.
    """
    return preflights(project, spec, (spec.format,))[spec.format]


def preflights(
    project: Project, spec: ExportSpec, formats: Sequence[ExportFormat] = get_args(ExportFormat)
) -> dict[ExportFormat, Preflight]:
    """The preflight of several formats over one reading of the rows, which is kept for the last few selections."""
    key, plan, facts, lengths = _looked_at(project, spec.selection)

    def judged(name: ExportFormat) -> Preflight:
        return _judged.get(
            (key, name, spec.cutoff_tokens), lambda: judge(plan, facts, lengths, name, spec.cutoff_tokens)
        )

    return {name: judged(name) for name in formats}


def preview(project: Project, spec: ExportSpec) -> Sketch:
    """The files that an export would have, with their sizes from a few rows, and its first record; writes nothing.

    Raises:
        SelectionError: no such selection.
        ExportError: none of the rows fits the format.
    """
    key, plan, facts, _ = _looked_at(project, spec.selection)
    # Facts are known by places in the order of the files; the sketch sorts its few rows itself.
    split = arranged(
        plan,
        replace(spec, order="file"),
        lambda: _near_duplicates.get(key, lambda: find_near_duplicates(project, plan)),
    )
    wanted = replace(
        split,
        format=spec.format,
        license=spec.license,
        languages=spec.languages,
        order=spec.order,
    )
    return sketch(wanted, facts, texts_reader(project, plan.sources), tokens_reader(project, wanted))


def records(project: Project, preflight: Preflight, places: Sequence[int]) -> list[str]:
    """The untouched text of rows of a preflight, by their places among its picks."""
    wanted = preflight.plan.picks.take(pa.array(places, pa.int64()))
    return list(texts_reader(project, preflight.plan.sources)(wanted))


def _looked_at(project: Project, selection: str) -> tuple[Hashable, ExportPlan, RowFacts, Lengths]:
    """The plan of a selection and what is known of its rows, under the key that decides both."""
    with project.store() as store:
        saved, content = find_selection(store.cursor(), selection), store.content()
    key = (project.store_path, content, saved.selection_id, saved.name, saved.made_at)

    def look() -> tuple[ExportPlan, RowFacts, Lengths]:
        plan = plan_export(project, ExportSpec(selection=selection, to="-"))
        facts = look_at(read_rows(plan, texts_reader(project, plan.sources)))
        lengths, not_as_tokens = measure(project, plan, facts)
        return plan, replace(facts, refused=facts.refused | {"tokens": not_as_tokens}), lengths

    return key, *_facts.get(key, look)


def logged_exports(project: Project) -> list[LoggedExport]:
    """Every export that the project knows of, latest first."""
    with project.store() as store:
        return list_exports(store.cursor())


def past_exports(project: Project) -> list[PastExport]:
    """The same, each with what became of its files."""
    return [past_export(entry) for entry in logged_exports(project)]


def past_export(entry: LoggedExport) -> PastExport:
    """What became of an export's files. They are hashed once; then sizes and times say whether to look again."""
    folder = Path(entry.folder)
    try:
        looks = sorted((path.as_posix(), path.stat().st_size, path.stat().st_mtime_ns) for path in folder.rglob("*"))
    except OSError:
        looks = []
    return PastExport(entry, *_states.get((entry.manifest_sha256, *looks), lambda: _compared(entry, folder)))


def _compared(entry: LoggedExport, folder: Path) -> tuple[DiskState, tuple[str, ...]]:
    if not (folder / MANIFEST_NAME).is_file():
        return "gone", ()
    if file_sha256(folder / MANIFEST_NAME)[1] != entry.manifest_sha256:
        return "replaced", ()
    files = compare(folder, entry.manifest)
    return ("matches disk", ()) if files.matches_disk else ("changed on disk", (*files.changed, *files.missing))


def _destination(project: Project, to: Path | str, claim: Claim) -> Path:
    """The folder to write, refused at once where it may not be written."""
    folder = Path(to).expanduser()
    if folder.resolve() in (project.root, project.runs_dir, project.models_dir, project.exports_dir):
        raise ExportError(
            "the project uses this folder itself",
            where=str(folder),
            do=f"Use a folder inside it: {project.exports_dir}/NAME",
        )
    project.require_outside(folder)
    check(folder, claim)
    return folder


def _write(
    project: Project,
    plan: ExportPlan,
    to: Path,
    on_progress: OnProgress | None,
    check: Check | None = None,
    promised: dict | None = None,
    replace: bool = False,
) -> ExportReceipt:
    logged: list[int] = []

    def record(receipt: ExportReceipt, manifest: dict) -> None:
        if project.is_read_only:
            return
        with project.store() as store, store.transaction() as cursor:
            export_id = log_export(
                cursor,
                selection_name=plan.selection,
                format=plan.format,
                folder=str(to.resolve()),
                n_rows=receipt.n_written,
                manifest=without_rows(manifest),
                manifest_sha256=receipt.manifest_sha256,
            )
        logged.append(export_id)

    try:
        with noted(project, to):
            receipt, _ = write(
                plan,
                texts_reader(project, plan.sources),
                to,
                originals=originals_of(project, plan.sources),
                tokens=tokens_reader(project, plan),
                check=check,
                on_progress=on_progress,
                promised=promised,
                replace=replace,
                record=record,
            )
    except BaseException:
        if logged:  # it was whole, and could not take its place
            with project.store() as store, store.transaction() as cursor:
                forget_export(cursor, logged[0])
        raise
    return receipt.with_note(NOT_LOGGED) if project.is_read_only else receipt
