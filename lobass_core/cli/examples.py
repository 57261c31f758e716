"""The examples at the end of each command's help, and the whole first sentence of it in the list of commands."""

import inspect

import typer

EXAMPLES = {
    "init": ("lobass init my-project",),
    "import": (
        "lobass import alpaca.json --domain conversation",
        "lobass import 'shards/*.parquet' --domain math --name gsm8k --preview 5",
        "lobass import quiz.csv --domain quiz --map prompt=question,response=answer",
        "lobass import --update gsm8k newer/gsm8k.jsonl",
    ),
    "undo-import": ("lobass undo-import gsm8k",),
    "import-scores": ("lobass import-scores ratings.csv --name quality --key id --dry-run",),
    "score-columns": ("lobass score-columns", "lobass score-columns --remove quality"),
    "rejects": ("lobass rejects", "lobass rejects gsm8k --to rejected.jsonl"),
    "set-domain": (
        "lobass set-domain mixed --domain-column topic",
        "lobass set-domain mixed --domain-rule source=gsm8k:math --domain conversation",
    ),
    "train-reference": (
        "lobass train-reference --base org/base --name ref --dry-run",
        "lobass train-reference --base org/base --name folds --folds 2 --method lora",
    ),
    "score": (
        "lobass score --base org/base --reference ref --dry-run",
        "lobass score --base org/base --reference org/base-instruct",
        "lobass score --resume r-0003",
    ),
    "scores": ("lobass scores --to scores.parquet",),
    "select": (
        "lobass select --ratio 6% --name best-6",
        "lobass select --budget-tokens 1.5M --balance equal --min-response-tokens 5 --name short-list",
        "lobass select --threshold 0.4 --method learnability",
    ),
    "selections": ("lobass selections", "lobass selections --rename best-6 --to final"),
    "compare": ("lobass compare best-6 final",),
    "diagnose": ("lobass diagnose", "lobass diagnose --selection best-6 --planted-swaps 100"),
    "validate": (
        "lobass validate --budgets 6% --plan",
        "lobass validate --selections best-6 --budgets 6% --arms base,random",
        "lobass validate --report latest --to report",
    ),
    "browse": (
        "lobass browse --domain math --score 0.4.. --limit 10",
        "lobass browse --text 'prime number' --decision undecided --sort base-loss-desc",
        "lobass browse --token-losses 3fa2c1",
    ),
    "filters": ("lobass filters", "lobass filters --rename short --to short-answers"),
    "decide": (
        "lobass decide drop 3fa2c1 --reason 'wrong answer'",
        "lobass decide keep --where 'domain=math&score=0.4..'",
        "lobass decide --undo",
    ),
    "overlap": ("lobass overlap gsm8k_test.jsonl --tag in-test",),
    "export": (
        "lobass export --selection best-6 --to exports/best-6 --format trl --dry-run",
        "lobass export --selection best-6 --to exports/best-6 --format axolotl --validation 2%",
        "lobass export --replay exports/best-6/manifest.json --to again",
    ),
    "status": ("lobass status", "lobass status --json"),
    "runs": ("lobass runs",),
    "cancel": ("lobass cancel r-0003",),
    "doctor": (
        "lobass doctor",
        "lobass doctor --project my-project",
        "lobass doctor --render alpaca.json 0 --tokenizer org/base",
    ),
    "clean": ("lobass clean --dry-run", "lobass clean --only run,upload --yes"),
    "bundle": ("lobass bundle my-project.zip --project my-project",),
    "unbundle": ("lobass unbundle my-project.zip theirs",),
    "serve": ("lobass serve --project my-project", "lobass serve --port 8600 --no-browser"),
    "demo": ("lobass demo", "lobass demo try-it --small --no-serve"),
    "decisions export": ("lobass decisions export anna.csv",),
    "decisions import": ("lobass decisions import anna.csv --dry-run",),
}


def add_examples(app: typer.Typer, group: str = "") -> None:
    """Give each command of the application its examples, and its first paragraph as its line in the list."""
    for command in app.registered_commands:
        assert command.name and command.callback
        # The mark keeps the lines that follow it as they are.
        command.epilog = "\n".join(("\b", "Examples:", *(f"  {line}" for line in EXAMPLES[group + command.name])))
        first, *_ = (inspect.getdoc(command.callback) or "").split("\n\n")
        command.short_help = " ".join(first.split())
    for nested in app.registered_groups:
        if nested.typer_instance and nested.name:
            nested.short_help = nested.typer_instance.info.help
            add_examples(nested.typer_instance, f"{nested.name} ")
