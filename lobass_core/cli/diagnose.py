"""lobass diagnose"""

from typing import Annotated

import typer

from lobass_core.cli.opening import open_project
from lobass_core.cli.options import DEFAULT_PROJECT, JsonOption, ProjectOption, RunOption
from lobass_core.cli.output import print_facts, print_json, print_table, stdout
from lobass_core.validation.diagnosis import words_of_published
from lobass_core.workflows.diagnose import diagnose as look

ACTION = (
    "To see these rows: lobass browse --flag NAME. To leave them out: lobass select with --min-response-tokens or an "
    "--exclude option."
)


def register(app: typer.Typer) -> None:
    """Add `lobass diagnose`."""
    app.command("diagnose")(diagnose)


def diagnose(
    project: ProjectOption = DEFAULT_PROJECT,
    run: RunOption = None,
    selection: Annotated[str, typer.Option("--selection", help="Show what this selection keeps, by length.")] = "",
    json: JsonOption = False,
) -> None:
    """Check how far the score follows length in each domain, and what scoring costs against training on everything."""
    report = look(open_project(project), run, selection)
    if json:
        print_json(report.to_dict())
        return
    print_table(
        (
            "domain",
            "rows",
            "score and response",
            "score and prompt",
            "loss drop and response",
            "summed drop and response",
        ),
        [
            (one.domain, one.n_rows, one.score_response, one.score_prompt, one.drop_response, one.drop_sum_response)
            for one in report.lengths
        ],
        title="Rank correlation (Spearman) with length in tokens",
    )
    for one in report.lengths:
        stdout.print(one.sentence, markup=False)
    stdout.print(words_of_published(), markup=False)
    if report.kept:
        shares = [(f"tenth {number} of lengths", f"{100 * share:.0f} %") for number, share in enumerate(report.kept, 1)]
        print_facts(f"Kept by {report.selection}, shortest responses first", shares)
    if report.oddities:
        kept = (f"kept by {report.selection}",) if report.selection else ()
        rows = [(one.flag, one.n_rows, one.n_kept)[: 2 + len(kept)] for one in report.oddities]
        print_table(("flag", "rows", *kept), rows, title="Rows whose score can mislead")
        stdout.print(ACTION, markup=False)
    stdout.print(report.cost, markup=False)
