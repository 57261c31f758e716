"""Find what takes up space in a project and is not needed, and remove it.

Losses are read again from shards, and trainings go on from checkpoints: no run that has either, or could be resumed, is
listed. A model is where no scoring, run or reference names it and something newer has been trained or scored since.
"""

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from lobass_core.errors import LobassError
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_list import DamagedRun, scan_runs
from lobass_core.jobs.run_specs import PlantedRun, TrainReferenceRun
from lobass_core.project import Project
from lobass_core.specs import ScoreSpec
from lobass_core.store.collected import project_id_of
from lobass_core.store.compact import compact, free_bytes
from lobass_core.store.connection import release
from lobass_core.store.copies import list_copies, why_kept
from lobass_core.store.dataset_files import paths_of_files
from lobass_core.store.exports import LoggedExport
from lobass_core.store.score_columns import columns_by_file
from lobass_core.store.scorings import Scoring, list_scorings
from lobass_core.words.clock import age_of
from lobass_core.workflows.export import logged_exports, past_export
from lobass_core.workflows.leftovers import Leftover, clear, leftovers, size_of
from lobass_core.workflows.planted_report import Tested, finished_tests, models_of, why_not_needed
from lobass_core.workflows.recent import Recent
from lobass_core.workflows.resumable import why_not_resumable
from lobass_core.workflows.train_reference import list_references
from lobass_core.workflows.uploads import upload_folder
from lobass_core.workflows.validation_files import DAMAGED, validation_files

Kind = Literal["run", "self-test", "model", "arm", "export", "copy", "upload", "leftover", "store"]
KINDS: tuple[Kind, ...] = ("run", "self-test", "model", "arm", "export", "copy", "upload", "leftover", "store")
# Only a training makes them again: nobody loses them who has not named them.
TRAINED: tuple[Kind, ...] = ("model", "arm")
# Looks at samples and settings before a run; a page may still show the last one.
PREVIEWS = ("preflight", "render", "check_export")
PREVIEW_SECONDS = 3600.0
UPLOAD_SECONDS = 86_400.0
# Less is used again soon, and not worth writing the file again.
FREE_PAGES_BYTES = 1 << 20
KEPT_SECONDS = 60
_found: Recent[tuple["Cleanable", ...]] = Recent(4)


@dataclass(frozen=True, slots=True)
class Cleanable:
    """Something that can go, its path from the project's folder, and why nothing needs it."""

    kind: Kind
    path: str
    n_bytes: int
    reason: str

    def to_dict(self) -> dict:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What was removed, the bytes that this gave back, and what stayed, each with the reason."""

    removed: tuple[Cleanable, ...]
    n_bytes: int
    stayed: tuple[tuple[str, str], ...] = ()

    def to_dict(self) -> dict:
        return asdict(self)


def cleanable(project: Project) -> tuple[Cleanable, ...]:
    """All that can go, by kind, then by path. Nothing outside of the project's folder is ever listed.

    Raises:
        StoreError: the store is in use elsewhere, or damaged.
    """
    runs = scan_runs(project.runs_dir)
    with project.store() as store:
        cursor = store.cursor()
        own, scorings, imported, scores, free = (
            project_id_of(cursor),
            list_scorings(cursor),
            paths_of_files(cursor),
            columns_by_file(cursor),
            free_bytes(store),
        )
    latest = max((scoring.made_at for scoring in scorings), default="")
    items = [
        *_runs(project, runs, own),
        *_self_tests(project, runs, own, {(one.render_fp, models_of(one)) for one in scorings}),
        *_models(project, _named_models(project, runs, scorings), latest),
        *_arms(project),
        *_exports(project),
        *_copies(project),
        *_uploads(project, imported, scores),
        *_leftovers(project),
    ]
    if free >= FREE_PAGES_BYTES:
        items.append(Cleanable("store", project.store_path.name, free, "pages left by deleted rows"))
    return tuple(sorted(items, key=lambda item: (KINDS.index(item.kind), item.path)))


def recently_cleanable(project: Project, revision: str) -> tuple[Cleanable, ...]:
    """The same as of the last minute, for a page that is drawn often."""
    key = (project.store_path, revision, int(time.monotonic() // KEPT_SECONDS))
    return _found.get(key, lambda: cleanable(project))


def clean(project: Project, items: Sequence[Cleanable]) -> Cleaned:
    """Remove these as far as nothing needs them still; what is needed by now stays.

    Raises:
        ReadOnlyError: the project may not be written.
        StoreError: the store is in use elsewhere, or damaged; nothing was removed.
    """
    project.require_writable()
    now = {(item.kind, item.path): item for item in cleanable(project)}
    removed, stayed, n_bytes = list[Cleanable](), list[tuple[str, str]](), 0
    for item in items:
        current = now.get((item.kind, item.path))
        if current is None:
            stayed.append((item.path, "it is now needed, or already gone"))
            continue
        try:
            n_bytes += _remove(project, current)
            removed.append(current)
        except (LobassError, OSError) as error:
            stayed.append((item.path, str(error)))
    _found.forget(lambda _: True)
    return Cleaned(tuple(removed), n_bytes, tuple(stayed))


def _remove(project: Project, item: Cleanable) -> int:
    path = project.root / item.path
    if item.kind == "store":
        before = path.stat().st_size
        with project.store() as store:
            store.checkpoint()
        release(path)
        compact(path)
        return before - path.stat().st_size
    if path.is_symlink() or not path.resolve().is_relative_to(project.root):
        raise OSError("it points outside the project")
    if item.kind in ("run", "self-test"):
        RunFolder.open(path).remove()
    else:
        clear(_gone_with(project, item, path))
    if path.exists():
        raise OSError("permission denied")
    return item.n_bytes


def _gone_with(project: Project, item: Cleanable, path: Path) -> list[Leftover]:
    """The item, and what belongs to it."""
    if item.kind == "leftover":
        return [one for one in leftovers(project) if one.path == path]
    log = path.with_name(f"{path.name}.wal")
    return [Leftover(one, 0) for one in (path, log) if one.exists()]


def _item(project: Project, kind: Kind, path: Path, reason: str) -> Cleanable:
    return Cleanable(kind, str(path.relative_to(project.root)), size_of(path), reason)


def _leftovers(project: Project) -> Iterator[Cleanable]:
    """What is left outside of the project, and the notes that say where, is for `lobass doctor --repair`."""
    for item in leftovers(project):
        if item.path.is_relative_to(project.root) and not item.is_note:
            yield _item(project, "leftover", item.path, "left by a killed process")


def _runs(project: Project, runs: Sequence[RunFolder | DamagedRun], own: str) -> Iterator[Cleanable]:
    for run in _ended(runs):
        if not isinstance(run.spec, PlantedRun) and (reason := _why_run_can_go(run, own)):
            yield _item(project, "run", run.path, reason)


def _self_tests(
    project: Project, runs: Sequence[RunFolder | DamagedRun], own: str, scored: Collection[Tested]
) -> Iterator[Cleanable]:
    """Those that a later one of the same scores stands for; their losses are of no row of the project."""
    ended = list(_ended(runs))
    finished = finished_tests(run for run in ended if not run.foreign_to(own))
    for run in ended:
        if not isinstance(run.spec, PlantedRun):
            continue
        if reason := _why_run_can_go(run, own) or why_not_needed(run.spec, run.run_id, finished, scored):
            yield _item(project, "self-test", run.path, reason)


def _ended(runs: Sequence[RunFolder | DamagedRun]) -> Iterator[RunFolder]:
    """Runs without a worker, and with the settings that they were begun with."""
    for run in runs:
        if isinstance(run, RunFolder) and not run.path.is_symlink() and not run.is_live():
            yield run


def _why_run_can_go(run: RunFolder, own: str) -> str:
    """Why nothing needs the run, empty where something may. One that holds a loss, or can be resumed, is kept."""
    if run.foreign_to(own):
        return "belongs to another project; its scores are not added to this one"
    if run.kind in PREVIEWS:
        return "a preview" if _age(run.path) > PREVIEW_SECONDS else ""
    if run.state() == "done" or any(run.finished_shards()) or any(run.damaged_dir.glob("*")):
        return ""
    why = why_not_resumable(run)
    return f"stopped before it saved anything, and cannot be resumed: {why}" if why else ""


def _models(project: Project, named: frozenset[Path], latest: str) -> Iterator[Cleanable]:
    for model in list_references(project):
        folder = model.path
        is_named = any(path == folder or path.is_relative_to(folder) for path in named)
        if not is_named and not folder.is_symlink() and model.made_at and model.made_at < latest:
            yield _item(
                project, "model", folder, f"trained on {model.made_at[:10]}; not used by any scoring, run or model"
            )


def _named_models(
    project: Project, runs: Sequence[RunFolder | DamagedRun], scorings: Sequence[Scoring]
) -> frozenset[Path]:
    """Every folder that a scoring, a run, or the recipe of a model names as a model."""
    texts = {model.base for model in list_references(project)}
    for spec in [*(run.spec for run in runs if isinstance(run, RunFolder)), *(scoring.spec for scoring in scorings)]:
        if isinstance(spec, ScoreSpec):
            texts |= {path for model in spec.models for path in (model.path, model.adapter)}
            texts.update(spec.fold_assignments)
        elif isinstance(spec, TrainReferenceRun):
            texts.add(spec.reference.base.path)
    paths = (Path(text).expanduser() for text in texts if text)
    return frozenset(path if path.is_absolute() else project.root / path for path in paths)


def _arms(project: Project) -> Iterator[Cleanable]:
    """Files of experiments whose run is gone, and damaged ones that were moved away."""
    files = validation_files(project)
    yield from (_item(project, "arm", path, reason) for path, reason in files.orphans)
    for path in sorted((project.validation_dir / DAMAGED).glob("*.json")):
        yield _item(project, "arm", path, "damaged, and moved away by lobass doctor --repair")


def _exports(project: Project) -> Iterator[Cleanable]:
    """Of exports with the same bytes, all but the latest; only they are compared with the disk."""
    by_bytes: dict[str, dict[str, LoggedExport]] = {}
    for entry in logged_exports(project):
        if _is_inside(project.exports_dir, Path(entry.folder)):
            by_bytes.setdefault(entry.manifest_sha256, {}).setdefault(entry.folder, entry)
    for same in by_bytes.values():
        whole = [entry for entry in same.values() if len(same) > 1 and past_export(entry).state == "matches disk"]
        for entry in whole[1:]:
            kept = Path(whole[0].folder).relative_to(project.root)
            yield _item(project, "export", Path(entry.folder), f"identical to {kept}")


def _is_inside(parent: Path, folder: Path) -> bool:
    return folder != parent and folder.is_relative_to(parent) and not folder.is_symlink()


def _copies(project: Project) -> Iterator[Cleanable]:
    for copy in list_copies(project.store_path):
        if reason := why_kept(copy):
            yield _item(project, "copy", copy, reason)


def _uploads(project: Project, imported: frozenset[str], scores: Mapping[str, str]) -> Iterator[Cleanable]:
    """Those that no dataset was imported from; the store holds the scores of the others, and never reads them again."""
    columns = {upload_folder(digest): names for digest, names in scores.items()}
    for path in sorted((project.root / "uploads").glob("*/*")):
        if (
            path.is_file()
            and not path.name.endswith(".tmp")
            and str(path) not in imported
            and _age(path) > UPLOAD_SECONDS
        ):
            names = columns.get(path.parent.name)
            reason = f"its scores are in the project: {names}" if names else "no dataset was imported from it"
            yield _item(project, "upload", path, f"uploaded, {'and' if names else 'but'} {reason}")


def _age(path: Path) -> float:
    try:
        return age_of(path)
    except OSError:
        return 0.0
