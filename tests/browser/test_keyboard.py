"""From a file to an export without a mouse; each stop of the keyboard is in sight, none in the closed sidebar."""

import json
import re
from pathlib import Path

import pytest

from lobass_core.project import Project
from pages.components import state
from tests.accessibility import places
from tests.browser.conftest import READY
from tests.models import tiny_llama

pytestmark = pytest.mark.slow
MEASURES = Path(places.__file__).with_name("measures.js").read_text(encoding="utf-8")
N_ROWS = 30
# Contrast of what shows the keyboard to its ground: WCAG 2.2, 1.4.11.
LEAST_RING = 3.0


class Keyboard:
    """Tab and Shift+Tab to what a stop is called, and other keys; every stop on the way is looked at."""

    def __init__(self, page) -> None:
        self.page = page
        self.stops: list[str] = []

    def to(self, name: str, key: str = "Tab", most: int = 60) -> None:
        """Press `key` until the keyboard is at a stop whose name, with its tag before it, has this pattern."""
        passed = []
        for _ in range(most):
            self.page.keyboard.press(key)
            stop = self.page.evaluate("measures.focused()")
            if stop is None:
                continue
            passed.append(stop["name"])
            assert stop["isVisible"] and not stop["inSidebar"], stop
            assert stop["ring"] >= LEAST_RING, stop
            if re.search(name, stop["name"]):
                self.stops += passed
                return
        raise AssertionError(f"no stop has {name}: {passed}")

    def arrives(self, name: str) -> None:
        """Wait until the keyboard has been led to a stop of this name."""
        self.page.wait_for_function("name => measures.focused()?.name.endsWith(` ${name}`)", arg=name)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def write(self, text: str) -> None:
        """Into the field where the keyboard is; Enter takes it."""
        self.page.keyboard.type(text)
        self.page.keyboard.press("Enter")


@pytest.fixture
def keyboard(page) -> Keyboard:
    """The dark theme at 1280 pixels and 150 %: the least room, and the theme with less contrast."""
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    page.set_viewport_size({"width": 853, "height": 533})
    page.add_init_script(MEASURES)
    return Keyboard(page)


@pytest.mark.thorough
def test_from_import_to_export(keyboard: Keyboard, page, serve, tmp_path: Path) -> None:
    page.set_default_timeout(90_000)
    project = Project.create(tmp_path / "project")
    records = [{"instruction": f"Add {n} and {n}.", "input": "", "output": f"{2 * n}"} for n in range(N_ROWS)]
    path = project.root / "sums.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    for seed, name in enumerate(("base", "reference")):
        tiny_llama(tmp_path / name, seed=seed)
    page.goto(serve(project).url())
    page.get_by_text("worth training on?").first.wait_for()
    bring(keyboard, path)
    score(keyboard, tmp_path)
    n_kept = cut_and_save(keyboard)
    export(keyboard, n_kept)
    lines = (project.exports_dir / "mine-messages" / "train.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == n_kept > 0
    links = [title for name, _, title, _, _ in state.PAGES if any(title in stop for stop in keyboard.stops)]
    assert len(links) >= 4


def bring(keyboard: Keyboard, path: Path) -> None:
    keyboard.to("^a.*Import$")
    keyboard.press("Enter")
    keyboard.to("^input.* Path on the server$")
    keyboard.write(str(path))
    keyboard.page.get_by_text("Add 0 and 0.").first.wait_for()
    keyboard.to("^input.* Domain$")
    keyboard.write("sums")
    keyboard.page.get_by_role("button", name=f"Import {N_ROWS} rows", disabled=False).wait_for()
    keyboard.to(f"Import {N_ROWS} rows", key="Shift+Tab")
    keyboard.press("Enter")
    keyboard.page.get_by_role("button", name="Score the rows").wait_for()


def score(keyboard: Keyboard, folder: Path) -> None:
    keyboard.to("Score the rows")
    keyboard.press("Enter")
    for label in ("Base", "Reference"):
        keyboard.page.get_by_role("combobox", name=label).first.wait_for()
        keyboard.to(f"^input.* {label}$")
        keyboard.write(str(folder / label.lower()))
    start = f"Score, {2 * N_ROWS} losses"
    keyboard.page.get_by_role("button", name=start).wait_for()
    keyboard.to(start)
    keyboard.press("Enter")
    keyboard.page.get_by_text(f"Scored {N_ROWS} samples").wait_for(timeout=120_000)
    keyboard.to("Select rows")
    keyboard.press("Enter")


def cut_and_save(keyboard: Keyboard) -> int:
    """Rows that are kept. Weights at random read no better than a blind guess, and a gate keeps such rows out."""
    page, rows = keyboard.page, keyboard.page.locator("input[data-budget=samples]")
    page.wait_for_selector(READY["select"])
    keyboard.to(r"\d gates?")
    keyboard.press("Enter")
    # What opens over the page takes the keyboard, and gives it back.
    keyboard.arrives("Rank by")
    # Streamlit fetches the script of toggles when the first of them is drawn; until then Tab ends before them.
    page.get_by_text("Exclude worse than chance").wait_for()
    keyboard.to("worse than chance", most=8)
    keyboard.press("Space", "Escape")
    page.wait_for_function("() => location.search.includes('exclude-worse-than-chance=no')")
    page.wait_for_selector(READY["select"])
    keyboard.to("Kept ratio$")
    keyboard.press("Shift+ArrowRight", "Shift+ArrowRight")
    page.wait_for_function("() => location.search.includes('ratio=0.08')")
    page.wait_for_selector(READY["select"])
    n_kept = int(rows.input_value())
    keyboard.to("Save as", key="Shift+Tab")
    keyboard.press("Enter")
    keyboard.arrives("Name")
    keyboard.press("Control+A")
    keyboard.write("mine")
    keyboard.to("^button.*Save$")
    keyboard.press("Enter")
    page.get_by_text("Saved mine").wait_for()
    return n_kept


def export(keyboard: Keyboard, n_kept: int) -> None:
    page = keyboard.page
    keyboard.press("Escape")
    keyboard.to("^button.*Export$")
    keyboard.press("Enter")
    page.get_by_role("button", name="JSONL messages").wait_for()
    keyboard.to("JSONL messages")
    keyboard.press("Enter")
    page.get_by_text("exports/mine-messages").first.wait_for()
    keyboard.to(f"Export {n_kept} rows?", key="Shift+Tab")
    keyboard.press("Enter")
    page.get_by_text("on disk · verified").wait_for()
