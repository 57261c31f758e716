"""Export in a real browser: the files on disk are what the screen said."""

import hashlib
import json
import re

from lobass_core.specs import SelectionSpec
from lobass_core.store.connection import release
from lobass_core.workflows import select as selections


def test_export_and_compare_with_the_disk(server, page):
    selections.save(server.project, "for-export", SelectionSpec(value=0.1), replace=True)
    release(server.project.store_path)
    page.goto(server.url("export?selection=for-export"))
    page.get_by_role("button", name="JSONL messages").click()
    page.get_by_text("exports/for-export-messages").first.wait_for()
    page.get_by_role("button", name=re.compile("Export 520 rows")).click()
    page.get_by_text("520 rows are on disk · verified").wait_for()
    folder = server.project.exports_dir / "for-export-messages"
    lines = (folder / "train.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 520 and all(json.loads(line)["messages"] for line in lines)
    for name in ("train.jsonl", "README.md", "manifest.json"):
        sha256 = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        page.locator(f'[title="{sha256}"]').wait_for()
    page.get_by_text("matches disk").first.wait_for()


def test_a_warning_leads_to_its_rows(server, page):
    selections.save(server.project, "for-warning", SelectionSpec(value=0.1), replace=True)
    release(server.project.store_path)
    page.goto(server.url("export?selection=for-warning"))
    page.get_by_role("button", name="Axolotl").first.click()
    page.get_by_role("button", name="Options").click()
    page.get_by_role("textbox", name="Trainer's limit in tokens").fill("100")
    page.keyboard.press("Enter")
    page.get_by_text("longer than 100 tokens").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="see rows").first.click()
    page.get_by_role("dialog").get_by_text("An answer, number").first.wait_for()
    page.get_by_role("button", name=re.compile(r"Drop \d+, select again")).wait_for()
