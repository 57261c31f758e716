"""Check the machine and a project, and show how a record is read and rendered."""

import importlib.metadata
import os
import tempfile
from pathlib import Path

import psutil

from lobass_core.jobs.launch import follow, launch
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_results import RenderResult
from lobass_core.jobs.run_specs import RenderRun
from lobass_core.project import Project
from lobass_core.specs import ImportSpec, ModelSpec, RenderSpec
from lobass_core.workflows.check import Check
from lobass_core.workflows.import_data import read_sample
from lobass_core.workflows.project_check import check_project
from lobass_core.workflows.run_input import write_samples

PACKAGES = ("torch", "transformers", "peft", "accelerate", "duckdb", "streamlit", "pyarrow")


def check(project: Project | None = None) -> list[Check]:
    """Look at packages, memory and, where given, the whole project."""
    checks = [_package(name) for name in PACKAGES]
    memory = psutil.virtual_memory()
    checks.append(Check("memory", "good", f"{memory.available / 2**30:.1f} of {memory.total / 2**30:.1f} GiB free"))
    checks.append(Check("cores", "good", str(os.cpu_count())))
    if project is not None:
        checks += check_project(project)
    return checks


def _package(name: str) -> Check:
    try:
        return Check(name, "good", importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        return Check(name, "bad", "not installed: run make setup")


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
