"""lobass set-domain"""

import shlex
from typing import Annotated

import typer

from lobass_core.cli.import_options import domain_rule as rule_of
from lobass_core.cli.opening import open_project
from lobass_core.cli.options import DEFAULT_PROJECT, JsonOption, ProjectOption
from lobass_core.cli.output import print_facts, print_json, print_table
from lobass_core.specs import SetDomainSpec
from lobass_core.workflows import set_domain as workflow


def register(app: typer.Typer) -> None:
    """Add `lobass set-domain`."""
    app.command("set-domain")(set_domain)


def set_domain(
    dataset: Annotated[str, typer.Argument(help="Name of the dataset.")],
    project: ProjectOption = DEFAULT_PROJECT,
    domain: Annotated[
        str,
        typer.Option("--domain", help="Domain of rows that no rule or column covers.", show_default="their own"),
    ] = "",
    domain_column: Annotated[str, typer.Option("--domain-column", help="Column that names each row's domain.")] = "",
    domain_rule: Annotated[
        list[str] | None,
        typer.Option(
            "--domain-rule",
            metavar="COLUMN=VALUE:DOMAIN",
            help="Domain of the rows with that value in a column. Repeatable; the first match wins.",
        ),
    ] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Undo the latest change of this dataset's domains.")] = False,
    json: JsonOption = False,
) -> None:
    """Change the domain of a dataset's rows after the import: for all rows, by a column, or by rules.

    Scores do not change. Distributions and new selections use the new domains; saved selections keep their rows.
    """
    opened = open_project(project)
    if undo:
        change = workflow.undo_set_domain(opened, dataset)
        title = f"Undid the change of {dataset}: {change.spec.words}"
    else:
        rules = tuple(rule_of(text) for text in domain_rule or [])
        change = workflow.set_domain(opened, dataset, SetDomainSpec(domain, domain_column, rules))
        title = f"{dataset}: {change.spec.words}"
    counts = workflow.domain_counts(opened, dataset)
    if json:
        print_json({"dataset": dataset, "n_changed": change.n_rows, "change": change.spec.to_dict(), "domains": counts})
        return
    line = f"lobass set-domain {shlex.quote(dataset)} --undo --project {shlex.quote(str(opened.root))}"
    print_facts(title, [("rows with a new domain", change.n_rows), *([] if undo else [("to undo", line)])])
    print_table(("domain", "rows"), list(counts.items()))
