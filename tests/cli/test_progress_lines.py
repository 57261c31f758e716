"""Progress in a log: one line a phase, with words for what is counted."""

from lobass_core.cli.follow import followed
from lobass_core.cli.output import progress_bar
from lobass_core.jobs.progress import Progress


def test_a_line_names_only_what_is_known(capsys):
    with progress_bar() as show:
        show("Starting", 0, 0)
        show("Importing", 0, 0, "3 files")
        show("Rendering", 3, 350)
        show("Reading", 7, 0)
    assert capsys.readouterr().err.splitlines() == [
        "Starting",
        "Importing: 3 files",
        "Rendering: 3 of 350",
        "Reading: 7",
    ]


def test_memory_is_called_memory(capsys):
    with followed() as on_progress:
        on_progress(Progress(state="running", phase="training", n_total=343, peak_bytes=2**30, message="step 1 of 11"))
    assert capsys.readouterr().err == "Training: 0 of 343, 1.0 GiB of memory, step 1 of 11\n"
