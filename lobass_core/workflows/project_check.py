"""Check a project: its store, run folders, models, exports, and what killed processes left."""

import shlex
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from lobass_core.errors import DamagedStoreError, LobassError
from lobass_core.exporting.data_file import file_sha256
from lobass_core.exporting.destination import MANIFEST_NAME, inspect
from lobass_core.jobs.checksums import CheckedFile
from lobass_core.jobs.folder_checksums import verify_folder
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_list import scan_runs
from lobass_core.project import Project
from lobass_core.store.collected import project_id_of, shard_checksums
from lobass_core.store.connection import Store, release
from lobass_core.store.copies import list_copies
from lobass_core.store.datasets import list_datasets, row_counts
from lobass_core.store.rebuild import LossCheck, compare_losses
from lobass_core.store.registrations import scoring_run_ids
from lobass_core.store.restore_samples import n_without_sample
from lobass_core.store.salvage import REBUILT, DamagedTable, damaged_tables
from lobass_core.store.score_columns import column_names, orphaned_columns
from lobass_core.store.token_files import n_without_tokens
from lobass_core.words.plural import plural
from lobass_core.workflows.check import Check
from lobass_core.workflows.export import logged_exports, past_exports
from lobass_core.workflows.leftovers import leftovers
from lobass_core.workflows.recipes import RECIPE, lacks_weights
from lobass_core.workflows.validation_files import validation_files

LOW_DISK_BYTES = 2 * 2**30
ALONE = "decisions, tags, notes, selections, imported rows and imported scores are only in the store"


def check_project(project: Project) -> list[Check]:
    """Look at everything once; every file that has a checksum is read whole."""
    free = shutil.disk_usage(project.root).free
    checks = [Check("disk", "good" if free > LOW_DISK_BYTES else "bad", f"{free / 2**30:.1f} GiB free")]
    damaged = _damaged_store(project)
    if damaged:
        return [*checks, damaged, *_copies(project), *_leftovers(project)]
    try:
        with project.store() as store:
            n_rows = sum(dataset.n_rows for dataset in list_datasets(store.cursor()))
            checks.append(Check("store", "good", f"every table can be read; {n_rows:,} rows"))
            checks += [
                *_rows(store),
                *_samples(store),
                *_score_columns(store),
                *_losses(project, store),
                *_run_files(project, store),
                *_runs(project, store),
            ]
    except LobassError as error:
        return [*checks, Check("store", "bad", str(error))]
    return [
        *checks,
        *_models(project),
        *_experiments(project),
        *_exports(project),
        *_copies(project),
        *_leftovers(project),
    ]


def needs_salvage(project: Project) -> bool:
    """Whether the store, or a table of it, cannot be read.

    Raises:
        LobassError: it is in use elsewhere, may not be read, or another program is needed to read it.
    """
    return _state_of(project) != []


def _state_of(project: Project) -> list[DamagedTable] | None:
    """The store's damaged tables; None where the file does not open although nobody else has it."""
    try:
        with project.store():
            pass
    except DamagedStoreError:
        pass
    release(project.store_path)
    return damaged_tables(project.store_path)


def _damaged_store(project: Project) -> Check | None:
    try:
        tables = _state_of(project)
    except LobassError as error:
        return Check("store", "bad", str(error))
    if tables is None:
        copies = list_copies(project.store_path)
        instead = f"replaces it with {copies[0].name}" if copies else "replaces it with an empty store"
        return Check(
            "store",
            "bad",
            f"the file is damaged and cannot be opened; {ALONE}: restore it from a backup if you have one",
            f"keeps the damaged file and {instead}; losses are read from the run folders",
        )
    if not tables:
        return None
    return Check(
        "store", "bad", f"damaged: {in_words(tables)}", "copies what can be read into a new store and keeps this one"
    )


def in_words(tables: Sequence[DamagedTable]) -> str:
    """Which rows of a damaged store are lost."""
    parts = []
    for table in tables:
        n = "an unknown number of" if table.n_lost is None else f"{table.n_lost:,} of {table.n_rows:,}"
        again = " (read again from run folders and records)" if table.name in REBUILT else ""
        parts.append(f"{n} rows of table {table.name} cannot be read{again}")
    return "; ".join(parts)


def _rows(store: Store) -> list[Check]:
    cursor = store.cursor()
    n_there = Counter[int]()
    for count in row_counts(cursor):
        n_there[count.dataset_id] += count.n_rows
    return [
        Check(
            "rows",
            "bad",
            f"only {n_there[dataset.dataset_id]:,} of the {dataset.n_rows:,} rows of {dataset.name} are left; "
            f"lobass import --update {shlex.quote(dataset.name)} {shlex.quote(dataset.path)} restores the others",
        )
        for dataset in list_datasets(cursor)
        if n_there[dataset.dataset_id] != dataset.n_rows
    ]


def _samples(store: Store) -> list[Check]:
    n_rows = n_without_sample(store.cursor())
    if not n_rows:
        return []
    detail = f"{plural(n_rows, 'row has', 'rows have')} lost their sample"
    return [Check("samples", "bad", detail, "reads these records again")]


def _losses(project: Project, store: Store) -> list[Check]:
    compared = compare_losses(store, project.runs_dir)
    wrong = [
        (compared.n_missing, "are only in shards"),
        (compared.n_other, "differ from their shard"),
        (compared.n_double, "are in the store twice"),
    ]
    parts = [f"{n:,} {what}" for n, what in wrong if n]
    if parts:
        repair = "copies the store, then reads the loss tables from the shards"
        checks = [Check("losses", "bad", "; ".join(parts), repair)]
    else:
        checks = [Check("losses", "good", f"losses of {compared.n_shards:,} shards are in the store")]
    if compared.n_alone:
        checks.append(
            Check("losses", "note", f"{compared.n_alone:,} no longer have a shard; they are kept in the store")
        )
    return [*checks, *_torn(compared), *_tokens(project, store)]


def _torn(compared: LossCheck) -> list[Check]:
    if not compared.torn:
        return []
    run_id, name, reason = compared.torn[0]
    more = f" and {len(compared.torn) - 1:,} more" if compared.torn[1:] else ""
    repair = "moves them away; resuming the run computes them again"
    return [Check("shards", "bad", f"{name} of run {run_id}{more}: {reason}", repair)]


def _score_columns(store: Store) -> list[Check]:
    cursor = store.cursor()
    names, lost = column_names(cursor), orphaned_columns(cursor)
    if lost:
        detail = f"{plural(len(lost), 'score column has', 'score columns have')} values but no name"
        return [Check("score columns", "bad", detail, "gives them names: recovered, recovered-2, ...")]
    return [Check("score columns", "good", f"{len(names):,}: {', '.join(names[:8])}")] if names else []


def _tokens(project: Project, store: Store) -> list[Check]:
    n = n_without_tokens(store.cursor(), project.runs_dir)
    if not n:
        return []
    return [Check("tokens", "note", f"the tokens of {n:,} scored samples are not on disk: exports cannot compare them")]


def _run_files(project: Project, store: Store) -> list[Check]:
    checked: list[CheckedFile] = []
    for run in scan_runs(project.runs_dir):
        files = run.verify(shard_checksums(store.cursor(), run.run_id))
        checked += [file for file in files if file.path.parent != run.shards_dir or file.verdict != "damaged"]
    return [_files("run files", checked, "score again, or restore it from a backup")]


def _files(name: str, checked: Sequence[CheckedFile], do: str) -> Check:
    damaged = [file for file in checked if file.verdict == "damaged"]
    n_unchecked = sum(file.verdict == "unchecked" for file in checked)
    if damaged:
        more = f" and {len(damaged) - 1:,} more" if damaged[1:] else ""
        where = "/".join(damaged[0].path.parts[-3:])
        return Check(name, "bad", f"{where}{more}: {damaged[0].reason}; {do}")
    older = (
        f"; {n_unchecked:,} have no checksum, because an earlier version of LoBaSS wrote them" if n_unchecked else ""
    )
    return Check(name, "good", f"{len(checked) - n_unchecked:,} match their checksums{older}")


def _runs(project: Project, store: Store) -> list[Check]:
    runs, own = scan_runs(project.runs_dir), project_id_of(store.cursor())
    states = [
        "damaged" if not isinstance(run, RunFolder) else "foreign" if run.foreign_to(own) else run.state()
        for run in runs
    ]
    stopped, damaged, foreign = (
        sum(state in group for state in states) for group in (("interrupted", "failed"), ("damaged",), ("foreign",))
    )
    parts = [plural(len(states), "run"), f"{stopped:,} interrupted or failed" if stopped else ""]
    parts += [
        f"{damaged:,} with a damaged file" if damaged else "",
        f"{foreign:,} of other projects" if foreign else "",
    ]
    detail = ", ".join(part for part in parts if part) + (": lobass runs" if stopped or damaged or foreign else "")
    checks = [Check("runs", "bad" if damaged else "note" if stopped or foreign else "good", detail)]
    gone = sorted(scoring_run_ids(store.cursor()) - {run.run_id for run in runs})
    if gone:
        checks.append(Check("runs", "note", f"the folder of {', '.join(gone[:5])} is gone; the store has its scores"))
    return checks


def _models(project: Project) -> list[Check]:
    folders = [path for path in sorted(project.models_dir.glob("*")) if path.is_dir() and not path.name.startswith(".")]
    trained = [folder for folder in folders if (folder / RECIPE).is_file()]
    checks = []
    bare = [folder for folder in trained if lacks_weights(folder)]
    if bare:
        names = ", ".join(folder.name for folder in bare[:5])
        checks.append(Check("models", "note", f"{names}: recipes without weights, as in a bundle"))
    if len(trained) > len(bare):
        checked = [file for folder in trained if folder not in bare for file in verify_folder(folder)]
        checks.append(_files("models", checked, "train it again under another name, or restore it from a backup"))
    half = [path.name for path in folders if path not in trained and not _is_model(path)]
    if half:
        checks.append(
            Check(
                "models",
                "note",
                f"{', '.join(half[:5])}: neither weights nor a recipe; remove it if you do not need it",
            )
        )
    return checks


def _is_model(folder: Path) -> bool:
    return any((folder / name).is_file() for name in ("config.json", "adapter_config.json")) or any(
        folder.glob("*.gguf")
    )


def _experiments(project: Project) -> list[Check]:
    files = validation_files(project)
    if not files.n_bytes:
        return []
    size = f"{files.n_bytes / 2**20:,.1f} MiB"
    detail = f"{plural(files.n_arms, 'finished arm')}, {plural(files.n_reports, 'report')}, {size}"
    checks = [Check("experiments", "good", detail)]
    if files.orphans:
        n = plural(len(files.orphans), "file belongs", "files belong")
        checks.append(Check("experiments", "note", f"{n} to runs that are gone: lobass clean lists them"))
    if files.damaged:
        path, reason = files.damaged[0]
        more = f" and {len(files.damaged) - 1:,} more" if files.damaged[1:] else ""
        where = path.relative_to(project.root)
        repair = "moves them away; resuming their experiment trains them again"
        checks.append(Check("experiments", "bad", f"{where}{more}: {reason}", repair))
    return checks


def _exports(project: Project) -> list[Check]:
    states = [export.state for export in past_exports(project)]
    parts = [f"{states.count(state):,} {state}" for state in ("changed on disk", "gone") if state in states]
    checks = [Check("exports", "note" if parts else "good", ", ".join([f"{len(states):,} in the log", *parts]))]
    if unlogged := unlogged_exports(project):
        names = ", ".join(str(folder.relative_to(project.root)) for folder in unlogged[:3])
        checks.append(Check("exports", "bad", f"{names}: complete, but not in the log", "adds them to the log"))
    return checks


def unlogged_exports(project: Project) -> list[Path]:
    """Folders in `exports` that hold a whole export that the log does not know."""
    logged = {(entry.folder, entry.manifest_sha256) for entry in logged_exports(project)}
    folders = [path.parent for path in sorted(project.exports_dir.rglob(MANIFEST_NAME))]
    unlogged = []
    for folder in folders:
        visible = not any(part.startswith(".") for part in folder.relative_to(project.exports_dir).parts)
        sha256 = file_sha256(folder / MANIFEST_NAME)[1]
        if (
            visible
            and (str(folder.resolve()), sha256) not in logged
            and (here := inspect(folder))
            and here.matches_disk
        ):
            unlogged.append(folder)
    return unlogged


def _copies(project: Project) -> list[Check]:
    copies = list_copies(project.store_path)
    if not copies:
        return []
    n_bytes = sum(copy.stat().st_size for copy in copies)
    return [
        Check("copies", "note", f"{len(copies):,} of the store, {n_bytes / 2**20:,.1f} MiB: lobass clean lists them")
    ]


def _leftovers(project: Project) -> list[Check]:
    items = leftovers(project)
    if not items:
        return []
    n_bytes = sum(item.n_bytes for item in items)
    detail = (
        f"{plural(len(items), 'half-written file or folder', 'half-written files or folders')} of killed "
        f"processes, {n_bytes / 2**20:,.1f} MiB"
    )
    if elsewhere := {str(item.path.parent) for item in items if not item.path.is_relative_to(project.root)}:
        detail += f", also in {', '.join(sorted(elsewhere))}"
    return [Check("leftovers", "note", detail, "removes them")]
