"""Options that several commands share, said once."""

import re
from pathlib import Path
from typing import Annotated

import typer

from lobass_core.cli.number_option import count
from lobass_core.errors import RequestError

ProjectOption = Annotated[
    Path,
    typer.Option("--project", "-p", help="Project folder.", envvar="LOBASS_PROJECT", show_default="current folder"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as one JSON object on stdout.")]
RunOption = Annotated[
    str | None, typer.Option("--run", help="Scoring run to use if several pairs of models have been scored.")
]
TemplateOption = Annotated[
    str,
    typer.Option(
        "--template",
        help="alpaca, chatml, plain, or the path of a Jinja file.",
        show_default="the tokenizer's own, else alpaca",
    ),
]
MaxTokensOption = Annotated[
    int,
    typer.Option(
        "--max-tokens",
        parser=count("--max-tokens", least=0),
        help="Longest sample in tokens; 0 means 2,048 or the model's own limit.",
    ),
]
MaskOption = Annotated[str, typer.Option("--mask", help="Which assistant turns count as response: all or last.")]
DeviceOption = Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:N or mps.")]
DatasetsOption = Annotated[
    str, typer.Option("--datasets", help="Names of datasets, separated by commas.", show_default="all")
]
BatchTokensOption = Annotated[
    int,
    typer.Option(
        "--batch-tokens", parser=count("--batch-tokens", least=0), help="Tokens per batch; 0 sets it from free memory."
    ),
]
TrustOption = Annotated[
    bool, typer.Option("--trust-remote-code", help="Run Python code that ships with the model. Only if you trust it.")
]

RevisionOption = Annotated[
    str,
    typer.Option("--revision", help="Branch, tag or commit of a base on the Hub.", show_default="the main branch"),
]
BASE_HELP = "Base model: folder, .gguf file or Hub id."

DEFAULT_PROJECT = Path()
_BETWEEN_PAIRS = re.compile(r",(?=[^,=]*=|\s*$)")


def names(text: str) -> tuple[str, ...]:
    """Split a comma-separated list, ignoring blanks."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def pairs(text: str, option: str) -> tuple[tuple[str, str], ...]:
    """Split `a=b,c=d` into pairs; a comma that no `name=` follows is part of the value, as in `math=0,4,code=0,6`.

    Raises:
        RequestError: a part has no `=`, or nothing on one side of it.
    """
    values = []
    for part in filter(None, (part.strip() for part in _BETWEEN_PAIRS.split(text))):
        left, equals, right = part.partition("=")
        if not (equals and left.strip() and right.strip()):
            raise RequestError(f"{part!r} does not have the form name=value", where=option, do=f"Use {option} a=b,c=d.")
        values.append((left.strip(), right.strip()))
    return tuple(values)
