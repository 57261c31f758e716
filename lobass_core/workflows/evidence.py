"""Whether rows chosen by a measure train better than random draws: by this project's experiments, else the study."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from lobass_core.jobs.run_list import list_runs
from lobass_core.jobs.run_specs import ValidateRun
from lobass_core.learnability.measures import LENGTH_ADJUSTED
from lobass_core.project import Project
from lobass_core.validation.arms import MEASURE, SCORES
from lobass_core.validation.judge import Verdict
from lobass_core.validation.report import budget_words, label_of
from lobass_core.words.plural import plural
from lobass_core.workflows.validate_report import KIND

# docs/validation.md has the figures.
STUDY = (
    "In a study on two small models, no measure chose rows that trained a better model than random draws of as many "
    "rows, and learnability chose rows that trained a worse one."
)
ADJUSTED = (
    "Adjusted for length, it chose rows that trained a better one in half of the comparisons, a worse one in none."
)
ADVICE = "Run an experiment on your own rows before you rely on a selection."


@dataclass(frozen=True, slots=True)
class ReportedClaim:
    """What a written report says of one arm, as far as it matters here."""

    arm: str
    budget: float
    set_name: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Reported:
    """An experiment of this project whose report has been written."""

    run_id: str
    claims: tuple[ReportedClaim, ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known, and the experiment of this project that it rests on; none for the study's.

    `instead`: a method that did better where this one was compared with it.
    """

    sentence: str
    run_id: str = ""
    instead: str = ""


@dataclass(frozen=True, slots=True)
class _Report:
    claims: tuple[ReportedClaim, ...]


def reported(project: Project, scoring: str) -> tuple[Reported, ...]:
    """The experiments on the scores of a run, newest first; those without a report that can be read are left out."""
    runs = [
        run
        for run in reversed(list_runs(project.runs_dir))
        if run.kind == KIND and isinstance(run.spec, ValidateRun) and run.spec.scoring == scoring
    ]
    found = ((run.run_id, _claims(project.validation_dir / f"{run.run_id}.json")) for run in runs)
    return tuple(Reported(run_id, claims) for run_id, claims in found if claims)


def evidence(experiments: Sequence[Reported], method: str, share: float) -> Evidence | None:
    """What is known of choosing by a measure; None of one that neither an experiment nor the study has looked at.

    The newest experiment with an arm of the measure counts, and of its budgets the one nearest to `share` of the rows.
    """
    for one in experiments:
        claims = [claim for claim in one.claims if claim.arm.removeprefix(MEASURE) == method]
        if claims:
            budget = min((claim.budget for claim in claims), key=lambda each: abs(each - share))
            said = _said([claim for claim in claims if claim.budget == budget])
            words = f"{budget_words(budget)} of the rows by {label_of(claims[0].arm)}"
            return Evidence(f"In experiment {one.run_id}, {words} trained {said}.", one.run_id)
    if method == "learnability":
        return Evidence(f"{STUDY} {ADJUSTED} {ADVICE}", instead=LENGTH_ADJUSTED)
    return Evidence(f"{STUDY} {ADVICE}") if method in SCORES else None


def _claims(report: Path) -> tuple[ReportedClaim, ...]:
    try:
        return msgspec.json.decode(report.read_bytes(), type=_Report).claims
    except (OSError, msgspec.MsgspecError):
        return ()


def _said(claims: Iterable[ReportedClaim]) -> str:
    verdicts: dict[str, set[str]] = {}
    for one in claims:
        verdicts.setdefault(one.set_name, set()).add(one.verdict)
    better, worse = (
        [name for name, own in verdicts.items() if verdict in own and other not in own]
        for verdict, other in (("better", "worse"), ("worse", "better"))
    )
    sets = plural(len(verdicts), "set")
    if better and worse:
        return f"a better model than random draws on {', '.join(better)}, and a worse one on {', '.join(worse)}"
    if better or worse:
        word, own = ("better", better) if better else ("worse", worse)
        return f"a {word} model than random draws on {len(own)} of {sets} of held-out rows"
    return f"neither a better nor a worse model than random draws, as far as {sets} of held-out rows tell"
