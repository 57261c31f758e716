"""`lobass status`: what it says of pairs and exports."""

import json

from lobass_core.project import Project
from lobass_core.specs import ImportSpec
from lobass_core.store.connection import release
from lobass_core.store.exports import log_export
from lobass_core.workflows.import_data import import_file
from tests.filled_project import Row, fill
from tests.scored_files import score, write_jsonl


def test_status_says_which_side_of_a_pair_is_scored(lobass, tmp_path):
    said = "For 2 preference pairs, only the chosen answer is scored, not the rejected one."
    for name, rows in (
        ("pairs", [Row("Which?", "This", rejected="That"), Row("Who?", "He", rejected="She"), Row("2+2?", "4")]),
        ("chats", [Row("2+2?", "4")]),
    ):
        project = Project.create(tmp_path / name)
        fill(project, rows)
        release(project.store_path)
        ran = lobass("status", "--project", tmp_path / name)
        assert ran.exit_code == 0
        assert (said in ran.err) == (name == "pairs")


def test_status_names_a_folder_of_exports_once_with_what_is_in_it(lobass, tmp_path):
    project = Project.create(tmp_path / "p")
    with project.store() as store:
        for name, folder in (("first", "/out/a"), ("other", "/out/b"), ("second", "/out/a")):
            with store.transaction() as cursor:
                log_export(
                    cursor,
                    selection_name=name,
                    format="trl",
                    folder=folder,
                    n_rows=2,
                    manifest={},
                    manifest_sha256="ab",
                )
    release(project.store_path)
    lines = [line.split() for line in lobass("status", "--project", project.root).out.splitlines()]
    assert lines[-2:] == [["second", "trl", "2", "/out/a"], ["other", "trl", "2", "/out/b"]]
    assert len(lobass("status", "--project", project.root, "--json").json["exports"]) == 3


def test_status_and_scores_of_some_datasets(lobass, tmp_path):
    project = Project.create(tmp_path / "p")
    for name, n in (("sums", 3), ("chats", 2)):
        path = write_jsonl(
            tmp_path / f"{name}.jsonl", [{"instruction": f"{name} {k}", "output": "x"} for k in range(n)]
        )
        import_file(project, ImportSpec(path=str(path), domain=name))
    wanted = ("--project", project.root, "--datasets", "chats")
    found = lobass("status", *wanted, "--json").json["next_step"]
    assert (found["label"], found["command"].split("MODEL ")[-1]) == ("Score 2 rows", "--datasets chats")
    score(project)
    release(project.store_path)
    found = lobass("status", *wanted, "--json").json
    assert (found["n_rows"], found["n_scored"], [one["name"] for one in found["datasets"]]) == (2, 2, ["chats"])
    assert lobass("scores", *wanted, "--to", tmp_path / "scores.jsonl", "--json").json["n_rows"] == 2
    rows = [json.loads(line) for line in (tmp_path / "scores.jsonl").read_text().splitlines()]
    assert [(row["dataset"], row["row_index"]) for row in rows] == [("chats", 0), ("chats", 1)]
    for command in (["status"], ["scores", "--to", tmp_path / "none.csv"]):
        refused = lobass(*command, "--project", project.root, "--datasets", "gone")
        assert refused.exit_code == 2
        assert "there is no dataset named 'gone'" in refused.err
    assert not (tmp_path / "none.csv").exists()
    assert "run r-0099 has no scores" in lobass("status", "--project", project.root, "--run", "r-0099").err
