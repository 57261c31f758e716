"""What is shown of a run."""

from lobass_core.jobs.run_folder import RunFolder
from lobass_core.project import Project
from lobass_core.workflows.run_views import log_tail, run_view
from tests.run_specs import A_SCORING, empty_input


def test_the_end_of_a_log_is_read_as_a_terminal_shows_it(project: Project):
    run = RunFolder.create(project.runs_dir, "score", A_SCORING, empty_input)
    run.log_path.write_bytes(b"one\r\n\nbar:   0%\rbar: 100%\ntwo\nbar:  50%\r")
    view = run_view(project, run.run_id)
    assert log_tail(view) == ["one", "bar: 100%", "two", "bar:  50%"]
    assert log_tail(view, 2) == ["two", "bar:  50%"]
