"""What a scoring run and its preflight settle first: models, template, limit, fingerprints, what is known."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow.compute as pc
import torch

from lobass_core.jobs.run_files import read_parquet
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_results import ModelInfo, ScoredColumn, ScoredModel
from lobass_core.records import BASE, REFERENCE, ModelFingerprint
from lobass_core.rendering.fingerprint import tokenizer_fingerprint
from lobass_core.rendering.render import Renderer, resolve_max_tokens
from lobass_core.rendering.templates import Template, load_template, own_template
from lobass_core.scoring.adapters import check_adapter_fits
from lobass_core.scoring.fingerprint import model_fingerprint
from lobass_core.scoring.model_files import (
    ModelFiles,
    config_of,
    find_model,
    has_tokenizer,
    position_limit,
    vocabulary_size,
    weight_bytes,
)
from lobass_core.scoring.models import DTYPES, check_same_vocabulary, choose_device, choose_dtype, load_tokenizer
from lobass_core.scoring.products import Library
from lobass_core.specs import ModelSpec, ScoreSpec
from lobass_core.words.loss_columns import is_member, label_of_column
from lobass_core.worker.recipe import is_trained_here
from lobass_core.worker.reporter import Reporter
from lobass_core.worker.run_products import settle_products


@dataclass(frozen=True, slots=True)
class ModelTask:
    """One model of the run, and what its files say about it, read once."""

    spec: ModelSpec
    files: ModelFiles
    fingerprint: ModelFingerprint
    column: str
    fold: int | None
    model_type: str
    vocabulary_size: int | None
    weight_bytes: int
    title: str = ""

    @classmethod
    def of(
        cls,
        spec: ModelSpec,
        files: ModelFiles,
        tokenizer: str,
        dtype: str,
        column: str,
        fold: int | None = None,
        title: str = "",
    ) -> "ModelTask":
        """The task for a model; `tokenizer` is the fingerprint of the one that all models of the run read with."""
        config, fingerprint = config_of(files), model_fingerprint(files, tokenizer, dtype)
        known = config.get("model_type", ""), vocabulary_size(config), weight_bytes(files)
        return cls(spec, files, fingerprint, column, fold, *known, title)

    @property
    def fp(self) -> str:
        return self.fingerprint.fp

    @property
    def label(self) -> str:
        """What shards and adapters of the model are called; PEFT takes no dot in a name."""
        if self.column in (BASE, REFERENCE):
            return self.column if self.fold is None else f"fold-{self.fold}"
        column = self.column.replace("@", "-").replace(".", "_")
        return column if self.fold is None else f"{column}-fold-{self.fold}"

    @property
    def part(self) -> str:
        """The column as a person reads it."""
        return label_of_column(self.column)

    @property
    def name(self) -> str:
        """What a person calls the model: folders of seeds and epochs have the same names in every reference."""
        if not self.title:
            return self.files.name
        return self.title if self.fold is None else f"{self.title}, fold {self.fold}"

    @property
    def revision(self) -> str:
        """The commit of a model from the hub, else what the user named."""
        folder = self.files.folder
        return folder.name if folder.parent.name == "snapshots" else self.spec.revision

    def scored(self) -> ScoredModel:
        """What the result and the store keep of the model."""
        return ScoredModel(
            model_fp=self.fp,
            name=self.name,
            path=self.spec.path,
            adapter=self.spec.adapter,
            part=self.column,
            fold=self.fold,
            info=ModelInfo(
                weights=self.fingerprint.weights,
                tokenizer=self.fingerprint.tokenizer,
                dtype=self.fingerprint.dtype,
                adapter=self.fingerprint.adapter,
                model_type=self.model_type,
                vocabulary_size=self.vocabulary_size,
                revision=self.revision,
            ),
        )


@dataclass(frozen=True, slots=True)
class Prepared:
    """Everything settled before the first token."""

    spec: ScoreSpec
    tokenizer: Any
    template: Template
    renderer: Renderer
    render_fp: str
    max_tokens: int
    device: torch.device
    dtype: str
    columns: Mapping[str, tuple[ModelTask, ...]]  # the models of each loss column by its name: one, or one a fold
    library: Library
    warnings: tuple[str, ...]

    @property
    def tasks(self) -> tuple[ModelTask, ...]:
        """Every model, column by column."""
        return tuple(task for tasks in self.columns.values() for task in tasks)

    @property
    def base(self) -> ModelTask:
        return self.columns[BASE][0]

    @property
    def members(self) -> tuple[str, ...]:
        """The columns whose mean is the reference loss; none where there is one reference."""
        return tuple(name for name in self.columns if is_member(name))

    @property
    def references(self) -> tuple[ModelTask, ...]:
        """The models of the reference, one or one a fold; of several references those of the first."""
        return self.columns[(self.members or (REFERENCE,))[0]]

    @property
    def all_references(self) -> tuple[ModelTask, ...]:
        """The models of the reference, or of all references whose mean it is."""
        return tuple(task for name in self.members or (REFERENCE,) for task in self.columns[name])

    @property
    def reference_name(self) -> str:
        """What the person calls the reference, else what its model is called."""
        return self.spec.reference_name or self.references[0].files.name

    @property
    def reference_fp(self) -> str:
        """Of the reference's models, or of all columns whose mean it is."""
        if not self.members:
            return self.models_fp(REFERENCE)
        return _hash_of("mean", [self.models_fp(name) for name in self.members])

    def models_fp(self, column: str) -> str:
        """The model's own fingerprint, or for K folds one over theirs."""
        tasks = self.columns[column]
        return tasks[0].fp if len(tasks) == 1 else _hash_of("reference", [task.fp for task in tasks])

    @property
    def others(self) -> tuple[ScoredColumn, ...]:
        """The columns beside base and reference, as the result has them."""
        return tuple(
            ScoredColumn(
                one.name,
                one.title or self.columns[one.name][0].name,
                self.models_fp(one.name),
                tuple(task.scored() for task in self.columns[one.name]),
            )
            for one in self.spec.others
        )


def _hash_of(kind: str, fingerprints: list[str]) -> str:
    return hashlib.sha256("\x1f".join([kind, *fingerprints]).encode()).hexdigest()[:16]


def prepare(run: RunFolder, report: Reporter, asked: ScoreSpec | None = None) -> Prepared:
    """Find the models, check that they belong together, and fingerprint them; no weights are loaded.

    `asked` are the settings of a scoring that the run itself is not.

    Raises:
        LobassError: a model, its tokenizer or the template cannot be used.
    """
    _quiet()
    spec = asked or run.spec_as(ScoreSpec)
    device = choose_device(spec.device)
    dtype = choose_dtype(spec.dtype, device)
    report.update(phase="checking the models", device=str(device))
    models_of = _columns(spec)
    sources = {model: find_model(model) for model in dict.fromkeys(spec.models)}
    for model, files in sources.items():
        if files.adapter:
            check_adapter_fits(files, trust_remote_code=model.trust_remote_code)
    tokenizer = load_tokenizer(spec.base)
    template = load_template(spec.render.template, tokenizer)
    warnings: list[str] = []
    for model in dict.fromkeys(spec.models[1:]):
        warnings += _tokenizer_warnings(tokenizer, template, sources[spec.base], model, sources[model])
    limits = [position_limit(config_of(files)) for files in sources.values()]
    max_tokens = resolve_max_tokens(spec.render.max_tokens, *limits)
    renderer = Renderer(tokenizer, template, spec.render.mask_rule, max_tokens, report.check_cancel)
    report.update(phase="fingerprinting the weights")
    of_tokenizer = tokenizer_fingerprint(tokenizer)
    titles = {one.name: one.title for one in spec.others}
    columns = {
        name: tuple(
            ModelTask.of(
                model,
                sources[model],
                of_tokenizer,
                dtype,
                name,
                fold if len(models) > 1 else None,
                titles.get(name, ""),
            )
            for fold, model in enumerate(models)
        )
        for name, models in models_of.items()
    }
    (base,) = columns[BASE]
    if any(task.fp == base.fp for name in columns if name != BASE for task in columns[name]):
        warnings.append(
            "Base and reference are the same model: every learnability is 0, so rank by base loss or another measure."
        )
    products = settle_products(run, device, DTYPES[dtype])
    return Prepared(
        spec, tokenizer, template, renderer, renderer.fingerprint.fp, max_tokens, device, dtype,
        columns, products.library, tuple(dict.fromkeys([*warnings, *products.warnings])),
    )  # fmt: skip


def _columns(spec: ScoreSpec) -> dict[str, tuple[ModelSpec, ...]]:
    """The models of each loss column; `reference` is none of them where it is the mean of others."""
    others = {one.name: one.models for one in spec.others}
    own = {} if any(map(is_member, others)) else {REFERENCE: spec.references}
    return {BASE: (spec.base,), **own, **others}


def read_known(run: RunFolder, render_fp: str) -> dict[str, set[str]]:
    """Sample ids whose loss the store has already, by model fingerprint, under this rendering."""
    if not run.known_path.is_file():
        return {}
    table = read_parquet(run.known_path, filters=[("render_fp", "=", render_fp)])
    if "scored_as" in table.column_names:
        # The losses of an earlier reading of the record are those of another text.
        table = table.filter(pc.is_null(table["scored_as"]))
    known: dict[str, set[str]] = {}
    for model_fp, sample_id in zip(table["model_fp"].to_pylist(), table["sample_id"].to_pylist(), strict=True):
        known.setdefault(model_fp, set()).add(sample_id)
    return known


def _tokenizer_warnings(
    tokenizer: Any, template: Template, base: ModelFiles, spec: ModelSpec, files: ModelFiles
) -> tuple[str, ...]:
    """What a reference's own tokenizer says against comparing it with the base."""
    own = files.adapter or files.place
    if own == base.place or not (files.gguf or any(has_tokenizer(folder) for folder in (own, files.folder))):
        return ()
    theirs = load_tokenizer(spec)
    warnings = check_same_vocabulary(tokenizer, theirs, base_name=base.name, reference_name=files.name)
    # One that was trained here has read what the run reads, whatever its tokenizer has.
    if is_trained_here(own) or not own_template(theirs) or own_template(theirs) == own_template(tokenizer):
        return warnings
    if own_template(theirs) == template.text:
        return warnings
    file = own / "chat_template.jinja"
    where = f": --template {file}" if file.is_file() else ", as a Jinja file, with --template"
    return (
        *warnings,
        f"{files.name} has its own chat template, but both models read {template.label}. If it was trained with its "
        f"own, its losses are too high here, and scores too low. To use that template, name it{where}.",
    )


def _quiet() -> None:
    """Keep transformers' advice (pad tokens, long inputs) and its bars out of the log: they do not apply here."""
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
