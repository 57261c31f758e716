"""Find a reference by name or path, and build the settings of a scoring."""

from dataclasses import dataclass, replace
from pathlib import Path

from lobass_core.errors import ModelError, RequestError
from lobass_core.jobs.run_list import list_runs
from lobass_core.jobs.run_specs import TrainReferenceRun
from lobass_core.project import Project
from lobass_core.specs import ModelSpec, RenderSpec, ScoreSpec
from lobass_core.workflows.recipes import RECIPE, lacks_weights, read_recipe


@dataclass(frozen=True, slots=True)
class ResolvedReference:
    """What a reference's name or path stands for: one model, or one a fold, and how it was rendered in training."""

    models: tuple[ModelSpec, ...]
    name: str
    fold_assignment: str = ""
    render: RenderSpec = RenderSpec()
    trained_from: ModelSpec | None = None


def resolve_reference(
    project: Project, name_or_path: str, base: ModelSpec, *, adapter: bool = False, revision: str = ""
) -> ResolvedReference:
    """Find the reference: one trained in this project (by name), a folder, an adapter on the base, or a hub id.

    `revision` is the branch, tag or commit of a reference from the hub.

    Raises:
        ModelError: the training of that reference has not finished, or `adapter` is asked of a plain folder.
    """
    folder = project.models_dir / name_or_path
    trained_here = folder.is_dir() and folder.resolve().parent == project.models_dir.resolve()
    if trained_here and revision:
        raise RequestError(
            f"reference {name_or_path!r} was trained here and has no revisions", do="Leave out the revision."
        )
    if trained_here:
        return _trained_reference(folder, base)
    path = Path(name_or_path).expanduser()
    if not path.exists():
        _refuse_unfinished(project, name_or_path)
    is_adapter = adapter or (path / "adapter_config.json").is_file()
    if adapter and path.is_dir() and not (path / "adapter_config.json").is_file():
        raise ModelError(
            "the folder contains no PEFT adapter", where=str(path), do="Remove --adapter for a whole model."
        )
    return ResolvedReference((_reference_model(base, _absolute(name_or_path), is_adapter, revision),), path.name)


def _refuse_unfinished(project: Project, name: str) -> None:
    """A reference has its folder once its training has ended; until then only a run knows the name."""
    for run in reversed(list_runs(project.runs_dir)):
        if isinstance(run.spec, TrainReferenceRun) and run.spec.reference.name == name and run.state() != "done":
            raise _unfinished(name, str(run.path))


def _unfinished(name: str, where: str) -> ModelError:
    return ModelError(
        f"the training of reference {name!r} has not finished",
        where=where,
        do=f"To resume it, run lobass train-reference --name {name} with the same settings.",
    )


def _absolute(path_or_hub_id: str) -> str:
    """A folder spelled out in full, so that the worker and a later resume find it from anywhere; a hub id as it is."""
    folder = Path(path_or_hub_id).expanduser()
    return str(folder.resolve()) if folder.exists() else path_or_hub_id


def _reference_model(base: ModelSpec, path: str, is_adapter: bool, revision: str = "") -> ModelSpec:
    if is_adapter:
        return replace(base, adapter=path, adapter_revision=revision)
    return ModelSpec(path, revision=revision, trust_remote_code=base.trust_remote_code)


def _trained_reference(folder: Path, base: ModelSpec) -> ResolvedReference:
    if not (folder / RECIPE).is_file():
        raise _unfinished(folder.name, str(folder))
    spec = read_recipe(folder).spec
    fold_folders = sorted(folder.glob("fold-*"), key=lambda path: int(path.name.removeprefix("fold-"))) or [folder]
    if lacks_weights(folder):
        raise ModelError(
            f"the weights of reference {folder.name!r} are not in this project",
            where=str(folder),
            do="Bundles do not contain weights: copy this folder from the project that trained it, or train another "
            "reference.",
        )
    models = tuple(_reference_model(base, str(path), (path / "adapter_config.json").is_file()) for path in fold_folders)
    folds = folder / "folds.parquet"
    return ResolvedReference(
        models,
        folder.name,
        str(folds) if len(models) > 1 and folds.is_file() else "",
        spec.render if spec else RenderSpec(),
        spec.base if spec else None,
    )


def score_spec(
    project: Project,
    *,
    base: str,
    reference: str,
    adapter: bool = False,
    template: str = "",
    max_tokens: int = 0,
    mask_rule: str = "all",
    dtype: str = "auto",
    device: str = "auto",
    batch_tokens: int = 0,
    datasets: tuple[str, ...] = (),
    trust_remote_code: bool = False,
    revision: str = "",
    reference_revision: str = "",
) -> ScoreSpec:
    """Build the settings from what a person types; a reference trained here brings its own rendering along.

    It brings the revision of its base along too, where the base is the same hub id and no other revision is asked for.
    """
    base_model = ModelSpec(_absolute(base), revision=revision, trust_remote_code=trust_remote_code)
    resolved = resolve_reference(project, reference, base_model, adapter=adapter, revision=reference_revision)
    origin = resolved.trained_from
    if origin and origin.path == base_model.path and origin.revision and not revision:
        base_model = replace(base_model, revision=origin.revision)
        resolved = resolve_reference(project, reference, base_model, adapter=adapter)
    render = RenderSpec(
        template or resolved.render.template,
        mask_rule if mask_rule != "all" else resolved.render.mask_rule,  # type: ignore[arg-type]
        max_tokens or resolved.render.max_tokens,
    )
    return ScoreSpec(
        base=base_model,
        references=resolved.models,
        reference_name=resolved.name,
        fold_assignment=resolved.fold_assignment,
        render=render,
        dtype=dtype,  # type: ignore[arg-type]
        device=device,
        batch_tokens=batch_tokens,
        datasets=datasets,
    )
