"""lobass browse"""

from typing import Annotated
from urllib.parse import parse_qs, urlsplit

import typer

from lobass_core.cli.former_names import accepting
from lobass_core.cli.number_option import count
from lobass_core.cli.opening import open_project
from lobass_core.cli.options import DEFAULT_PROJECT, DatasetsOption, JsonOption, ProjectOption, RunOption, names
from lobass_core.cli.output import UNKNOWN, print_json, print_table, stderr
from lobass_core.errors import RequestError
from lobass_core.learnability.flags import FLAG_NAMES
from lobass_core.learnability.measures import BUILT_IN
from lobass_core.project import Project
from lobass_core.records import turns_from_json
from lobass_core.words.terminal_text import printable
from lobass_core.workflows import browse as workflow
from lobass_core.workflows import review as review_queue
from lobass_core.workflows import saved_filters
from lobass_core.workflows.browse_filter import CHOICES, PARAMETERS, QUEUE, SHORT_NAMES, BrowseFilter, cut_text
from lobass_core.workflows.token_heat import read_token_losses

WhereOption = Annotated[
    str, typer.Option("--where", help="Filter in the form of the dashboard's address: domain=math&score=0.1..0.4.")
]
# What an address has beside its filter: the datasets it is restricted to, and the place on the page.
DATASETS, ELSEWHERE = "datasets", ("page", "row", "token")
ONE_LINE = 80
SHOWN = ("learnability", "base_loss", "reference_loss")
REVIEW = CHOICES["review"]
MEASURES = f"Measures are {', '.join(BUILT_IN)}, and the score columns of the project."
FORMER_NAMES = {
    "--dataset": "--datasets",
    "--base": "--base-loss",
    "--reference": "--reference-loss",
    "--rows": "--limit",
}


TextOption = Annotated[str, typer.Option("--text", help="Rows whose text contains this string, taken literally.")]
ScopeOption = Annotated[str, typer.Option("--in", help="Search user, assistant, system or any text.")]
MatchCaseOption = Annotated[bool, typer.Option("--match-case", help="Match upper and lower case.")]
DomainOption = Annotated[str, typer.Option("--domain", help="Domains, separated by commas.")]
ScoreOption = Annotated[str, typer.Option("--score", help="Range of learnability: 0.1..0.4, 0.1.. or ..0.4.")]
BaseOption = Annotated[str, typer.Option("--base-loss", help="Range of the base loss, in nats per response token.")]
ReferenceOption = Annotated[
    str, typer.Option("--reference-loss", help="Range of the reference loss, in nats per response token.")
]
TokensOption = Annotated[str, typer.Option("--tokens", help="Range of response tokens.")]
StatusOption = Annotated[str, typer.Option("--status", help="ok, truncated, no_response, non_finite, not_scored.")]
FlagOption = Annotated[str, typer.Option("--flag", help=f"Rows with any of: {', '.join(FLAG_NAMES.values())}.")]
DecisionOption = Annotated[str, typer.Option("--decision", help="keep, drop, undecided.")]
TagOption = Annotated[str, typer.Option("--tag", help="Tags, separated by commas.")]
ReviewOption = Annotated[
    str,
    typer.Option(
        "--review",
        help=f"Rows to review for any of these reasons: {', '.join(REVIEW)}; or all, which leaves out either_way.",
    ),
]
CutOption = Annotated[
    list[str] | None,
    typer.Option(
        "--cut",
        metavar="SCORE",
        help="Cut for near_cut and either_way: 0.3 for every domain, or math:0.3 for one. Repeatable.",
    ),
]
CutByOption = Annotated[str, typer.Option("--cut-by", help="Measure that the cut applies to.")]
CutOfOption = Annotated[str, typer.Option("--cut-of", help="Use the cut of this saved selection.")]
InSelectionOption = Annotated[
    list[str] | None,
    typer.Option(
        "--in-selection",
        metavar="NAME",
        help="Rows in this saved selection. Repeat it for rows in several selections at once.",
    ),
]
NotInSelectionOption = Annotated[
    list[str] | None,
    typer.Option("--not-in-selection", metavar="NAME", help="Rows not in this saved selection. Repeatable."),
]
RangeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--range", metavar="MEASURE:LOW..HIGH", help=f"Range of a measure, NAME:0.1..0.4; repeatable. {MEASURES}"
    ),
]
SortOption = Annotated[
    str,
    typer.Option(
        "--sort", help=f"A measure, imported or cut; with -asc or -desc. Short for measures: {', '.join(SHORT_NAMES)}."
    ),
]
SavedOption = Annotated[str, typer.Option("--saved", help="Use this saved filter.")]
SaveOption = Annotated[str, typer.Option("--save", help="Save the filter under this name.")]
ReplaceOption = Annotated[bool, typer.Option("--replace", help="With --save: replace a filter of that name.")]
PageOption = Annotated[int, typer.Option("--page", parser=count("--page", least=1), help="Page number, starting at 1.")]
LimitOption = Annotated[
    int, typer.Option("--limit", parser=count("--limit", least=1, most=10_000), help="Rows per page.")
]
TokenLossesOption = Annotated[
    str, typer.Option("--token-losses", help="Show the loss of each token of this sample (id, or its first digits).")
]


def register(app: typer.Typer) -> None:
    """Add `lobass browse`."""
    app.command("browse", cls=accepting(FORMER_NAMES))(browse)


def browse(
    project: ProjectOption = DEFAULT_PROJECT,
    text: TextOption = "",
    scope: ScopeOption = "any",
    match_case: MatchCaseOption = False,
    datasets: DatasetsOption = "",
    domain: DomainOption = "",
    score: ScoreOption = "",
    base: BaseOption = "",
    reference: ReferenceOption = "",
    tokens: TokensOption = "",
    range: RangeOption = None,
    status: StatusOption = "",
    flag: FlagOption = "",
    decision: DecisionOption = "",
    tag: TagOption = "",
    review: ReviewOption = "",
    cut: CutOption = None,
    cut_by: CutByOption = "learnability",
    cut_of: CutOfOption = "",
    in_selection: InSelectionOption = None,
    not_in_selection: NotInSelectionOption = None,
    sort: SortOption = "",
    where: WhereOption = "",
    saved: SavedOption = "",
    save: SaveOption = "",
    replace: ReplaceOption = False,
    page: PageOption = 1,
    limit: LimitOption = workflow.PAGE_ROWS,
    token_losses: TokenLossesOption = "",
    run: RunOption = None,
    json: JsonOption = False,
) -> None:
    """List rows: search, filter and sort as on the Browse page. --json prints the full texts."""
    opened = open_project(project)
    if token_losses:
        return _show_tokens(opened, token_losses, run, json)
    query: dict[str, str | tuple[str, ...]] = {
        "q": text,
        "in": scope,
        "case": "1" if match_case else "",
        "dataset": names(datasets),
        "domain": names(domain),
        "score": score,
        "base": base,
        "reference": reference,
        "tokens": tokens,
        "range": tuple(range or ()),
        "status": names(status),
        "flag": names(flag),
        "decision": names(decision),
        "tag": names(tag),
        "review": QUEUE if review == "all" else names(review),
        "cut": tuple(cut or ()),
        "by": cut_by,
        "selection": tuple(in_selection or ()),
        "without": tuple(not_in_selection or ()),
        "sort": sort,
    }
    if cut_of:
        query |= _cut_of(opened, cut_of, cut)
    asked = _whole_filter(opened, query, where, saved, run)
    if (cut or cut_of) and not asked.cuts:
        raise RequestError("nothing uses the cut", do="Add --review near_cut, --review either_way or --sort cut.")
    if save:
        saved_filters.save(opened, save, asked, replace=replace)
        stderr.print(f"Saved the filter {printable(save)!r}.")
    matching = workflow.find(opened, asked, run)
    return _show(opened, matching, page, limit, json)


def _cut_of(project: Project, name: str, cut: list[str] | None) -> dict[str, str | tuple[str, ...]]:
    if cut:
        raise RequestError("--cut and --cut-of cannot be combined", do="Use one of them.")
    asked = review_queue.queue_of(project, name)
    if not asked.cuts:
        raise RequestError(f"selection {name!r} has no cut: it keeps no rows by score", do="Use --cut.")
    return {"cut": tuple(cut_text(one) for one in asked.cuts), "by": asked.cut_by}


def _whole_filter(
    project: Project, query: dict[str, str | tuple[str, ...]], where: str, saved: str, run: str | None
) -> BrowseFilter:
    asked = BrowseFilter.from_query(query)
    if not where and not saved:
        return asked
    option = "--where" if where else "--saved"
    if asked != BrowseFilter() or (where and saved):
        raise RequestError(f"{option} cannot be combined with other conditions", do="Remove the other conditions.")
    return filter_of(where, run) if where else saved_filters.load(project, saved)


def filter_of(where: str, run: str | None) -> BrowseFilter:
    """The filter of an address, or of the part of one after its question mark, for the scores of `run`.

    Raises:
        RequestError: a condition that no filter has, or a value that a field cannot have. Nothing is passed over: a
            misspelt condition would find every row.
    """
    address = urlsplit(where)
    query = address.query or where.lstrip("?")
    named = parse_qs(query, keep_blank_values=True) if "=" in query else {query: [""]}
    if (asked := named.pop("run", [run])[0]) != run:
        raise RequestError(f"the address is about the scores of run {asked}", where="--where", do=f"Add --run {asked}.")
    if address.query:
        named = {name: values for name, values in named.items() if name not in ELSEWHERE}
    for name, values in named.items():
        if name not in (*PARAMETERS, DATASETS):
            listed = ", ".join((*PARAMETERS, DATASETS))
            raise RequestError(f"there is no condition {name!r}", where="--where", do=f"Choose from: {listed}.")
        if not all(value.strip() for value in values):
            raise RequestError(f"the condition {name!r} has no value", where="--where", do=f"Use {name}=VALUE.")
    found = BrowseFilter.from_query(named)
    return found.within_datasets(named.get(DATASETS, ()))


def _show(project: Project, matching: workflow.MatchingRows, page: int, n_rows: int, json: bool) -> None:
    shown = workflow.read_page(project, matching, page, n_rows)
    if json:
        print_json(
            {
                "n_found": matching.n_found,
                "n_rows": matching.n_rows,
                "response_tokens": matching.n_tokens,
                "page": page,
                "n_pages": matching.n_pages(n_rows),
                "rows": [row.to_dict() | {"turns": _turns(row)} for row in shown],
            }
        )
        return
    asked, is_scored = _asked_measures(matching), matching.rows.is_scored
    print_table(
        (
            "rank",
            *(("score", "base", "reference", "bits/byte") if is_scored else ()),
            *asked,
            "domain",
            "tokens",
            "decision",
            "by",
            "sample",
            "prompt",
        ),
        [
            (
                row.rank or None,
                *((*(row.values[name] for name in SHOWN), _bits(row)) if is_scored else ()),
                *(row.values.get(column) for column in asked.values()),
                row.stored.domain,
                row.n_tokens,
                *_decision(row),
                row.stored.sample_id[:12],
                _first_line(row),
            )
            for row in shown
        ],
    )
    first = (page - 1) * n_rows + 1
    where = f"rows {first:,} to {first + len(shown) - 1:,}" if shown else "none on this page"
    stderr.print(f"{matching.n_found:,} of {matching.n_rows:,} rows; {where}.")


def _asked_measures(matching: workflow.MatchingRows) -> dict[str, str]:
    """The measures that the rows were ranked, sorted or filtered by and that have no column yet, with their names in
    files."""
    asked, ranked_by = matching.filter, matching.rows.measure
    named = dict.fromkeys((ranked_by.name if ranked_by else "", asked.sort, *(name for name, _ in asked.ranges)))
    columns = {name: BUILT_IN[name].column if name in BUILT_IN else name for name in named if name}
    hidden = (*SHOWN, "length", "imported", "cut")
    return {name: column for name, column in columns.items() if column not in hidden}


def _decision(row: workflow.BrowseRow) -> tuple[str, str]:
    """The decision that stands and who made it."""
    stored = row.stored
    return ("", "") if stored.verdict == "undecided" else (stored.verdict, stored.author or UNKNOWN)


def _bits(row: workflow.BrowseRow) -> str:
    """Base and reference loss in the unit that compares between tokenizers."""
    base, reference = row.values["base_bits_per_byte"], row.values["reference_bits_per_byte"]
    return "" if base is None or reference is None else f"{base:.2f} → {reference:.2f}"


def _turns(row: workflow.BrowseRow) -> list[dict]:
    turns = turns_from_json(row.stored.turns)
    return [{"role": turn.role, "content": turn.content, **turn.thoughts} for turn in turns]


def _first_line(row: workflow.BrowseRow) -> str:
    turns = turns_from_json(row.stored.turns)
    text = next((turn.content for turn in turns if turn.role == "user"), turns[0].content if turns else "")
    line = printable(" ".join(text.split())[: ONE_LINE * 2])
    return line if len(line) <= ONE_LINE else line[: ONE_LINE - 1] + "…"


def _show_tokens(project: Project, sample_id: str, run: str | None, json: bool) -> None:
    rows = workflow.open_rows(project, run)
    losses = read_token_losses(project, rows, workflow.sample_key(project, sample_id))
    if json:
        print_json(losses.to_dict())
        return
    columns = zip(losses.starts, losses.ends, losses.response, losses.base, losses.reference, strict=True)
    print_table(
        ("token", "base", "reference", "difference"),
        [
            (
                repr(losses.text[start:end]),
                base,
                reference,
                base - reference if base is not None and reference is not None else None,
            )
            for start, end, scored, base, reference in columns
            if scored
        ],
        title="Response tokens, nats",
    )
