"""A score column is a measure: it sorts, filters, selects in its direction, is drawn, compared, written and bundled."""

import json
from dataclasses import replace

import pyarrow.parquet as pq
import pytest

from lobass_core.errors import RequestError, SelectionError
from lobass_core.learnability.measures import BUILT_IN
from lobass_core.specs import ExportSpec, Gates, ScoreFileSpec, SelectionSpec
from lobass_core.workflows import compare, explore, select
from lobass_core.workflows.browse import find, read_page
from lobass_core.workflows.browse_filter import BrowseFilter
from lobass_core.workflows.column_names import check_new_name
from lobass_core.workflows.export import export
from lobass_core.workflows.import_scores import import_scores, remove_scores
from lobass_core.workflows.scores import read_scores, write_scores
from tests.filled_project import Row, fill, import_rows
from tests.scored_files import import_and_score, write_jsonl

ROWS = [Row(f"ask {k}", "one two", "chat" if k < 3 else "math", 2.0, 1.0 + k / 10) for k in range(6)]
# By row: the third has none.
VALUES = [3.0, 5.0, None, 1.0, 4.0, 2.0]


def bring(project, tmp_path, column="quality", values=VALUES, **asked):
    lines = [{"row": row, column: value} for row, value in enumerate(values)]
    file = write_jsonl(tmp_path / f"{column}.jsonl", lines)
    import_scores(project, ScoreFileSpec(**{"path": str(file), "name": column, "key": "row", **asked}))


@pytest.fixture
def scored(project, tmp_path):
    fill(project, ROWS)
    bring(project, tmp_path)
    return project


def keys(project, **asked):
    found = find(project, BrowseFilter(**asked))
    return found.rows.table.row_key[found.positions].tolist()


def test_browse_sorts_and_filters_by_it(scored):
    assert keys(scored, sort="quality") == [1, 4, 0, 5, 3, 2]
    assert keys(scored, sort="quality", descending=False) == [3, 5, 0, 4, 1, 2]
    assert keys(scored, ranges=(("quality", (2.0, 4.0)),), sort="imported") == [0, 4, 5]
    link = BrowseFilter(ranges=(("quality", (2.5, None)),), sort="quality").to_query()
    assert link == {"range": ["quality:2.5.."], "sort": "quality"}
    found = find(scored, BrowseFilter.from_query(link))
    assert [row.values["quality"] for row in read_page(scored, found)] == [5.0, 4.0, 3.0]


def test_browse_has_it_before_anything_is_scored(project, tmp_path):
    import_rows(project, ROWS)
    assert keys(project) == [0, 1, 2, 3, 4, 5]
    bring(project, tmp_path)
    assert keys(project, sort="quality") == [1, 4, 0, 5, 3, 2]


@pytest.mark.parametrize(("higher_is_better", "kept"), [(True, [1, 4, 0]), (False, [3, 5, 0])], ids=["high", "low"])
def test_select_keeps_its_better_end(project, tmp_path, higher_is_better, kept):
    fill(project, ROWS)
    bring(project, tmp_path, higher_is_better=higher_is_better)
    spec = SelectionSpec(method="quality", budget="samples", value=3, balance="global", gates=Gates())
    result = select.save(project, "best", spec)
    assert result.row_key.tolist() == kept
    assert result.score.tolist() == [VALUES[row] for row in kept]
    assert result.dropped()["no score"] == 1
    with pytest.raises(RequestError, match="selection 'best' was made by the score column 'quality'"):
        remove_scores(project, "quality")
    select.save(
        project,
        "best",
        replace(spec, method="learnability", gates=Gates(bands=(("quality", 2.0, None),))),
        replace=True,
    )
    with pytest.raises(RequestError, match="selection 'best' was made by"):
        remove_scores(project, "quality")
    select.delete(project, "best")
    remove_scores(project, "quality")
    with pytest.raises(SelectionError, match="there is no measure 'quality'"):
        select.select(project, spec)


def test_learnability_draws_it(scored):
    rows = explore.scored(scored)
    shape = explore.distribution(rows, "quality")
    assert (shape.names, shape.counts.sum(axis=1).tolist()) == (("chat", "math"), [2, 3])
    measure = explore.measures(rows)["quality"]
    assert (measure.source, measure.unit, measure.title) == ("quality.jsonl", "", "quality")


def test_compare_ranks_by_it(scored):
    for name, method in (("a", "quality"), ("b", "learnability")):
        select.save(scored, name, SelectionSpec(method=method, budget="samples", value=2, balance="global"))
    found = compare.compare(*(compare.saved_side(scored, name) for name in ("a", "b")))
    assert [compare.part_size(found, part) for part in ("only_a", "both", "only_b")] == [1, 1, 1]


def test_it_is_a_column_of_the_files_of_scores(scored, tmp_path):
    found = read_scores(scored)["quality"].to_pylist()
    assert found == VALUES
    write_scores(scored, tmp_path / "scores.csv")
    header, *lines = (tmp_path / "scores.csv").read_text().splitlines()
    assert header.endswith(',"quality"')
    assert [line.rpartition(",")[2] for line in lines] == ["3", "5", "", "1", "4", "2"]


def test_an_export_holds_it_and_says_what_it_was_ranked_by(project, tmp_path):
    rows = [{"prompt": f"ask {k}", "completion": "one two"} for k in range(3)]
    import_and_score(project, (write_jsonl(tmp_path / "a.jsonl", rows), "chat"))
    bring(project, tmp_path, values=[2.0, None, 3.0], higher_is_better=False, unit="points")
    select.save(project, "best", SelectionSpec(method="quality", budget="samples", value=2, balance="global"))
    export(project, ExportSpec("best", str(tmp_path / "out"), format="parquet", check=False, order="rank"))
    formula = json.loads((tmp_path / "out" / "manifest.json").read_text())["formula"]
    assert (formula["method"], formula["higher_is_better"], formula["score_unit"], formula["source"]) == (
        "quality", False, "points", "quality.jsonl",
    )  # fmt: skip
    (file,) = (tmp_path / "out").glob("*.parquet")
    table = pq.read_table(file)
    assert [table[name].to_pylist() for name in ("score", "quality", "row_index")] == [[2.0, 3.0], [2.0, 3.0], [0, 2]]


@pytest.mark.parametrize(
    "name",
    [*BUILT_IN, "Learnability", "loss_drop", "Base Loss", "base", "score", "tokens", "imported", "Sample_ID", "flags"],
)
def test_names_that_mean_something_are_refused(name):
    with pytest.raises(RequestError, match="has a meaning already"):
        check_new_name(name, ())
