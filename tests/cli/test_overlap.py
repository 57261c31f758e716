"""`lobass overlap` in a pipeline: its exit code, and what becomes of the samples that it finds."""

import json

from lobass_core.store.connection import release

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
