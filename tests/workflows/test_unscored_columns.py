"""A project that no model has scored is explored, selected from, compared and exported by its score columns."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lobass_core.errors import SelectionError
from lobass_core.project import Project
from lobass_core.specs import ExportSpec, Gates, ImportSpec, SelectionSpec
from lobass_core.store.connection import release
from lobass_core.store.selections import NO_SCORING
from lobass_core.workflows import browse, compare, cut, explore
from lobass_core.workflows import export as exports
from lobass_core.workflows import select as selections
from lobass_core.workflows.browse_filter import BrowseFilter
from lobass_core.workflows.diagnose import diagnose
from lobass_core.workflows.import_data import import_file
from lobass_core.workflows.refine import refine
from lobass_core.workflows.scores import read_scores
from lobass_core.workflows.status import status
from tests.scored_files import import_and_score, score, write_jsonl
from tests.unscored_columns import N_CHAT, add_column, rows_of, unscored_project

QUARTER = SelectionSpec(method="quality", value=0.25)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    project = unscored_project(tmp_path)
    yield project
    release(project.store_path)


def places(project: Project, picked: np.ndarray) -> list[str]:
    """Picked rows as chat:19, in their order."""
    table = explore.unscored(project).table
    return [f"{table.domains[table.domain_code[row]]}:{row - N_CHAT * table.domain_code[row]}" for row in picked]


def test_the_best_of_each_domain_are_kept_by_the_column(project: Project):
    result = selections.select(project, QUARTER)
    assert places(project, result.rows) == [
        *("chat:19", "chat:18", "chat:17", "chat:16"),
        *("math:15", "chat:15", "math:14", "chat:14", "math:13", "math:12"),
    ]
    assert result.score.tolist() == [19, 18, 17, 16, 15.5, 15, 14.5, 14, 13.5, 12.5]
    assert result.dropped() == {"no score": 4, "below the cut": 26}
    assert [(share.domain, share.n_rows, share.n_eligible, share.got) for share in result.domains] == [
        ("chat", 24, 20, 6),
        ("math", 16, 16, 4),
    ]


def test_the_lowest_are_kept_where_lower_is_better(tmp_path: Path):
    project = unscored_project(tmp_path, higher_is_better=False)
    result = selections.select(project, replace(QUARTER, balance="global", budget="threshold", value=1.5))
    assert places(project, result.rows) == ["chat:0", "math:0", "chat:1", "math:1"]
    found = browse.find(project, BrowseFilter())
    assert places(project, found.positions[:3]) == ["chat:0", "math:0", "chat:1"]
    assert found.rows.rank[found.positions[:3]].tolist() == [1, 2, 3]


def test_a_selection_is_saved_compared_and_exported_without_a_model(project: Project, tmp_path: Path):
    selections.save(project, "best", QUARTER)
    selections.save(project, "by chance", SelectionSpec(method="random", value=0.25, seed=7))
    saved, spec = selections.load(project, "best")
    assert (saved.scoring_id, saved.n_kept, spec) == (NO_SCORING, 10, QUARTER)
    assert selections.scoring_of(project, saved) is None
    compared = compare.compare(compare.saved_side(project, "best"), compare.saved_side(project, "by chance"))
    assert [side.n_kept for side in compared.composition] == [10, 10]
    assert compared.composition[0].means == {"quality": 15.5}
    receipt = exports.export(project, ExportSpec("best", str(tmp_path / "out"), format="parquet"))
    assert (receipt.n_written, receipt.notes, receipt.left_out) == (10, (), {"no score": 4, "below the cut": 26})
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["models"] == manifest["render"] == {}
    assert manifest["formula"]["method"] == "quality"
    assert "unit" not in manifest["formula"]
    assert manifest["picks"]["n_response_tokens"] == manifest["picks"]["base_loss"] == [None] * 10
    assert sorted(manifest["picks"]["quality"]) == [12.5, 13.5, 14, 14.5, 15, 15.5, 16, 17, 18, 19]
    exports.replay(project, tmp_path / "out" / "manifest.json", tmp_path / "again")
    for file in receipt.files:
        assert (tmp_path / "again" / file.name).read_bytes() == (tmp_path / "out" / file.name).read_bytes()


def test_what_was_selected_without_losses_stays_so_when_they_come(project: Project, tmp_path: Path):
    selections.save(project, "best", QUARTER)
    exports.export(project, ExportSpec("best", str(tmp_path / "before")))
    score(project)
    exports.export(project, ExportSpec("best", str(tmp_path / "after")))
    before, after = ((tmp_path / name / "manifest.json").read_bytes() for name in ("before", "after"))
    assert before == after
    assert compare.saved_side(project, "best").rows.scoring is None
    assert explore.scored(project).scoring is not None


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (SelectionSpec(), "learnability needs losses, and nothing is scored"),
        (SelectionSpec(method="length"), "length needs token counts, and nothing is scored"),
        (replace(QUARTER, budget="tokens", value=50), "needs their number, and 36 rows are not scored"),
        (replace(QUARTER, gates=Gates(min_learnability=0.1)), "learnability needs losses"),
        (replace(QUARTER, gates=Gates(bands=(("base-loss", 0.5, None),))), "base-loss needs losses"),
        (
            replace(QUARTER, gates=Gates(exclude_truncated=True, min_response_tokens=5)),
            "the gate min-response-tokens, exclude-truncated needs a scoring",
        ),
    ],
)
def test_what_goes_by_losses_says_that_it_needs_them(project: Project, spec: SelectionSpec, said: str):
    with pytest.raises(SelectionError, match=said):
        selections.select(project, spec)


def test_what_has_no_meaning_without_losses_says_so(project: Project):
    selections.save(project, "best", QUARTER)
    with pytest.raises(SelectionError, match="this needs losses, and nothing is scored"):
        diagnose(project)
    with pytest.raises(SelectionError, match="this needs losses"):
        refine(project, "best")
    with pytest.raises(SelectionError, match="base-loss needs losses") as refused:
        explore.plane(explore.scored(project))
    assert refused.value.do == "Run lobass score first, or use a score column: quality."


def test_the_only_column_is_what_counts_and_of_several_one_is_chosen(project: Project, tmp_path: Path):
    assert selections.usual_method(project) == "quality"
    assert explore.distribution(explore.scored(project)).n.tolist() == [20, 16]
    add_column(project, write_jsonl(tmp_path / "a.jsonl", [{"dataset": "math", "row": 0, "also": 1}]), "also")
    assert explore.usual(explore.scored(project)) == "also"
    with pytest.raises(SelectionError, match="several score columns") as refused:
        selections.usual_method(project)
    assert refused.value.do == "Choose one with --method: also, quality."


def test_values_are_summed_up_by_domain(project: Project):
    chat, math = explore.value_summaries(explore.scored(project), "quality", "domain")
    assert (chat.name, chat.n_rows, chat.n_with_value, chat.mean, chat.median) == ("chat", 24, 20, 9.5, 9.5)
    assert (math.lower, math.median, math.upper) == (4.25, 8, 11.75)


def test_scores_are_written_with_empty_losses(project: Project):
    table = read_scores(project)
    assert table["quality"].to_pylist()[17:26] == [17, 18, 19, None, None, None, None, 0.5, 1.5]
    assert table["base_loss"].null_count == table["n_response_tokens"].null_count == table.num_rows == 40
    assert set(table["status"].to_pylist()) == {"not_scored"}


def test_status_counts_the_column_and_goes_on_to_select(project: Project):
    found = status(project)
    assert [(one.name, one.n_rows, one.higher_is_better, one.source) for one in found.columns] == [
        ("quality", 36, True, "quality.jsonl")
    ]
    assert (found.measure, found.n_scored, found.scoring) == ("quality", 36, None)
    assert found.next_step.command.endswith("--method quality --ratio 0.06 --name quality-6")
    within = status(project, datasets=["chat"])
    assert (within.columns[0].n_rows, within.n_scored) == (20, 20)
    selections.save(project, "best", QUARTER)
    assert [(one.domain, one.n_selected) for one in status(project).domains] == [("chat", 6), ("math", 4)]


def test_rows_are_found_by_the_column_and_ranked_by_it(project: Project):
    found = browse.find(project, BrowseFilter(ranges=(("quality", (15.0, 16.0)),)))
    assert places(project, found.positions) == ["chat:16", "math:15", "chat:15"]
    shown = browse.read_page(project, found)
    assert [(row.rank, row.rank_in_domain, row.values["quality"]) for row in shown] == [
        *((4, 4, 16), (5, 1, 15.5), (6, 5, 15)),
    ]
    with pytest.raises(SelectionError, match="length needs token counts"):
        browse.find(project, BrowseFilter(ranges=(("length", (1, 5)),)))


def test_the_rows_at_the_cut_have_no_losses(project: Project):
    kept, dropped = cut.rows_at_cut(project, cut.open_cut(project, QUARTER), n=1)
    assert [(row.score, row.base_loss) for row in (*kept, *dropped)] == [(14, None), (13, None)]


def test_a_dataset_that_was_never_scored_competes_by_a_column(tmp_path: Path):
    """Rows whose tokens nobody counted cannot be taken for free, and short ones are not told from long ones."""
    project = Project.create(tmp_path / "project")
    import_and_score(project, (write_jsonl(tmp_path / "old.jsonl", rows_of("old", 4)), "chat"))
    import_file(project, ImportSpec(str(write_jsonl(tmp_path / "new.jsonl", rows_of("new", 4))), domain="math"))
    lines = [{"dataset": name, "row": n, "quality": n} for name in ("old", "new") for n in range(4)]
    add_column(project, write_jsonl(tmp_path / "q.jsonl", lines), "quality")
    half = replace(QUARTER, value=0.5)
    kept = selections.select(project, half)
    assert [(share.domain, share.got) for share in kept.domains] == [("chat", 2), ("math", 2)]
    with pytest.raises(SelectionError, match="and 4 rows are not scored"):
        selections.select(project, replace(half, budget="tokens", value=20))
    of_old = replace(half, budget="tokens", value=20, datasets=("old",))
    assert selections.select(project, of_old).n_kept == 2
    long_ones = selections.select(project, replace(half, gates=Gates(min_response_tokens=5)))
    assert long_ones.dropped() == {"not scored": 4}
    release(project.store_path)
