"""What a project of an earlier version gave is what it gives now: losses, picks of every method, files of exports."""

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from lobass_core.project import Project
from lobass_core.selection.result import SelectionResult
from lobass_core.specs import ExportSpec, SelectionSpec
from lobass_core.store.connection import release
from lobass_core.store.scored_rows import score_rows
from lobass_core.store.scorings import find_scoring
from lobass_core.workflows import select
from lobass_core.workflows.export import export
from tests.store.old_projects import unpack

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def golden(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Project, dict]]:
    project, facts = unpack("project-golden", tmp_path_factory.mktemp("golden"))
    yield project, facts
    release(project.store_path)


def test_losses_are_the_same_numbers(golden: tuple[Project, dict]) -> None:
    project, facts = golden
    with project.store() as store:
        rows = score_rows(store.cursor(), find_scoring(store.cursor()))
    assert len(facts["losses"]["row_key"]) == 210
    for name, values in facts["losses"].items():
        assert rows[name].to_pylist() == pytest.approx(values, abs=1e-7), name


def test_every_method_keeps_the_same_rows_in_the_same_order(golden: tuple[Project, dict]) -> None:
    project, facts = golden
    assert len(facts["picks"]) == 198
    for then in facts["picks"]:
        result = select.select(project, SelectionSpec.from_dict(then["spec"]))
        assert result.row_key.tolist() == then["row_key"], then["spec"]
        assert json.loads(json.dumps(_as_then(result))) == then["result"], then["spec"]


def _as_then(result: SelectionResult) -> dict:
    """The counts as they were kept then: tokens that nobody had counted were 0, and nothing said so."""
    shares = [asdict(share) for share in result.domains]
    for share in shares:
        del share["n_uncounted"]
    return result.to_dict() | {"tokens_kept": result.tokens_kept, "domains": shares}


def test_exports_write_the_same_data_files(golden: tuple[Project, dict], tmp_path: Path) -> None:
    project, facts = golden
    assert len(facts["exports"]) == 25
    for number, (text, hashes) in enumerate(facts["exports"].items()):
        spec = ExportSpec.from_dict(json.loads(text))
        receipt = export(project, replace(spec, to=str(tmp_path / str(number))))
        assert {file.name: file.sha256 for file in receipt.files if file.rows} == hashes, text
