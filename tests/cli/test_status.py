"""`lobass status`: what it says of pairs."""

from lobass_core.project import Project
from lobass_core.store.connection import release
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
