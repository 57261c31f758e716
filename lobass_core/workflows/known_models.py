"""Models to offer in a picker: those of earlier runs, of references, and of the project's folder."""

from dataclasses import dataclass
from pathlib import Path

from lobass_core.jobs.run_list import list_runs
from lobass_core.jobs.run_specs import TrainReferenceRun
from lobass_core.project import Project
from lobass_core.specs import ScoreSpec
from lobass_core.workflows.resumable import is_gone
from lobass_core.workflows.train_reference import list_references


@dataclass(frozen=True, slots=True)
class KnownModels:
    """Bases as paths or hub ids, latest first; references by name (trained here) or path.

    `targets` are those that were trained here on a target set; they are the last of `references` too.
    """

    bases: tuple[str, ...]
    references: tuple[str, ...]
    trained_here: tuple[str, ...]
    targets: tuple[str, ...] = ()


def known_models(project: Project) -> KnownModels:
    """Look through runs and the models folder; what is not there any more is still offered if it is a hub id."""
    bases: list[str] = []
    references: list[str] = []
    for run in reversed(list_runs(project.runs_dir)):
        if isinstance(run.spec, TrainReferenceRun):
            bases.append(run.spec.reference.base.path)
        elif isinstance(run.spec, ScoreSpec):
            bases.append(run.spec.base.path)
            references.append(run.spec.references[0].adapter or run.spec.references[0].path)
    trained = list_references(project)
    bases += [str(item.base) for item in trained]
    bases += [str(config.parent) for config in sorted(project.models_dir.glob("*/config.json"))]
    there = sorted((item for item in trained if not is_gone(str(item.path))), key=lambda item: bool(item.target))
    inside = {str(item.path) for item in trained}
    others = [path for path in _usable(references) if path not in inside and not _is_within(path, inside)]
    return KnownModels(
        bases=tuple(path for path in _usable(bases) if path not in inside),
        references=(*(item.name for item in there), *others),
        trained_here=tuple(item.name for item in there),
        targets=tuple(item.name for item in there if item.target),
    )


def _is_within(path: str, folders: set[str]) -> bool:
    """Models of folds and seeds lie inside their reference's folder."""
    return any(str(parent) in folders for parent in Path(path).parents)


def _usable(paths: list[str]) -> list[str]:
    """Each once, in order, without folders and files that are gone."""
    return [path for path in dict.fromkeys(paths) if path and not is_gone(path)]
