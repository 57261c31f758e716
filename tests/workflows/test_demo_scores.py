"""The whole demo, built for real: its planted kinds come out in the predicted order."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from lobass_core.learnability.measure_values import values_of
from lobass_core.learnability.score_table import ScoreTable
from lobass_core.project import Project
from lobass_core.store.connection import release
from lobass_core.store.scored_rows import score_rows
from lobass_core.store.scorings import find_scoring
from lobass_core.workflows.demo import demo

pytestmark = [pytest.mark.thorough, pytest.mark.timeout(1800)]
DOMAINS = ("conversation", "math")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of the demo, once it is built."""
    root, phases = tmp_path_factory.mktemp("demo") / "project", set()
    result = demo(root, lambda progress: phases.add(progress.phase))
    assert phases > {"Base model: training the base model", "Reference: training"}
    assert (result.n_rows, result.n_rejected, result.n_selected) == (1480, 10, 247)
    yield root
    release(root / "store.duckdb")


@pytest.fixture(scope="module")
def learnability(built: Path) -> dict[tuple[str, str], np.ndarray]:
    """Scores of the rows of each (domain, planted kind)."""
    with Project.open(built).store() as store:
        cursor = store.cursor()
        table = ScoreTable.from_arrow(score_rows(cursor, find_scoring(cursor)))
        sources = cursor.execute("SELECT row_key, source FROM rows").fetchall()
    kinds = {key: json.loads(source)["planted"] for key, source in sources}
    groups: dict[tuple[str, str], list[float]] = {}
    for key, code, score in zip(table.row_key, table.domain_code, values_of(table, "learnability"), strict=True):
        groups.setdefault((table.domains[code], kinds[int(key)]), []).append(float(score))
    return {group: np.array(scores) for group, scores in groups.items()}


@pytest.mark.parametrize("domain", DOMAINS)
def test_planted_kinds_come_out_in_the_predicted_order(learnability, domain):
    """Medians: learnable about 0.8, partly known 0.6, known and noise 0 to 0.06; each margin at least half of that."""
    median = {kind: float(np.median(learnability[domain, kind])) for kind in ("learnable", "known", "noise")}
    partly = float(np.median(learnability[domain, "partly-known"]))
    assert median["learnable"] > 0.6
    assert median["learnable"] - partly > 0.05
    assert partly - max(median["known"], median["noise"]) > 0.3
    assert abs(median["known"]) < 0.15 and abs(median["noise"]) < 0.15


@pytest.mark.parametrize("domain", DOMAINS)
def test_the_selection_is_the_learnable_rows(learnability, domain):
    """Nearly no known or noise row would be taken: 95 % of them lie under 90 % of the learnable ones."""
    low = np.quantile(learnability[domain, "learnable"], 0.1)
    for kind in ("known", "noise"):
        assert np.quantile(learnability[domain, kind], 0.95) < low


def test_scores_are_spread_and_not_two_spikes(learnability):
    scores = np.concatenate(list(learnability.values()))
    shares = np.histogram(scores, bins=np.linspace(-0.2, 1, 13))[0] / len(scores)
    assert shares.max() < 0.4
    assert (shares > 0.02).sum() >= 8
