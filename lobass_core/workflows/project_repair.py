"""Repair what a check of the project reports; nothing is dropped, and the store is copied first."""

import itertools
import json
from collections import Counter
from collections.abc import Iterator

from lobass_core.errors import StoreError
from lobass_core.exporting.data_file import file_sha256
from lobass_core.exporting.destination import MANIFEST_NAME, read_manifest
from lobass_core.exporting.manifest import without_rows
from lobass_core.jobs.run_files import RunFiles
from lobass_core.jobs.run_ids import project_id_in
from lobass_core.jobs.run_list import list_runs
from lobass_core.project import Project
from lobass_core.store.copies import check_space, copy_store, list_copies
from lobass_core.store.exports import log_export
from lobass_core.store.rebuild import compare_losses, rebuild_losses
from lobass_core.store.restore_samples import n_without_sample, restore_samples
from lobass_core.store.salvage import damaged_tables, salvage
from lobass_core.store.score_columns import column_names, name_orphans, orphaned_columns
from lobass_core.words.clock import utc_now
from lobass_core.words.plural import plural
from lobass_core.workflows.collect import collect, forget
from lobass_core.workflows.leftovers import clear, leftovers
from lobass_core.workflows.project_check import in_words, needs_salvage, unlogged_exports
from lobass_core.workflows.validation_files import set_damaged_aside

PURPOSE = "the loss tables must be read from the shards again"


def repair(project: Project) -> list[str]:
    """Mend the project; returns what was done, in sentences, and nothing where there was nothing to do.

    Raises:
        ReadOnlyError: the project may not be written.
        StoreError: the store is in use elsewhere, the disk is full, or it is of another version; it is as it was.
    """
    project.require_writable()
    done = []
    if needs_salvage(project):
        done += _save_store(project)
        forget(project)
    done += _read_samples(project)
    done += _name_columns(project)
    done += collect(project).sentences
    done += _mend_losses(project)
    done += _set_arms_aside(project)
    done += _log_exports(project)
    if gone := clear(leftovers(project)):
        n_back = sum(item.belongs is not None for item in gone)
        done.append(
            "Removed "
            f"{plural(len(gone) - n_back, 'half-written file or folder', 'half-written files and folders')} "
            "left by killed processes."
        )
        done += [f"Restored {plural(n_back, 'export')} whose replacement did not finish."] if n_back else []
    return done


def _save_store(project: Project) -> list[str]:
    """Put what can be read of a damaged store into a new one; else the latest copy that opens; else an empty store."""
    path = project.store_path
    copy = next((copy for copy in list_copies(path) if damaged_tables(copy) == []), None)
    check_space(path, "the readable part of the store must be copied")
    kept, lost = salvage(path, _project_id(project), copy)
    if lost is not None:
        said = in_words(lost) or "all rows were read"
        return [
            f"Copied the readable part of the damaged store into a new one: {said}. The damaged store is kept "
            f"as {kept.name}."
        ]
    if copy is None:
        return [
            "The damaged store cannot be opened, and there is no copy of it. The project now has an empty store; "
            f"the old one is kept as {kept.name}. Import the same files again, then run lobass doctor --repair once "
            "more to read their losses from the run folders. Decisions, tags, notes, selections and imported scores "
            "are lost.",
            *_what_to_import(project),
        ]
    return [
        f"The damaged store cannot be opened. It was replaced by {copy.name} and is kept as {kept.name}. Imports, "
        "decisions and selections made since that copy are lost; losses are read from the run folders."
    ]


def _project_id(project: Project) -> str:
    """Which project the runs say that they belong to; a run that was copied here does not outvote the others."""
    ids = Counter(run.project_id for run in list_runs(project.runs_dir) if run.project_id)
    return project_id_in(project.runs_dir) or next((one for one, _ in ids.most_common(1)), "")


def _what_to_import(project: Project) -> list[str]:
    """The files that trainings and exports name, with what they were imported as."""
    known = {}
    for path in [*project.models_dir.glob("*/recipe.json"), *project.exports_dir.rglob(MANIFEST_NAME)]:
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            for source in [*values.get("data", []), *values.get("sources", [])]:
                name, sha256 = source.get("name") or source.get("dataset"), source.get("sha256", "")
                known[str(sha256)] = f"{name}: {source.get('path') or source.get('file_name')} (sha256 {sha256[:12]})"
        except (OSError, ValueError, AttributeError, TypeError):
            continue
    return [f"Listed in recipes and manifests: {line}" for line in sorted(known.values())]


def _read_samples(project: Project) -> list[str]:
    with project.store() as store:
        n_before = n_without_sample(store.cursor())
        if not n_before:
            return []
        with store.transaction() as cursor:
            n_left = restore_samples(cursor)
    said = f"Read the records of {plural(n_before - n_left, 'row')} with lost samples again."
    return [said + (f" {plural(n_left, 'record')} cannot be read: import the file again." if n_left else "")]


def _name_columns(project: Project) -> list[str]:
    with project.store() as store:
        lost = orphaned_columns(store.cursor())
        if not lost:
            return []
        taken, names = set(column_names(store.cursor())), dict[int, str]()
        for column_id in lost:
            names[column_id] = next(name for name in _free_names() if name not in {*taken, *names.values()})
        with store.transaction() as cursor:
            name_orphans(cursor, names, utc_now())
    return [f"Gave new names to score columns without a name: {', '.join(names.values())}. Check unit and direction."]


def _free_names() -> Iterator[str]:
    yield "recovered"
    yield from (f"recovered-{number}" for number in itertools.count(2))


def _mend_losses(project: Project) -> list[str]:
    done = []
    with project.store() as store:
        known = compare_losses(store, project.runs_dir)
        for run_id, name, reason in known.torn:
            moved = RunFiles(project.runs_dir / run_id).set_aside(project.runs_dir / run_id / "shards" / name)
            done.append(f"Moved {name} of run {run_id} to {moved.relative_to(project.root)} ({reason}).")
        if known.needs_rebuild:
            store.checkpoint()
            check_space(store.path, PURPOSE)
            copy = copy_store(store.path, "before-repair", PURPOSE)
            n_losses = rebuild_losses(store, project.runs_dir)
            done.append(f"Read {n_losses:,} losses from the shards; the old store is kept as {copy.name}.")
    return done


def _set_arms_aside(project: Project) -> list[str]:
    moved = set_damaged_aside(project)
    if not moved:
        return []
    n = plural(len(moved), "damaged file of an experiment", "damaged files of experiments")
    return [f"Moved {n} to {moved[0].parent.relative_to(project.root)}. Resume the experiment to train them again."]


def _log_exports(project: Project) -> list[str]:
    done = []
    for folder in unlogged_exports(project):
        try:
            manifest = read_manifest(folder / MANIFEST_NAME)
            with project.store() as store, store.transaction() as cursor:
                log_export(
                    cursor,
                    selection_name=str(manifest["export"]["selection"]),
                    format=str(manifest["export"]["format"]),
                    folder=str(folder.resolve()),
                    n_rows=int(manifest["written"]["n_rows"]),
                    manifest=without_rows(manifest),
                    manifest_sha256=file_sha256(folder / MANIFEST_NAME)[1],
                )
        except (KeyError, TypeError, ValueError) as error:
            raise StoreError(f"the manifest lacks {error}", where=str(folder)) from error
        done.append(f"Added the export {folder.relative_to(project.root)} to the log.")
    return done
