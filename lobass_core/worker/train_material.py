"""What a training run settles first: tokens, folds, and who trains on what."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import torch

from lobass_core.errors import RenderError, RequestError
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.rendering.render import Renderer, resolve_max_tokens
from lobass_core.rendering.templates import Template, load_template
from lobass_core.scoring.model_files import config_of, find_model, position_limit
from lobass_core.scoring.models import choose_device, load_tokenizer
from lobass_core.scoring.token_table import TokenTable
from lobass_core.similarity.folds import assign_folds, held_out_rows
from lobass_core.similarity.near_duplicates import duplicate_groups
from lobass_core.specs import TrainReferenceSpec
from lobass_core.training.batches import plan_epochs
from lobass_core.training.epochs import EpochEnd, epoch_ends
from lobass_core.training.one_gpu import one_gpu
from lobass_core.worker.reporter import Reporter
from lobass_core.worker.samples import read_samples

# Enough to know a mean loss to about 1 %, and quick to score.
MOST_HELD_OUT = 500


@dataclass(frozen=True, slots=True)
class Material:
    """What all folds of one reference share; `spec` is of one seed.

    `by_id` holds the table's rows in order of their sample ids: whatever is drawn is drawn from it, so that nothing
    depends on the order of the input. `folds` has the fold of each row; `held_out` the rows that one model leaves out,
    which are the same for every seed.
    """

    spec: TrainReferenceSpec
    tokenizer: Any
    template: Template
    max_tokens: int
    device: torch.device
    table: TokenTable
    by_id: np.ndarray
    folds: np.ndarray
    held_out: np.ndarray
    n_without_response: int

    def trained_rows(self, fold: int) -> np.ndarray:
        """Rows that a fold's model trains on, by id."""
        unseen = self.folds == fold if self.spec.folds > 1 else np.isin(np.arange(len(self.table)), self.held_out)
        return self.by_id[~unseen[self.by_id]]

    def measured_rows(self, fold: int) -> np.ndarray:
        """Unseen rows to measure a fold's model on: for K folds some of the fold itself, else the rows left out."""
        if self.spec.folds == 1:
            return self.held_out
        unseen = self.by_id[self.folds[self.by_id] == fold]
        return np.random.default_rng([self.spec.seed, fold]).permutation(unseen)[:MOST_HELD_OUT]

    def steps(self, fold: int) -> list[np.ndarray]:
        """The rows of every optimiser step of a fold's model."""
        return [step for of_epoch in self._planned(fold) for step in of_epoch]

    def epoch_ends(self, fold: int) -> tuple[EpochEnd, ...]:
        """After how many of these steps each epoch ends."""
        return epoch_ends([len(of_epoch) for of_epoch in self._planned(fold)], self.spec.epochs)

    def _planned(self, fold: int) -> list[list[np.ndarray]]:
        rows, spec = self.trained_rows(fold), self.spec
        plan = plan_epochs(self.table.lengths[rows], spec.batch_tokens, spec.epochs, spec.seed)
        return [[rows[step] for step in of_epoch] for of_epoch in plan]


def prepare_material(run: RunFolder, report: Reporter, spec: TrainReferenceSpec) -> list[Material]:
    """Render the samples once, and decide who trains on what; one for each seed.

    Raises:
        LobassError: the base's tokenizer, the template or the samples cannot be used.
        Cancelled: the run's owner asked it to stop.
    """
    device = choose_device(one_gpu(spec.device))
    report.update(phase="rendering", device=str(device), n_total=pq.read_metadata(run.input_path).num_rows)
    tokenizer = load_tokenizer(spec.base)
    template = load_template(spec.render.template, tokenizer)
    max_tokens = resolve_max_tokens(spec.render.max_tokens, position_limit(config_of(find_model(spec.base))))
    renderer = Renderer(tokenizer, template, spec.render.mask_rule, max_tokens, report.check_cancel)
    texts: dict[str, str] = {}
    domains: dict[str, str] = {}
    tables, n_refused, reason = [], 0, ""
    for chunk in read_samples(run.input_path, columns=("domain",)):
        report.check_cancel()
        rendered = renderer.render([sample for sample, _ in chunk])
        for (sample, facts), item in zip(chunk, rendered, strict=True):
            if item.status == "no_response":
                n_refused, reason = n_refused + 1, item.reason
                continue
            texts[sample.sample_id] = "\n".join(turn.content for turn in sample.turns)
            domains[sample.sample_id] = facts.get("domain") or ""
        tables.append(TokenTable.of([item for item in rendered if item.status != "no_response"]))
        report.update(n_done=len(texts) + n_refused)
    if not texts:
        raise RenderError(
            f"none of the {n_refused:,} samples has a response to train on: {reason or 'there are no samples'}",
            where=template.name,
            do="Use another --template, or other --datasets.",
        )
    table = TokenTable.concatenated(tables)
    by_id = np.array(sorted(range(len(table)), key=lambda row: table.sample_ids[row]), dtype=np.int64)
    groups = _groups(report, spec, table, texts)
    held_out = np.zeros(0, dtype=np.int64)
    if spec.folds == 1 and spec.held_out_share:
        held_out = held_out_rows(table.sample_ids, groups, spec.held_out_share, spec.seed, MOST_HELD_OUT)
    return [
        Material(
            replace(spec, seed=seed, seeds=1), tokenizer, template, max_tokens, device, table, by_id,
            _folds(spec, seed, table, groups, domains), held_out, n_refused,
        )
        for seed in spec.each_seed
    ]  # fmt: skip


def _groups(report: Reporter, spec: TrainReferenceSpec, table: TokenTable, texts: dict[str, str]) -> np.ndarray:
    """The group of near duplicates of each row; only looked for where rows are kept apart."""
    if spec.folds == 1 and not spec.held_out_share:
        return np.arange(len(table))
    report.update(phase="looking for near duplicates", n_done=0, n_total=0)
    return duplicate_groups([texts[sample_id] for sample_id in table.sample_ids])


def _folds(
    spec: TrainReferenceSpec, seed: int, table: TokenTable, groups: np.ndarray, domains: dict[str, str]
) -> np.ndarray:
    """The fold of each row; near duplicates stay together."""
    if spec.folds == 1:
        return np.zeros(len(table), dtype=np.int32)
    ids = table.sample_ids
    folds = assign_folds(ids, groups, [domains[sample_id] for sample_id in ids], spec.folds, seed)
    if len(np.unique(folds)) < spec.folds:
        raise RequestError(
            f"{spec.folds} folds cannot be filled: near duplicates share a fold, and there are only "
            f"{groups.max() + 1:,} groups of them",
            do="Use fewer --folds.",
        )
    return folds
