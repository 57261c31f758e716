"""The token of a project: kept for its owner alone, made anew where others could know it."""

import os
import re
import time
from pathlib import Path

import pytest

from pages.serving.kept_token import UNUSED_SECONDS, token_of


@pytest.fixture
def cache(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.setenv("LOBASS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "dashboards"


def test_each_project_has_one_token_that_only_its_owner_reads(cache: Path, tmp_path: Path):
    first = token_of(tmp_path / "a")
    assert re.fullmatch(r"[\w-]{43}", first)
    assert token_of(tmp_path / "a") == first != token_of(tmp_path / "b")
    assert not list(tmp_path.glob("a/*"))
    assert cache.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in cache.iterdir()} == {0o600}
    assert len(list(cache.iterdir())) == 2


def test_a_new_token_replaces_the_old_one(cache: Path, tmp_path: Path):
    old = token_of(tmp_path)
    new = token_of(tmp_path, new=True)
    assert new != old
    assert token_of(tmp_path) == new


@pytest.mark.parametrize("spoil", ["readable", "link", "empty", "folder", "pipe"])
def test_a_token_that_others_could_have_read_or_put_there_is_not_used(cache: Path, tmp_path: Path, spoil: str):
    old = token_of(tmp_path)
    (path,) = cache.iterdir()
    if spoil == "readable":
        path.chmod(0o640)
    elif spoil == "empty":
        path.write_text("")
    else:
        moved = path.rename(tmp_path / "moved")
        {"link": lambda: path.symlink_to(moved), "folder": path.mkdir, "pipe": lambda: os.mkfifo(path, 0o600)}[spoil]()
    assert token_of(tmp_path) != old
    if spoil != "folder":
        assert path.is_file() and not path.is_symlink() and path.stat().st_mode & 0o777 == 0o600


def test_a_token_that_cannot_be_kept_opens_this_one_dashboard(cache: Path, tmp_path: Path):
    cache.parent.mkdir()
    cache.write_text("in the way")
    assert len(token_of(tmp_path)) == 43
    assert token_of(tmp_path) != token_of(tmp_path)


def test_tokens_of_projects_that_are_not_opened_any_more_go(cache: Path, tmp_path: Path):
    token_of(tmp_path / "old")
    (old,) = cache.iterdir()
    used = token_of(tmp_path / "used")
    long_ago = time.time() - UNUSED_SECONDS - 60
    for path in cache.iterdir():
        os.utime(path, (long_ago, long_ago))
    assert token_of(tmp_path / "used") == used
    token_of(tmp_path / "new")
    assert not old.exists()
    assert len(list(cache.iterdir())) == 2
