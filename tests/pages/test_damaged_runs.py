"""Every page stays up in a project some of whose runs have a damaged file."""

from pathlib import Path

import pyarrow as pa
import pytest

from lobass_core.jobs.checksums import checksum_path
from lobass_core.jobs.run_files import write_parquet
from lobass_core.project import Project
from lobass_core.workflows.run_views import run_views
from tests.copied_project import copied
from tests.damaged_runs import a_folder, cut_off, finished_run, in_latin_1
from tests.pages.conftest import OpenPage, view_text
from tests.pages.projects import finished_scores
from tests.read_only import closed

PAGES = [
    "overview",
    "import_data",
    "score",
    "learnability",
    "select",
    "browse",
    "trust",
    "compare",
    "validate",
    "export",
]
TABLES = ("input.parquet", "known.parquet", "folds.parquet", "trained_on.parquet", "tokens/00000.parquet")


def damage_tables(project: Project) -> None:
    """One run each: not yet ingested, with one file that is not what was written."""
    for name in TABLES:
        run = finished_scores(project, reference_fp="4ef0000000000002")
        write_parquet(run.path / name, pa.table({"sample_id": ["0" * 64], "fold": [0], "render_fp": ["r"]}))
        cut_off(run.path / name)
    bit = finished_scores(project, reference_fp="4ef0000000000003").shards_dir / "base-00000.parquet"
    checksum_path(bit).unlink()  # of an earlier program
    bit.write_bytes(bit.read_bytes().replace(b"render_fp", b"\xf2ender_fp"))
    shard = finished_scores(project, reference_fp="4ef0000000000004").shards_dir / "base-00000.parquet"
    a_folder(shard)
    checksum_path(finished_scores(project).shards_dir / "base-00000.parquet").write_bytes(b"\xff")
    (finished_scores(project).path / "products.json").write_text("{")
    (project.runs_dir / "r-0050").write_text("a file")


@pytest.fixture(scope="module")
def damaged(scored_once: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """To be copied, as a page sets the damaged files aside."""
    project = copied(scored_once, tmp_path_factory.mktemp("damaged"))
    for damage, file in ((cut_off, "spec.json"), (in_latin_1, "progress.json"), (a_folder, "result.json")):
        damage(finished_run(project.runs_dir).path / file)
    damage_tables(project)
    return project


@pytest.mark.parametrize("page", PAGES)
def test_pages_stay_up(damaged: Project, tmp_path: Path, open_page: OpenPage, page: str) -> None:
    app = open_page(copied(damaged, tmp_path).root, page)
    assert not app.exception
    assert not app.error


def test_each_damaged_run_is_a_line_that_says_what_is_wrong(scored: Project, open_page: OpenPage) -> None:
    damage_tables(scored)
    text = view_text(open_page(scored.root, "score"))
    assert text.count("1 loss file was damaged and set aside") == 3  # a name, a folder, a checksum
    assert "spec.json of run r-0050 cannot be read: Not a directory" in text
    states = {view.run_id: view.state for view in run_views(scored)}
    assert [states[run_id] for run_id in ("r-0001", "r-0007", "r-0008", "r-0009", "r-0050")] == [
        "done", "damaged", "damaged", "damaged", "damaged",
    ]  # fmt: skip


@pytest.mark.parametrize("page", PAGES)
def test_pages_stay_up_beside_a_run_that_nobody_may_read(scored: Project, open_page: OpenPage, page: str) -> None:
    run = finished_run(scored.runs_dir)
    with closed(run.path):
        app = open_page(scored.root, page)
        assert not app.exception
        assert not app.error
        if page == "score":
            assert "spec.json of run r-0002 cannot be read: Permission denied" in view_text(app)
