"""A first day in one walk: build the demo, bring a file, score it, cut, save, compare, export, look at the disk."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from lobass_core.project import Project
from lobass_core.store.connection import release
from lobass_core.workflows import compare
from lobass_core.workflows import select as selections
from lobass_core.workflows.demo_build import demo_root
from tests.browser.conftest import Server, start_server, stop_server
from tests.browser.test_select import drag

pytestmark = [pytest.mark.thorough, pytest.mark.timeout(1200)]
DEMO_PATIENCE_MS = 900_000
N_NEW = 60


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A dashboard over an empty project, and a data file in it."""
    folder = tmp_path_factory.mktemp("first-day")
    server = start_server(Project.create(folder / "mine"), folder / "server.log")
    yield server
    stop_server(server)


def whole(text: str) -> int:
    return int(re.sub(r"\D", "", text))


def key_number(page, label: str) -> str:
    """What stands under a label of the strip of key numbers."""
    cell = page.locator(".strip .cell", has=page.get_by_text(label, exact=True)).first
    return cell.locator(".value").inner_text()


def test_from_an_empty_project_to_an_exported_file(newcomer: Server, page, tmp_path: Path) -> None:
    page.set_default_timeout(120_000)
    demo = build_and_open_the_demo(newcomer, page)
    n_samples = import_a_file(newcomer, page, demo)
    score_what_is_new(page, n_samples)
    cut_and_save(page)
    compare_with_the_demos(page, demo)
    export_and_look_at_the_disk(page, demo)


def build_and_open_the_demo(server: Server, page) -> Project:
    page.goto(server.url())
    page.get_by_role("button", name="Build the demo").click()
    page.get_by_text("It continues if you close this tab.").wait_for()
    # Nobody has to watch it.
    page.goto("about:blank")
    page.goto(server.url())
    page.get_by_text("It continues if you close this tab.").wait_for()
    page.get_by_role("button", name="Open the demo").click(timeout=DEMO_PATIENCE_MS)
    page.get_by_text("demo", exact=True).first.wait_for()
    page.locator(".funnel").wait_for()
    return Project.open(demo_root(server.project.root))


def import_a_file(server: Server, page, demo: Project) -> int:
    """Different samples in the project after it."""
    records = [
        {"instruction": f"Add {n} and <b>{n}</b>.", "input": "", "output": f"{n} + {n} = {2 * n}"} for n in range(N_NEW)
    ]
    lines = [json.dumps(record) for record in records]
    path = demo.root / "sums.jsonl"
    path.write_text("\n".join([*lines[:10], '{"instruction": ', *lines[10:]]) + "\n", encoding="utf-8")
    page.get_by_role("link", name="Import").click()
    field = page.get_by_label("Path on the server")
    field.fill(str(path))
    field.press("Enter")
    page.get_by_text("Add 0 and <b>0</b>.").first.wait_for()
    domain = page.get_by_role("combobox", name="Domain")
    domain.click()
    domain.fill("sums")
    page.keyboard.press("Enter")
    page.get_by_role("button", name=f"Import {N_NEW} rows").click()
    page.get_by_text("Why rows were rejected").wait_for()
    assert key_number(page, "Rows in file") == f"{N_NEW + 1}"
    assert key_number(page, "Imported") == f"{N_NEW}"
    assert key_number(page, "Rejected") == "1"
    with page.expect_download() as download:
        page.get_by_role("button", name="Download rejected rows").click()
    rejects = Path(download.value.path()).read_text(encoding="utf-8").splitlines()
    assert len(rejects) == 2 and rejects[1].startswith("sums.jsonl,10,11,")
    with demo.store() as store:
        stored = (
            store.cursor()
            .execute("SELECT count(DISTINCT sample_key), count(*) FILTER (domain = 'sums') FROM rows")
            .fetchone()
        )
    release(demo.store_path)
    assert stored is not None and stored[1] == N_NEW
    return int(stored[0])


def score_what_is_new(page, n_samples: int) -> None:
    """Base and reference of the demo are chosen already; only the new losses are to be computed."""
    page.get_by_role("button", name="Score the rows").click()
    page.get_by_role("button", name=f"Score, {2 * N_NEW} losses").click()
    page.get_by_text(f"Scored {n_samples:,} samples").wait_for()
    page.get_by_role("button", name="Select rows").click()
    page.wait_for_selector(".instrument .status.exact")


def cut_and_save(page) -> None:
    page.get_by_text("Equal", exact=True).click()
    drag(page, "[data-slider=ratio]", 60)
    page.wait_for_selector(".instrument .status.exact")
    page.get_by_role("button", name="Save as").click()
    page.get_by_label("Name", exact=True).fill("mine")
    page.keyboard.press("Enter")
    page.get_by_test_id("stPopoverBody").get_by_role("button", name="Save").click()
    page.get_by_text("Saved mine").wait_for()


def compare_with_the_demos(page, demo: Project) -> None:
    page.get_by_role("link", name="Compare").click()
    page.get_by_text("Overlap by domain").wait_for()
    shown = {label: whole(key_number(page, label)) for label in ("A keeps", "B keeps", "In both", "Only in A")}
    names = [page.get_by_role("combobox", name=f"{letter}: selection").input_value() for letter in "AB"]
    labels = [name.split(": ")[-1] for name in names]
    assert sorted(labels) == ["demo", "mine"]
    found = compare.compare(*(compare.saved_side(demo, label) for label in labels))
    release(demo.store_path)
    kept_a, kept_b = (side.n_kept for side in found.composition)
    assert shown == {
        "A keeps": kept_a,
        "B keeps": kept_b,
        "In both": found.overlap.both,
        "Only in A": found.overlap.only_a,
    }


def export_and_look_at_the_disk(page, demo: Project) -> None:
    saved = next(one for one in selections.list_selections(demo) if one.name == "mine")
    release(demo.store_path)
    page.get_by_role("link", name="Select", exact=True).click()
    page.wait_for_selector(".instrument .status.exact")
    assert whole(page.locator("input[data-budget=samples]").input_value()) == saved.n_kept
    page.get_by_role("button", name="Export", exact=True).click()
    page.wait_for_url(re.compile(r"/export\?selection=mine"))
    page.get_by_role("button", name="JSONL messages").click()
    page.get_by_text("exports/mine-messages").first.wait_for()
    page.get_by_role("button", name=f"Export {saved.n_kept:,} rows").click()
    page.get_by_text(f"{saved.n_kept:,} rows are on disk · verified").wait_for()
    lines = (demo.exports_dir / "mine-messages" / "train.jsonl").read_text(encoding="utf-8").splitlines()
    written = [json.loads(line)["messages"] for line in lines]
    assert len(written) == saved.n_kept
    assert all(messages[-1]["role"] == "assistant" and messages[-1]["content"] for messages in written)
    prompts = {messages[0]["content"] for messages in written}
    # As many of each domain: the sums that are kept are there as they were brought.
    assert len({prompt for prompt in prompts if re.fullmatch(r"Add \d+ and <b>\d+</b>\.", prompt)}) == n_sums(demo)


def n_sums(demo: Project) -> int:
    """Rows of the new domain that the saved selection keeps."""
    picked = selections.picks(demo, "mine")
    with demo.store() as store:
        found = store.cursor().execute("SELECT row_key FROM rows WHERE domain = 'sums'").fetchall()
    release(demo.store_path)
    return len(set(picked["row_key"].to_pylist()) & {key for (key,) in found})
