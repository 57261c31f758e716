"""Fixtures that all rooms share."""

import os
import shutil
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import settings

from lobass_core.project import Project
from lobass_core.store import opening
from lobass_core.store.connection import release
from lobass_core.workflows import demo, export_check, refine, score, train_reference

# A busy machine is no failure: examples may take their time.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


# The longest first: whole files go to a worker, and short ones fill the time beside the last of these (as long as xdist
# keeps this order: --no-loadscope-reorder). Those of browser/ stand before all others, in the order of their names.
LONGEST = ("test_first_day.py", "test_demo_scores.py", "test_trainers.py", "test_train_job.py", "test_resume.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first."""
    items.sort(key=lambda item: (item.path.name not in LONGEST, item.path.parent.name != "browser"))


MARKS_OF_ITS_OWN = """
UPDATE meta SET value = CASE name WHEN 'project_id' THEN replace(uuid()::VARCHAR, '-', '')
                        ELSE split_part(value, '-', 1) || '-' || left(uuid()::VARCHAR, 8) END
WHERE name IN ('project_id', 'content', 'revision')
"""


@pytest.fixture(scope="session", autouse=True)
def copied_stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The store of a new project is a copy of one that was made step by step, with an id and marks of its own.

    The steps take a sixth of a second, and most tests begin with a new project.
    """
    made = Project.create(tmp_path_factory.mktemp("made") / "project").store_path
    release(made)
    connect = opening._connect

    def connect_to_copy(path: Path, read_only: bool, *more: Any) -> duckdb.DuckDBPyConnection:
        is_new = not read_only and path.parent.is_dir() and not path.exists()
        if is_new:
            shutil.copyfile(made, path)
        connection = connect(path, read_only, *more)
        if is_new:
            connection.execute(MARKS_OF_ITS_OWN)
        return connection

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(opening, "_connect", connect_to_copy)
        yield


@pytest.fixture(autouse=True)
def plain_main(monkeypatch: pytest.MonkeyPatch) -> None:
    """A spawned process runs its parent's main module, and a page's test leaves the page in that place."""
    monkeypatch.setitem(sys.modules, "__main__", types.ModuleType("__main__"))


@pytest.fixture
def project(tmp_path: Path):
    """A fresh, empty project."""
    made = Project.create(tmp_path / "project")
    yield made
    release(made.store_path)


@pytest.fixture
def no_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exports without the run that renders their rows again: made-up losses have no tokens to compare them with."""
    monkeypatch.setattr(export_check, "COMPARED", ())


@pytest.fixture(scope="module")
def runs_in_this_process() -> Iterator[None]:
    """Workflows do their runs here and not in a worker of its own, which spares each run the import of torch."""
    from tests.worker.runs import work

    with pytest.MonkeyPatch.context() as patch:
        for module in (demo, export_check, refine, score, train_reference):
            patch.setattr(module, "launch", work)
        yield


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two tiny Llamas of the same tokenizer, `base` and `ref`."""
    from tests.models import tiny_llama

    folder = tmp_path_factory.mktemp("models")
    for seed, name in enumerate(("base", "ref")):
        tiny_llama(folder / name, seed=seed, chat_template=None)
    return folder


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of published data sets; the test is skipped where there is none."""
    folder = Path(os.environ.get("LOBASS_REAL_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("LOBASS_REAL_DATA names no folder with the published data sets")
    return folder
