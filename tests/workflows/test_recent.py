"""The small cache: bounded, thread-safe, made once."""

import threading
import time

import pytest

from lobass_core.workflows.recent import Recent


def test_the_least_recently_used_goes_first():
    recent = Recent(2)
    made = []
    for key in ("a", "b", "a", "c", "a", "b"):
        recent.get(key, lambda key=key: made.append(key))
    assert made == ["a", "b", "c", "b"]


def test_threads_that_ask_for_one_key_make_it_once():
    recent = Recent(2)
    made = []

    def make():
        time.sleep(0.05)
        made.append(1)
        return len(made)

    threads = [threading.Thread(target=lambda: recent.get("key", make)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [1]


def test_a_failure_is_not_kept():
    recent = Recent(1)
    with pytest.raises(ValueError, match="no"):
        recent.get("key", lambda: (_ for _ in ()).throw(ValueError("no")))
    assert recent.get("key", lambda: 3) == 3


def test_forgetting():
    recent = Recent(3)
    recent.get(("x", 1), lambda: "old")
    recent.forget(lambda key: key[1] == 1)
    assert recent.get(("x", 1), lambda: "new") == "new"
