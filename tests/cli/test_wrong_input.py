"""Wrong input gets one message that says what, where and what to do, and exit code 1 or 2; never a traceback."""

import json
import subprocess
import sys

import pytest

from lobass_core.project import Project
from lobass_core.store.connection import release
from tests.models import tiny_llama

ROWS = [{"question": f"What is {n} + {n}?", "answer": f"It is {2 * n}."} for n in range(6)]


@pytest.fixture
def folder(tmp_path):
    """A project, and files that are wrong in one way each."""
    Project.create(tmp_path / "p")
    release(tmp_path / "p" / "store.duckdb")
    (tmp_path / "good.jsonl").write_text("\n".join(json.dumps(row) for row in ROWS))
    (tmp_path / "empty.jsonl").write_text("")
    (tmp_path / "words.json").write_text("these are just words")
    (tmp_path / "other.jsonl").write_text('{"height": 3}\n{"height": 4}\n')
    (tmp_path / "nothing").mkdir()
    return tmp_path


def check(ran, *parts, code=(1, 2)):
    assert ran.exit_code in code, ran
    assert "Traceback" not in ran.err + ran.out
    assert ran.err.startswith(("error:", "Usage:")) or "error:" in ran.err
    for part in parts:
        assert part in ran.err, ran.err
    assert ran.out == ""


@pytest.mark.parametrize(
    ("file", "options", "parts"),
    [
        ("missing.jsonl", (), ("missing.jsonl",)),
        ("empty.jsonl", (), ("empty", "empty.jsonl")),
        ("words.json", (), ("words.json",)),
        ("other.jsonl", (), ("height",)),
        ("good.jsonl", ("--format", "morse"), ("morse", "alpaca")),
        ("good.jsonl", ("--map", "prompt=nope,response=answer"), ("nope",)),
        ("good.jsonl", ("--map", "prompt"), ("--map",)),
    ],
)
def test_imports(lobass, folder, file, options, parts):
    check(lobass("import", folder / file, "--project", folder / "p", "--domain", "math", *options), *parts)


def test_an_import_needs_a_domain(lobass, folder):
    check(lobass("import", folder / "good.jsonl", "--project", folder / "p"), "--domain", code=(2,))


def test_no_project(lobass, folder):
    check(lobass("status", "--project", folder / "nothing"), "there is no project here", "lobass init", code=(2,))


def test_a_store_in_use_names_the_process(lobass, folder, monkeypatch):
    monkeypatch.setitem(Project.store.__kwdefaults__, "wait_seconds", 0.2)
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import duckdb, sys, time; c = duckdb.connect(sys.argv[1]); print('held', flush=True); time.sleep(60)",
            str(folder / "p" / "store.duckdb"),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout.readline() == "held\n"
        check(lobass("status", "--project", folder / "p"), f"PID {holder.pid}", code=(1,))
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ((), "exactly one budget"),
        (("--ratio", "0.1", "--budget-samples", "3"), "exactly one budget"),
        (("--ratio", "1.5"), "1.5: must be a share above 0 and at most 1"),
        (("--ratio", "0.1", "--balance", "fair"), "natural, equal, global"),
        (("--ratio", "0.1", "--balance", "math=x"), "the weight of math: not a number"),
        (("--ratio", "0.1", "--balance", "math=1,234,code=1"), "1,234 can mean 1.234 or 1234"),
        (("--ratio", "1,234"), "--ratio: 1,234 can mean 1.234 or 1234"),
        (("--ratio", "six"), "--ratio: six: not a number"),
        (("--budget-samples", "2,5"), "--budget-samples: 2,5: not a whole number"),
        (("--budget-tokens", "-1"), "--budget-tokens: -1: must be 0 or more"),
        (("--ratio", "16,7"), "16,7: must be a share above 0 and at most 1"),
        (("--ratio", "0.1"), "nothing is scored yet"),
    ],
)
def test_selections(lobass, folder, options, part):
    check(lobass("select", "--project", folder / "p", *options), part, code=(2,))


def test_scoring_without_data_or_models(lobass, folder):
    project = ("--project", folder / "p")
    check(lobass("score", *project), "--base and --reference")
    check(lobass("score", *project, "--base", "a", "--reference", "b"), "nothing is imported yet")
    check(lobass("score", *project, "--resume", "r-0042"), "r-0042")
    check(lobass("score", *project, "--resume", "../../etc"), "../../etc")
    check(lobass("score", *project, "--refine", "nobody"), "nobody")


@pytest.mark.usefixtures("runs_in_this_process")
def test_models_and_templates_that_cannot_be_used(lobass, folder):
    model = tiny_llama(folder / "tiny")
    project = ("--project", folder / "p")
    assert lobass("import", folder / "good.jsonl", *project, "--domain", "math").exit_code == 0
    pair = (*project, "--reference", model)
    check(lobass("score", *pair, "--base", folder / "nothing"), str(folder / "nothing"))
    (folder / "blind.jinja").write_text("{% for message in messages %}.{% endfor %}")
    ran = lobass("score", *pair, "--base", model, "--template", folder / "blind.jinja")
    check(ran, "blind.jinja")
    check(lobass("score", *pair, "--base", model, "--template", "no-such-template"), "no-such-template")


def test_exports(lobass, folder):
    project = ("--project", folder / "p")
    check(lobass("export", *project, "--to", folder / "out"), "--selection NAME or --replay")
    check(lobass("export", *project, "--selection", "x", "--to", folder / "out"), "there is no selection 'x'")
    (folder / "not.json").write_text("{}")
    check(lobass("export", *project, "--replay", folder / "not.json", "--to", folder / "out"), "not.json")


def test_unknown_commands_and_help(lobass):
    assert lobass("frobnicate").exit_code == 2
    ran = lobass("score", "-h")
    assert ran.exit_code == 0
    assert "--resume" in ran.out


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (("score", "--resume", "r-0001", "--dry-run"), "--dry-run"),
        (("score", "--refine", "best", "--dry-run"), "--dry-run"),
        (("score", "--resume", "r-0001", "--base", "org/a"), "--base"),
        (("score", "--resume", "r-0001", "--refine", "best"), "--refine"),
        (("validate", "--resume", "r-0001", "--plan"), "--plan"),
        (("validate", "--report", "latest", "--plan"), "--plan"),
        (("import", "--update", "good", "--undo", "--preview", "1"), "--preview"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else value,
)
def test_an_option_that_would_be_ignored_is_refused(lobass, folder, words, option):
    check(
        lobass(*words, "--project", folder / "p"), f"cannot be combined with {option}", f"Remove {option}.", code=(2,)
    )
