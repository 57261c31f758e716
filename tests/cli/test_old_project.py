"""An older project on the command line: it is updated and says so; one of a newer program is refused in a sentence."""

from pathlib import Path

import duckdb
import pytest

from lobass_core.project import Project
from lobass_core.store.connection import release
from lobass_core.store.reread import SCORE_AGAIN
from lobass_core.store.scorings import list_scorings
from tests.store.old_projects import unpack


@pytest.fixture
def old(tmp_path: Path):
    project, _ = unpack("project-v1", tmp_path)
    yield project
    release(project.store_path)


def test_the_first_command_updates_the_store_and_says_where_the_copy_is(lobass, old: Project):
    first = lobass("status", "--project", old.root)
    copy = old.root / "store-v1.duckdb"
    assert first.exit_code == 0
    assert f"A copy of it is kept: {copy}" in first.err
    assert "rows are read differently now (" in first.err
    assert "Updated from store version 1 to " in first.out and str(copy) in first.out
    release(old.store_path)
    second = lobass("status", "--project", old.root, "--json")
    assert second.err == ""
    assert second.json["upgrade"]["copy"] == str(copy)
    copy.unlink()
    assert lobass("status", "--project", old.root, "--json").json["upgrade"] is None


@pytest.mark.parametrize("command", [("status",), ("browse",), ("runs",), ("select", "--ratio", "0.1"), ("doctor",)])
def test_a_project_of_a_newer_program_is_refused_in_a_sentence(lobass, old: Project, command: tuple[str, ...]):
    with duckdb.connect(str(old.store_path)) as newer:
        newer.execute("UPDATE meta SET value = '99' WHERE name = 'schema_version'")
    ran = lobass(*command, "--project", old.root)
    said = ran.err + ran.out
    if command != ("runs",):  # reads run folders only
        assert "a newer version of LoBaSS made this store: it has version 99" in said
        assert ran.exit_code == 1
    assert "Traceback" not in said and "internal error" not in said


def test_the_advice_to_score_again_goes_once_that_is_done(lobass, old: Project):
    assert SCORE_AGAIN in lobass("status", "--project", old.root).out
    with old.store() as store, store.transaction() as cursor:
        for scoring in list_scorings(cursor):
            fps = cursor.execute(
                "SELECT model_fp FROM reference_models WHERE reference_fp = ?", [scoring.reference.models_fp]
            ).fetchall()
            for model_fp in {scoring.base.models_fp, scoring.reference.models_fp, *(fp for (fp,) in fps)}:
                cursor.execute(
                    "INSERT INTO losses BY NAME SELECT DISTINCT sample_key, $model AS model_fp, $render AS render_fp,"
                    " 1.0 AS loss_sum_nats, 2 AS n_tokens, 1 AS n_prompt_tokens, 0 AS n_dropped_tokens, 'ok' AS status,"
                    " 'r-0009' AS run_id, 'more' AS shard FROM earlier_samples",
                    {"model": model_fp, "render": scoring.render_fp},
                )
    said = lobass("status", "--project", old.root).out
    assert "rows are read differently now (" in said
    assert SCORE_AGAIN not in said
