"""What lies in a project's validation folder: arms and reports, and which of them are damaged or needed by no run."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lobass_core.errors import LobassError
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_list import DamagedRun, scan_runs
from lobass_core.jobs.run_specs import ValidateRun
from lobass_core.project import Project
from lobass_core.validation.arm_results import ArmCache
from lobass_core.workflows.leftovers import size_of
from lobass_core.workflows.validate_plan import content_of
from lobass_core.workflows.validate_report import measured_by

DAMAGED = "damaged"
_KEPT = re.compile(r"[0-9a-f]{16}\.json")
_REPORT = re.compile(r"(r-\d{4,12})\.(?:md|json|svg)")


@dataclass(frozen=True, slots=True)
class ValidationFiles:
    """Paths in the folder; `damaged` and `orphans` each with the reason. Damaged files are no orphans."""

    n_arms: int
    n_reports: int
    n_bytes: int
    damaged: tuple[tuple[Path, str], ...] = ()
    orphans: tuple[tuple[Path, str], ...] = ()


def validation_files(project: Project) -> ValidationFiles:
    """Read every file of the folder once; without a folder there is nothing."""
    folder = project.validation_dir
    arms, rows = (_kept(folder / name) for name in ("arms", "rows"))
    reports = [path for path in sorted(folder.glob("r-*")) if _REPORT.fullmatch(path.name)]
    damaged = dict(_damaged(folder, arms, rows))
    orphans = tuple(_orphans(project, [path for path in (*arms, *rows, *reports) if path not in damaged]))
    return ValidationFiles(
        len(arms), len({path.stem for path in reports}), size_of(folder), tuple(damaged.items()), orphans
    )


def set_damaged_aside(project: Project) -> list[Path]:
    """Move damaged arms and rows to `validation/damaged/`; the next run of their experiment makes them again."""
    moved = []
    for path, _ in validation_files(project).damaged:
        aside = project.validation_dir / DAMAGED
        aside.mkdir(exist_ok=True)
        moved.append(path.replace(aside / path.name))
    return moved


def _kept(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.glob("*.json")) if _KEPT.fullmatch(path.name) and not path.is_symlink()]


def _damaged(folder: Path, arms: list[Path], rows: list[Path]) -> Iterator[tuple[Path, str]]:
    cache = ArmCache(folder)
    for path in arms:
        try:
            cache.read_key(path.stem)
        except LobassError as error:
            yield path, error.what
    for path in rows:
        if not cache.has_rows(path.stem):
            yield path, "the measured rows cannot be read, or are not those that the file's name says"


def _orphans(project: Project, paths: list[Path]) -> Iterator[tuple[Path, str]]:
    """Files of experiments whose run is gone; none where a run cannot be read, as it might need any of them."""
    runs = scan_runs(project.runs_dir)
    needed = _needed(runs)
    if needed is None:
        return
    there = {run.run_id for run in runs}
    for path in paths:
        report = _REPORT.fullmatch(path.name)
        if report and path.parent == project.validation_dir:
            if report[1] not in there:
                yield path, f"the report of run {report[1]}, which is gone"
        elif f"{path.parent.name}/{path.stem}" not in needed:
            yield path, "of an experiment whose run is gone; a new experiment of the same arms would read it again"


def _needed(runs: list[RunFolder | DamagedRun]) -> set[str] | None:
    """Arms and rows that the experiments name, as "arms/KEY" and "rows/DIGEST"."""
    needed: set[str] = set()
    for run in runs:
        if isinstance(run, DamagedRun):
            return None
        if not isinstance(run.spec, ValidateRun):
            continue
        try:
            measured = measured_by(run)
        except LobassError:
            return None
        needed.add(f"rows/{measured}")
        needed |= {f"arms/{content_of(run.spec, one, measured).key}" for one in run.spec.planned}
    return needed
