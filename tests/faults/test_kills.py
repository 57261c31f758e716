"""SIGKILL at random moments of every stage: nothing lost, nothing doubled, nothing stuck.

One kill a stage here, which `make test` leaves out for workers. `LOBASS_FAULT_KILLS` names how many in all, for
`make faults`.
"""

import os

import pytest

from tests.faults.records import recorded
from tests.faults.stages import STAGES, Stage
from tests.faults.trial import SEED, Workshop, kill

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]
N_KILLS = max(1, int(os.environ.get("LOBASS_FAULT_KILLS", "0")) // len(STAGES))


# The workers' stages import torch, and have kills of their own in worker/ and training/.
WORKERS = ("train-reference", "score", "validate")


@pytest.mark.parametrize(
    "stage",
    [pytest.param(one, id=one.name, marks=pytest.mark.faults if one.name in WORKERS else ()) for one in STAGES],
)
def test_killed(shop: Workshop, stage: Stage):
    print(f"seed {SEED}, {N_KILLS} kills")
    for number in range(N_KILLS):
        outcome = recorded("kill", stage.name, number, SEED, lambda n=number: kill(shop, stage, n))
        assert outcome.is_harmless, outcome
