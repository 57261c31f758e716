"""`lobass validate`: the plan on a terminal and for scripts, and what is refused."""

import re


def test_the_plan_is_told_before_anything_is_trained(lobass, selected):
    words = ("validate", "--project", selected.root, "--held-out", 2, "--budgets", "0.5", "--selections", "all")
    ran = lobass(*words, "--plan", "--json")
    assert ran.exit_code == 0
    # Base, all rows, four arms of 2 rows with 5 draws of two of them, the selection and its draws.
    assert ran.json["n_pool"] == 4 and ran.json["sets"] == [["chat, held out", 2]]
    assert ran.json["n_kept"] == 0 and ran.json["seconds"] is None
    shown = lobass(*words, "--plan")
    assert "no training has been timed on this machine yet" in shown.err
    assert "rows to choose from" in shown.out
    assert not (selected.root / "validation").exists()


def test_what_cannot_be_validated_is_refused_in_a_sentence(lobass, selected):
    refused = {
        ("--arms", "best"): "there is no arm 'best'",
        ("--budgets", "much"): "--budgets",
        ("--budgets", "2"): "--budgets: must be a share above 0",
        ("--equal", "hours"): "unknown unit of equal training 'hours'",
        ("--selections", "none"): "there is no selection 'none'",
        ("--report", "r-9999"): "there is no run 'r-9999'",
        ("--resume", "r-9999"): "there is no run 'r-9999'",
        ("--to", "there"): "--to names a folder for the report of a run",
        ("--report", "latest"): "no experiment has been started",
        ("--evaluate", "gone.json"): "gone.json",
    }
    for words, reason in refused.items():
        ran = lobass("validate", "--project", selected.root, *words)
        assert ran.exit_code in (1, 2) and reason in ran.err, words


def test_the_plan_lists_budgets_from_the_smallest_on(lobass, selected):
    words = ("--budgets", "50%,20%,0.5", "--arms", "random", "--draws", "2", "--held-out", "2", "--plan")
    ran = lobass("validate", "--project", selected.root, *words)
    assert ran.exit_code == 0, ran.err
    assert re.findall(r"random\s+(\S+) %", ran.out) == ["20", "50"]
