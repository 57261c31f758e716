"""`lobass diagnose`: a table a domain, a sentence each, and what a selection keeps by length."""

import pytest

from lobass_core.errors import RunError
from lobass_core.jobs.progress import Progress
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.project import Project
from lobass_core.specs import SelectionSpec
from lobass_core.store.connection import release
from lobass_core.workflows import select
from tests.filled_project import Row, fill
from tests.scored_files import import_and_score, select_all, write_jsonl


def test_the_findings_for_people_and_for_scripts(lobass, selected):
    ran = lobass("diagnose", "--project", selected.root, "--selection", "all", "--json")
    assert ran.exit_code == 0
    (chat,) = ran.json["lengths"]
    assert chat["domain"] == "chat" and chat["n_rows"] == 6 and chat["score_response"] is None
    assert ran.json["kept"] == [1.0] * 6 and "fewer than 20 scored rows" in ran.json["sentences"][0]
    topics = {one["topic"] for one in ran.json["findings"]}
    assert {"evaluation files", "training", "self-test", "cost"} <= topics
    shown = lobass("diagnose", "--project", selected.root)
    assert "Published for gemma-2b" in shown.out and "Passes over the pool" in shown.out
    assert f"lobass overlap EVAL_FILE --project {selected.root}" in shown.out
    assert lobass("diagnose", "--project", selected.root, "--selection", "none").exit_code == 2


def test_odd_rows_are_counted_in_and_out_of_the_selection(lobass, tmp_path):
    project = Project.create(tmp_path / "p")
    same = {"instruction": "Ask twice", "output": "Answer twice"}
    rows = [same, same, {"instruction": "Ask once", "output": "Answer once"}]
    import_and_score(project, (write_jsonl(tmp_path / "chats.jsonl", rows), "chat"))
    select_all(project)
    release(project.store_path)
    ran = lobass("diagnose", "--project", project.root, "--selection", "all", "--json")
    assert ran.json["oddities"] == [{"flag": "duplicate", "n_rows": 1, "n_kept": 1}]
    shown = lobass("diagnose", "--project", project.root, "--selection", "all").out
    assert "duplicate: 1 row, 1 of them in all." in shown
    release(project.store_path)


def test_rows_that_could_go_either_way_are_listed_on_request(lobass, tmp_path):
    project = Project.create(tmp_path / "p")
    fill(project, [Row(f"Ask {n}?", "An answer", "chat", 2.0, 1 + n / 100) for n in range(40)])
    select.save(project, "half", SelectionSpec(value=0.5))
    release(project.store_path)
    ran = lobass("diagnose", "--project", project.root, "--selection", "half", "--either-way", "3", "--json")
    # The cut is the 20th best: 1 - 1.19 / 2.
    first = ran.json["rows_either_way"][0]
    assert (first["score"], first["cut"], first["is_kept"]) == (pytest.approx(0.405), pytest.approx(0.405), True)
    assert len(ran.json["rows_either_way"]) == 3 and first["prompt"] == "Ask 19?"
    shown = lobass("diagnose", "--project", project.root, "--selection", "half", "--either-way", "3").out
    n = ran.json["either_way"]["n_rows"]
    assert f"Rows that could go either way: 3 of {n}, nearest to the cut first" in shown
    assert "lobass diagnose --either-way 20 --selection half" in shown
    select.save(project, "all", SelectionSpec(value=1.0))
    release(project.store_path)
    shown = lobass("diagnose", "--project", project.root, "--selection", "all", "--either-way", "3").out
    assert "No row could go either way." in shown
    release(project.store_path)


def test_a_self_test_says_its_cost_first_and_refuses_what_it_cannot_do(lobass, tmp_path, monkeypatch):
    project, begun = Project.create(tmp_path / "p"), []
    rows = [{"instruction": f"Ask {n}", "output": f"Answer {n}"} for n in range(12)]
    import_and_score(project, (write_jsonl(tmp_path / "chats.jsonl", rows), "chat"))
    release(project.store_path)
    monkeypatch.setattr("lobass_core.workflows.planted.launch", lambda run: begun.append(run.run_id))
    monkeypatch.setattr("lobass_core.workflows.planted.follow", lambda *_: (_ for _ in ()).throw(RunError("stopped")))
    ran = lobass("diagnose", "--project", project.root, "--planted-swaps", "6")
    assert ran.exit_code != 0 and begun == ["r-0002"]
    assert ran.err.index("6 rows with swapped responses") < ran.err.index("stopped")
    assert f"lobass diagnose --project {project.root} --resume r-0002" in ran.err
    ran = lobass("cancel", "r-0002", "--project", project.root)
    assert f"lobass diagnose --project {project.root} --resume r-0002" in ran.out
    RunFolder.open(project.runs_dir / "r-0002").write_progress(Progress(state="cancelled"))
    assert lobass("diagnose", "--project", project.root, "--resume", "r-0002").exit_code != 0
    assert begun == ["r-0002", "r-0002"]
    both = lobass("diagnose", "--project", project.root, "--resume", "r-0002", "--planted-swaps", "6")
    assert both.exit_code == 2 and "Use one of them" in both.err
    ran = lobass("diagnose", "--project", project.root, "--planted-swaps", "1")
    assert ran.exit_code == 2 and "Use --planted-swaps 4 to 2,000" in ran.err
    release(project.store_path)
