"""What `make js` checks is what a browser gets: the same files of each component, in the same order."""

import json
import re
from pathlib import Path
from types import ModuleType

import pytest

from pages.components import cut_instrument, distribution_chart, sample_list, view

FOLDER = Path(__file__).parent
PAGES = Path(sample_list.__file__).parents[2]
# Single scripts have a list too; which they are, their own Python files say.
BUNDLES = {
    "sample_list": sample_list,
    "cut_instrument": cut_instrument,
    "distribution_chart": distribution_chart,
    "view": view,
}


def checked(name: str) -> list[Path]:
    """The files that tsc reads for a component."""
    files = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))["files"]
    return [(FOLDER / file).resolve() for file in files]


@pytest.mark.parametrize("name", BUNDLES)
def test_the_types_of_a_component_are_checked_over_its_own_scripts(name: str) -> None:
    module: ModuleType = BUNDLES[name]
    sent = [(Path(module.__file__ or "").parent / script).resolve() for script in module._SCRIPTS]
    assert [path for path in checked(name) if path.suffix == ".js"] == sent


def test_every_script_and_every_list_of_types_is_checked() -> None:
    names = [path.stem for path in FOLDER.glob("*.json") if path.name != "tsconfig.base.json"]
    written = {path.resolve() for kind in ("*.js", "*.d.ts") for path in PAGES.rglob(kind)}
    assert {path for name in names for path in checked(name)} == written
    unchecked = [path for path in written if path.suffix == ".js" and not path.read_text().startswith("// @ts-check\n")]
    assert unchecked == []


def test_make_js_checks_every_component() -> None:
    makefile = (FOLDER.parents[1] / "Makefile").read_text(encoding="utf-8")
    assert re.search(r"^js: ", makefile, re.MULTILINE)
    assert "tests/javascript/*.json" in makefile
