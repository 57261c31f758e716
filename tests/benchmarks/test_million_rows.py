"""The benchmark project is a project like any other, and the same whenever it is made."""

import importlib
from pathlib import Path

import numpy as np
import pytest

from lobass_core.store.connection import release
from lobass_core.workflows import browse
from lobass_core.workflows.browse_filter import BrowseFilter
from lobass_core.workflows.token_heat import read_token_losses


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        # With its neighbours in reach, as `python benchmarks/million_rows.py` has them.
        patch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
        generator = importlib.import_module("million_rows")
    made = []
    for name in ("one", "two"):
        root = tmp_path_factory.mktemp("bench") / name
        project = generator.make_project(root, n_rows=700, n_domains=3, token_rows=600, seed=3)
        made.append((project, browse.find(project, BrowseFilter())))
        release(project.store_path)
    return made


@pytest.mark.slow
def test_the_same_numbers_give_the_same_rows(found):
    (_, first), (_, second) = found
    assert first.n_found == 700
    assert first.rows.table.domains == ("code", "conversation", "math")
    assert np.array_equal(first.positions, second.positions)
    assert np.array_equal(first.rows.score, second.rows.score)


def test_every_row_is_scored_and_each_domain_has_its_own_level(found):
    project, rows = found[0][0], found[0][1].rows
    assert np.isfinite(rows.score).all()
    medians = [float(np.median(rows.score[rows.table.domain_code == code])) for code in range(3)]
    assert medians[1] < min(medians[0], medians[2]) - 0.1
    page = browse.read_page(project, found[0][1])
    release(project.store_path)
    assert all(row.stored.turns.startswith('[{"role":"user"') for row in page)


def test_token_losses_sum_to_the_loss_of_the_sample(found):
    project, rows = found[0][0], found[0][1].rows
    for sample_key in (0, 511, 599):
        heat = read_token_losses(project, rows, sample_key)
        places = np.flatnonzero(rows.table.sample_key == sample_key)
        total = sum(loss for loss in heat.base if loss is not None)
        expected = rows.table.losses["base"][places[0]] * rows.table.n_tokens[places[0]]
        assert total == pytest.approx(expected, rel=1e-5)
    release(project.store_path)
