"""`lobass doctor` on a project: what it finds, and `--repair`."""

from lobass_core.project import Project
from lobass_core.store.connection import release
from tests.scored_files import import_and_score, write_jsonl


def test_doctor_reports_and_repair_mends(lobass, tmp_path):
    project = Project.create(tmp_path / "p")
    import_and_score(project, (write_jsonl(tmp_path / "a.jsonl", [{"instruction": "Ask", "output": "Answer"}]), "chat"))
    with project.store() as store, store.transaction() as cursor:
        cursor.execute("DELETE FROM losses")
    release(project.store_path)
    for _ in range(2):  # without --repair nothing changes
        ran = lobass("doctor", "--project", project.root, "--json")
        assert ran.exit_code == 1
        (losses,) = [check for check in ran.json if check["name"] == "losses"]
        assert losses["detail"] == "2 are only in shards"
        assert losses["repair"] == "copies the store, then reads the loss tables from the shards"
    ran = lobass("doctor", "--project", project.root, "--repair")
    assert ran.exit_code == 0
    assert ran.out.startswith("Read 2 losses from the shards; the old store is kept as")
    release(project.store_path)


def test_repair_asks_for_a_project(lobass):
    ran = lobass("doctor", "--repair")
    assert ran.exit_code == 2
    assert ran.err.startswith("error: --repair needs a project")
