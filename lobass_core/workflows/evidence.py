"""Whether rows chosen by a measure train better than random draws: by this project's experiments, else the study."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_list import list_runs
from lobass_core.jobs.run_specs import ValidateRun
from lobass_core.project import Project
from lobass_core.validation.arms import MEASURE, SCORES
from lobass_core.validation.report import budget_words, label_of
from lobass_core.words.plural import plural
from lobass_core.workflows.validate_report import KIND

# docs/validation.md has the figures.
STUDY = (
    "In a study on SmolLM2-135M-Instruct, no measure chose rows that trained a better model than random draws of as "
    "many rows, and learnability chose rows that trained a worse one. Run an experiment on your own rows before you "
    "rely on a selection."
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """A sentence, and the experiment of this project that it rests on; none for the study's."""

    sentence: str
    run_id: str = ""


def evidence(project: Project, scoring: str, method: str, share: float) -> Evidence | None:
    """What is known of choosing by a measure; None of one that neither an experiment nor the study has looked at.

    `scoring` is the run that the scores come from; of several budgets, the one nearest to `share` of the rows counts.
    """
    for run in reversed(list_runs(project.runs_dir)):
        if run.kind == KIND and (own := _of_run(project, run, scoring, method, share)):
            return own
    return Evidence(STUDY) if method in SCORES else None


def _of_run(project: Project, run: RunFolder, scoring: str, method: str, share: float) -> Evidence | None:
    if run.spec_as(ValidateRun).scoring != scoring:
        return None
    claims = [one for one in _claims(project.validation_dir / f"{run.run_id}.json") if _is_of(one["arm"], method)]
    if not claims:
        return None
    budget = min((one["budget"] for one in claims), key=lambda each: abs(each - share))
    said = _said([one for one in claims if one["budget"] == budget])
    arm = label_of(claims[0]["arm"])
    sentence = f"In experiment {run.run_id}, {budget_words(budget)} of the rows by {arm} trained {said}."
    return Evidence(sentence, run.run_id)


def _claims(report: Path) -> list[dict]:
    """The claims of a report that was written; none where there is no report that can be read."""
    try:
        return json.loads(report.read_text(encoding="utf-8"))["claims"]
    except (OSError, ValueError, KeyError):
        return []


def _is_of(arm: str, method: str) -> bool:
    return arm.removeprefix(MEASURE) == method


def _said(claims: Iterable[dict]) -> str:
    verdicts: dict[str, set[str]] = {}
    for one in claims:
        verdicts.setdefault(one["set_name"], set()).add(one["verdict"])
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
