"""The wheel by itself: in an empty environment, outside of the repository, it builds the demo and serves it."""

import hashlib
import json
import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from lobass_core.workflows.serve import free_port
from tests.browser.test_first_day import key_number, whole
from tests.browser.test_frame import PAGES, wait_for_run
from tests.test_readme_tour import printed_address

pytestmark = [pytest.mark.wheel, pytest.mark.timeout(900)]

REPOSITORY = Path(__file__).parents[2]
BUILT = REPOSITORY / "build" / "dist"


@pytest.fixture(scope="module")
def wheel() -> Path:
    """What `make wheel` has built."""
    found = sorted(BUILT.glob("lobass-*.whl"))
    assert found, "make wheel"
    return found[-1]


@pytest.fixture(scope="module")
def programs(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment that holds the wheel and what it asks for, and nothing else."""
    folder = tmp_path_factory.mktemp("empty") / "venv"
    venv.create(folder, with_pip=True)
    run(folder, [folder / "bin" / "python", "-m", "pip", "install", "--quiet", wheel])
    return folder / "bin"


def run(folder: Path, words: list[str | Path]) -> str:
    """Standard output of a program that must succeed, started in the parent of a folder with a bare environment."""
    done = subprocess.run(words, cwd=folder.parent, env=bare(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done.stdout


def bare() -> dict[str, str]:
    """The environment without anything that leads back to the repository or to another Python."""
    hidden = ("PYTHON", "VIRTUAL_ENV", "LOBASS", "COV_")
    return {name: value for name, value in os.environ.items() if not name.startswith(hidden)} | {"OMP_NUM_THREADS": "1"}


def test_the_wheel_holds_the_dashboard_and_no_name_but_its_own(wheel: Path):
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.partition("/")[0] for name in names} == {
        "lobass_core",
        f"{'-'.join(wheel.stem.split('-')[:2])}.dist-info",
    }
    tracked = subprocess.check_output(
        ["git", "ls-files", "app.py", "pages", ".streamlit/config.toml"], cwd=REPOSITORY, text=True
    ).splitlines()
    inside = {name.removeprefix("lobass_core/_dashboard/") for name in names if "/_dashboard/" in name}
    assert inside == set(tracked)


def test_the_source_archive_builds_the_same_wheel(wheel: Path, tmp_path: Path):
    (archive,) = BUILT.glob("lobass-*.tar.gz")
    with tarfile.open(archive) as packed:
        assert {"app.py", "pages", ".streamlit", "lobass_core"} <= {Path(name).parts[1] for name in packed.getnames()}
    # `make wheel` has built the wheel from the archive; this one is from the repository itself.
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", tmp_path, REPOSITORY], check=True, capture_output=True
    )
    (again,) = tmp_path.glob("*.whl")
    assert again.name == wheel.name
    assert hashlib.sha256(again.read_bytes()).digest() == hashlib.sha256(wheel.read_bytes()).digest()


@pytest.fixture(scope="module")
def demo(programs: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    """A small demo project that the installed program has built, and what it said of it."""
    root = tmp_path_factory.mktemp("work") / "demo"
    return root, json.loads(run(root, [programs / "lobass", "demo", root, "--small", "--no-serve", "--json"]))


@pytest.fixture(scope="module")
def address(programs: Path, demo: tuple[Path, dict]) -> Iterator[str]:
    """Where the installed program serves the demo."""
    root, log, port = demo[0], demo[0].parent / "serve.log", free_port()
    words = [programs / "lobass", "serve", "--project", root, "--no-browser", "--port", str(port)]
    with log.open("wb") as out:
        process = subprocess.Popen(words, cwd=root.parent, env=bare(), stdout=out, stderr=out)
    try:
        yield printed_address(log, port, process)
    finally:
        process.terminate()
        assert process.wait(timeout=30) == 0


def test_the_installed_program_comes_from_the_wheel(programs: Path):
    code = "import lobass_core.workflows.serve as s; print(s.APP)"
    app = Path(run(programs.parent, [programs / "python", "-c", code]).strip())
    assert app.is_relative_to(programs.parent) and app.parts[-3:] == ("lobass_core", "_dashboard", "app.py")


def test_a_browser_shows_the_numbers_of_the_demo(page, programs: Path, demo: tuple[Path, dict], address: str):
    root, built = demo
    page.goto(address)
    wait_for_run(page)
    page.locator(".funnel").wait_for()
    found = json.loads(run(root, [programs / "lobass", "status", "--project", root, "--json"]))
    shown = {label: whole(key_number(page, label)) for label in ("Imported", "Scored", "Selected", "Exported")}
    assert shown["Imported"] == built["n_rows"] == found["n_rows"] > 300
    assert shown["Scored"] == found["n_scored"] == found["n_rows"]
    assert shown["Selected"] == shown["Exported"] == built["n_selected"] > 50
    lines = (Path(built["export"]) / "train.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == built["n_selected"]


@pytest.mark.parametrize("title", [title for _, title in PAGES])
def test_every_page_opens(page, address: str, title: str):
    page.goto(address)
    page.get_by_role("link", name=title, exact=True).click()
    page.wait_for_function("title => document.title.startsWith(title)", arg=title)
    wait_for_run(page)
    assert page.locator("[data-testid=stException]").count() == 0
