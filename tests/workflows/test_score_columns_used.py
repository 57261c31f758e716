"""A score column is a measure: it sorts, filters, selects in its direction, is drawn, compared, written and bundled."""

import json
from dataclasses import replace

import pyarrow.parquet as pq
import pytest

from lobass_core.errors import RequestError, SelectionError
from lobass_core.learnability.measures import BUILT_IN
from lobass_core.specs import ExportSpec, Gates, ScoreFileSpec, SelectionSpec
from lobass_core.workflows import compare, cut, explore, select, status
from lobass_core.workflows.browse import find, read_page
from lobass_core.workflows.browse_filter import BrowseFilter
from lobass_core.workflows.column_names import check_new_name
from lobass_core.workflows.export import export
from lobass_core.workflows.export_plan import plan_export
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


@pytest.fixture
def half_scored(project, tmp_path):
    """Rows 0, 1, 3 and 5 are scored, with two response tokens each; rows 2 and 4 have a value alone."""
    fill(project, [replace(row, base=None) if k in (2, 4) else row for k, row in enumerate(ROWS)])
    bring(project, tmp_path, values=[6.0, 5.0, 4.0, 3.0, 2.0, 1.0])
    return project


def test_tokens_that_nobody_has_counted_are_not_0(half_scored, tmp_path):
    spec = SelectionSpec(method="quality", budget="samples", value=4, balance="natural")
    result = select.save(half_scored, "best", spec)
    chat, math = result.domains
    assert (chat.got, chat.tokens, chat.n_uncounted, chat.known_tokens) == (2, 4, 0, 4)
    assert (math.got, math.tokens, math.n_uncounted, math.known_tokens) == (2, 2, 1, None)
    assert (result.tokens_kept, result.n_uncounted, result.known_tokens) == (6, 1, None)
    (saved,) = select.list_selections(half_scored)
    assert (saved.tokens_kept, saved.known_tokens, saved.to_dict()["tokens_kept"]) == (6, None, None)
    assert [share["tokens"] for share in saved.result["domains"]] == [4, None]
    assert status.status(half_scored).selection.tokens_kept is None

    picks = plan_export(half_scored, ExportSpec("best", str(tmp_path / "out"))).picks
    assert picks["row_index"].to_pylist() == [0, 1, 3, 4]
    assert picks["n_response_tokens"].to_pylist() == [2, 2, 2, None]
    assert picks["n_prompt_tokens"].is_null().to_pylist() == [False, False, False, True]

    side = compare.saved_side(half_scored, "best")
    made_of = compare.compare(side, side).composition[0]
    assert (made_of.tokens_kept, made_of.domain_tokens, made_of.length_rows[:2]) == (None, (4, None), (3, 0))
    rows = compare.part_rows(half_scored, compare.compare(side, side), "both")
    assert [row.n_tokens for row in rows] == [2, 2, 2, None]

    opened = cut.open_cut(half_scored, spec)
    assert [[row.n_tokens for row in part] for part in cut.rows_at_cut(half_scored, opened)] == [
        [2, None, 2, 2],
        [None, 2],
    ]
    check = cut.verdicts(opened).length
    assert (check.n_all, check.n_kept, check.median_tokens_all, check.median_tokens_kept) == (4, 3, 2.0, 2.0)
    assert keys(half_scored, ranges=(("length", (0, 5)),), sort="imported") == [0, 1, 3, 5]
    rows = explore.scored(half_scored)
    assert explore.n_within(rows, BrowseFilter(ranges=(("length", (0, 5)),))) == 4
    assert [(line.n_tokens, line.n_uncounted) for line in explore.by_domain(rows)] == [(4, 1), (4, 1)]


def test_a_saved_selection_is_exported_whatever_rows_have_come_since(half_scored, tmp_path):
    """Its rule has a budget of tokens, and a row that competes now has none: what it keeps stands as it was saved."""
    scored = Gates(bands=(("base-loss", None, 9.0),))
    spec = SelectionSpec(method="quality", budget="tokens", value=4, balance="global", gates=scored)
    assert select.save(half_scored, "short", spec).row_key.tolist() == [0, 1]
    with half_scored.store() as store, store.transaction() as cursor:
        spec = replace(spec, gates=Gates())
        cursor.execute("UPDATE selections SET spec = ?", [json.dumps(spec.to_dict())])
    plan = plan_export(half_scored, ExportSpec("short", str(tmp_path / "out"), with_dropped=True))
    assert plan.picks["row_index"].to_pylist() == [0, 1]
    assert plan.dropped["reason"].to_pylist() == ["below the cut"] * 4


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
