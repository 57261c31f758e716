"""What an experiment says, word for word."""

import dataclasses

import pytest

from lobass_core.validation.judge import Claim, judge
from lobass_core.validation.report import budget_words, label_of, markdown, sentence
from lobass_core.validation.statistics import Difference
from lobass_core.workflows.validate_plan import ValidatePlan
from tests.validation.simulated import SETS, experiment

CLAIM = Claim("learnability", 0.167, "math", "rows", 1.86, 1.95, Difference(-0.09, -0.12, -0.06, 1e-5), (), 0.001)
PLAN = ValidatePlan(24, 0, 960, 500_000, 200_000, 170.0, 3000.0, 1000, (("math", 100),), ())


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {},
            "Learnability: better than random draws of 16.7 % on math, mean of rows: 1.860 against 1.950 nats/token, "
            "-0.090 (95 % interval -0.120 to -0.060).",
        ),
        (
            {"arm": "longest", "difference": Difference(0.09, 0.06, 0.12, 1e-5), "mean": "tokens"},
            "Longest responses: worse than random draws of 16.7 % on math, mean of tokens: 1.860 against 1.950 "
            "nats/token, +0.090 (95 % interval +0.060 to +0.120).",
        ),
        (
            {"arm": "selection:best", "p_adjusted": 0.05},
            "Selection 'best': no difference from random draws of 16.7 % found at this size on math, mean of rows: "
            "1.860 against 1.950 nats/token, -0.090 (95 % interval -0.120 to -0.060, without 0 only before the "
            "correction).",
        ),
        (
            {"arm": "shortest", "p_adjusted": 1.0, "difference": Difference(-0.01, -0.05, 0.03, 0.6)},
            "Shortest responses: no difference from random draws of 16.7 % found at this size on math, mean of rows: "
            "1.860 against 1.950 nats/token, -0.010 (95 % interval -0.050 to +0.030).",
        ),
    ],
)
def test_one_sentence_a_claim(changes, expected):
    assert sentence(dataclasses.replace(CLAIM, **changes)) == expected


def test_labels_and_budgets_in_words():
    assert label_of("learnability, cross-fitted") == "learnability, cross-fitted"
    assert label_of("band, in-sample") == "learnability within a band of base loss, in-sample"
    assert [budget_words(share) for share in (0.167, 0.06, 0.5, 0.015)] == ["16.7 %", "6 %", "50 %", "1.5 %"]


def test_the_report_holds_every_claim_and_its_limits_and_no_cell_breaks_a_table():
    judged = judge(experiment(0, {"a|b": -0.2, "longest": 0.0}), SETS, 50)
    text = markdown(judged, "Validation", [("Base", "tiny")])
    assert text.count(" nats/token, ") == len(judged.claims) == 8
    # Before the sentences, each arm is one line of a table.
    a_b = [claim for claim in judged.claims if claim.arm == "a|b" and claim.mean == "tokens"]
    cells = [f"{one.difference.value:+.3f}" + (f" {one.verdict}" if one.p_adjusted < 0.05 else "") for one in a_b]
    assert any("better" in cell for cell in cells)
    assert f"| a\\|b | {' | '.join(cells)} |" in text
    assert "over all 8 claims" in text and "favour random draws" in text
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.replace("\\|", "").count("|") for line in tables if "a\\|b" in line and "conv" not in line} <= {
        4,
        7,
        12,
    }
    assert "5 random draws" in text


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "24 trainings, 960 steps in all, about 50 min 00 s here at 170 tokens/s."),
        (
            {"n_kept": 23, "n_steps": 40, "seconds": 125.0},
            "1 training, 40 steps in all, about 2 min 05 s here at 170 tokens/s; 23 arms kept from earlier runs.",
        ),
        (
            {"seconds": None, "tokens_per_second": None},
            "24 trainings, 960 steps in all, no training has been timed on this machine yet: the first arm shows how "
            "long it takes.",
        ),
        ({"n_kept": 24}, "All 24 arms are kept from earlier runs: there is nothing to train."),
    ],
)
def test_the_cost_is_said_before_it_starts(changes, expected):
    assert dataclasses.replace(PLAN, **changes).cost() == expected
