"""Run the dashboard's router in this process, over a project of the test, and read what its views show."""

import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from lobass_core.project import Project
from lobass_core.specs import SelectionSpec
from lobass_core.store.connection import release
from lobass_core.workflows import select as selections
from tests.copied_project import copied
from tests.pages.projects import add_scores, scored_project

REPOSITORY = Path(__file__).parents[2]
ROUTER = REPOSITORY / "pages" / "components" / "router.py"

OpenPage = Callable[..., AppTest]


@pytest.fixture(scope="session", autouse=True)
def one_scan_for_components() -> Iterator[None]:
    """AppTest looks through all that is installed for every page that it opens, half a second each time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))
        yield


@pytest.fixture
def open_page(monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenPage]:
    """`open_page(project.root, "select")` gives the page after its first run; session state may be set by `state`.

    `query` are the parameters of the address by which the session came to the page.
    """
    roots: list[Path] = []

    def open_it(
        root: Path, page: str = "", *, state: dict | None = None, run: bool = True, query: dict | None = None
    ) -> AppTest:
        monkeypatch.setenv("LOBASS_PROJECT", str(root))
        monkeypatch.syspath_prepend(str(REPOSITORY))
        roots.append(Path(root))
        app = AppTest.from_file(str(ROUTER), default_timeout=60)
        for key, value in (state or {}).items():
            app.session_state[key] = value
        if query and not page:
            app.query_params.update(query)
        app.run()
        if page:
            app.switch_page(f"../{page}.py")
            app.query_params.update(query or {})
            if run:
                app.run()
        return app

    yield open_it
    for root in roots:
        release(root / "store.duckdb")


@pytest.fixture(scope="session")
def scored_once(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """420 rows in two domains, all scored; to be copied."""
    return scored_project(tmp_path_factory.mktemp("scored") / "project")


@pytest.fixture
def scored(scored_once: Project, tmp_path: Path) -> Iterator[Project]:
    """420 rows in two domains, all scored."""
    project = copied(scored_once, tmp_path)
    yield project
    release(project.store_path)


def view_texts(app: AppTest) -> list[str]:
    """Every text that the page's views show, in order; a component is an unknown element to AppTest."""
    found: list[str] = []
    for data in component_data(app):
        if isinstance(data, dict) and "tree" in data:
            _collect(data["tree"], found)
    return found


def view_text(app: AppTest) -> str:
    """All of it as one string."""
    return " ".join(view_texts(app))


def component_data(app: AppTest) -> list[object]:
    """What each custom component on the page was given, Arrow tables left out."""
    return [_data(element.proto) for element in app.get("bidi_component")]


def _data(proto: object) -> object:
    kind = proto.WhichOneof("data")  # type: ignore[attr-defined]
    if kind == "json":
        return json.loads(proto.json)  # type: ignore[attr-defined]
    return json.loads(proto.mixed.json) if kind == "mixed" else None  # type: ignore[attr-defined]


def _collect(node: object, found: list[str]) -> None:
    if isinstance(node, str):
        found.append(node)
    elif isinstance(node, list) and len(node) == 3 and isinstance(node[1], dict):
        for child in node[2]:
            _collect(child, found)
    elif isinstance(node, list):
        for child in node:
            _collect(child, found)


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """420 rows in two datasets, scored with two references; two saved selections of the latest scores."""
    project = scored_project(tmp_path_factory.mktemp("address") / "project")
    add_scores(project, gain=0.5, reference_name="ref-2ep", reference_fp="4ef0000000000002")
    selections.save(project, "natural", SelectionSpec(value=0.2), "r-0002")
    selections.save(project, "equal", SelectionSpec(value=0.2, balance="equal"), "r-0002")
    yield project
    release(project.store_path)


def address_of(app: AppTest) -> dict[str, list[str]]:
    found = {name: [given] if isinstance(given, str) else given for name, given in app.query_params.items()}
    return {name: values for name, values in found.items() if values}
