"""The options of `lobass import`, and what their texts mean."""

from typing import Annotated

import typer

from lobass_core.cli.number_option import count
from lobass_core.cli.options import pairs
from lobass_core.errors import RequestError
from lobass_core.specs import DEFAULT_RECORD_MB, MOST_RECORD_MB

PathsArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="PATH",
        help="JSON, JSONL, CSV, TSV, Parquet or Arrow, plain or as .gz or .zst. Several files, a pattern "
        "('shards/*.parquet'), a folder or a dataset on the Hub (org/name) become one dataset. An update "
        "without a path reads the same files again.",
        show_default=False,
    ),
]
DomainOption = Annotated[
    str, typer.Option("--domain", help="Data domain of the rows: math, conversation, ...", show_default=False)
]
NameOption = Annotated[str, typer.Option("--name", help="Name of the dataset.", show_default="the file's name")]
FormatOption = Annotated[
    str,
    typer.Option(
        "--format", help="auto, alpaca, sharegpt, messages, prompt-completion, preference, text, tree or columns."
    ),
]
MapOption = Annotated[
    str,
    typer.Option(
        "--map",
        help="Which columns hold what: prompt=question,options,response=answer. Keys: prompt, response, input, system; "
        "text; chosen, rejected.",
    ),
]
RoleOption = Annotated[
    list[str] | None,
    typer.Option(
        "--role",
        metavar="SPEAKER=ROLE",
        help="Role of an unknown speaker: SPEAKER=ROLE, such as gpt4=assistant. Repeatable.",
    ),
]
TextOnlyOption = Annotated[
    bool, typer.Option("--text-only", help="Import only the text of rows with images, video or audio.")
]
ListOption = Annotated[
    str,
    typer.Option("--list", help="Which list of rows to read from a JSON object with several.", show_default="all"),
]
SplitOption = Annotated[
    str, typer.Option("--split", help="Which split to read from a folder with several.", show_default="all")
]
ConfigOption = Annotated[
    str,
    typer.Option(
        "--config", help="Which config to read from a folder whose README names several.", show_default="default"
    ),
]
DataRevisionOption = Annotated[
    str, typer.Option("--revision", help="Branch, tag or commit of a dataset on the Hub.", show_default="main")
]
ExcludeOption = Annotated[
    list[str] | None,
    typer.Option("--exclude", metavar="FILE", help="Files in a folder to leave out: a name or pattern. Repeatable."),
]
SkipLinesOption = Annotated[
    int,
    typer.Option(
        "--skip-lines",
        parser=count("--skip-lines", least=0),
        help="Number of lines to skip above the header or the first record.",
    ),
]
MaxRecordOption = Annotated[
    int,
    typer.Option(
        "--max-record-mb",
        parser=count("--max-record-mb", least=0, most=MOST_RECORD_MB),
        help="Longest record in megabytes; longer ones are rejected.",
        show_default=f"LOBASS_MAX_RECORD_MB, else {DEFAULT_RECORD_MB}",
    ),
]
DomainColumnOption = Annotated[str, typer.Option("--domain-column", help="Column that names each row's domain.")]
DomainRuleOption = Annotated[
    list[str] | None,
    typer.Option(
        "--domain-rule",
        metavar="COLUMN=VALUE:DOMAIN",
        help="Domain of the rows with that value in a column. Repeatable; the first match wins.",
    ),
]
EncodingOption = Annotated[str, typer.Option("--encoding", help="auto, utf-8, utf-16, gb18030 or cp1252.")]
PreviewOption = Annotated[
    int,
    typer.Option(
        "--preview",
        parser=count("--preview", least=0, most=100_000),
        help="Show N rows as they would be imported, or the counts of an update; write nothing.",
    ),
]
UpdateOption = Annotated[
    str,
    typer.Option(
        "--update",
        help="Dataset to update from these files. Settings that are not given stay as they were at its import.",
        show_default=False,
    ),
]
UndoOption = Annotated[bool, typer.Option("--undo", help="With --update: undo the latest update of the dataset.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="With --update: do not ask before writing.")]


def mapping(text: str) -> tuple[tuple[str, str], ...]:
    """`prompt=question,options,response=answer` as (field, columns); a part without `=` belongs to the one before.

    Raises:
        RequestError: a part is not of that form.
    """
    parts: list[str] = []
    for part in text.split(","):
        if parts and "=" not in part:
            parts[-1] += f",{part}"
        elif part.strip():
            parts.append(part)
    given = []
    for part in parts:
        field, equals, columns = part.partition("=")
        if not (equals and field.strip() and columns.strip()):
            raise RequestError(f"{part!r} does not have the form field=column", where="--map", do="Use --map a=b,c=d.")
        given.append((field.strip(), columns.strip()))
    return tuple(given)


def domain_rule(text: str) -> tuple[str, str, str]:
    """`topic=algebra:math` as (column, value, domain).

    Raises:
        RequestError: it is not of that form.
    """
    condition, colon, domain = text.rpartition(":")
    given = pairs(condition, "--domain-rule") if colon and domain else ()
    if len(given) != 1:
        raise RequestError(f"{text!r} is not a domain rule", do="Use --domain-rule COLUMN=VALUE:DOMAIN.")
    return (*given[0], domain.strip())
