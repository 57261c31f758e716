"""How many tokens a second a training gets through here, before one of an experiment has been timed."""

from collections.abc import Iterator

from lobass_core.errors import LobassError
from lobass_core.jobs.experiment_results import ValidateResult
from lobass_core.jobs.run_list import list_runs
from lobass_core.jobs.run_specs import ValidateRun
from lobass_core.project import Project
from lobass_core.validation.passes import TRAINING
from lobass_core.workflows.costs import is_on, kind_of, time_of


def training_rate(project: Project, run: ValidateRun) -> float | None:
    """Tokens a second of the latest experiment on this base by this method, on the device asked for.

    Else of the largest training of a reference from this base, by this method if there is one; else a third of what the
    largest scoring by this base read. None where nothing has been timed.
    """
    asked = run.settings
    for other in reversed(list_runs(project.runs_dir)):
        spec = other.spec
        if not isinstance(spec, ValidateRun) or spec.settings.method != asked.method:
            continue
        if spec.base_weights == run.base_weights:
            try:
                result = other.read_result(ValidateResult)
            except LobassError:
                continue
            if result.tokens_per_second and is_on(asked.device, result.device):
                return result.tokens_per_second
    return max(_of_runs(project, run), default=(0, 0, None))[2]


def _of_runs(project: Project, asked: ValidateRun) -> Iterator[tuple[int, int, float]]:
    """(how near to what is asked, samples, tokens a second) of finished trainings and scorings."""
    for run in list_runs(project.runs_dir):
        kind = kind_of(run, asked.base, "")
        timed = time_of(run) if kind else None
        if timed is None or not is_on(asked.settings.device, timed.device):
            continue
        rate = timed.n_tokens / (timed.seconds * timed.n_samples)
        if kind == "train":
            yield 1 + bool(kind_of(run, asked.base, asked.settings.method)), timed.n_samples, rate
        else:
            yield 0, timed.n_samples, rate / TRAINING
