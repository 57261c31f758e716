"""lobass score"""

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Annotated

import typer

from lobass_core.cli.costs import say_cost
from lobass_core.cli.follow import followed
from lobass_core.cli.former_names import accepting
from lobass_core.cli.number_option import number
from lobass_core.cli.opening import open_project
from lobass_core.cli.options import (
    BASE_HELP,
    DEFAULT_PROJECT,
    BatchTokensOption,
    DatasetsOption,
    DeviceOption,
    JsonOption,
    MaskOption,
    MaxTokensOption,
    ProjectOption,
    RevisionOption,
    TemplateOption,
    TrustOption,
    names,
)
from lobass_core.cli.output import print_facts, print_json, print_table, say, warn
from lobass_core.errors import RequestError
from lobass_core.jobs.run_results import PreflightResult
from lobass_core.project import Project
from lobass_core.workflows import refine as refinement
from lobass_core.workflows import score as workflow
from lobass_core.workflows.costs import Cost, cost_of_scoring
from lobass_core.workflows.known_models import known_models, names_no_reference
from lobass_core.workflows.model_paths import why_not
from lobass_core.workflows.references import score_spec
from lobass_core.workflows.refine import DEFAULT_BAND

ReferenceOption = Annotated[
    str, typer.Option("--reference", help="Reference model: name of one trained here, folder, adapter or Hub id.")
]
TargetOption = Annotated[
    str,
    typer.Option(
        "--target", help="A further reference, trained with --target: how learnable rows are towards the target."
    ),
]
AdapterOption = Annotated[bool, typer.Option("--adapter", help="The reference is a PEFT adapter on the base.")]
ReferenceRevisionOption = Annotated[
    str,
    typer.Option(
        "--reference-revision",
        help="Branch, tag or commit of a reference (model or adapter) on the Hub.",
        show_default="the main branch",
    ),
]
ResumeOption = Annotated[str, typer.Option("--resume", help="Resume a stopped run; needs no other option.")]
RefineOption = Annotated[
    str, typer.Option("--refine", help="Saved selection: recompute the losses near its cut in float32.")
]
BandOption = Annotated[
    float,
    typer.Option(
        "--band",
        parser=number("--band", least=0),
        help="With --refine: largest distance from the cut, in units of the score.",
    ),
]
PreflightOption = Annotated[bool, typer.Option("--dry-run", help="Show what would be scored and read; score nothing.")]


def register(app: typer.Typer) -> None:
    """Add `lobass score`."""
    app.command("score", cls=accepting({"--preflight": "--dry-run"}))(score)


def score(
    project: ProjectOption = DEFAULT_PROJECT,
    base: Annotated[str, typer.Option("--base", help=BASE_HELP)] = "",
    reference: ReferenceOption = "",
    target: TargetOption = "",
    adapter: AdapterOption = False,
    revision: RevisionOption = "",
    reference_revision: ReferenceRevisionOption = "",
    template: TemplateOption = "",
    max_tokens: MaxTokensOption = 0,
    mask: MaskOption = "all",
    dtype: Annotated[str, typer.Option("--dtype", help="auto, float32 or bfloat16.")] = "auto",
    device: DeviceOption = "auto",
    batch_tokens: BatchTokensOption = 0,
    datasets: DatasetsOption = "",
    trust_remote_code: TrustOption = False,
    resume: ResumeOption = "",
    refine: RefineOption = "",
    band: BandOption = DEFAULT_BAND,
    preflight: PreflightOption = False,
    json: JsonOption = False,
) -> None:
    """Score every sample with the base and the reference. Losses that are already known are not computed again."""
    opened = open_project(project)
    own = {"--base": base, "--reference": reference, "--target": target, "--dry-run": preflight}
    _check_alone({"--resume": resume, "--refine": refine}, own)
    if resume:
        with followed() as on_progress:
            result = workflow.resume_and_finish(opened, resume, on_progress)
        _show(result, json)
        return
    if refine:
        with followed() as on_progress:
            refined = refinement.refine(opened, refine, band, on_progress)
        _show_refined(refined, json)
        return
    if not (base and reference):
        raise RequestError("scoring needs two models", do="Use --base and --reference, or --resume, or --refine.")
    spec = score_spec(
        opened,
        base=base,
        reference=reference,
        adapter=adapter,
        template=template,
        max_tokens=max_tokens,
        mask_rule=mask,
        dtype=dtype,
        device=device,
        batch_tokens=batch_tokens,
        datasets=names(datasets),
        trust_remote_code=trust_remote_code,
        revision=revision,
        reference_revision=reference_revision,
        target=target,
    )
    if error := why_not(spec):
        raise error
    opened.require_writable()
    for notice in _on_references(opened, spec.base.path, reference, target):
        say(notice)
    cost = cost_of_scoring(opened, spec)
    say_cost(cost)
    with followed() as on_progress:
        if preflight:
            forecast = workflow.preflight(opened, spec, on_progress)
        else:
            result = workflow.score(opened, spec, on_progress)
    if preflight:
        _show_forecast(forecast, cost, json)
    else:
        _show(result, json, cost)


def _on_references(project: Project, base: str, reference: str, target: str) -> Iterator[str]:
    """What may not be meant: a name that is looked up on the Hub, and a target that is left out."""
    for name in filter(None, (reference, target)):
        yield from filter(None, [names_no_reference(project, name)])
    unused = "" if target else known_models(project).usual_targets.get(base, "")
    if unused not in ("", reference):
        yield f"Reference {unused} was trained on a target and is not used: --target {shlex.quote(unused)} adds it."


def _check_alone(modes: Mapping[str, object], others: Mapping[str, object]) -> None:
    """Refuse what a resume or a refinement would ignore."""
    given = [option for option, value in {**modes, **others}.items() if value]
    if given and given[0] in modes and len(given) > 1:
        raise RequestError(f"{given[0]} cannot be combined with {given[1]}", do=f"Remove {given[1]}.")


def _show(result: workflow.ScoreResult, json: bool, cost: Cost | None = None) -> None:
    if json:
        print_json(result.to_dict() | ({"cost": cost.to_dict()} if cost else {}))
        return
    for warning in result.warnings:
        warn(warning)
    print_facts(
        f"Scored {result.n_samples:,} samples with {result.base_name} and {result.reference_name}",
        [
            ("run", result.run_id),
            ("losses computed", result.n_computed),
            ("losses already known", result.n_known),
            ("losses carried over from earlier runs", result.n_carried),
            ("truncated responses", result.n_truncated),
            ("rows where the base is worse than chance", result.n_worse_than_chance),
            ("rows that the reference was not trained on", result.n_unseen),
            ("limit per sample, tokens", result.max_tokens),
            ("template", result.template),
            ("seconds", None if result.seconds is None else round(result.seconds, 1)),
        ],
    )


def _show_refined(result: refinement.RefineResult, json: bool) -> None:
    if json:
        print_json(result.to_dict())
        return
    print_facts(
        f"Scored {result.n_samples:,} samples near the cut of {result.selection} again in float32",
        [
            ("run", result.run_id),
            ("losses computed", result.n_computed),
            ("selected rows that would change", f"{result.n_changed:,} of {result.n_kept:,}"),
            ("next", "To save them, select again with the same settings and name, and --replace."),
            ("seconds", None if result.seconds is None else round(result.seconds, 1)),
        ],
    )


def _facts_of(forecast: PreflightResult) -> list[tuple[str, object]]:
    speed = forecast.tokens_per_second
    return [
        ("samples", forecast.n_samples),
        ("samples rendered for the estimate", forecast.n_looked_at),
        ("template", f"{forecast.template} ({forecast.template_reason})"),
        ("turns that count as response", forecast.mask_rule),
        ("limit per sample, tokens", forecast.max_tokens),
        ("mean sample, tokens", round(forecast.mean_tokens, 1)),
        ("response tokens", forecast.n_response_tokens),
        ("truncated responses", forecast.n_truncated),
        ("truncated response tokens", forecast.n_dropped_response_tokens),
        ("samples without a response", forecast.n_no_response),
        (
            "samples that the reference was not trained on",
            "unknown" if forecast.n_unseen is None else forecast.n_unseen,
        ),
        ("dtype", forecast.dtype),
        ("device", forecast.device),
        ("tokens per second", "not measured" if speed is None else round(speed)),
        ("expected seconds", round(forecast.forecast_seconds, 1)),
    ]


def _show_forecast(forecast: PreflightResult, cost: Cost, json: bool) -> None:
    if json:
        print_json({**asdict(forecast), "cost": cost.to_dict()})
        return
    print_facts("Before scoring", _facts_of(forecast))
    for warning in forecast.warnings:
        warn(warning)
    print_table(
        ("part", "model", "known", "carried over", "to do"),
        [(model.part, model.name, model.n_known, model.n_carried, model.n_to_do) for model in forecast.models],
    )
