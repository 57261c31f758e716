"""The score as a weight of a row: 1 on average, never negative, the same after a replay."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lobass_core.errors import ExportError, RequestError
from lobass_core.exporting.plan import PICKS_SCHEMA, ExportPlan
from lobass_core.exporting.row_weights import row_weights
from lobass_core.specs import ExportSpec
from lobass_core.workflows.export import export, replay
from tests.scored_files import import_and_score, select_all, write_jsonl


def _plan(scores: list[float | None], **formula) -> ExportPlan:
    columns = {name: [None] * len(scores) for name in PICKS_SCHEMA.names} | {"score": scores}
    return ExportPlan("messages", "s", (), pa.table(columns, schema=PICKS_SCHEMA), {"formula": formula})


def test_weights_are_scores_over_their_mean():
    assert row_weights(_plan([0.1, 0.3, None, -0.5, 0.4])) == [0.5, 1.5, 1.0, 0.0, 2.0]


@pytest.mark.parametrize("scores", [[0.0, -1.0], [None, None]])
def test_without_a_score_above_nothing_there_are_none(scores):
    with pytest.raises(ExportError, match="no row of the selection has a score above 0"):
        row_weights(_plan(scores))


def test_a_measure_whose_low_values_are_better_makes_no_weights():
    with pytest.raises(ExportError, match="a low toxicity is better than a high one"):
        row_weights(_plan([0.1, 0.3], method="toxicity", higher_is_better=False))


@pytest.mark.parametrize("own", [{}, {"weight": 7}])
def test_the_column_stands_beside_the_rows(project, tmp_path, own):
    """Scores are 1/4, 2/4 and 3/4; a column of that name in the source keeps its values under another."""
    rows = [{"prompt": f"{n}?", "completion": "!", **own} for n in range(3)]
    import_and_score(project, (write_jsonl(tmp_path / "rows.jsonl", rows), "d"))
    select_all(project)
    for format in ("messages", "parquet"):
        export(project, ExportSpec(selection="all", to=str(tmp_path / format), format=format, weight=True, check=False))
        replay(project, tmp_path / format / "manifest.json", tmp_path / "again" / format)
    lines = (tmp_path / "messages" / "train.jsonl").read_text().splitlines()
    assert [json.loads(line)["weight"] for line in lines] == [0.5, 1.0, 1.5]
    table = pq.read_table(tmp_path / "parquet" / "train.parquet")
    assert table["weight"].to_pylist() == [0.5, 1.0, 1.5]
    if own:
        assert table["source_weight"].to_pylist() == [7] * 3
        assert json.loads(lines[0])["source_weight"] == 7


@pytest.mark.parametrize("format", ["trl", "axolotl", "llama-factory", "tokens", "huggingface"])
def test_formats_whose_trainers_read_no_weight_are_refused(format):
    with pytest.raises(RequestError, match=f"no trainer that reads {format} supports row weights"):
        ExportSpec(selection="all", to="-", format=format, weight=True)
