"""What the server reads while the browser loads: kept for the pages, and never in anybody's way."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from lobass_core.project import Project
from lobass_core.specs import SelectionSpec
from lobass_core.store.connection import release
from lobass_core.workflows import cut, explore, row_table
from pages.components.warm_up import Drawing, warm_up
from pages.serving import early_reading
from tests.pages.conftest import REPOSITORY
from tests.pages.projects import scored_project
from tests.pages.test_shell import HOLD


def test_pages_find_what_was_read(scored: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOBASS_PROJECT", str(scored.root))
    warm_up()

    def read_again(*_: object) -> None:
        raise AssertionError("the rows were read a second time")

    monkeypatch.setattr(row_table, "score_rows", read_again)
    monkeypatch.setattr(explore.views, "summaries", read_again)
    assert explore.total(explore.scored(scored)).n_scored == 420
    assert cut.open_cut(scored, SelectionSpec(value=0.5)).answer.n_kept == 210


def test_pandas_is_whole_before_another_thread_may_import_it() -> None:
    script = (
        "import sys, threading; from pages.serving import early_reading; "
        "threading.Thread.start = lambda self: print(hasattr(sys.modules.get('pandas'), 'Series')); "
        "early_reading.begin()"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=REPOSITORY, check=True)
    assert found.stdout == "True\n"


def test_reading_begins_before_streamlit_is_imported() -> None:
    script = (
        "import sys; from pages.components import warm_up; from pages.serving import early_reading, stopping; "
        "print([name for name in sys.modules if name.split('.')[0] == 'streamlit'])"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=REPOSITORY, check=True)
    assert found.stdout == "[]\n"


def test_reading_begins_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(early_reading, "_begun", threading.Event())
    read, done = [], threading.Event()
    monkeypatch.setattr(early_reading, "_read", lambda: (read.append(1), done.set()))
    early_reading.begin()
    early_reading.begin()
    assert done.wait(5)
    assert read == [1]


def test_nothing_is_begun_beside_a_page_that_is_being_drawn() -> None:
    drawing, begun = Drawing(), threading.Event()
    with drawing.page():
        with drawing.page():
            waiting = threading.Thread(target=lambda: (drawing.make_way(30), begun.set()))
            waiting.start()
            assert not begun.wait(0.05)
        assert not begun.wait(0.05)
    assert begun.wait(5)
    waiting.join()


def test_a_page_that_waits_for_what_is_read_does_not_wait_for_ever() -> None:
    drawing = Drawing()
    started = time.monotonic()
    with drawing.page():
        drawing.make_way(0.05)
    assert time.monotonic() - started < 2


def test_a_page_that_fails_is_drawn_no_more() -> None:
    drawing = Drawing()
    with pytest.raises(ZeroDivisionError), drawing.page():
        raise ZeroDivisionError
    drawing.make_way(30)


def test_a_store_in_use_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = scored_project(tmp_path / "project", {"math": 20})
    release(project.store_path)
    monkeypatch.setenv("LOBASS_PROJECT", str(project.root))
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(project.store_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        started = time.monotonic()
        warm_up()
        # A page that waits for the store waits ten seconds.
        assert time.monotonic() - started < 5
    finally:
        holder.kill()
        holder.wait()


def test_without_a_project_there_is_nothing_to_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOBASS_PROJECT", str(tmp_path / "nothing"))
    warm_up()
    assert not (tmp_path / "nothing").exists()
