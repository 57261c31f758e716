"""`lobass serve` and `lobass demo` before a dashboard starts; tests/serving/ has the dashboard."""

import os
import shutil
import socket
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from lobass_core.workflows.serve import dashboard

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def test_a_taken_port_is_said_before_the_demo_is_built(lobass, taken: int, tmp_path: Path):
    ran = lobass("demo", tmp_path / "demo", "--port", taken, "--no-browser")
    assert ran.exit_code == 2
    assert ran.err.startswith(f"error: port {taken} is taken (127.0.0.1)")
    assert not (tmp_path / "demo").exists()


def test_a_taken_port_is_said_before_anything_is_served(lobass, taken: int, project):
    ran = lobass("serve", "--project", project.root, "--port", taken)
    assert (ran.exit_code, ran.out) == (2, "")
    assert f"port {taken} is taken" in ran.err and "--port" in ran.err


def test_an_origin_that_is_none_is_refused(lobass, project):
    ran = lobass("serve", "--project", project.root, "--allow-origin", "*")
    assert ran.exit_code == 2
    assert "'*' is not the origin of a page" in ran.err and "https://data.example.com" in ran.err


@pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")
@pytest.mark.parametrize("target", ["demo", "demo-real", "serve"])
def test_make_passes_the_port_on(target: str):
    # Under `make test`, an inner make would say where it is as well.
    environment = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL")}
    for words, port in (([], "8501"), (["PORT=8600"], "8600")):
        planned = subprocess.run(
            ["make", "--dry-run", target, *words],
            cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        assert planned.splitlines()[-1].endswith(f" --port {port}")


def test_a_wheel_serves_what_is_inside_the_package_and_a_clone_what_is_beside_it(tmp_path: Path):
    package = tmp_path / "lobass_core"
    inside = package / "_dashboard" / "app.py"
    assert dashboard(package) == tmp_path / "app.py"
    (tmp_path / "app.py").write_text("somebody else's")
    inside.parent.mkdir(parents=True)
    inside.touch()
    assert dashboard(package) == inside


def test_the_wheel_takes_every_part_of_the_dashboard():
    built = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]
    assert built["wheel"]["force-include"] == {
        "app.py": "lobass_core/_dashboard/app.py",
        "pages": "lobass_core/_dashboard/pages",
        ".streamlit/config.toml": "lobass_core/_dashboard/.streamlit/config.toml",
    }
    assert all((REPOSITORY / source).exists() for source in built["sdist"]["only-include"])
