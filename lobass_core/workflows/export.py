"""Export a saved selection, write an export again from its manifest, say beforehand what a trainer would do with it."""

from collections.abc import Callable
from pathlib import Path

from lobass_core.exporting.destination import check, read_manifest
from lobass_core.exporting.manifest import plan_of, without_rows
from lobass_core.exporting.plan import ExportPlan, ExportReceipt
from lobass_core.exporting.write import write
from lobass_core.project import Project
from lobass_core.specs import ExportSpec
from lobass_core.store.exports import log_export
from lobass_core.workflows.export_plan import originals_of, plan_export, texts_reader

OnProgress = Callable[[int, int], None]


def export(project: Project, spec: ExportSpec, on_progress: OnProgress | None = None) -> ExportReceipt:
    """Write a saved selection into a folder, check it by reading it back, and log it.

    Rows stand in the order of their files, dataset by dataset. Rows that the format cannot hold are counted and listed
    in the receipt and the manifest. `on_progress` gets rows read and rows to read.

    Raises:
        SelectionError: no such selection.
        ExportError: the destination is refused, the disk is full, or a file did not verify; nothing is left behind.
    """
    to = Path(spec.to).expanduser()
    check(to)
    return _write(project, plan_export(project, spec), to, on_progress, promised=None)


def replay(
    project: Project, manifest: Path | str, to: Path | str, on_progress: OnProgress | None = None
) -> ExportReceipt:
    """Write the export of that manifest again, byte for byte, whatever has been decided or selected since.

    Raises:
        ExportError: it is no manifest, the project lacks one of its sources (by sha256), the destination is refused, or
            the bytes came out different.
    """
    path, to = Path(manifest).expanduser(), Path(to).expanduser()
    promised = read_manifest(path)
    check(to)
    return _write(project, plan_of(promised, str(path)), to, on_progress, promised=promised)


def _write(
    project: Project, plan: ExportPlan, to: Path, on_progress: OnProgress | None, promised: dict | None
) -> ExportReceipt:
    receipt, manifest = write(
        plan,
        texts_reader(project, plan.sources),
        to,
        originals=originals_of(project, plan.sources),
        on_progress=on_progress,
        promised=promised,
    )
    with project.store() as store, store.transaction() as cursor:
        log_export(
            cursor,
            selection_name=plan.selection,
            format=plan.format,
            folder=str(to.resolve()),
            n_rows=receipt.n_written,
            manifest=without_rows(manifest),
            manifest_sha256=receipt.manifest_sha256,
        )
    return receipt
