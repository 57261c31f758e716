"""Full disks, read-only projects, damaged files, and two of everything at once, each compared with its twin."""

import os

import pytest

from tests.faults.others import DAMAGE, PAIRS, RUN_FILES, Pair, both_at_once, damage, disk_full, read_only
from tests.faults.records import recorded
from tests.faults.stages import STAGES, Stage
from tests.faults.trial import SEED, Workshop

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1800)]
# Which of the two draws of a fault is tried: `.ci/run` names one, `make faults` tries both.
TURN = os.environ.get("LOBASS_FAULT_TURN", "")
NUMBERS = (int(TURN),) if TURN else (0, 1)
each_stage = pytest.mark.parametrize("stage", STAGES, ids=[stage.name for stage in STAGES])


@each_stage
def test_a_full_disk(shop: Workshop, stage: Stage):
    for number in NUMBERS:
        outcome = recorded("disk full", stage.name, number, SEED, lambda n=number: disk_full(shop, stage, n))
        assert outcome.is_harmless, outcome


@each_stage
def test_a_read_only_project(shop: Workshop, stage: Stage):
    outcome = recorded("read-only project", stage.name, 0, SEED, lambda: read_only(shop, stage))
    assert outcome.is_harmless, outcome


@pytest.mark.parametrize("kind", DAMAGE)
@pytest.mark.parametrize("what", RUN_FILES)
def test_a_damaged_file(shop: Workshop, kind: str, what: str):
    for number in NUMBERS:
        outcome = recorded(kind, what, number, SEED, lambda n=number: damage(shop, kind, what, n))
        assert outcome.is_harmless, outcome


@pytest.mark.parametrize("pair", PAIRS, ids=[pair.name for pair in PAIRS])
def test_two_at_once(shop: Workshop, pair: Pair):
    for number in NUMBERS:
        outcome = recorded("two at once", pair.name, number, SEED, lambda n=number: both_at_once(shop, pair, n))
        assert outcome.is_harmless, outcome
