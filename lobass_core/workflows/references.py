"""Find a reference by name or path, and build the settings of a scoring."""

from dataclasses import dataclass, replace
from pathlib import Path

from lobass_core.errors import ModelError, RequestError
from lobass_core.jobs.run_list import list_runs
from lobass_core.jobs.run_specs import TrainReferenceRun
from lobass_core.project import Project
from lobass_core.records import REFERENCE
from lobass_core.specs import ModelSpec, NamedReference, RenderSpec, ScoreSpec
from lobass_core.words.loss_columns import TARGET, epoch_column, is_member, seed_column
from lobass_core.workflows.recipes import RECIPE, Recipe, lacks_weights, read_recipe
from lobass_core.workflows.reference_folders import epoch_folders, fold_folders, seed_folders


@dataclass(frozen=True, slots=True)
class ResolvedReference:
    """What a reference's name or path stands for: one model, or one a fold, and how it was rendered in training.

    `others` are the further loss columns that it brings: one for each of several references, and for each kept epoch.
    """

    models: tuple[ModelSpec, ...]
    name: str
    fold_assignment: str = ""
    render: RenderSpec = RenderSpec()
    trained_from: ModelSpec | None = None
    others: tuple[NamedReference, ...] = ()


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
    recipe = read_recipe(folder)
    spec = recipe.spec
    if lacks_weights(folder):
        raise ModelError(
            f"the weights of reference {folder.name!r} are not in this project",
            where=str(folder),
            do="Bundles do not contain weights: copy this folder from the project that trained it, or train another "
            "reference.",
        )
    seeds = seed_folders(folder)
    others = [
        NamedReference(seed_column(seed), *_models_of(one, base, f"{folder.name}, seed {seed}"))
        for seed, one in seeds.items()
    ]
    for seed, one in seeds.items() or [(None, folder)]:
        column = REFERENCE if seed is None else seed_column(seed)
        title = folder.name if seed is None else f"{folder.name}, seed {seed}"
        others += _epochs_of(one, base, column, title, _chosen_epochs(recipe, seed))
    models, _, fold_assignment = _models_of(next(iter(seeds.values()), folder), base, folder.name)
    return ResolvedReference(
        models,
        folder.name,
        fold_assignment,
        spec.render if spec else RenderSpec(),
        spec.base if spec else None,
        tuple(others),
    )


def _models_of(folder: Path, base: ModelSpec, title: str) -> tuple[tuple[ModelSpec, ...], str, str]:
    """The models in the folder of one reference, its title, and the file of its folds."""
    models = tuple(_model_in(path, base) for path in fold_folders(folder))
    folds = folder / "folds.parquet"
    return models, title, str(folds) if len(models) > 1 and folds.is_file() else ""


def _model_in(folder: Path, base: ModelSpec) -> ModelSpec:
    return _reference_model(base, str(folder), (folder / "adapter_config.json").is_file())


def _chosen_epochs(recipe: Recipe, seed: int | None) -> list[float]:
    """The epoch that was kept of each fold of a reference; none where the recipe does not say."""
    models = recipe.values.get("folds") or [recipe.values]
    chosen = [one.get("epoch_chosen") for one in models if seed is None or one.get("seed") == seed]
    return [] if None in chosen else chosen


def _epochs_of(folder: Path, base: ModelSpec, column: str, title: str, chosen: list[float]) -> list[NamedReference]:
    """A column for every epoch that all folds of a reference have kept, the chosen one among them."""
    folders = fold_folders(folder)
    kept = [epoch_folders(path) for path in folders]
    if not any(kept) or len(chosen) != len(folders):
        return []
    of_fold = [{**epochs, best: path} for epochs, best, path in zip(kept, chosen, folders, strict=True)]
    _, _, fold_assignment = _models_of(folder, base, title)
    return [
        NamedReference(
            epoch_column(column, epoch),
            tuple(_model_in(epochs[epoch], base) for epochs in of_fold),
            f"{title}, epoch {epoch:g}",
            fold_assignment,
        )
        for epoch in sorted(set.intersection(*map(set, of_fold)))
    ]


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
    target: str = "",
) -> ScoreSpec:
    """Build the settings from what a person types; a reference trained here brings its own rendering along.

    It brings the revision of its base along too, where the base is the same hub id and no other revision is asked for.
    `target` names a reference that was trained on a target set, which scores beside the other.

    Raises:
        LobassError: the training of a reference has not finished, or the two were trained under different settings.
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
        others=(*resolved.others, *_target(project, target, base_model, resolved, is_rendering_given=bool(template))),
    )


def _target(
    project: Project, name: str, base: ModelSpec, reference: ResolvedReference, *, is_rendering_given: bool
) -> tuple[NamedReference, ...]:
    """The loss column of a reference that was trained on a target; none without a name."""
    if not name:
        return ()
    resolved = resolve_reference(project, name, base)
    if any(is_member(one.name) for one in resolved.others):
        raise RequestError(f"{name!r} is several references, but a target has one", do="Train it with --seeds 1.")
    renders = {one.render for one in (resolved, reference) if one.trained_from}
    if len(renders) > 1 and not is_rendering_given:
        raise RequestError(
            f"{name!r} and {reference.name!r} were trained with different templates, limits or masks",
            do="Train one of them again with the settings of the other, or say --template.",
        )
    return (NamedReference(TARGET, resolved.models, resolved.name, resolved.fold_assignment),)
