"""`lobass diagnose`: a table a domain, a sentence each, and what a selection keeps by length."""

from lobass_core.project import Project
from lobass_core.store.connection import release
from tests.scored_files import import_and_score, select_all, write_jsonl


def test_the_findings_for_people_and_for_scripts(lobass, selected):
    ran = lobass("diagnose", "--project", selected.root, "--selection", "all", "--json")
    assert ran.exit_code == 0
    (chat,) = ran.json["lengths"]
    # Every response has ten tokens: there is nothing to correlate.
    assert chat["domain"] == "chat" and chat["n_rows"] == 6 and chat["score_response"] is None
    assert ran.json["kept"] == [1.0] * 6 and ran.json["sentences"][0].startswith("chat: too few")
    shown = lobass("diagnose", "--project", selected.root)
    assert "Published for gemma-2b" in shown.out and "passes over the pool" in shown.out
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
    assert "kept by all" in shown and "duplicate" in shown
    release(project.store_path)
