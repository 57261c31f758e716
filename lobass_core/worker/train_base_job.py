"""The run that trains the demo's base model: tokenizer, a small Llama, every token of the texts a target."""

import dataclasses
import shutil
import time
from pathlib import Path

import numpy as np

from lobass_core.jobs.run_files import read_parquet
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_results import StepLoss, TrainBaseResult
from lobass_core.jobs.run_specs import TrainBaseRun
from lobass_core.records import Sample, Turn
from lobass_core.rendering.render import Rendered, Renderer
from lobass_core.rendering.templates import load_template
from lobass_core.scoring.products import compute_by
from lobass_core.scoring.token_table import TokenTable
from lobass_core.training.batches import plan_steps
from lobass_core.training.fit import FitSettings, fit, quiet_transformers
from lobass_core.training.small_base import small_llama, train_tokenizer
from lobass_core.training.trainable import check_finite, n_trainable, save
from lobass_core.worker.hand_over import hand_over, handed_over, staging_folder
from lobass_core.worker.recipe import circumstances, write_recipe
from lobass_core.worker.reporter import Cancelled, Reporter
from lobass_core.worker.run_products import settle_products
from lobass_core.worker.score_progress import ScoreProgress
from lobass_core.worker.train_job import Follower


def run(run: RunFolder, report: Reporter) -> TrainBaseResult:
    """Train the base and return what result.json says.

    Raises:
        LobassError: the texts cannot be read, or the training diverged.
        Cancelled: the run's owner asked it to stop; a checkpoint stays.
    """
    finished = handed_over(run, TrainBaseResult)
    if finished is not None:
        return finished
    started = time.monotonic()
    quiet_transformers()
    spec = run.spec_as(TrainBaseRun)
    sizes, staging = spec.sizes, staging_folder(run)
    report.update(phase="training the tokenizer", device="cpu")
    pairs = _read_pairs(Path(spec.texts))
    tokenizer = train_tokenizer((f"{prompt}\n{response}" for prompt, response in pairs), sizes.vocab_size)
    loaded = small_llama(tokenizer, sizes, spec.seed)
    compute_by(loaded.model, settle_products(run, loaded.device, loaded.dtype).library)
    report.update(phase="rendering")
    template, limit = load_template("", tokenizer), sizes.max_position_embeddings
    renderer = Renderer(tokenizer, template, "all", limit, report.check_cancel)
    samples = [Sample.of([Turn("user", prompt), Turn("assistant", response)]) for prompt, response in pairs]
    table = TokenTable.of([_every_token(item) for item in renderer.render(samples)])
    steps = plan_steps(table.lengths, spec.batch_tokens, spec.epochs, spec.seed)
    progress = ScoreProgress(report, loaded.device)
    n_samples, n_tokens = sum(map(len, steps)), sum(int(table.lengths[step].sum()) for step in steps)
    slot = progress.add_model(Path(spec.output_dir).name, "base", n_known=0, n_to_do=n_samples, n_tokens=n_tokens)
    report.update(phase="training the base model")
    outcome = fit(
        loaded,
        table,
        steps,
        FitSettings(spec.learning_rate, spec.seed),
        run.path / "checkpoints",
        Follower(report, progress, slot),
        run.cancel_requested,
    )
    if not outcome.finished:
        raise Cancelled
    check_finite(loaded, spec.learning_rate)
    report.update(phase="saving", message="")
    save(loaded, tokenizer, staging)
    losses = tuple(StepLoss(step, round(loss, 5)) for step, loss in outcome.losses)
    result = TrainBaseResult(
        path=spec.output_dir,
        final_loss=losses[-1].loss if losses else None,
        kind=run.kind,
        settings=spec,
        n_texts=len(pairs),
        n_tokens_shown=n_tokens,
        n_steps=outcome.n_steps,
        n_parameters=n_trainable(loaded),
        losses=losses,
        seconds=round(time.monotonic() - started, 1),
    )
    recipe = {key: value for key, value in dataclasses.asdict(result).items() if key not in ("path", "final_loss")}
    write_recipe(staging, {**recipe, **circumstances()})
    shutil.rmtree(run.path / "checkpoints", ignore_errors=True)
    return hand_over(run, result)


def _every_token(item: Rendered) -> Rendered:
    """A base model learns to read as well as to answer: all tokens but the first are targets."""
    mask = np.ones(len(item.input_ids), dtype=bool)
    mask[:1] = False
    return dataclasses.replace(item, response_mask=mask)


def _read_pairs(path: Path) -> list[tuple[str, str]]:
    table = read_parquet(path, ["prompt", "response"])
    return list(zip(table["prompt"].to_pylist(), table["response"].to_pylist(), strict=True))
