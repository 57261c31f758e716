"""A number that cannot be used is refused in a sentence, whatever option of whatever command it is given to."""

import typing

import pytest
import typer

from lobass_core.cli.main import app
from lobass_core.cli.options import pairs
from lobass_core.errors import RequestError
from lobass_core.project import Project
from lobass_core.store.connection import release
from tests.pages.projects import scored_project
from tests.scored_files import select_all

COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]
# What a command needs beside the option, so that the option is what it stumbles over.
NEEDED = {
    "browse": (),
    "compare": ("all", "all"),
    "decide": ("keep", "nobody"),
    "demo": ("DEMO",),
    "doctor": ("--render", "FILE", "--tokenizer", "/nowhere"),
    "diagnose": (),
    "export": ("--selection", "all", "--to", "OUT"),
    "import": ("FILE", "--domain", "math"),
    "rejects": (),
    "set-domain": (),
    "score": ("--base", "/nowhere", "--reference", "/nowhere"),
    "select": (),
    "selections": (),
    "serve": ("--no-browser",),
    "train-reference": ("--base", "/nowhere"),
    "validate": (),
}
ALSO = {"--band": ("--refine", "all")}
BUDGETS = ("--ratio", "--budget-samples", "--budget-tokens", "--threshold")


def numbers() -> list[tuple[str, str, type]]:
    """Command, option and type of everything that takes a number."""
    found = []
    for name, command in sorted(COMMANDS.items()):
        for option in command.params:
            annotation = option.type_descriptor.annotation
            kinds = {kind for kind in (annotation, *typing.get_args(annotation)) if kind in (int, float)}
            if kinds and option.opts[0].startswith("--"):
                found.append((name, option.opts[0], kinds.pop()))
    return found


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory):
    made = scored_project(tmp_path_factory.mktemp("numbers") / "p", {"math": 12})
    select_all(made)
    yield made
    release(made.store_path)


@pytest.fixture(autouse=True)
def nothing_is_started(monkeypatch: pytest.MonkeyPatch):
    def start(*_: object, **__: object) -> None:
        raise RequestError("this would begin")

    for place in ("score", "refine", "train_reference", "doctor", "export_check", "validate", "planted"):
        monkeypatch.setattr(f"lobass_core.workflows.{place}.launch", start)
    monkeypatch.setattr("lobass_core.cli.serve.workflow.serve", start)
    monkeypatch.setattr("lobass_core.cli.demo.demo", start)


def test_every_command_with_a_number_is_tried():
    assert {name for name, _, _ in numbers()} <= set(NEEDED)


@pytest.mark.parametrize(("command", "option", "kind"), numbers(), ids=lambda value: getattr(value, "__name__", value))
def test_a_number_that_is_none_is_refused(lobass, project: Project, tmp_path, command, option, kind):
    file = tmp_path / "rows.jsonl"
    file.write_text('{"prompt": "a", "response": "b"}\n')
    words = {"FILE": str(file), "OUT": str(tmp_path / "out"), "DEMO": str(tmp_path / "demo")}
    needed = [words.get(word, word) for word in (*NEEDED[command], *ALSO.get(option, ()))]
    if command == "select" and option not in BUDGETS:
        needed += ["--ratio", "0.5"]
    if "--project" in [name for one in COMMANDS[command].params for name in one.opts]:
        needed += ["--project", str(project.root)]
    for value in ("nan", "inf", "1e400", "words", "", "-1", "99999999999999999999999999"):
        ran = lobass(command, *needed, f"{option}={value}")
        said = (command, option, value, ran)
        assert "internal error" not in ran.err and "unexpected" not in ran.err and "Traceback" not in ran.err, said
        if value != "-1" and not value.startswith("9"):
            assert ran.exit_code == 2, said
            assert "this would begin" not in ran.err, said
            assert option in ran.err or value in ran.err or "inf" in ran.err, said


@pytest.mark.parametrize(
    "weights", ["math=nan", "math=inf", "math=-1", "math=0", "math=", "=1", "math", "math=1,math=2", "a=1;b"]
)
def test_weights_that_are_none_are_refused(lobass, project: Project, weights: str):
    ran = lobass("select", "--project", project.root, "--ratio", "0.5", "--balance", weights)
    assert (ran.exit_code, ran.out) == (2, ""), ran
    assert ran.err.startswith("error:") and "internal" not in ran.err, ran


def test_a_share_in_per_cent_is_that_share(lobass, project: Project):
    words = ("select", "--project", project.root, "--json")
    in_percent, as_a_share = lobass(*words, "--ratio", "50%"), lobass(*words, "--ratio", "0.5")
    assert (in_percent.exit_code, in_percent.out) == (0, as_a_share.out), in_percent.err
    refused = lobass(*words, "--budget-samples", "50%")
    assert (refused.exit_code, "must be a whole number, not a share" in refused.err) == (2, True)


def test_numbers_with_a_comma_are_numbers(lobass, project: Project):
    words = ("select", "--project", project.root, "--json", "--ratio")
    with_points = lobass(*words, "0.5", "--balance", "math=0.25", "--min-learnability", "-0.5")
    with_commas = lobass(*words, "0,5", "--balance", "math=0.25", "--min-learnability", "-0,5")
    assert (with_points.exit_code, with_commas.exit_code) == (0, 0), (with_points.err, with_commas.err)
    assert (with_commas.out, with_commas.err) == (with_points.out, with_points.err)
    assert "1,234 can mean 1.234 or 1234" in lobass(*words, "1", "--min-learnability", "1,234").err


def test_a_threshold_is_one_cut_for_all_domains(lobass, project: Project):
    words = ("select", "--project", project.root, "--json", "--threshold", "0.1")
    by_itself, by_name = lobass(*words), lobass(*words, "--balance", "global")
    assert (by_itself.exit_code, by_itself.out) == (0, by_name.out), by_itself.err
    assert by_itself.json["spec"]["balance"] == "global"
    assert lobass(*words, "--balance", "equal").exit_code == 2


LONG = "x" * 5_000


@pytest.mark.parametrize(
    "words",
    [
        ("init", LONG),
        ("status", "--project", LONG),
        ("import", LONG, "--domain", "math"),
        ("score", "--base", LONG, "--reference", "org/b"),
        ("score", "--base", "org/a", "--reference", LONG),
        ("score", "--base", "org/a", "--reference", "org/b", "--template", LONG),
        ("train-reference", "--base", "org/a", "--template", LONG),
        ("score", "--resume", LONG),
        ("score", "--refine", LONG),
        ("train-reference", "--base", LONG),
        ("train-reference", "--base", "org/a", "--name", LONG),
        ("select", "--ratio", "0.5", "--run", LONG),
        ("export", "--selection", "all", "--to", LONG),
        ("export", "--replay", LONG, "--to", "OUT"),
        ("scores", "--to", f"{LONG}.csv"),
        ("rejects", "--to", f"{LONG}.csv"),
        ("status", "--rejects", f"{LONG}.csv"),
        ("doctor", "--render", LONG, "0", "--tokenizer", "org/a"),
        ("cancel", LONG),
        ("demo", LONG),
    ],
    ids=lambda words: "-".join("LONG" if LONG in word else word for word in words),
)
def test_a_path_that_is_too_long_is_refused(lobass, project: Project, tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    words = [str(tmp_path / "out") if word == "OUT" else word for word in words]
    there = "--project" in words or words[0] in ("init", "demo")
    ran = lobass(*words, *([] if there else ["--project", project.root]))
    assert "internal error" not in ran.err and "unexpected" not in ran.err, ran
    assert ran.exit_code in (1, 2), ran
    assert ran.err.lower().startswith(("error:", "usage:")), ran
    assert "this would begin" not in ran.err, ran


def test_pairs_part_where_a_name_begins():
    assert pairs("math=0,4,code=0,6", "--balance") == (("math", "0,4"), ("code", "0,6"))
    assert pairs(" a = b , c=d,", "--map") == (("a", "b"), ("c", "d"))
    with pytest.raises(RequestError, match="'math' does not have the form name=value"):
        pairs("math,code=1", "--balance")
