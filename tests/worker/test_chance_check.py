"""A few rows of each domain tell whether the base reads them better than a blind guess."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from lobass_core.jobs.run_results import ChanceCheck, DomainChance
from lobass_core.scoring.engine import Engine
from lobass_core.worker import chance_check
from lobass_core.worker.chance_check import check_chance
from tests.models import tiny_model
from tests.token_tables import loaded, plain_nlls, random_table

REPORT = SimpleNamespace(update=lambda **_: None, check_cancel=lambda: None)
DOMAINS = ["many"] * 18 + ["few"] * 2


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(loaded(tiny_model("llama")), random_table([12 + place for place in range(20)]))


def test_rows_are_counted_by_domain(engine: Engine):
    means = np.array([plain_nlls(engine.loaded.model, engine.table, place).mean() for place in range(20)])
    # A vocabulary whose blind guess lies in the middle of these losses; the bytes allow more.
    size = round(float(np.exp(np.median(means))))
    worse = means > np.log(size)
    assert 0 < worse.sum() < 20
    few, many = int(worse[18:].sum()), int(worse[:18].sum())
    expected = ChanceCheck(20, few + many, (DomainChance("few", 2, few), DomainChance("many", 18, many)))
    assert check_chance(engine, DOMAINS, size, REPORT) == expected


def test_the_bytes_decide_where_the_vocabulary_is_unknown(engine: Engine):
    assert check_chance(engine, DOMAINS, None, REPORT).n_worse == 0
    of_one_byte = replace(engine.table, n_response_bytes=np.ones(20, np.int32))
    sums = [plain_nlls(engine.loaded.model, of_one_byte, place).sum() for place in range(20)]
    n_worse = sum(total > np.log(256) for total in sums)
    assert check_chance(Engine(engine.loaded, of_one_byte), DOMAINS, None, REPORT).n_worse == n_worse > 0


def test_a_small_domain_is_looked_at_however_soon_time_is_out(engine: Engine, monkeypatch):
    monkeypatch.setattr(chance_check, "GROUP_TOKENS", 60)
    found = check_chance(engine, DOMAINS, 384, REPORT, seconds=0.0)
    assert {part.domain for part in found.domains} == {"few", "many"}
    assert found.n_rows < 5
