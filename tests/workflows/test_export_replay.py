"""An export is written again from its manifest, to the byte, or refused in a sentence."""

import hashlib
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lobass_core.errors import ExportError
from lobass_core.exporting.manifest import manifest_text
from lobass_core.project import Project
from lobass_core.specs import ExportSpec, ImportSpec
from lobass_core.store.decisions import DecisionAct, append_decisions
from lobass_core.workflows import select as selecting
from lobass_core.workflows.export import export, replay
from lobass_core.workflows.import_data import import_file
from tests.exported_project import (
    FORMATS,
    MATH,
    contents_of,
)
from tests.scored_files import import_and_score, select_best, write_jsonl

pytestmark = pytest.mark.usefixtures("no_checks")


@pytest.mark.parametrize("format", FORMATS)
def test_replay_gives_the_same_bytes_after_everything_changed(filled, tmp_path, format):
    spec = ExportSpec(selection="best", to=str(tmp_path / "one"), format=format, with_dropped=True)
    first = export(filled, spec)
    ids = json.loads((tmp_path / "one" / "manifest.json").read_text())["picks"]["sample_id"]
    with filled.store() as store, store.transaction() as cursor:
        keys = cursor.execute("SELECT sample_key FROM samples WHERE sample_id = ?", [ids[0]]).fetchall()
        append_decisions(cursor, [DecisionAct("d1", keys[0][0], "drop", "boring")])
    selecting.delete(filled, "best")
    import_file(filled, ImportSpec(path=str(write_jsonl(tmp_path / "more.jsonl", MATH[:2])), domain="more"))
    again = replay(filled, tmp_path / "one" / "manifest.json", tmp_path / "two")
    assert contents_of(tmp_path / "one") == contents_of(tmp_path / "two")
    assert again.manifest_sha256 == first.manifest_sha256


def test_replay_in_another_project_that_holds_the_files_under_other_names(filled, tmp_path):
    export(filled, ExportSpec(selection="best", to=str(tmp_path / "one"), format="huggingface"))
    other = Project.create(tmp_path / "other")
    import_file(other, ImportSpec(path=str(tmp_path / "math.jsonl"), domain="numbers", name="renamed"))
    with pytest.raises(ExportError, match=r"does not contain chat\.jsonl .*4 rows"):
        replay(other, tmp_path / "one" / "manifest.json", tmp_path / "two")
    assert not (tmp_path / "two").exists()
    import_file(other, ImportSpec(path=str(tmp_path / "chat.jsonl"), domain="talk"))
    replay(other, tmp_path / "one" / "manifest.json", tmp_path / "two")
    assert contents_of(tmp_path / "one") == contents_of(tmp_path / "two")


def test_a_replay_that_comes_out_different_is_refused(filled, tmp_path):
    export(filled, ExportSpec(selection="best", to=str(tmp_path / "one")))
    manifest = json.loads((tmp_path / "one" / "manifest.json").read_text())
    manifest["files"][0]["sha256"] = "0" * 64
    (tmp_path / "altered.json").write_text(json.dumps(manifest))
    with pytest.raises(ExportError, match=r"same bytes: train\.jsonl"):
        replay(filled, tmp_path / "altered.json", tmp_path / "two")
    assert not (tmp_path / "two").exists()


def test_a_replay_may_explain_itself_in_other_words(filled, tmp_path):
    """README and scripts of an export change between versions; the rows and what a trainer is told do not."""
    export(filled, ExportSpec(selection="best", to=str(tmp_path / "one"), format="trl"))
    manifest = json.loads((tmp_path / "one" / "manifest.json").read_text())
    for entry in manifest["files"]:
        if entry["name"] in ("README.md", "train.py"):
            entry["sha256"] = "0" * 64
    (tmp_path / "earlier.json").write_text(json.dumps(manifest))
    again = replay(filled, tmp_path / "earlier.json", tmp_path / "two")
    assert again.notes[-1:] == ("not the same text as in the earlier export: README.md, train.py",)
    assert contents_of(tmp_path / "two") == contents_of(tmp_path / "one")


def test_a_manifest_of_another_layout_is_refused_by_name(filled, tmp_path):
    """Its bytes could not come out: an older one was written with other columns."""
    export(filled, ExportSpec(selection="best", to=str(tmp_path / "one"), format="trl"))
    manifest = json.loads((tmp_path / "one" / "manifest.json").read_text())
    written = manifest["export"].pop("layout")
    assert written > 1
    path = tmp_path / "m.json"
    path.write_text(json.dumps(manifest))
    with pytest.raises(ExportError, match=f"layout 1 of trl; this program writes layout {written}"):
        replay(filled, path, tmp_path / "two")
    assert not (tmp_path / "two").exists()


def test_manifests_from_before_the_bytes_give_their_bytes_or_are_refused(filled, tmp_path):
    for format in ("messages", "parquet"):
        export(filled, ExportSpec(selection="best", to=str(tmp_path / format), format=format, check=False))
        manifest = json.loads((tmp_path / format / "manifest.json").read_text())
        del manifest["picks"]["n_response_bytes"]
        manifest["export"]["layout"] = 2
        (tmp_path / f"{format}.json").write_bytes(manifest_text(manifest))
    replay(filled, tmp_path / "messages.json", tmp_path / "again")
    before, again = contents_of(tmp_path / "messages"), contents_of(tmp_path / "again")
    assert again.pop("manifest.json") == (tmp_path / "messages.json").read_bytes()
    assert again.items() <= before.items()
    with pytest.raises(ExportError, match="layout 2 of parquet; this program writes layout 3"):
        replay(filled, tmp_path / "parquet.json", tmp_path / "refused")


def test_damaged_and_newer_manifests(filled, tmp_path):
    export(filled, ExportSpec(selection="best", to=str(tmp_path / "one")))
    manifest = json.loads((tmp_path / "one" / "manifest.json").read_text())
    path = tmp_path / "m.json"
    path.write_text(json.dumps(manifest | {"lobass_manifest": 99}))
    with pytest.raises(ExportError, match="version 99"):
        replay(filled, path, tmp_path / "two")
    path.write_text(json.dumps({key: value for key, value in manifest.items() if key != "picks"}))
    with pytest.raises(ExportError, match="damaged"):
        replay(filled, path, tmp_path / "two")


def test_a_dataset_of_several_files_is_written_file_by_file_and_replayed_from_elsewhere(project, tmp_path):
    for number in (1, 2, 3):
        columns = {
            "prompt": [f"file {number}, row {row}" for row in range(number)],
            "response": ["r"] * number,
            "tiny": pa.array([number] * number, pa.int8()),
        }
        table = pa.table(columns)
        (tmp_path / "set").mkdir(exist_ok=True)
        pq.write_table(table, tmp_path / f"set/part-{number}.parquet")
    import_and_score(project, (tmp_path / "set", "d"))
    select_best(project, 4)  # the last row of the second file, and the third file
    out = tmp_path / "out"
    export(project, ExportSpec(selection="best", to=str(out), format="source"))
    manifest = json.loads((out / "manifest.json").read_text())
    assert [(one["dataset"], one["file_name"], one["n_rows"], one["first_row"]) for one in manifest["sources"]] == [
        ("set", "part-1.parquet", 1, 0),
        ("set", "part-2.parquet", 2, 1),
        ("set", "part-3.parquet", 3, 3),
    ]
    digests = [hashlib.sha256((tmp_path / f"set/part-{n}.parquet").read_bytes()).hexdigest() for n in (1, 2, 3)]
    assert [one["sha256"] for one in manifest["sources"]] == digests
    assert manifest["picks"]["source"] == [1, 2, 2, 2]
    second, third = pq.read_table(out / "part-2.parquet"), pq.read_table(out / "part-3.parquet")
    assert second["prompt"].to_pylist() == ["file 2, row 1"]
    assert third.equals(pq.read_table(tmp_path / "set/part-3.parquet"))
    other = Project.create(tmp_path / "other")
    for number in (3, 2, 1):
        import_file(other, ImportSpec(str(tmp_path / f"set/part-{number}.parquet"), domain="d"))
    replay(other, out / "manifest.json", tmp_path / "again")
    assert contents_of(tmp_path / "again") == contents_of(out)
