"""`lobass clean`: lists, asks, removes."""

import pytest

from lobass_core.store.connection import release
from tests.workflows.test_clean import model, scored  # noqa: F401


@pytest.fixture
def cluttered(scored):  # noqa: F811
    (scored.root / "store-v2.duckdb").write_bytes(b"x" * 2**20)
    model(scored, "old", "2020-01-01T00:00:00+00:00")
    release(scored.store_path)
    return scored


def test_a_dry_run_lists_and_removes_nothing(lobass, cluttered):
    ran = lobass("clean", "--project", cluttered.root, "--dry-run", "--json")
    assert [(item["kind"], item["path"]) for item in ran.json["found"]] == [
        ("model", "models/old"),
        ("copy", "store-v2.duckdb"),
    ]
    assert ran.json["cleaned"] is None
    assert (cluttered.root / "store-v2.duckdb").exists()
    release(cluttered.store_path)


def test_nothing_goes_unasked(lobass, cluttered):
    ran = lobass("clean", "--project", cluttered.root)
    assert (ran.exit_code, ran.out) == (2, "")
    assert "not been confirmed" in ran.err
    release(cluttered.store_path)


def test_yes_keeps_trained_models_unless_they_are_named(lobass, cluttered):
    ran = lobass("clean", "--project", cluttered.root, "--yes")
    assert ran.exit_code == 0
    assert ran.out.splitlines()[-2:] == ["Freed 1.0 MiB", "  removed  1 copy of the store"]
    assert (cluttered.models_dir / "old").exists()
    assert lobass("clean", "--project", cluttered.root, "--yes", "--only", "model").exit_code == 0
    assert not (cluttered.models_dir / "old").exists()
    ran = lobass("clean", "--project", cluttered.root, "--only", "modles")
    assert (ran.exit_code, "unknown kind 'modles'" in ran.err) == (2, True)
    release(cluttered.store_path)
