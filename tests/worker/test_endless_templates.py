"""A template that never ends fails the run with one sentence, or ends with it when it is cancelled."""

import signal
import time
from pathlib import Path

import psutil
import pytest

from lobass_core.jobs.run_folder import RunFolder
from lobass_core.rendering import template_process
from lobass_core.specs import ModelSpec, RenderSpec
from tests.worker.runs import samples, score_run, start, work

TEMPLATE = """{%- for message in messages %}{%- if message['content'] == 'Count to 3.' %}
{%- for a in range(99999) %}{%- for b in range(99999) %}{%- endfor %}{%- endfor %}{%- endif %}
{{- message['role'] + ': ' + message['content'] + '\\n' }}{%- endfor %}"""


def looping_run(folder: Path, models: Path, kind: str = "score") -> RunFolder:
    (folder / "looping.jinja").write_text(TEMPLATE)
    render = RenderSpec(str(folder / "looping.jinja"))
    return score_run(
        folder / "run", samples(20), models / "base", ModelSpec(str(models / "ref")), render=render, kind=kind
    )


@pytest.mark.parametrize("kind", ["score", "preflight"])
def test_a_template_without_end_fails_the_run(tmp_path: Path, models: Path, kind: str, monkeypatch) -> None:
    monkeypatch.setattr(template_process, "SECONDS", 1)
    run = looping_run(tmp_path, models, kind)

    assert work(run) == 1

    error = run.read_progress().error
    assert error is not None
    assert error.what == "template looping.jinja did not finish within 1 s"
    assert error.where == f"{tmp_path / 'looping.jinja'}, sample {samples(20)[3].sample_id[:12]}"


@pytest.mark.slow
def test_sigterm_ends_a_run_whose_template_loops_within_two_seconds(tmp_path: Path, models: Path) -> None:
    run = looping_run(tmp_path, models)
    worker = start(run)
    deadline = time.monotonic() + 60
    while not (child := _looping_child(worker.pid)) and worker.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert child is not None, run.log_path.read_text()

    started = time.monotonic()
    worker.send_signal(signal.SIGTERM)

    assert worker.wait(10) == 3
    assert time.monotonic() - started < 2
    assert run.read_progress().state == "cancelled"
    for _ in range(20):
        if not psutil.pid_exists(child):
            return
        time.sleep(0.1)
    pytest.fail("the template's process is still there")


def _looping_child(worker: int) -> int | None:
    """The template's process once it has computed for longer than it takes to start."""
    try:
        for child in psutil.Process(worker).children():
            if "template_child" in " ".join(child.cmdline()) and child.cpu_times().user > 1:
                return child.pid
    except psutil.NoSuchProcess:
        return None
    return None
