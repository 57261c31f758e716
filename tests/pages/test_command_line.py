"""The line that a page shows is taken by the real command line, and means the same."""

import shlex
from pathlib import Path
from typing import Any

import pytest
import typer.main

from lobass_core.cli import import_data as import_command
from lobass_core.cli import import_options, options
from lobass_core.cli import select as select_command
from lobass_core.cli.main import app
from lobass_core.selection.order import usual_gates
from lobass_core.specs import (
    ExportSpec,
    Gates,
    ImportSpec,
    ModelSpec,
    RenderSpec,
    ScoreSpec,
    SelectionSpec,
    SetDomainSpec,
    TrainReferenceSpec,
    ValidateSpec,
)
from lobass_core.workflows.browse_filter import parse_named_range
from pages.components import command_line

ROOT = "/data/my project"


def parsed(line: str) -> tuple[str, dict[str, Any]]:
    """The command's name and its parameters, as the application reads the line."""
    # A shell joins lines that end in a backslash; shlex does not.
    words = shlex.split(line.replace("\\\n", ""))
    assert words[0] == "lobass"
    command = typer.main.get_command(app).commands[words[1]]  # type: ignore[attr-defined]
    return words[1], command.make_context(words[1], words[2:]).params


SELECTIONS = [
    SelectionSpec(),
    SelectionSpec(value=0.015, balance="global", seed=3, method="random"),
    SelectionSpec(budget="threshold", value=-0.25, balance="global"),
    SelectionSpec(budget="samples", value=5000, balance="equal", datasets=("a.json", "b c.json")),
    SelectionSpec(budget="tokens", value=2_000_000, balance="custom", weights=(("it's", 0.3333), ("math", 2.0))),
    SelectionSpec(method="length", gates=usual_gates("length")),
    SelectionSpec(gates=Gates(bands=(("base-loss", -0.5, None), ("a column, 7 %", None, 2.0), ("length", 3.0, 9.0)))),
    SelectionSpec(gates=Gates(8, 0.1, True, True, True, False, False), method="loss-drop-sum"),
]


@pytest.mark.parametrize("spec", SELECTIONS, ids=range(len(SELECTIONS)))
def test_select(spec: SelectionSpec) -> None:
    name, given = parsed(command_line.select(ROOT, spec, name="paper 6", run="r-0003"))
    assert name == "select"
    assert (given["project"], given["name"], given["run"]) == (Path(ROOT), "paper 6", "r-0003")
    budget, value = select_command._budget(
        given["ratio"], given["budget_samples"], given["budget_tokens"], given["threshold"]
    )
    balance, weights = select_command._balance(given["balance"])
    method = given["method"] or "learnability"
    gates = Gates(
        given["min_response_tokens"], given["min_learnability"], given["exclude_truncated"], given["exclude_negative"],
        given["exclude_near_zero_base"], not given["keep_duplicates"],
        usual_gates(method).exclude_worse_than_chance
        if given["exclude_worse_than_chance"] is None else given["exclude_worse_than_chance"],
        given["exclude_overlap"],
        tuple((name, *limits) for name, limits in map(parse_named_range, given["band"] or ())),
    )  # fmt: skip
    again = SelectionSpec(
        method, budget, value, balance, weights, gates, given["seed"], options.names(given["datasets"])
    )
    assert again == spec


def test_import() -> None:
    spec = ImportSpec(
        "/data/a b.csv", domain="math", name="n", format="columns", mapping=(("prompt", "q"), ("response", "a")),
        domain_rules=(("kind", "x", "code"),), roles=(("gpt4", "assistant"), ("问", "user")), text_only=True,
        skip_lines=2, row_list="dataset.train", more_paths=("/data/b",), split="train", config="en", revision="v1",
        exclude=("*.csv", "x y.json"),
    )  # fmt: skip
    _, given = parsed(command_line.import_file(ROOT, spec))
    assert tuple(given["path"]) == (spec.path, *spec.more_paths)
    assert (given["split"], given["config"], given["revision"]) == ("train", "en", "v1")
    assert tuple(given["exclude"]) == spec.exclude
    assert (given["domain"], given["name"], given["format"]) == ("math", "n", "columns")
    assert import_options.mapping(given["map"]) == spec.mapping
    assert given["role"] == ["gpt4=assistant", "问=user"]
    assert (given["text_only"], given["skip_lines"], given["list_name"]) == (True, 2, "dataset.train")
    assert given["domain_rule"] == ["kind=x:code"]
    assert import_command.register


def test_update_and_set_domain() -> None:
    asked = {"path": "/data/a b.csv", "split": "train", "config": "en", "revision": "v1", "exclude": ("*.csv", "b c")}
    _, given = parsed(command_line.update(ROOT, "my set", asked))
    assert (given["update"], tuple(given["path"]), tuple(given["exclude"])) == (
        "my set",
        ("/data/a b.csv",),
        ("*.csv", "b c"),
    )
    assert (given["split"], given["config"], given["revision"]) == ("train", "en", "v1")
    spec = SetDomainSpec("math", "topic", (("kind", "a b", "code"),))
    _, given = parsed(command_line.set_domain(ROOT, "my set", spec))
    assert (given["dataset"], given["domain"], given["domain_column"]) == ("my set", "math", "topic")
    assert given["domain_rule"] == ["kind=a b:code"]


def test_score() -> None:
    spec = ScoreSpec(
        base=ModelSpec("base", trust_remote_code=True), references=(ModelSpec("base", adapter="lora"),),
        render=RenderSpec("alpaca", "last", 512), dtype="float32", device="cuda:1", batch_tokens=4096,
        datasets=("a", "b"),
    )  # fmt: skip
    _, given = parsed(command_line.score(ROOT, spec, "lora"))
    assert (given["base"], given["reference"], given["adapter"]) == ("base", "lora", True)
    assert (given["template"], given["max_tokens"], given["mask"]) == ("alpaca", 512, "last")
    assert (given["dtype"], given["device"], given["batch_tokens"]) == ("float32", "cuda:1", 4096)
    assert options.names(given["datasets"]) == ("a", "b") and given["trust_remote_code"]


def test_train_reference() -> None:
    spec = TrainReferenceSpec(ModelSpec("base"), "r", ("a",), "lora", 4, 2.0, 1e-4, 7, RenderSpec(max_tokens=512))
    _, given = parsed(command_line.train_reference(ROOT, spec))
    assert (given["base"], given["name"], given["method"], given["folds"]) == ("base", "r", "lora", 4)
    assert (given["epochs"], given["learning_rate"], given["seed"], given["max_tokens"]) == (2.0, 1e-4, 7, 512)


def test_revisions_of_hub_models() -> None:
    base = ModelSpec("some/base", revision="v1")
    for reference in (ModelSpec("some/tuned", revision="v2"), ModelSpec("some/base", "some/lora", "v1", False, "v2")):
        _, given = parsed(command_line.score(ROOT, ScoreSpec(base, (reference,)), "some/tuned"))
        assert (given["revision"], given["reference_revision"]) == ("v1", "v2")
    _, given = parsed(command_line.train_reference(ROOT, TrainReferenceSpec(base, "ref")))
    assert given["revision"] == "v1"


def test_export() -> None:
    _, given = parsed(command_line.export(ROOT, ExportSpec("paper 6", "/out", "trl", with_dropped=True, license="mit")))
    assert (given["selection"], str(given["to"]), given["format"]) == ("paper 6", "/out", "trl")
    assert given["with_dropped"] and given["license"] == "mit" and given["check"]
    spec = ExportSpec("s", "/out", validation=200.0, seed=3, order="rank", check=False, weight=True, replace=True)
    _, given = parsed(command_line.export(ROOT, spec))
    assert (given["validation"], given["seed"], given["order"], given["check"]) == (200.0, 3, "rank", False)
    assert given["weight"] and given["replace"]


def test_long_lines_break_before_an_option() -> None:
    line = command_line.select("/a" * 30, SelectionSpec(), name="n" * 30)
    assert " \\\n  --" in line
    assert all(len(part) <= 92 for part in line.split("\n"))
    assert parsed(line)[0] == "select"


@pytest.mark.parametrize(("page", "command"), [("", "status"), ("learnability", "scores")])
def test_the_line_has_the_datasets_of_the_sidebar(page, command, scored, open_page):
    opened = open_page(scored.root, page, state={"datasets": ["math"]})
    text = next(code.value for code in opened.code if code.value.startswith(f"lobass {command} "))
    lines = text.replace("\\\n", "").splitlines()
    # Overview names the next step too.
    assert [parsed(line)[1]["datasets"] for line in lines] == ["math"] * len(lines)


def test_validate() -> None:
    spec = ValidateSpec(
        arms=("base", "random", "measure:a b"), selections=("one", "two"), budgets=(0.06, 1 / 3), draws=3, seeds=2,
        epochs=0.5, equal="steps", method="full", learning_rate=1e-4, lora_rank=8, batch_tokens=512, device="cpu",
        held_out=20, seed=7, datasets=("a",), evaluate=("/data/one file.json", "/data/two.json"),
    )  # fmt: skip
    _, given = parsed(command_line.validate(ROOT, spec, run="r-0003"))
    assert options.names(given["arms"]) == spec.arms and options.names(given["selections"]) == spec.selections
    assert tuple(float(share) for share in given["budgets"].split(",")) == spec.budgets
    assert (given["draws"], given["seeds"], given["epochs"], given["equal"]) == (3, 2, 0.5, "steps")
    assert (given["method"], given["learning_rate"], given["lora_rank"]) == ("full", 1e-4, 8)
    assert (given["batch_tokens"], given["device"], given["held_out"], given["seed"]) == (512, "cpu", 20, 7)
    assert options.names(given["evaluate"]) == spec.evaluate and options.names(given["datasets"]) == ("a",)
    assert given["run"] == "r-0003"
    assert command_line.validate("p", ValidateSpec()) == "lobass validate --project p --budgets 0.167"
