"""Who decides: LOBASS_AUTHOR, else the login name."""

import pytest

from lobass_core.errors import RequestError
from lobass_core.workflows.author import author_name


def test_the_variable_counts_before_the_login_name(monkeypatch):
    monkeypatch.setenv("LOGNAME", "ben")
    monkeypatch.setenv("LOBASS_AUTHOR", "  Anna Kästner ")
    assert author_name() == "Anna Kästner"
    monkeypatch.setenv("LOBASS_AUTHOR", " ")
    assert author_name() == "ben"


def test_a_user_without_a_name_is_nobody(monkeypatch):
    def no_user():
        raise KeyError("getpwuid(): uid not found: 4711")

    monkeypatch.delenv("LOBASS_AUTHOR", raising=False)
    monkeypatch.setattr("getpass.getuser", no_user)
    assert author_name() == ""


@pytest.mark.parametrize("name", ["a" * 101, "an\x1bna", "anna\nben"], ids=["long", "escape", "two-lines"])
def test_a_name_that_cannot_be_one_is_refused(monkeypatch, name):
    monkeypatch.setenv("LOBASS_AUTHOR", name)
    with pytest.raises(RequestError, match="the author's name"):
        author_name()
