"""`lobass status`: what it says of pairs and exports."""

from lobass_core.project import Project
from lobass_core.store.connection import release
from lobass_core.store.exports import log_export
from tests.filled_project import Row, fill


def test_status_says_which_side_of_a_pair_is_scored(lobass, tmp_path):
    said = "Of 2 preference pairs the chosen answer is scored. The rejected answer is not scored yet."
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
