"""Models to offer in a picker: those of earlier runs, of references, and of the project's folder."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lobass_core.jobs.run_list import list_runs
from lobass_core.jobs.run_specs import TrainReferenceRun
from lobass_core.project import Project
from lobass_core.specs import ScoreSpec
from lobass_core.words.loss_columns import TARGET
from lobass_core.workflows.resumable import is_gone
from lobass_core.workflows.train_reference import TrainedReference, list_references


@dataclass(frozen=True, slots=True)
class KnownModels:
    """Bases as paths or hub ids, latest first; references by name (trained here) or path.

    `targets` are those that were trained here on a target set; they are the last of `references` too. `usual_targets`
    has the one to score with by base: that of its latest scoring, or one that was trained since.
    """

    bases: tuple[str, ...]
    references: tuple[str, ...]
    trained_here: tuple[str, ...]
    targets: tuple[str, ...] = ()
    usual_targets: Mapping[str, str] = field(default_factory=dict)


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
        usual_targets=_usual_targets(project, [item for item in there if item.target]),
    )


def names_no_reference(project: Project, name: str) -> str:
    """Say that a plain word is the name of no reference trained here, so that it is looked up on the Hub.

    Empty for a reference trained here, a path, and a Hub id with an organisation.
    """
    if "/" in name or (project.models_dir / name).is_dir() or Path(name).exists():
        return ""
    trained = ", ".join(item.name for item in list_references(project)) or "none"
    return f"No reference of this project is called {name!r} (trained here: {trained}). Looking for a Hub model."


def _usual_targets(project: Project, targets: list[TrainedReference]) -> dict[str, str]:
    """By base; a base that was scored without one since has none.

    New rows are scored as the others were: otherwise their scores would stand apart.
    """
    usual = {one.base: one for one in sorted(targets, key=lambda one: one.made_at)}
    names = {base: one.name for base, one in usual.items()}
    scored: set[str] = set()
    for run in reversed(list_runs(project.runs_dir)):
        if run.kind != "score" or not isinstance(run.spec, ScoreSpec) or run.spec.base.path in scored:
            continue
        base = run.spec.base.path
        scored.add(base)
        if base in usual and run.created_at > usual[base].made_at:
            titles = {one.title for one in run.spec.others if one.name == TARGET}
            names[base] = next((one.name for one in targets if one.name in titles), "")
    return names


def _is_within(path: str, folders: set[str]) -> bool:
    """Models of folds and seeds lie inside their reference's folder."""
    return any(str(parent) in folders for parent in Path(path).parents)


def _usable(paths: list[str]) -> list[str]:
    """Each once, in order, without folders and files that are gone."""
    return [path for path in dict.fromkeys(paths) if path and not is_gone(path)]
