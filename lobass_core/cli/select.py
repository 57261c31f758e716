"""lobass select"""

import dataclasses
from typing import Annotated

import typer

from lobass_core.cli.number_option import count, number, share
from lobass_core.cli.opening import open_project
from lobass_core.cli.options import DEFAULT_PROJECT, DatasetsOption, JsonOption, ProjectOption, RunOption, names, pairs
from lobass_core.cli.output import print_facts, print_json, print_table, say, warn
from lobass_core.errors import RequestError
from lobass_core.learnability.measures import BUILT_IN
from lobass_core.selection.order import WORSE_THAN_CHANCE, usual_gates
from lobass_core.selection.result import SelectionResult
from lobass_core.specs import Balance, BudgetKind, Gates, SelectionSpec
from lobass_core.words.plural import plural
from lobass_core.words.typed_numbers import NotANumber, read_number
from lobass_core.workflows import select as workflow
from lobass_core.workflows.browse_filter import parse_named_range
from lobass_core.workflows.evidence import evidence, reported
from lobass_core.workflows.scored import scored

LEARNABILITY = SelectionSpec().method
RatioOption = Annotated[
    float | None,
    typer.Option("--ratio", parser=share("--ratio"), help="Share of the scored rows to keep: 0.06 or 6%."),
]
BudgetSamplesOption = Annotated[
    int | None,
    typer.Option("--budget-samples", parser=count("--budget-samples", least=0), help="Number of rows to keep."),
]
BudgetTokensOption = Annotated[
    int | None,
    typer.Option(
        "--budget-tokens",
        parser=count("--budget-tokens", least=0),
        help="Number of response tokens to keep.",
    ),
]
ThresholdOption = Annotated[
    float | None,
    typer.Option(
        "--threshold",
        parser=number("--threshold"),
        help="Keep every row that scores at least this, or at most if lower is better; one cut for all domains.",
    ),
]
BalanceOption = Annotated[
    str,
    typer.Option(
        "--balance",
        help="natural, equal, global, or weights: conversation=0.6,math=0.4.",
        show_default="natural; global with --threshold",
    ),
]
MethodOption = Annotated[
    str,
    typer.Option(
        "--method",
        help=f"Measure to rank by; the best are kept: {', '.join(BUILT_IN)}, or a score column of the project.",
        show_default="learnability; the score column if nothing is scored",
    ),
]
BandOption = Annotated[
    list[str] | None,
    typer.Option(
        "--band",
        metavar="MEASURE:LOW..HIGH",
        help="Exclude rows outside a range of any measure: base-loss:0.5..2; repeatable.",
    ),
]
MinResponseTokensOption = Annotated[
    int,
    typer.Option(
        "--min-response-tokens",
        parser=count("--min-response-tokens", least=0),
        help="Exclude rows with shorter responses.",
    ),
]
MinLearnabilityOption = Annotated[
    float | None,
    typer.Option(
        "--min-learnability", parser=number("--min-learnability"), help="Exclude rows with a lower learnability."
    ),
]
ExcludeTruncatedOption = Annotated[bool, typer.Option("--exclude-truncated", help="Exclude truncated rows.")]
ExcludeNegativeOption = Annotated[
    bool, typer.Option("--exclude-negative", help="Exclude rows where the reference is worse than the base.")
]
ExcludeNearZeroBaseOption = Annotated[
    bool, typer.Option("--exclude-near-zero-base", help="Exclude rows with a base loss near zero.")
]
ExcludeWorseThanChanceOption = Annotated[
    bool | None,
    typer.Option(
        "--exclude-worse-than-chance/--keep-worse-than-chance",
        help="Exclude rows where the base is worse than chance: their scores are not meaningful.",
        show_default="excluded if the method uses losses",
    ),
]
ExcludeOverlapOption = Annotated[
    bool,
    typer.Option("--exclude-overlap", help="Exclude rows that the last lobass overlap found in evaluation files."),
]
KeepDuplicatesOption = Annotated[
    bool, typer.Option("--keep-duplicates", help="Allow a sample to be kept more than once.")
]


def register(app: typer.Typer) -> None:
    """Add `lobass select`."""
    app.command("select")(select)


def select(
    project: ProjectOption = DEFAULT_PROJECT,
    ratio: RatioOption = None,
    budget_samples: BudgetSamplesOption = None,
    budget_tokens: BudgetTokensOption = None,
    threshold: ThresholdOption = None,
    balance: BalanceOption = "",
    method: MethodOption = "",
    min_response_tokens: MinResponseTokensOption = 0,
    min_learnability: MinLearnabilityOption = None,
    exclude_truncated: ExcludeTruncatedOption = False,
    exclude_negative: ExcludeNegativeOption = False,
    exclude_near_zero_base: ExcludeNearZeroBaseOption = False,
    exclude_worse_than_chance: ExcludeWorseThanChanceOption = None,
    exclude_overlap: ExcludeOverlapOption = False,
    keep_duplicates: KeepDuplicatesOption = False,
    band: BandOption = None,
    datasets: DatasetsOption = "",
    seed: Annotated[int, typer.Option("--seed", parser=count("--seed"), help="Seed of --method random.")] = 0,
    name: Annotated[
        str, typer.Option("--name", help="Name to save the selection under.", show_default="not saved")
    ] = "",
    replace: Annotated[bool, typer.Option("--replace", help="Replace a selection of that name.")] = False,
    run: RunOption = None,
    json: JsonOption = False,
) -> None:
    """Keep the most learnable rows, or the best by another measure, up to a budget, balanced between domains."""
    budget, value = _budget(ratio, budget_samples, budget_tokens, threshold)
    balance_kind, weights = _balance(balance or ("global" if budget == "threshold" else "natural"))
    chance = usual_gates(method or LEARNABILITY).exclude_worse_than_chance
    spec = SelectionSpec(
        method=method or LEARNABILITY,
        budget=budget,
        value=value,
        balance=balance_kind,
        weights=weights,
        gates=Gates(
            min_response_tokens=min_response_tokens,
            min_learnability=min_learnability,
            exclude_truncated=exclude_truncated,
            exclude_negative=exclude_negative,
            exclude_near_zero_base=exclude_near_zero_base,
            exclude_duplicates=not keep_duplicates,
            exclude_overlap=exclude_overlap,
            exclude_worse_than_chance=chance if exclude_worse_than_chance is None else exclude_worse_than_chance,
            bands=tuple((name, *limits) for name, limits in map(parse_named_range, band or ())),
        ),
        seed=seed,
        datasets=names(datasets),
    )
    opened = open_project(project)
    if not method and (usual := workflow.usual_method(opened, run)) != LEARNABILITY:
        gates = dataclasses.replace(spec.gates, exclude_worse_than_chance=bool(exclude_worse_than_chance))
        spec = dataclasses.replace(spec, method=usual, gates=gates)
    if name:
        result = workflow.save(opened, name, spec, run=run, replace=replace)
    else:
        result = workflow.select(opened, spec, run=run)
    _show(result, name, spec, json)
    rows = scored(opened, run)
    known = evidence(reported(opened, rows.run_id), spec.method, result.n_kept / max(len(rows.table), 1))
    if known and rows.table.is_scored and not json:
        say(f"{known.sentence} Compare with --method {known.instead}." if known.instead else known.sentence)


def _budget(
    ratio: float | None, samples: int | None, tokens: int | None, threshold: float | None
) -> tuple[BudgetKind, float]:
    budgets: dict[BudgetKind, float | None] = {
        "ratio": ratio,
        "samples": samples,
        "tokens": tokens,
        "threshold": threshold,
    }
    given = [(kind, float(value)) for kind, value in budgets.items() if value is not None]
    if len(given) != 1:
        raise RequestError(
            "a selection needs exactly one budget",
            do="Use one of --ratio, --budget-samples, --budget-tokens and --threshold.",
        )
    return given[0]


def _balance(text: str) -> tuple[Balance, tuple[tuple[str, float], ...]]:
    if text in ("natural", "equal", "global"):
        return text, ()  # type: ignore[return-value]
    if "=" not in text:
        raise RequestError(
            f"unknown balance {text!r}", do="Use natural, equal, global, or weights such as math=0.4,code=0.6."
        )
    return "custom", tuple(_weight(domain, text) for domain, text in pairs(text, "--balance"))


def _weight(domain: str, text: str) -> tuple[str, float]:
    try:
        return domain, read_number(text, least=0)
    except NotANumber as error:
        raise RequestError(f"the weight of {domain}: {error}", do="Use --balance math=0.4,code=0.6.") from error


def _show(result: SelectionResult, name: str, spec: SelectionSpec, json: bool) -> None:
    shares = [
        {
            "domain": share.domain,
            "n_rows": share.n_rows,
            "n_eligible": share.n_eligible,
            "asked": share.asked,
            "got": share.got,
            "response_tokens": share.known_tokens,
            "threshold": share.threshold,
            "exhausted": share.exhausted,
        }
        for share in result.domains
    ]
    if json:
        print_json(
            {
                "name": name or None,
                "n_kept": result.n_kept,
                "n_rows": sum(share.n_rows for share in result.domains),
                "response_tokens_kept": result.known_tokens,
                "domains": shares,
                "left_out": result.dropped(),
                "spec": spec.to_dict(),
            }
        )
        return
    print_facts(
        f"Selected {plural(result.n_kept, 'row')}"
        + (f" as {name}" if name else " (not saved: use --name to save them)"),
        [
            ("response tokens", _tokens(result)),
            ("method", spec.method),
            ("balance", spec.balance),
        ],
    )
    print_table(
        ("domain", "rows", "eligible", "asked", "got", "response tokens", "threshold", "note"),
        [
            (
                *(
                    share[key]
                    for key in ("domain", "n_rows", "n_eligible", "asked", "got", "response_tokens", "threshold")
                ),
                ("all taken" if share["n_eligible"] else "none eligible") if share["exhausted"] else "",
            )
            for share in shares
        ],
    )
    n_not_scored = result.dropped().get("not scored", 0)
    if n_not_scored and not result.n_kept:
        warn(
            f"{plural(n_not_scored, 'row is', 'rows are')} not scored. Run lobass score, or give a score column with "
            "--method."
        )
    n_artefacts = result.dropped().get(WORSE_THAN_CHANCE, 0)
    if n_artefacts:
        warn(
            f"{plural(n_artefacts, 'row is', 'rows are')} excluded: scores are not meaningful where the base is "
            "worse than chance. Use --keep-worse-than-chance to include such rows."
        )


def _tokens(result: SelectionResult) -> int | str:
    """The response tokens kept, or how many rows lack a count, which only a scoring makes."""
    if result.known_tokens is not None:
        return result.known_tokens
    if result.n_uncounted == result.n_kept:
        return "not counted: no row is scored"
    return f"not counted: {plural(result.n_uncounted, 'row is', 'rows are')} not scored"
