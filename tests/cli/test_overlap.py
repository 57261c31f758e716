"""`lobass overlap` in a pipeline: its exit code, and what becomes of the samples that it finds."""

import hashlib
import json

from lobass_core.store.connection import release
from tests.read_only import read_only

LONG = "Tell me in which year the old bridge over the river was built, and by whom it was paid, please."


def test_the_exit_code_tells_and_the_samples_can_be_tagged_and_dropped(lobass, tmp_path):
    project, pool, tests = tmp_path / "p", tmp_path / "pool.json", tmp_path / "tests.json"
    rows = [{"instruction": LONG, "output": "In 1807."}, {"instruction": "Sing.", "output": "La la la."}]
    pool.write_text(json.dumps(rows), encoding="utf-8")
    tests.write_text(json.dumps([{"instruction": LONG.upper(), "output": "1807"}]), encoding="utf-8")
    other = tmp_path / "other.json"
    other.write_text(json.dumps([{"instruction": "Name a colour of the sky.", "output": "Blue."}]), encoding="utf-8")
    assert lobass("init", project).exit_code == 0
    assert lobass("import", pool, "--project", project, "--domain", "chat").exit_code == 0

    ran = lobass("overlap", other, "--project", project)
    assert ran.exit_code == 0
    ran = lobass("overlap", tests, other, "--project", project, "--tag", "benchmark", "--drop", "--json")
    assert ran.exit_code == 3 and ran.json["n_exact"] == 1 and ran.json["n_samples"] == 2
    (row,) = ran.json["rows"]
    assert row["words"].startswith("tell me in which year") and row["file"] == str(tests)
    found = lobass("browse", "--project", project, "--tag", "benchmark", "--json").json
    assert json.dumps(found).count(row["sample_id"]) == 1 and '"drop"' in json.dumps(found)
    assert "13 words" in lobass("overlap", tests, "--project", project).out
    release((project / "store.duckdb").resolve())


def test_what_is_found_is_recorded_for_the_gate_and_for_browse(lobass, selected, tmp_path):
    at = ("--project", selected.root)
    refused = lobass("select", *at, "--ratio", "1", "--exclude-overlap")
    assert refused.exit_code == 2 and "lobass overlap FILE" in refused.err
    tests = tmp_path / "tests.json"
    rows = [{"instruction": "Ask 3", "output": "Answer 3"}, {"instruction": LONG, "output": "1807"}]
    tests.write_text(json.dumps(rows), encoding="utf-8")
    ran = lobass("overlap", tests, *at)
    assert ran.exit_code == 3 and "--exclude-overlap" in ran.out

    chosen = lobass("select", *at, "--ratio", "1", "--exclude-overlap", "--name", "clean", "--json").json
    assert (chosen["n_kept"], chosen["left_out"]) == (5, {"in an evaluation file": 1})
    assert chosen["spec"]["gates"]["exclude_overlap"]
    assert lobass("select", *at, "--ratio", "1", "--json").json["n_kept"] == 6
    (row,) = lobass("browse", *at, "--flag", "in_evaluation", "--json").json["rows"]
    assert row["flags"] == ["in_evaluation"] and row["row_index"] == 3

    to = tmp_path / "export"
    done = lobass("export", *at, "--selection", "clean", "--to", to, "--format", "parquet", "--no-check")
    assert done.exit_code == 0, done
    manifest = json.loads((to / "manifest.json").read_text())
    assert manifest["counts"]["left_out"] == {"in an evaluation file": 1}
    digest = hashlib.sha256(tests.read_bytes()).hexdigest()
    assert manifest["evaluation_overlap"] == {
        "files": [{"name": "tests.json", "sha256": digest, "n_rows": 2}],
        "near_duplicates": True,
        "n_selected": 0,
        "n_not_compared": 0,
    }
    # The next comparison takes the place of this one.
    tests.write_text(json.dumps(rows[1:]), encoding="utf-8")
    assert lobass("overlap", tests, *at).exit_code == 0
    assert lobass("select", *at, "--ratio", "1", "--exclude-overlap", "--json").json["n_kept"] == 6


def test_a_project_that_may_not_be_written_is_compared_and_not_recorded(lobass, selected, tmp_path):
    tests = tmp_path / "tests.json"
    tests.write_text(json.dumps([{"instruction": "Ask 3", "output": "Answer 3"}]), encoding="utf-8")
    with read_only(selected.root):
        ran = lobass("overlap", tests, "--project", selected.root)
        release(selected.store_path)
    assert ran.exit_code == 3 and "not recorded" in ran.err
    assert lobass("select", "--project", selected.root, "--ratio", "1", "--exclude-overlap").exit_code == 2
