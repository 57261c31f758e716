"""Pack a project for a colleague: all that is needed to look, decide, select and export; no weights."""

import hashlib
import os
import shutil
import tempfile
import zipfile
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from lobass_core import __version__
from lobass_core.errors import ProjectError, RequestError
from lobass_core.files.atomic_file import whole_file
from lobass_core.files.named_files import size_text
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_list import scan_runs
from lobass_core.project import Project
from lobass_core.store.connection import Store
from lobass_core.store.copies import copy_file
from lobass_core.store.migrations import SCHEMA_VERSION
from lobass_core.workflows.bundle_format import (
    FORMAT,
    LIST,
    STORE,
    TIME,
    BundledFile,
    BundleList,
    may_be_bundled,
)
from lobass_core.workflows.clean import PREVIEWS
from lobass_core.workflows.leftovers import size_of
from lobass_core.workflows.outputs import noted

CHUNK_BYTES = 1 << 20
# What the archive's own tables may need beyond the files.
SPARE_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a project in a few words, with its size."""

    name: str
    n_bytes: int


@dataclass(frozen=True, slots=True)
class BundlePlan:
    """What a bundle holds and what it leaves out; `running` are runs in progress, which are left out whole."""

    parts: tuple[Part, ...]
    left_out: tuple[Part, ...]
    names: tuple[str, ...]
    running: tuple[str, ...]

    @property
    def n_bytes(self) -> int:
        """Before packing."""
        return sum(part.n_bytes for part in self.parts)

    def to_dict(self) -> dict:
        return {**asdict(self), "n_bytes": self.n_bytes, "n_files": len(self.names)} | {"names": list(self.names)}


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle that was written."""

    file: Path
    n_bytes: int
    sha256: str
    n_files: int


def plan_bundle(project: Project) -> BundlePlan:
    """What a bundle of the project holds, with sizes; nothing is written.

    Raises:
        LobassError: the store cannot be opened.
    """
    with project.store():
        pass  # an older store is brought up to date before its size is told
    passed_over = {run.run_id: run for run in scan_runs(project.runs_dir) if _is_passed_over(run)}
    running = tuple(run_id for run_id, run in passed_over.items() if run.is_live())
    names = [name for name in _files(project.root) if not _of_run(name, passed_over)]
    sizes = {name: (project.root / name).stat().st_size for name in names}
    kinds = ("store", "runs/", "models/", "validation/")
    of = {kind: sum(n for name, n in sizes.items() if name.startswith(kind)) for kind in kinds}
    parts = (
        Part("store: rows, decisions, scores, selections", of["store"]),
        Part("runs: losses and tokens", of["runs/"]),
        Part("models: recipes", of["models/"]),
        *([Part("validation: arms and reports", of["validation/"])] if of["validation/"] else []),
    )
    rest = (
        Part("weights", size_of(project.models_dir) - of["models/"]),
        Part("inputs, checkpoints and previews of runs", size_of(project.runs_dir) - of["runs/"]),
        Part("exports", size_of(project.exports_dir)),
        Part("uploads", size_of(project.root / "uploads")),
        Part("copies of the store", sum(size_of(path) for path in project.root.glob("store-*.duckdb"))),
    )
    return BundlePlan(parts, tuple(part for part in rest if part.n_bytes > 0), tuple(sorted(names)), running)


def write_bundle(project: Project, plan: BundlePlan, to: Path) -> Bundle:
    """Write the bundle; it is there whole or not at all. An unchanged project gives the same bytes again.

    Raises:
        RequestError: there is a file already, or the place is inside the project.
        ProjectError: it cannot be written, or the disk has no room.
    """
    to = to.expanduser().absolute()
    if to.exists():
        raise RequestError(
            "this path already exists", where=str(to), do="Use another file name, or remove what is there."
        )
    if to.resolve().is_relative_to(project.root):
        raise RequestError(
            "a bundle cannot be inside the project that it is made from",
            where=str(to),
            do="Use a path outside the project.",
        )
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        _check_room(to.parent, plan.n_bytes + plan.parts[0].n_bytes + SPARE_BYTES)
        with (
            noted(project, to),
            whole_file(to) as unfinished,
            tempfile.TemporaryDirectory(prefix=f".{to.name}.{os.getpid()}.", suffix=".lobass", dir=to.parent) as kept,
        ):
            copies = _copy_store(project, Path(kept))
            # What the log held is in the store's file by now.
            names = [*copies, *(name for name in plan.names if not name.startswith(STORE))]
            sha256, n_files = _pack(project, names, copies, unfinished)
    except OSError as error:
        raise ProjectError(
            f"the bundle cannot be written: {error.strerror or error}", where=str(to), do="Use another path."
        ) from error
    return Bundle(to, to.stat().st_size, sha256, n_files)


def _is_passed_over(run: object) -> bool:
    """Whether a run is a preview, or is running and changes while it is read."""
    return isinstance(run, RunFolder) and (run.kind in PREVIEWS or run.is_live())


def _of_run(name: str, runs: Collection[str]) -> bool:
    parts = name.split("/")
    return parts[0] == "runs" and parts[1] in runs


def _files(root: Path) -> Iterator[str]:
    """Paths in the project of the files that a bundle holds, no links among them."""
    for top in (root, root / "runs", root / "models", root / "validation"):
        pattern = "*" if top == root else "**/*"
        for path in top.glob(pattern):
            name = path.relative_to(root).as_posix()
            if may_be_bundled(name) and path.is_file() and not path.is_symlink():
                yield name


def _check_room(folder: Path, n_bytes: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < n_bytes:
        raise ProjectError(
            f"the bundle may need {size_text(n_bytes)} while it is written, but only {size_text(free)} are free",
            where=str(folder),
            do="Free some space, or use another path.",
        )


def _copy_store(project: Project, folder: Path) -> dict[str, Path]:
    """Copies of the store's files, taken while nobody can write to it."""
    with project.store() as store:
        log = project.store_path.with_name(f"{STORE}.wal")
        _settle(store, log)
        paths = [path for path in (project.store_path, log) if path.exists()]
        for path in paths:
            copy_file(path, folder / path.name)
    return {path.name: folder / path.name for path in paths}


def _settle(store: Store, log: Path) -> None:
    """Bring what stands in the log into the file itself. Without one there is nothing to do, and no byte changes."""
    if log.exists() and not store.read_only:
        store.checkpoint()


def _pack(project: Project, names: list[str], copies: dict[str, Path], unfinished: Path) -> tuple[str, int]:
    files = []
    with zipfile.ZipFile(unfinished, "w") as archive:
        for name in sorted(names):
            files.append(_add(archive, name, copies.get(name, project.root / name)))
        listed = BundleList(FORMAT, project.name, __version__, SCHEMA_VERSION, tuple(files))
        archive.writestr(_info(LIST), listed.to_json())
    with unfinished.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), len(files)


def _add(archive: zipfile.ZipFile, name: str, path: Path) -> BundledFile:
    digest, n_bytes = hashlib.sha256(), 0
    with path.open("rb") as source, archive.open(_info(name), "w", force_zip64=True) as target:
        while chunk := source.read(CHUNK_BYTES):
            digest.update(chunk)
            n_bytes += len(chunk)
            target.write(chunk)
    return BundledFile(name, n_bytes, digest.hexdigest())


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, TIME)
    # Parquet files are packed already.
    info.compress_type = zipfile.ZIP_STORED if name.endswith(".parquet") else zipfile.ZIP_DEFLATED
    info.external_attr = 0o100644 << 16
    return info
