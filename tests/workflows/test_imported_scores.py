"""Score columns after their import: updates, undo, bundles, repair; names and limits."""

import json
import math
from pathlib import Path

import pytest

from lobass_core.errors import RequestError
from lobass_core.project import Project
from lobass_core.specs import ImportSpec, ScoreFileSpec, SetDomainSpec
from lobass_core.store.connection import release
from lobass_core.store.opening import connect
from lobass_core.workflows import import_scores as workflow
from lobass_core.workflows.bundle import plan_bundle, write_bundle
from lobass_core.workflows.clean import Cleanable, clean
from lobass_core.workflows.import_data import import_file, undo_import
from lobass_core.workflows.import_scores import (
    list_score_columns,
    remove_scores,
)
from lobass_core.workflows.project_check import check_project
from lobass_core.workflows.project_repair import repair
from lobass_core.workflows.set_domain import set_domain
from lobass_core.workflows.unbundle import unbundle
from lobass_core.workflows.update_dataset import compare_dataset, undo_update, update_dataset
from tests.scored_files import write_jsonl
from tests.workflows.score_files import NAN, bring, four_rows, row, same, values


@pytest.fixture
def path(project: Project, tmp_path: Path) -> Path:
    return four_rows(project, tmp_path)


def test_a_removed_column_is_gone(project: Project, path: Path):
    bring(project, path, [{"row": 0, "quality": 1}])
    assert remove_scores(project, "quality").n_rows == 1
    assert list_score_columns(project) == []
    with project.store() as store:
        for table in ("score_values", "score_imports"):
            assert store.cursor().execute(f"SELECT count(*) FROM {table}").fetchall() == [(0,)]
    with pytest.raises(RequestError, match="there is no score column 'quality'"):
        remove_scores(project, "quality")


def test_whatever_is_kept_of_the_rows_is_read_again(project: Project, path: Path):
    def content() -> str:
        with project.store() as store:
            return store.content()

    marks = [content()]
    bring(project, path, [{"row": 0, "quality": 1}])
    marks.append(content())
    bring(project, path, [{"row": 1, "quality": 1}], if_named="add")
    marks.append(content())
    remove_scores(project, "quality")
    assert len({*marks, content()}) == 4


def test_there_are_so_many_columns_and_no_more(project: Project, path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(workflow, "MOST_COLUMNS", 1)
    bring(project, path, [{"quality": 1}])
    with pytest.raises(RequestError, match="1 score columns; the limit is 1"):
        bring(project, path, [{"quality": 1}], name="second")
    bring(project, path, [{"quality": 2}], if_named="replace")


def test_names_that_are_one_in_a_file_are_refused(project: Project, path: Path):
    bring(project, path, [{"quality": 1}], name="my-score")
    with pytest.raises(RequestError, match="'My score' and the score column 'my-score'"):
        bring(project, path, [{"quality": 1}], name="My score")


def test_values_follow_updates_and_undos(project: Project, path: Path):
    bring(project, path, [{"quality": n} for n in range(4)])
    set_domain(project, "a", SetDomainSpec(domain="code"))
    write_jsonl(path, [row(3), row(0), row(1, "another"), row(2)])
    update_dataset(project, compare_dataset(project, "a", {}))
    by_prompt = dict(zip(prompts(project), values(project), strict=True))
    assert {name: by_prompt[f"question {name}"] for name in (0, 2, 3)} == {0: 0.0, 2: 2.0, 3: 3.0}
    assert math.isnan(by_prompt["question 1"])
    bring(project, path, [{"row": 2, "quality": 9}], if_named="add")
    undo_update(project, "a")
    assert values(project) == [0.0, 1.0, 2.0, 3.0]
    # The key of the row that the undo took away goes to the next row, which must not have its value.
    import_file(project, ImportSpec(str(write_jsonl(path.parent / "b.jsonl", [row(9)])), domain="math"))
    assert same(values(project), [0.0, 1.0, 2.0, 3.0, NAN])
    update_dataset(project, compare_dataset(project, "a", {}))
    by_prompt = dict(zip(prompts(project), values(project), strict=True))
    assert by_prompt["question 1"] == 9.0


def prompts(project: Project) -> list[str]:
    with project.store() as store:
        sql = "SELECT prompt_text FROM rows JOIN samples USING (sample_key) ORDER BY row_key"
        return [one for (one,) in store.cursor().execute(sql).fetchall()]


def test_values_are_there_again_when_the_file_is_imported_again(project: Project, path: Path):
    bring(project, path, [{"quality": n} for n in range(4)])
    undo_import(project, "a")
    assert (values(project), list_score_columns(project)[0].n_rows) == ([], 0)
    write_jsonl(path, [row(2), row(0)])
    import_file(project, ImportSpec(str(path), domain="math"))
    assert values(project) == [2.0, 0.0]


def test_a_bundle_and_a_compacted_store_hold_them(project: Project, path: Path, tmp_path: Path):
    bring(project, path, [{"quality": n} for n in range(4)])
    file = write_bundle(project, plan_bundle(project), tmp_path / "p.zip").file
    other = unbundle(file, tmp_path / "other")
    assert values(other) == [0.0, 1.0, 2.0, 3.0]
    release(other.store_path)
    clean(project, [Cleanable("store", project.store_path.name, 0, "")])
    assert values(project) == [0.0, 1.0, 2.0, 3.0]


def test_doctor_gives_a_column_without_a_name_another(project: Project, path: Path):
    bring(project, path, [{"quality": n} for n in range(4)])
    checks = {check.name: check for check in check_project(project)}
    assert (checks["score columns"].verdict, checks["score columns"].detail) == ("good", "1: quality")
    release(project.store_path)
    with connect(project.store_path) as damaged:
        damaged.execute("DELETE FROM score_columns")
    checks = {check.name: check for check in check_project(project)}
    found = checks["score columns"]
    assert (found.verdict, found.detail) == ("bad", "1 score column has values but no name")
    assert "Gave new names to score columns without a name: recovered. Check unit and direction." in repair(project)
    assert values(project, "recovered") == [0.0, 1.0, 2.0, 3.0]


def test_the_settings_of_each_file_are_kept(project: Project, path: Path):
    bring(project, path, [{"quality": 1}])
    with project.store() as store:
        cursor = store.cursor()
        [(file, file_sha256, spec)] = cursor.execute("SELECT file, file_sha256, spec FROM score_imports").fetchall()
    kept = ScoreFileSpec.from_dict(json.loads(spec))
    assert (file, len(file_sha256), kept.key, kept.path) == ("quality.jsonl", 64, "row", "quality.jsonl")
