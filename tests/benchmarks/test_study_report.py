"""The study's figures are those of `lobass validate`."""

from benchmarks.study_report import write_figures
from lobass_core.validation.figure import svg
from lobass_core.validation.forest import forest
from lobass_core.validation.judge import judge
from tests.validation.simulated import SETS, experiment


def test_a_figure_a_budget_over_rows_and_over_tokens(tmp_path):
    judged = judge(experiment(0, {"learnability": -0.2}), SETS, 20)
    write_figures(judged, tmp_path, "tiny, bad rows")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad-rows-16.7-rows.svg", "bad-rows-16.7-tokens.svg"]
    text = (tmp_path / "bad-rows-16.7-tokens.svg").read_text(encoding="utf-8")
    assert text == svg(forest(judged, "tokens"), "tiny, bad rows")
