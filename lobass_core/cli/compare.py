"""lobass compare"""

from dataclasses import asdict
from typing import Annotated

import typer

from lobass_core.cli.opening import open_project
from lobass_core.cli.options import DEFAULT_PROJECT, JsonOption, ProjectOption
from lobass_core.cli.output import print_facts, print_json, print_table, warn
from lobass_core.workflows import compare as workflow


def register(app: typer.Typer) -> None:
    """Add `lobass compare`."""
    app.command("compare")(compare)


def compare(
    a: Annotated[str, typer.Argument(help="Name of a saved selection.")],
    b: Annotated[str, typer.Argument(help="Name of another saved selection.")],
    project: ProjectOption = DEFAULT_PROJECT,
    json: JsonOption = False,
) -> None:
    """Compare two saved selections: the rows in both, the rows in only one, and what each consists of."""
    opened = open_project(project)
    comparison = workflow.compare(workflow.saved_side(opened, a), workflow.saved_side(opened, b))
    shares = comparison.overlap.domains
    for side in (comparison.a, comparison.b):
        if side.lost:
            warn(f"{side.lost}.")
    if json:
        print_json(
            {
                "a": a,
                "b": b,
                "n_both": comparison.overlap.both,
                "n_only_a": comparison.overlap.only_a,
                "n_only_b": comparison.overlap.only_b,
                "jaccard": comparison.overlap.jaccard,
                "score_agreement": comparison.agreement,
                "domains": [asdict(share) for share in shares],
                "composition": [side.to_dict() for side in comparison.composition],
            }
        )
        return
    print_facts(
        f"{a} and {b}",
        [
            ("in both", comparison.overlap.both),
            (f"only in {a}", comparison.overlap.only_a),
            (f"only in {b}", comparison.overlap.only_b),
            ("overlap, Jaccard", comparison.overlap.jaccard),
            ("correlation of the scores, Spearman", comparison.agreement),
        ],
    )
    print_table(
        ("domain", "both", f"only {a}", f"only {b}"),
        [(share.domain, share.both, share.only_a, share.only_b) for share in shares],
    )
