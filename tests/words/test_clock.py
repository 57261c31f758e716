"""Times on a clock that may be set back."""

import os
import time
from pathlib import Path

import pytest

from lobass_core.store import turns
from lobass_core.words.clock import age_of, seconds_between


@pytest.mark.parametrize("seconds", [90, -90])
def test_a_file_from_the_future_is_as_old_as_it_is_far(tmp_path: Path, seconds: int):
    path = tmp_path / "file"
    path.touch()
    assert 0 <= age_of(path) < 5
    os.utime(path, (time.time() - seconds, time.time() - seconds))
    assert age_of(path) == pytest.approx(90, abs=5)


def test_seconds_that_would_be_negative_are_unknown():
    before, after = "2026-01-01T00:00:00+00:00", "2026-01-01T01:00:01+01:00"
    assert seconds_between(before, after) == 1.0
    assert seconds_between(before, before) == 0.0
    assert seconds_between(after, before) is seconds_between(None, after) is seconds_between(before, "") is None


def test_nobody_makes_way_for_a_mark_from_the_future(tmp_path: Path):
    """A command that was killed while it waited, before the clock was set back."""
    store = tmp_path / "store.duckdb"
    turns.ask_for(store)
    assert turns.is_asked_for(store)
    (mark,) = tmp_path.iterdir()
    os.utime(mark, (time.time() + 3600, time.time() + 3600))
    assert not turns.is_asked_for(store)
