"""lobass diagnose"""

import shlex
from typing import Annotated

import typer

from lobass_core.cli.follow import duration, followed
from lobass_core.cli.number_option import count
from lobass_core.cli.opening import open_project
from lobass_core.cli.options import DEFAULT_PROJECT, JsonOption, ProjectOption, RunOption
from lobass_core.cli.output import print_json, print_table, stderr, stdout
from lobass_core.errors import RequestError
from lobass_core.jobs.run_specs import PlantedRun
from lobass_core.project import Project
from lobass_core.validation.diagnosis import words_of_published
from lobass_core.words.plural import plural
from lobass_core.words.terminal_text import shortened
from lobass_core.workflows import planted
from lobass_core.workflows.diagnose import Diagnosis
from lobass_core.workflows.diagnose import diagnose as look
from lobass_core.workflows.either_way import first_rows
from lobass_core.workflows.findings import findings
from lobass_core.workflows.planted import PlantedPlan

MARKS = {"good": "ok", "note": "note", "bad": "look"}
SelectionOption = Annotated[
    str,
    typer.Option(
        "--selection", help="Look at what this saved selection keeps.", show_default="the best 6 % by learnability"
    ),
]
SwapsOption = Annotated[
    int | None,
    typer.Option(
        "--planted-swaps",
        parser=count("--planted-swaps"),
        help="First run a self-test: swap the responses of so many rows, score them, and see where they rank.",
        show_default="no self-test",
    ),
]
SwapsSeedOption = Annotated[
    int, typer.Option("--seed", parser=count("--seed", least=0), help="Seed that draws the rows of the self-test.")
]
EitherWayOption = Annotated[
    int,
    typer.Option(
        "--either-way",
        parser=count("--either-way", least=0, most=10_000),
        help="Also list up to so many rows that could go either way, nearest to the cut first.",
    ),
]
ResumeOption = Annotated[
    str | None,
    typer.Option("--resume", help="First resume this stopped self-test; what was scored is not scored again."),
]
NearOption = Annotated[
    bool | None,
    typer.Option(
        "--near-duplicates/--no-near-duplicates",
        help="Look for near duplicates and their advantage.",
        show_default="up to 20,000 rows",
    ),
]


def register(app: typer.Typer) -> None:
    """Add `lobass diagnose`."""
    app.command("diagnose")(diagnose)


def diagnose(
    project: ProjectOption = DEFAULT_PROJECT,
    run: RunOption = None,
    selection: SelectionOption = "",
    near_duplicates: NearOption = None,
    planted_swaps: SwapsOption = None,
    seed: SwapsSeedOption = 0,
    resume: ResumeOption = None,
    either_way: EitherWayOption = 0,
    json: JsonOption = False,
) -> None:
    """Find out how far the scores can be trusted; each finding says what it means and what to do.

    Nothing is trained, and without --planted-swaps or --resume no model is loaded.
    """
    opened = open_project(project)
    if planted_swaps is not None and resume is not None:
        raise RequestError("--planted-swaps starts a self-test, and --resume resumes one", do="Use one of them.")
    if resume is not None:
        resumed = planted.resume(opened, resume)
        with followed() as on_progress:
            planted.follow_and_report(opened, resumed, on_progress)
        # The findings are about the scores that were tested, unless others were asked for.
        run = run or resumed.spec_as(PlantedRun).scoring
    if planted_swaps is not None:
        planned = planted.plan(opened, planted_swaps, run, seed)
        stderr.print(cost_of(planned, planted_swaps), markup=False)
        with followed() as on_progress:
            planted.plant(opened, planned, on_progress)
    report = look(opened, run, selection, near_duplicates=near_duplicates)
    if json:
        rows = [one.to_dict() for one in first_rows(opened, report.either_way, report.run_id, either_way)]
        listed = {"rows_either_way": rows} if either_way else {}
        print_json({**report.to_dict(), "findings": [one.to_dict() for one in findings(report)], **listed})
        return
    _print(opened, report)
    if either_way:
        _print_either_way(opened, report, either_way)


def _print_either_way(project: Project, report: Diagnosis, most: int) -> None:
    rows = first_rows(project, report.either_way, report.run_id, most)
    if not report.either_way or not rows:
        stdout.print("\nNo row could go either way.", markup=False)
        return
    print_table(
        ("score", "cut", "kept", "standard error", "domain", "tokens", "sample", "prompt"),
        [
            (
                *(row.score, row.cut, "yes" if row.is_kept else "no", row.standard_error, row.domain, row.n_tokens),
                *(row.sample_id[:12], shortened(row.prompt, 60)),
            )
            for row in rows
        ],
        title=f"Rows that could go either way: {len(rows):,} of {report.either_way.n_rows:,}, nearest to the cut first",
    )


def cost_of(planned: PlantedPlan, n_asked: int) -> str:
    """What a self-test scores and how long that takes; why it is fewer rows than were asked for."""
    fewer = (
        " No more than half of a domain's rows are swapped, and only whole ones that are one question and one response."
        if len(planned.swaps) < n_asked
        else ""
    )
    time = f", about {duration(planned.seconds)} here" if planned.seconds is not None else ""
    return (
        f"{plural(len(planned.swaps), 'row')} with swapped responses, {planned.n_tokens:,} tokens under base and "
        f"reference{time}.{fewer}"
    )


def _print(project: Project, report: Diagnosis) -> None:
    names = ("score, response", "prompt", "steps", "loss drop, response", "prompt", "steps", "summed drop, response")
    print_table(
        ("domain", "rows", *names),
        [
            (
                *(one.domain, one.n_rows, one.score_response, one.score_prompt, one.score_steps),
                *(one.drop_response, one.drop_prompt, one.drop_steps, one.drop_sum_response),
            )
            for one in report.lengths
        ],
        title=f"Rank correlation (Spearman) of {report.measure} and of the loss drop with length",
    )
    stdout.print(words_of_published(), markup=False)
    if report.tenths:
        print_table(
            ("response tokens", "rows", "kept", "share kept"),
            [
                (f"{one.shortest:,} to {one.longest:,}", one.n_rows, one.n_kept, f"{100 * one.share_kept:.0f} %")
                for one in report.tenths
            ],
            title=f"What is kept by response length: {report.words}",
        )
    if report.oddities:
        print_table(
            ("flag", "rows", "kept"),
            [(one.flag, one.n_rows, one.n_kept) for one in report.oddities],
            title="Rows whose score can mislead",
        )
    at = ("--project", str(project.root))
    for one in findings(report):
        stdout.print(f"\n{MARKS[one.tone]}  {one.topic}: {one.what}", markup=False)
        stdout.print(f"    {one.meaning}", markup=False)
        stdout.print(f"    {shlex.join(('lobass', *one.command, *at))}", markup=False)
