"""What a scoring run and its preflight settle first: models, template, limit, fingerprints, what is known."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import torch

from lobass_core.errors import RequestError
from lobass_core.jobs.run_files import read_parquet, write_parquet
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_results import ModelInfo, ScoredModel
from lobass_core.records import BASE, REFERENCE, ModelFingerprint
from lobass_core.rendering.fingerprint import tokenizer_fingerprint
from lobass_core.rendering.render import Renderer, resolve_max_tokens
from lobass_core.rendering.templates import Template, load_template
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
from lobass_core.worker.reporter import Reporter
from lobass_core.worker.run_products import settle_products


@dataclass(frozen=True, slots=True)
class ModelTask:
    """One model of the run, and what its files say about it, read once."""

    spec: ModelSpec
    files: ModelFiles
    fingerprint: ModelFingerprint
    part: str
    fold: int | None
    model_type: str
    vocabulary_size: int | None
    weight_bytes: int

    @classmethod
    def of(
        cls, spec: ModelSpec, files: ModelFiles, tokenizer: str, dtype: str, part: str, fold: int | None = None
    ) -> "ModelTask":
        """The task for a model; `tokenizer` is the fingerprint of the one that all models of the run read with."""
        config, fingerprint = config_of(files), model_fingerprint(files, tokenizer, dtype)
        known = config.get("model_type", ""), vocabulary_size(config), weight_bytes(files)
        return cls(spec, files, fingerprint, part, fold, *known)

    @property
    def fp(self) -> str:
        return self.fingerprint.fp

    @property
    def label(self) -> str:
        return self.part if self.fold is None else f"fold-{self.fold}"

    @property
    def revision(self) -> str:
        """The commit of a model from the hub, else what the user named."""
        folder = self.files.folder
        return folder.name if folder.parent.name == "snapshots" else self.spec.revision

    def scored(self) -> ScoredModel:
        """What the result and the store keep of the model."""
        return ScoredModel(
            model_fp=self.fp,
            name=self.files.name,
            path=self.spec.path,
            adapter=self.spec.adapter,
            part=self.part,
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
    def references(self) -> tuple[ModelTask, ...]:
        return self.columns[REFERENCE]

    @property
    def reference_name(self) -> str:
        """What the person calls the reference, else what its model is called."""
        return self.spec.reference_name or self.references[0].files.name

    @property
    def reference_fp(self) -> str:
        """The model's own fingerprint, or for K folds one over theirs."""
        if len(self.references) == 1:
            return self.references[0].fp
        return hashlib.sha256("\x1f".join(["reference", *(task.fp for task in self.references)]).encode()).hexdigest()[
            :16
        ]

    def fold_of(self, sample_id: str, assigned: dict[str, int]) -> int:
        """Which reference scores a sample: the one that did not train on it."""
        n_folds = len(self.references)
        return assigned.get(sample_id, int(sample_id[:8], 16) % n_folds) if n_folds > 1 else 0


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
    base_files = find_model(spec.base)
    reference_files = [find_model(reference) for reference in spec.references]
    for model, files in zip((spec.base, *spec.references), (base_files, *reference_files), strict=True):
        if files.adapter:
            check_adapter_fits(files, trust_remote_code=model.trust_remote_code)
    tokenizer = load_tokenizer(spec.base)
    warnings: list[str] = []
    for reference, files in zip(spec.references, reference_files, strict=True):
        warnings += _vocabulary_warnings(tokenizer, base_files, reference, files)
    template = load_template(spec.render.template, tokenizer)
    limits = [position_limit(config_of(files)) for files in (base_files, *reference_files)]
    max_tokens = resolve_max_tokens(spec.render.max_tokens, *limits)
    renderer = Renderer(tokenizer, template, spec.render.mask_rule, max_tokens, report.check_cancel)
    report.update(phase="fingerprinting the weights")
    of_tokenizer = tokenizer_fingerprint(tokenizer)
    base = ModelTask.of(spec.base, base_files, of_tokenizer, dtype, BASE)
    many = len(spec.references) > 1
    references = tuple(
        ModelTask.of(reference, files, of_tokenizer, dtype, REFERENCE, fold if many else None)
        for fold, (reference, files) in enumerate(zip(spec.references, reference_files, strict=True))
    )
    if any(task.fp == base.fp for task in references):
        warnings.append("Base and reference are the same model: every learnability will be 0.")
    products = settle_products(run, device, DTYPES[dtype])
    return Prepared(
        spec, tokenizer, template, renderer, renderer.fingerprint.fp, max_tokens, device, dtype,
        {BASE: (base,), REFERENCE: references}, products.library, tuple(dict.fromkeys([*warnings, *products.warnings])),
    )  # fmt: skip


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


def read_folds(prepared: Prepared, sample_ids: list[str], run: RunFolder) -> dict[str, int]:
    """Fold of each sample; for K folds also kept in the run folder, as the weights may be gone by the time one asks.

    Raises:
        RequestError: the assignment names a fold that has no model.
        RunError: the assignment is missing or damaged.
    """
    n_folds = len(prepared.references)
    if n_folds == 1:
        return dict.fromkeys(sample_ids, 0)
    assigned: dict[str, int] = {}
    if prepared.spec.fold_assignment:
        table = read_parquet(Path(prepared.spec.fold_assignment), ["sample_id", "fold"])
        assigned = dict(zip(table["sample_id"].to_pylist(), table["fold"].to_pylist(), strict=True))
        if any(not 0 <= fold < n_folds for fold in assigned.values()):
            raise RequestError(
                f"the fold assignment names a fold that has no model among the {n_folds} references",
                where=prepared.spec.fold_assignment,
                do="Use one reference per fold, in their order.",
            )
    folds = {sample_id: prepared.fold_of(sample_id, assigned) for sample_id in sample_ids}
    columns = {"sample_id": pa.array(folds.keys(), pa.string()), "fold": pa.array(folds.values(), pa.int32())}
    write_parquet(run.folds_path, pa.table(columns))
    return folds


def _vocabulary_warnings(tokenizer: Any, base: ModelFiles, spec: ModelSpec, files: ModelFiles) -> tuple[str, ...]:
    own = files.adapter or files.place
    if own != base.place and (files.gguf or any(has_tokenizer(folder) for folder in (own, files.folder))):
        return check_same_vocabulary(tokenizer, load_tokenizer(spec), base_name=base.name, reference_name=files.name)
    return ()


def _quiet() -> None:
    """Keep transformers' advice (pad tokens, long inputs) and its bars out of the log: they do not apply here."""
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
