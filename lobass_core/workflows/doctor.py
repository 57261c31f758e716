"""Check the machine and a project, and show how one record will be read."""

import importlib.metadata
import os
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import psutil

from lobass_core.errors import LobassError
from lobass_core.jobs.launch import follow, launch
from lobass_core.jobs.run_folder import RunFolder, scan_runs
from lobass_core.jobs.run_results import RenderResult
from lobass_core.jobs.run_specs import RenderRun
from lobass_core.project import Project
from lobass_core.specs import ImportSpec, ModelSpec, RenderSpec
from lobass_core.store.datasets import list_datasets
from lobass_core.workflows.import_data import read_sample
from lobass_core.workflows.score import write_samples

PACKAGES = ("torch", "transformers", "peft", "accelerate", "duckdb", "streamlit", "pyarrow")
LOW_DISK_BYTES = 2 * 2**30


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at: good, worth knowing (note), or in need of a person (bad)."""

    name: str
    verdict: Literal["good", "note", "bad"]
    detail: str

    def to_dict(self) -> dict:
        return asdict(self)


def check(project: Project | None = None) -> list[Check]:
    """Look at packages, memory, disk and, where given, the project's store and runs."""
    checks = [_package(name) for name in PACKAGES]
    memory = psutil.virtual_memory()
    checks.append(Check("memory", "good", f"{memory.available / 2**30:.1f} of {memory.total / 2**30:.1f} GiB free"))
    checks.append(Check("cores", "good", str(os.cpu_count())))
    if project is not None:
        checks += _project_checks(project)
    return checks


def _package(name: str) -> Check:
    try:
        return Check(name, "good", importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        return Check(name, "bad", "not installed: run make setup")


def _project_checks(project: Project) -> list[Check]:
    free = shutil.disk_usage(project.root).free
    checks = [Check("disk", "good" if free > LOW_DISK_BYTES else "bad", f"{free / 2**30:.1f} GiB free")]
    try:
        with project.store() as store:
            n_rows = sum(dataset.n_rows for dataset in list_datasets(store.cursor()))
        checks.append(Check("store", "good", f"opens; {n_rows:,} rows"))
    except LobassError as error:
        checks.append(Check("store", "bad", str(error)))
    states = [run.state() if isinstance(run, RunFolder) else "damaged" for run in scan_runs(project.runs_dir)]
    stopped, damaged = sum(state in ("interrupted", "failed") for state in states), states.count("damaged")
    parts = [f"{len(states):,} runs", f"{stopped:,} interrupted or failed" if stopped else ""]
    parts += [f"{damaged:,} with a damaged file" if damaged else ""]
    detail = ", ".join(part for part in parts if part) + (": lobass runs" if stopped or damaged else "")
    checks.append(Check("runs", "bad" if damaged else "note" if stopped else "good", detail))
    return checks


def render_record(path: Path, row: int, *, tokenizer: ModelSpec, render: RenderSpec) -> RenderResult:
    """Render record `row` (from 0) of a data file in a short run, and return the run's result.

    Raises:
        LobassError: the file, the record, the tokenizer or the template cannot be used.
    """
    sample = read_sample(ImportSpec(path=str(path), domain="preview"), row)
    with tempfile.TemporaryDirectory(prefix="lobass-render-") as folder:
        asked = RenderRun(tokenizer, render)
        run = RunFolder.create(
            Path(folder), "render", asked, lambda new: write_samples(new.input_path, [(sample, "preview")])
        )
        launch(run)
        follow(run)
        return run.read_result(RenderResult)
