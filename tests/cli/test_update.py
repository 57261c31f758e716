"""`lobass import --update` shows its counts first, asks, writes, and is taken back."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lobass_core.project import Project
from lobass_core.workflows.select import list_selections
from tests.scored_files import import_and_score, select_all, write_jsonl


def rows(*numbers: int) -> list[dict]:
    return [{"prompt": f"question {n}", "completion": f"answer {n}", "topic": f"t{n % 2}"} for n in numbers]


@pytest.fixture
def path(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three scored and selected rows, and the same file with one row gone and two new ones."""
    monkeypatch.setenv("LOBASS_PROJECT", str(project.root))
    path = write_jsonl(tmp_path / "a.jsonl", rows(0, 1, 2))
    import_and_score(project, (path, "x"))
    select_all(project)
    return write_jsonl(path, rows(0, 2, 3, 4))


def test_an_update_is_looked_at_confirmed_and_taken_back(lobass, project: Project, path: Path):
    monkey = ("import", "--project", project.root, "--update", "a")
    shown = lobass(*monkey, path, "--preview", 1)
    assert "unchanged" in shown.out
    assert "the selection 'all' loses 1 row" in shown.err
    assert "Nothing was written." in shown.err
    asked = lobass(*monkey, path)
    assert asked.exit_code != 0
    assert "has not been confirmed" in asked.err
    assert "--yes" in asked.err
    done = lobass(*monkey, "--yes", "--json")
    assert {name: done.json[name] for name in ("n_unchanged", "n_changed", "n_new", "n_gone", "is_written")} == {
        "n_unchanged": 2, "n_changed": 0, "n_new": 2, "n_gone": 1, "is_written": True,
    }  # fmt: skip
    again = lobass(*monkey, path)
    assert "a already contains these files" in again.out
    status = lobass("status", "--project", project.root)
    assert "updated: 0 changed, 2 new, 1 gone" in status.out
    assert "lobass selections --gone all" in status.err
    gone = lobass("selections", "--project", project.root, "--gone", "all", "--json")
    assert [(one["dataset"], one["row_index"], one["fate"]) for one in gone.json] == [("a", 1, "gone")]
    assert "question 1" in lobass("selections", "--project", project.root, "--gone", "all").out
    compared = lobass("compare", "all", "all", "--project", project.root)
    assert compared.exit_code == 0
    assert "1 of the 3 rows is gone from 'all'" in compared.err
    undone = lobass(*monkey, "--undo")
    assert "Undid the update of a" in undone.out
    assert [one.n_gone for one in list_selections(project)] == [0]
    assert "no update of 'a' to undo" in lobass(*monkey, "--undo").err


def test_what_an_update_cannot_be_asked(lobass, project: Project, path: Path):
    root = ("--project", project.root)
    assert "--undo needs --update" in lobass("import", *root, "--undo").err
    assert "no file given" in lobass("import", *root).err
    assert "there is no dataset named 'b'" in lobass("import", *root, "--update", "b", path, "--yes").err


def test_an_export_leaves_out_what_is_gone_and_says_so_and_replays_what_was(
    lobass, project: Project, path: Path, tmp_path: Path
):
    root = ("--project", project.root)
    write_jsonl(path, rows(0, 1, 2))
    before = lobass(
        "export", *root, "--selection", "all", "--to", tmp_path / "before", "--format", "source", "--no-check", "--json"
    )
    assert before.exit_code == 0, before.err
    write_jsonl(path, [{**rows(2)[0], "note": "new"}, *rows(0, 3)])
    lobass("import", *root, "--update", "a", "--yes")
    after = lobass(
        "export", *root, "--selection", "all", "--to", tmp_path / "after", "--format", "source", "--no-check"
    )
    assert "Exported 2 of 2" in after.out
    assert "1 row is gone from the selection after an update" in after.err
    preflight = lobass(
        "export", *root, "--selection", "all", "--to", tmp_path / "x", "--format", "messages", "--dry-run"
    )
    assert "1 more are gone after" in preflight.err
    (written,) = (tmp_path / "after").rglob("*.jsonl")
    assert [json.loads(line) for line in written.read_text().splitlines()] == [
        {**rows(2)[0], "note": "new"},
        rows(0)[0],
    ]
    manifest = json.loads((tmp_path / "after/manifest.json").read_text())
    assert manifest["counts"]["n_gone"] == 1
    assert manifest["written"]["notes"] == [
        "1 row is gone from the selection after an update of the dataset: lobass selections --gone NAME"
    ]
    for name in ("before", "after"):
        replayed = lobass(
            "export", *root, "--replay", tmp_path / name / "manifest.json", "--to", tmp_path / f"{name} again"
        )
        assert replayed.exit_code == 0, replayed.err
    write_jsonl(path, [{**rows(2)[0], "note": "newer"}])
    lobass("import", *root, "--update", "a", "--yes")
    for name in ("before", "after"):
        replayed = lobass(
            "export", *root, "--replay", tmp_path / name / "manifest.json", "--to", tmp_path / f"{name} 3"
        )
        assert replayed.exit_code == 0, replayed.err


def test_domains_are_set_and_taken_back(lobass, project: Project, path: Path):
    root = ("--project", project.root)
    done = lobass("set-domain", "a", *root, "--domain-rule", "topic=t1:odd", "--json")
    assert (done.json["n_changed"], done.json["domains"]) == (1, {"odd": 1, "x": 2})
    assert "domain: odd where topic is t1 (1 row)" in lobass("status", *root).out
    assert "no domain given" in lobass("set-domain", "a", *root).err
    undone = lobass("set-domain", "a", *root, "--undo")
    assert "Undid the change of a: odd where topic is t1" in undone.out
    assert lobass("status", *root, "--json").json["datasets"][0]["domains"] == ["x"]


def test_a_parquet_source_of_before_replays_from_its_own_file(lobass, project: Project, tmp_path: Path):
    root = ("--project", project.root)
    for name, numbers in (("old", (0, 1, 2)), ("new", (2, 3))):
        # No reader of the records could tell that the numbers are short ones.
        table = pa.Table.from_pylist(rows(*numbers)).append_column("level", pa.array(numbers, pa.int16()))
        pq.write_table(table, tmp_path / f"{name}.parquet")
    import_and_score(project, (tmp_path / "old.parquet", "x"))
    select_all(project)
    to = ("--to", tmp_path / "out", "--format", "source", "--no-check")
    assert lobass("export", *root, "--selection", "all", *to).exit_code == 0
    assert lobass("import", *root, "--update", "old", tmp_path / "new.parquet", "--yes").exit_code == 0
    replayed = lobass("export", *root, "--replay", tmp_path / "out/manifest.json", "--to", tmp_path / "again")
    assert replayed.exit_code == 0, replayed.err
