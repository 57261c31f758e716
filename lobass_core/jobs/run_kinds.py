"""The kinds of runs: what each is asked, and what it answers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lobass_core.jobs.experiment_results import PlantedResult, ValidateResult
from lobass_core.jobs.run_results import (
    CheckExportResult,
    PreflightResult,
    RenderResult,
    ScoreRunResult,
    TrainBaseResult,
    TrainReferenceResult,
)
from lobass_core.jobs.run_specs import (
    CheckExportRun,
    PlantedRun,
    RenderRun,
    TrainBaseRun,
    TrainReferenceRun,
    ValidateRun,
    nested_reference,
)
from lobass_core.specs import ScoreSpec


@dataclass(frozen=True, slots=True)
class RunKind:
    """Dataclasses of a kind's spec.json and result.json; `from_version_1` changes the values of an old spec.

    `reads_input`: its worker cannot begin without an input.parquet.
    """

    spec: type[Any]
    result: type[Any]
    from_version_1: Callable[[dict], dict] = dict
    reads_input: bool = True


KINDS: dict[str, RunKind] = {
    "score": RunKind(ScoreSpec, ScoreRunResult),
    "preflight": RunKind(ScoreSpec, PreflightResult),
    "render": RunKind(RenderRun, RenderResult),
    "train_reference": RunKind(TrainReferenceRun, TrainReferenceResult, nested_reference),
    "train_base": RunKind(TrainBaseRun, TrainBaseResult, reads_input=False),
    "check_export": RunKind(CheckExportRun, CheckExportResult),
    "validate": RunKind(ValidateRun, ValidateResult),
    "planted": RunKind(PlantedRun, PlantedResult),
}
