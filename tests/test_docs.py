"""What is documented is there, and what is there is documented."""

import importlib
import inspect
import json
import math
import re
import runpy
from pathlib import Path

import numpy as np

from lobass_core.cli.main import app
from lobass_core.formats import FORMATS, columns
from lobass_core.learnability import measures
from lobass_core.learnability.measures import BUILT_IN

REPOSITORY = Path(__file__).parents[1]


def test_the_commands_page_is_what_the_commands_say():
    written = runpy.run_path(str(REPOSITORY / "docs" / "write_commands.py"))["commands_page"]()
    assert (REPOSITORY / "docs" / "commands.md").read_text(encoding="utf-8") == written, "python docs/write_commands.py"


def test_every_command_in_the_readme_exists():
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^lobass ([\w-]+)", readme, re.MULTILINE))
    assert named
    known = {command.name for command in (*app.registered_commands, *app.registered_groups)}
    assert named - known == set()


def test_the_readme_says_what_people_search_for():
    assert "per-sample loss" in (REPOSITORY / "README.md").read_text(encoding="utf-8")


def test_links_in_the_documents_lead_somewhere():
    broken = []
    for document in [REPOSITORY / "README.md", *(REPOSITORY / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text(encoding="utf-8")):
            if not (document.parent / target).exists():
                broken.append(f"{document.name}: {target}")
    assert broken == []


def test_every_environment_variable_is_in_the_readme():
    # The settings of one process for another, and of the tests.
    own = {"LOBASS_SERVE", "LOBASS_SHARD_SAMPLES"}
    sources = [path for folder in ("lobass_core", "pages") for path in (REPOSITORY / folder).rglob("*.py")]
    named = {
        name for path in sources for name in re.findall(r"\bLOBASS_[A-Z_]+[A-Z]", path.read_text(encoding="utf-8"))
    }
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    assert {"LOBASS_PROJECT", "LOBASS_IMPORT_DIRS"} <= named
    assert [name for name in sorted(named - own) if f"| `{name}` |" not in readme] == []


def test_the_keys_of_map_are_documented_for_every_format():
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    assert [
        key for key in columns.FORMAT.fields if f"`{key}`" not in readme.split("--map KEY=COLUMN", 1)[1][:900]
    ] == []
    table = (REPOSITORY / "docs" / "formats.md").read_text(encoding="utf-8").split("| keys of `--map` |", 1)[1]
    keys = {
        name: set(re.findall(r"`(\w+)`", cells))
        for name, cells in re.findall(r"^\| `([\w-]+)` \|.*\|(.*)\|$", table, re.M)
    }
    assert keys == {name: set(format.fields) for name, format in FORMATS.items()}


def test_the_functions_of_the_python_page_exist_and_take_what_it_says():
    page = (REPOSITORY / "docs" / "python.md").read_text(encoding="utf-8")
    calls = re.findall(r"^\| `(\w+)\.(\w+)\(([\w, ]*)\)` \|", page, re.M)
    assert len(calls) > 20
    for room, name, arguments in calls:
        function = getattr(importlib.import_module(f"lobass_core.workflows.{room}"), name)
        assert function.__doc__, f"{room}.{name} has no docstring"
        unknown = set(re.findall(r"\w+", arguments)) - set(inspect.signature(function).parameters)
        assert not unknown, f"{room}.{name} does not take {unknown}"


def test_the_notebook_names_what_is_there_and_holds_no_outputs():
    cells = json.loads((REPOSITORY / "docs" / "notebook.ipynb").read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in code)
    source = "\n".join("".join(cell["source"]) for cell in code)
    (rooms,) = re.findall(r"from lobass_core.workflows import (.*)", source)
    for room in rooms.split(", "):
        module = importlib.import_module(f"lobass_core.workflows.{room}")
        used = set(re.findall(rf"\b{room}\.(\w+)\(", source))
        assert used and all(hasattr(module, name) for name in used), f"{room}: {used}"


YES = {True: "yes", False: "–"}


def test_the_table_of_measures_is_that_of_the_program():
    rows = [
        f"| `{name}` | {one.title} | {one.unit or '–'} | `{one.formula}` | {one.source} | {YES[one.exported]} |"
        for name, one in BUILT_IN.items()
    ]
    written = (REPOSITORY / "docs" / "measures.md").read_text(encoding="utf-8")
    assert [line for line in written.splitlines() if line.startswith("| `")] == rows


def test_the_measure_that_the_architecture_page_adds_is_an_entry_of_the_table():
    page = (REPOSITORY / "docs" / "architecture.md").read_text(encoding="utf-8")
    (diff,) = re.findall(r"```diff\n(.*?)```", page, re.DOTALL)
    added = re.findall(r"^\+(?!\+)(.*)", diff, re.M)
    in_tests = next(number for number, line in enumerate(added) if line.startswith('        "'))
    (one,) = eval(f"({''.join(added[:in_tests])})", dict(vars(measures)))
    value = one.compute({"base": np.array([4.0])}).item()
    assert added[in_tests].strip() == f'"{one.name}": math.exp(4.0),' and value == math.exp(4.0)
    assert added[-1] == (
        f"| `{one.name}` | {one.title} | {one.unit or '–'} | `{one.formula}` | {one.source} | {YES[one.exported]} |"
    )
