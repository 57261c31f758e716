"""The scoring run: tokenise once, score what is not known yet, base first, a shard at a time."""

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from lobass_core.errors import ModelError, RenderError
from lobass_core.jobs.run_folder import RunFolder, write_parquet
from lobass_core.rendering.render import Rendered
from lobass_core.scoring.batch_plan import cut_groups, longest_first
from lobass_core.scoring.engine import Engine, Losses
from lobass_core.scoring.model_files import config_of
from lobass_core.scoring.models import LoadedModel, load_model, with_adapter
from lobass_core.scoring.token_table import TokenTable
from lobass_core.worker.preparation import ModelTask, Prepared, prepare, read_folds, read_known
from lobass_core.worker.reporter import Reporter
from lobass_core.worker.samples import read_sample_ids, read_samples
from lobass_core.worker.score_progress import ScoreProgress

# A shard is what a kill costs at most: about a minute of work, and never more samples than this.
SHARD_SAMPLES = int(os.environ.get("LOBASS_SHARD_SAMPLES", "512"))
SHARD_LEAST_SAMPLES = 16
_SHARD_FLOP = {"cpu": 3e12, "mps": 3e13, "cuda": 1e16}

SHARD_SCHEMA = pa.schema(
    [
        ("sample_id", pa.string()),
        ("model_fp", pa.string()),
        ("render_fp", pa.string()),
        ("loss_sum_nats", pa.float64()),
        ("n_tokens", pa.int32()),
        ("n_prompt_tokens", pa.int32()),
        ("n_dropped_tokens", pa.int32()),
        ("status", pa.string()),
        ("token_nlls", pa.list_(pa.float32())),
    ]
)
TOKENS_SCHEMA = pa.schema(
    [
        ("sample_id", pa.string()),
        ("render_fp", pa.string()),
        ("text", pa.string()),
        ("token_ids", pa.list_(pa.int32())),
        ("token_starts", pa.list_(pa.int32())),
        ("token_ends", pa.list_(pa.int32())),
        ("response_mask", pa.list_(pa.bool_())),
    ]
)


@dataclass(frozen=True, slots=True)
class Work:
    """A model and the samples that it still has to score, as places in the token table."""

    task: ModelTask
    places: np.ndarray
    n_known: int


@dataclass(slots=True)
class Tokenised:
    """The token table of the samples to score, and what rendering found out."""

    table: TokenTable
    n_truncated: int = 0
    n_dropped_response_tokens: int = 0
    refusals: tuple[tuple[str, str], ...] = ()


def run(run: RunFolder, report: Reporter) -> dict:
    """Score the run's samples, and return what result.json says.

    Raises:
        LobassError: the models, the template or the samples cannot be used.
        Cancelled: the run's owner asked it to stop; finished shards stay.
    """
    started = time.monotonic()
    prepared = prepare(run, report)
    sample_ids = read_sample_ids(run.input_path)
    known = read_known(run, prepared.render_fp)
    folds = read_folds(prepared, sample_ids, run)
    mine: dict[str, set[str]] = {}
    for task in (prepared.base, *prepared.references):
        # Union, as a reference may be the base, or two folds the same model.
        mine.setdefault(task.fp, set()).update(_samples_of(task, sample_ids, folds))
    to_do = {model_fp: samples - known.get(model_fp, set()) for model_fp, samples in mine.items()}
    needed = set().union(*to_do.values())
    tokenised = tokenise(run, report, prepared, needed, seen=set().union(*known.values()) if known else set())
    place_of = {sample_id: place for place, sample_id in enumerate(tokenised.table.sample_ids)}
    works = [
        Work(
            task,
            np.array(sorted(place_of[sample_id] for sample_id in to_do[task.fp]), dtype=np.int64),
            len(mine[task.fp]) - len(to_do[task.fp]),
        )
        for task in _distinct((prepared.base, *prepared.references))
    ]
    progress = ScoreProgress(report, prepared.device)
    scored = Scoring(run, report, prepared, tokenised.table, progress).score(works)
    return _result(prepared, sample_ids, works, tokenised, progress, scored, time.monotonic() - started)


def tokenise(
    run: RunFolder,
    report: Reporter,
    prepared: Prepared,
    needed: set[str],
    seen: set[str] | frozenset[str] = frozenset(),
) -> Tokenised:
    """Render the needed samples; keep their tokens in the run folder, but for those that an earlier run kept (`seen`).

    Raises:
        RenderError: no sample at all has a response under this template.
    """
    report.update(phase="rendering", n_done=0, n_total=len(needed))
    folder = run.path / "tokens"
    found, tables = Tokenised(TokenTable.of([])), []
    n_done = 0
    for number, chunk in enumerate(read_samples(run.input_path)):
        report.check_cancel()
        rendered = prepared.renderer.render([sample for sample, _ in chunk if sample.sample_id in needed])
        tables.append(TokenTable.of(rendered))
        found.n_truncated += sum(item.status == "truncated" for item in rendered)
        found.n_dropped_response_tokens += sum(item.n_dropped_response_tokens for item in rendered)
        found.refusals += tuple((item.sample_id, item.reason) for item in rendered if item.status == "no_response")
        fresh = [item for item in rendered if item.sample_id not in seen and len(item.input_ids)]
        path = folder / f"{number:05d}.parquet"
        if fresh and not path.exists():
            write_parquet(path, tokens_table(fresh, prepared.render_fp))
        n_done += len(rendered)
        report.update(n_done=n_done)
    found.table = TokenTable.concatenated(tables)
    _check_some_response(found, prepared)
    return found


def tokens_table(rendered: Sequence[Rendered], render_fp: str) -> pa.Table:
    """What the dashboard needs to lay losses over the text: one row a sample."""
    return pa.table(
        {
            "sample_id": [item.sample_id for item in rendered],
            "render_fp": [render_fp] * len(rendered),
            "text": [item.text for item in rendered],
            "token_ids": [item.input_ids for item in rendered],
            "token_starts": [item.offsets[:, 0] for item in rendered],
            "token_ends": [item.offsets[:, 1] for item in rendered],
            "response_mask": [item.response_mask for item in rendered],
        },
        schema=TOKENS_SCHEMA,
    )


class Scoring:
    """Scores each model's work in shards; a shard that is there already is not computed again."""

    def __init__(
        self, run: RunFolder, report: Reporter, prepared: Prepared, table: TokenTable, progress: ScoreProgress
    ) -> None:
        self.run, self.report, self.prepared, self.table, self.progress = run, report, prepared, table, progress
        self.notes: list[str] = []
        self.budget_tokens = prepared.spec.budget_tokens
        self._loaded: LoadedModel | None = None
        self._loaded_weights = ""

    def score(self, works: Sequence[Work]) -> "Scoring":
        """Score all of it, model by model."""
        slots = []
        for work in works:
            n_tokens = int(self.table.lengths[work.places].sum())
            slots.append(
                self.progress.add_model(
                    work.task.files.name,
                    work.task.part,
                    n_known=work.n_known,
                    n_to_do=len(work.places),
                    n_tokens=n_tokens,
                )
            )
        self.progress.show()
        for work, slot in zip(works, slots, strict=True):
            self._score_model(work, slot)
        return self

    def _score_model(self, work: Work, slot: int) -> None:
        self._write_unscored(work, slot)
        order = longest_first_of(self.table, work.places)
        groups = self._groups(work.task, order)
        missing = []
        for number, group in enumerate(groups):
            name = f"{work.task.label}-{work.task.fp}-{number:05d}"
            if self._is_finished(name, group):
                n_tokens = int(self.table.lengths[group].sum())
                self.progress.advance(slot, n_samples=len(group), n_tokens=n_tokens, resumed=True)
            else:
                missing.append((name, group))
        if not missing:
            return
        loaded = self._load(work.task)
        engine = Engine(loaded, self.table, self.budget_tokens)
        self.progress.restart_clock()
        self.report.update(phase=f"scoring the {work.task.part}", message=loaded.note)
        for name, group in missing:
            losses = list(self._batches(engine, group, slot))
            self.run.write_shard(name, shard_table(self.table, losses, work.task.fp, self.prepared.render_fp))
        self.budget_tokens = engine.budget_tokens

    def _batches(self, engine: Engine, group: np.ndarray, slot: int) -> Iterator[Losses]:
        for losses in engine.score(group):
            self.report.check_cancel()
            self.progress.advance(
                slot,
                n_samples=len(losses.indices),
                n_tokens=int(self.table.lengths[losses.indices].sum()),
                n_run=losses.n_tokens_run,
                n_read=losses.n_tokens_read,
            )
            yield losses

    def _groups(self, task: ModelTask, order: np.ndarray) -> list[np.ndarray]:
        """Shards of the same cut whenever the same work is planned on the same kind of device."""
        size = sum(path.stat().st_size for path in task.files.folder.glob("*.safetensors"))
        flop_per_token = max(size, 1)  # 2 for each weight of 2 bytes or so
        max_tokens = int(_SHARD_FLOP[self.prepared.device.type] / flop_per_token)
        least = int(self.table.lengths[order[:1]].sum()) * SHARD_LEAST_SAMPLES
        return cut_groups(order, self.table.lengths, max_samples=SHARD_SAMPLES, max_tokens=max(max_tokens, least))

    def _is_finished(self, name: str, group: np.ndarray) -> bool:
        """Whether the shard is there and holds these very samples; one that cannot be read is computed again."""
        path = self.run.shards_dir / f"{name}.parquet"
        if not path.is_file():
            return False
        try:
            ids = pq.read_table(path, columns=["sample_id"])["sample_id"].to_pylist()
        except (OSError, pa.ArrowException):
            return False
        return ids == [self.table.sample_ids[index] for index in group]

    def _load(self, task: ModelTask) -> LoadedModel:
        """Load the model, or put its adapter on the base that is in memory already."""
        self._check_ids(task)
        self.report.update(phase=f"loading the {task.part}")
        if task.fingerprint.adapter and self._loaded and self._loaded_weights == task.fingerprint.weights:
            loaded = with_adapter(self._loaded, task.files, task.label)
        else:
            self._loaded = None
            loaded = load_model(task.spec, self.prepared.dtype, self.prepared.device, task.files)
            self._loaded = loaded
            self._loaded_weights = task.fingerprint.weights if not task.fingerprint.adapter else ""
        if loaded.note:
            self.notes.append(loaded.note)
        return loaded

    def _check_ids(self, task: ModelTask) -> None:
        config = config_of(task.files.folder)
        vocabulary = (config.get("text_config") or config).get("vocab_size")
        highest = int(self.table.input_ids.max(initial=0))
        if vocabulary and highest >= vocabulary:
            raise ModelError(
                f"the tokenizer gives token {highest:,}, the model knows {vocabulary:,}",
                where=str(task.files.folder),
                do="Tokenizer and weights do not belong together; fetch the model again.",
            )

    def _write_unscored(self, work: Work, slot: int) -> None:
        """Samples without a response get a row too, so that they are known, counted and shown."""
        places = work.places[self.table.lengths[work.places] < 2]
        if not len(places):
            return
        losses = [Losses(places, [np.zeros(0, np.float32)] * len(places), 0, 0)]
        name = f"{work.task.label}-{work.task.fp}-unscored"
        if not (self.run.shards_dir / f"{name}.parquet").is_file():
            self.run.write_shard(name, shard_table(self.table, losses, work.task.fp, self.prepared.render_fp))
        self.progress.advance(slot, n_samples=len(places), n_tokens=0, resumed=True)


def longest_first_of(table: TokenTable, places: np.ndarray) -> np.ndarray:
    """Those of the places that have something to score, longest first."""
    lengths = np.zeros_like(table.lengths)
    lengths[places] = table.lengths[places]
    return longest_first(lengths, table.sample_ids)


def shard_table(table: TokenTable, losses: Sequence[Losses], model_fp: str, render_fp: str) -> pa.Table:
    """One row a sample; a loss that is not finite is null, with its status."""
    rows = []
    for batch in losses:
        for index, nlls in zip(batch.indices.tolist(), batch.token_nlls, strict=True):
            total = float(nlls.astype(np.float64).sum())
            status = table.statuses[index]
            if status != "no_response" and not np.isfinite(total):
                status = "non_finite"
            rows.append(
                {
                    "sample_id": table.sample_ids[index],
                    "model_fp": model_fp,
                    "render_fp": render_fp,
                    "loss_sum_nats": total if status in ("ok", "truncated") else None,
                    "n_tokens": len(nlls),
                    "n_prompt_tokens": int(table.n_prompt_tokens[index]),
                    "n_dropped_tokens": int(table.n_dropped_tokens[index]),
                    "status": status,
                    "token_nlls": nlls,
                }
            )
    return pa.Table.from_pylist(rows, schema=SHARD_SCHEMA)


def _samples_of(task: ModelTask, sample_ids: list[str], folds: dict[str, int]) -> list[str]:
    return sample_ids if task.fold is None else [name for name in sample_ids if folds[name] == task.fold]


def _distinct(tasks: Sequence[ModelTask]) -> list[ModelTask]:
    """Each model once: a reference that is the base needs no second pass."""
    return list({task.fp: task for task in reversed(tasks)}.values())[::-1]


def _check_some_response(found: Tokenised, prepared: Prepared) -> None:
    if len(found.table) and len(found.refusals) == len(found.table):
        sample_id, reason = found.refusals[0]
        raise RenderError(
            f"template {prepared.template.name} finds no response in any of {len(found.table):,} samples: {reason}",
            where=f"sample {sample_id[:12]} and all others",
            do="Look at a row with lobass doctor --render, or choose another --template.",
        )


def _result(
    prepared: Prepared,
    sample_ids: list[str],
    works: Sequence[Work],
    tokenised: Tokenised,
    progress: ScoreProgress,
    scored: Scoring,
    seconds: float,
) -> dict:
    n_computed = sum(len(work.places) for work in works)
    warnings = [*prepared.warnings, *dict.fromkeys(scored.notes)]
    if tokenised.refusals:
        warnings.append(
            f"{len(tokenised.refusals):,} samples have no response to score, such as {tokenised.refusals[0][0][:12]}: "
            f"{tokenised.refusals[0][1]}."
        )
    return {
        "render_fp": prepared.render_fp,
        "base": prepared.base.info(),
        "references": [task.info() for task in prepared.references],
        "reference_fp": prepared.reference_fp,
        "reference_name": prepared.spec.reference_name or prepared.references[0].files.name,
        "n_samples": len(sample_ids),
        "n_computed": n_computed,
        "n_known": sum(work.n_known for work in works),
        "n_truncated": tokenised.n_truncated,
        "n_no_response": len(tokenised.refusals),
        "n_dropped_response_tokens": tokenised.n_dropped_response_tokens,
        "refusals": [{"sample_id": name, "reason": reason} for name, reason in tokenised.refusals[:50]],
        "template": prepared.template.name,
        "template_source": prepared.template.source,
        "template_reason": prepared.template.default_reason,
        "mask_rule": prepared.spec.render.mask_rule,
        "max_tokens": prepared.max_tokens,
        "dtype": prepared.dtype,
        "device": str(prepared.device),
        "budget_tokens": scored.budget_tokens,
        "padding_share": progress.padding_share,
        "seconds": round(seconds, 3),
        "warnings": warnings,
    }
