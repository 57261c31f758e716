"""The Import page with a file chosen."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from lobass_core.project import Project
from lobass_core.store.datasets import list_datasets
from pages.components.importing import draft
from tests.pages.conftest import OpenPage

BROKEN = '{"instruction": "No answer"}\n{"instruction": "cut'


@pytest.fixture(autouse=True)
def allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOBASS_IMPORT_DIRS", str(tmp_path))


def lines(tmp_path: Path, n: int = 20, tail: str = BROKEN) -> Path:
    path = tmp_path / "rows.jsonl"
    rows = [
        f'{{"instruction": "Add {i}", "input": "{i}+1", "output": "It is {i + 1}.", "kind": "k{i % 2}"}}\n'
        for i in range(n)
    ]
    path.write_text("".join(rows) + tail, encoding="utf-8")
    return path


def opened(open_page: OpenPage, project: Project, path: Path | str, **state: object) -> AppTest:
    app = open_page(project.root, "import_data", state={draft.PATH: str(path), **state})
    assert not app.exception
    return app


def button(app: AppTest, key: str):  # type: ignore[no-untyped-def]
    return next(item for item in app.button if item.key == key)


def datasets(project: Project) -> list[tuple[str, int, int]]:
    with project.store() as store:
        return [(found.name, found.n_rows, found.n_rejected) for found in list_datasets(store.cursor())]
