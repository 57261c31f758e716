"""Fixtures that all rooms share."""

import os
import sys
import types
from pathlib import Path

import pytest
from hypothesis import settings

from lobass_core.project import Project
from lobass_core.store.connection import release

# A busy machine is no failure: examples may take their time.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


# Each builds a demo project, which takes minutes: begun first, the other files fill the time beside them (as long as
# xdist keeps this order: --no-loadscope-reorder).
LONGEST = ("test_first_day.py", "test_demo.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first."""
    items.sort(key=lambda item: item.path.name not in LONGEST)


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
