"""A scoring whose reference is the base: only some methods rank its rows; under another name it is a mistake."""

import shutil

import pytest

from lobass_core.errors import RunError, SelectionError
from lobass_core.learnability.measures import BUILT_IN
from lobass_core.project import Project
from lobass_core.specs import Gates, ImportSpec, ModelSpec, RenderSpec, ScoreSpec, SelectionSpec
from lobass_core.store.scorings import find_scoring
from lobass_core.workflows import score as workflow
from lobass_core.workflows.cut import open_cut
from lobass_core.workflows.import_data import import_file
from lobass_core.workflows.select import select
from tests.models import tiny_llama


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory, runs_in_this_process: None) -> Project:
    folder = tmp_path_factory.mktemp("same")
    project = Project.create(folder / "project")
    rows = "".join(f'{{"question": "What is {i} + 1?", "answer": "It is {i + 1}."}}\n' for i in range(20))
    (folder / "sums.jsonl").write_text(rows, encoding="utf-8")
    import_file(project, ImportSpec(path=str(folder / "sums.jsonl"), domain="math"))
    base = str(tiny_llama(folder / "base"))
    spec = ScoreSpec(ModelSpec(base), (ModelSpec(base),), "base again", render=RenderSpec("plain"), device="cpu")
    result = workflow.score(project, spec)
    assert (result.n_samples, result.n_computed) == (20, 20)
    assert any(warning.startswith("Base and reference are the same model") for warning in result.warnings)
    return project


def test_its_scoring_stays(scored: Project):
    with scored.store() as store:
        assert find_scoring(store.cursor()).label == "base → base again"


@pytest.mark.parametrize("method", [name for name, one in BUILT_IN.items() if one.is_difference])
def test_methods_that_need_the_difference_refuse(scored: Project, method: str):
    spec = SelectionSpec(method=method)
    for use in (select, open_cut):
        with pytest.raises(SelectionError, match=f"{method} needs a reference that differs from the base.* 20 scored"):
            use(scored, spec)


@pytest.mark.parametrize("method", ["base-loss", "reference-loss", "length", "random"])
def test_the_others_rank_its_rows(scored: Project, method: str):
    # The random base is worse than chance, which is not what this is about.
    gates = Gates(exclude_worse_than_chance=False)
    assert len(select(scored, SelectionSpec(method=method, value=0.25, gates=gates)).rows) == 5


def test_a_copy_of_the_base_is_taken_for_a_mistake_though_its_losses_are_known(scored: Project):
    base, copy = scored.root.parent / "base", scored.root.parent / "copy"
    shutil.copytree(base, copy)
    spec = ScoreSpec(ModelSpec(str(base)), (ModelSpec(str(copy)),), "copy", render=RenderSpec("plain"), device="cpu")
    with pytest.raises(RunError, match=r"equal the base's for all 20 samples.*The losses are kept") as error:
        workflow.score(scored, spec)
    assert "--resume" not in str(error.value)
