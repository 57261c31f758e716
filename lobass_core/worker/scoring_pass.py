"""One pass over all models of a run: what is left is cut into shards, and the shards are computed."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lobass_core.errors import ModelError
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.scoring.batch_plan import cut_groups, longest_first
from lobass_core.scoring.engine import Engine, Losses
from lobass_core.scoring.token_table import TokenTable
from lobass_core.worker.model_cache import ModelCache
from lobass_core.worker.preparation import ModelTask, Prepared
from lobass_core.worker.reporter import Reporter
from lobass_core.worker.score_processes import n_processes, score_in_processes
from lobass_core.worker.score_progress import ScoreProgress
from lobass_core.worker.shards import ShardJob, ShardWriter, is_finished, unscored_table, what_is_left

# What a kill costs is a shard and the one being written: about a minute of work, and never more samples than this.
SHARD_SAMPLES = int(os.environ.get("LOBASS_SHARD_SAMPLES", "512"))
SHARD_LEAST_SAMPLES = 16
_SHARD_FLOP = {"cpu": 3e12, "mps": 3e13, "cuda": 1e16}


@dataclass(frozen=True, slots=True)
class Work:
    """A model and the samples that it still has to score, as places in the token table.

    `n_known` losses are in the store, `n_carried` were carried over from runs under another rendering.
    """

    task: ModelTask
    places: np.ndarray
    n_known: int
    n_carried: int = 0


class ScoringPass:
    """Scores each model's work in shards; a shard that is there already is not computed again."""

    def __init__(
        self, run: RunFolder, report: Reporter, prepared: Prepared, table: TokenTable, progress: ScoreProgress
    ) -> None:
        self.run, self.report, self.prepared, self.table, self.progress = run, report, prepared, table, progress
        self.notes: list[str] = []
        self.batch_tokens = prepared.spec.batch_tokens

    def score(self, works: Sequence[Work]) -> None:
        """Score all of it, the models one after another.

        Raises:
            Cancelled: the run's owner asked to stop; the losses measured so far stay.
        """
        for work in works:
            self._check_ids(work.task)
            n_tokens = int(self.table.lengths[work.places].sum())
            name, part = work.task.name, work.task.part
            self.progress.add_model(
                name, part, n_known=work.n_known + work.n_carried, n_to_do=len(work.places), n_tokens=n_tokens
            )
        self.progress.show()
        jobs = [job for place, work in enumerate(works) for job in self._jobs_left(place, work)]
        tasks = [work.task for work in works]
        n = n_processes(self.prepared, self.table, tasks, jobs)
        if n > 1:
            self.notes += score_in_processes(
                n, self.run, self.report, self.prepared, self.table, self.progress, tasks, jobs
            )
        elif jobs:
            self._score_here(tasks, jobs)

    def _score_here(self, tasks: Sequence[ModelTask], jobs: Sequence[ShardJob]) -> None:
        with ShardWriter(self.run, self.table, self.prepared.render_fp) as writer:
            self._score_all(tasks, jobs, writer)

    def _score_all(self, tasks: Sequence[ModelTask], jobs: Sequence[ShardJob], writer: ShardWriter) -> None:
        models = ModelCache(self.prepared.dtype, self.prepared.device, self.prepared.library)
        current = -1
        for job in jobs:
            task = tasks[job.model]
            if job.model != current:
                current = job.model
                self.report.update(phase=f"loading the {task.part}")
                engine = Engine(models.take(task), self.table, self.batch_tokens)
                self.notes += [engine.loaded.note] if engine.loaded.note else []
                self.progress.restart_clock()
                self.report.update(phase=f"scoring the {task.part}", message=engine.loaded.note)
            self._score_shard(engine, job, writer, task.fp)
            # What memory allowed for one model is the start for the next.
            self.batch_tokens = engine.batch_tokens

    def _score_shard(self, engine: Engine, job: ShardJob, writer: ShardWriter, model_fp: str) -> None:
        losses: list[Losses] = []
        try:
            for batch in engine.score(job.places):
                losses.append(batch)
                self.progress.advance(
                    job.model,
                    n_samples=len(batch.indices),
                    n_tokens=int(self.table.lengths[batch.indices].sum()),
                    n_run=batch.n_tokens_run,
                    n_read=batch.n_tokens_read,
                )
                self.report.check_cancel()
        finally:
            # Whatever ends the run early, what it has measured stays.
            writer.write(job, losses, model_fp)

    def _jobs_left(self, place: int, work: Work) -> list[ShardJob]:
        """The model's shards that are not there yet, or not whole; what is there counts as done."""
        self._write_unscored(place, work)
        left = []
        for number, group in enumerate(self._groups(work)):
            job = ShardJob(place, f"{work.task.label}-{work.task.fp}-{self.prepared.render_fp}-{number:05d}", group)
            job = what_is_left(self.run, self.table, job)
            if n_there := len(group) - len(job.places):
                n_tokens = int(self.table.lengths[group].sum() - self.table.lengths[job.places].sum())
                self.progress.advance(place, n_samples=n_there, n_tokens=n_tokens, resumed=True)
            if len(job.places):
                left.append(job)
        return left

    def _groups(self, work: Work) -> list[np.ndarray]:
        """The same cut whenever the same work is planned on the same kind of device, so that a resume fits."""
        lengths = np.zeros_like(self.table.lengths)
        lengths[work.places] = self.table.lengths[work.places]
        order = longest_first(lengths, self.table.sample_ids)
        # Two FLOP for each weight of two bytes, or near it.
        flop_per_token = max(1, work.task.weight_bytes)
        most = int(_SHARD_FLOP[self.prepared.device.type] / flop_per_token)
        least = int(lengths[order[:1]].sum()) * SHARD_LEAST_SAMPLES
        return cut_groups(order, lengths, max_samples=SHARD_SAMPLES, max_tokens=max(most, least))

    def _write_unscored(self, place: int, work: Work) -> None:
        silent = work.places[self.table.lengths[work.places] < 2]
        if not len(silent):
            return
        name = f"{work.task.label}-{work.task.fp}-{self.prepared.render_fp}-unscored"
        if not is_finished(self.run, self.table, ShardJob(place, name, silent)):
            self.run.write_shard(name, unscored_table(self.table, silent, work.task.fp, self.prepared.render_fp))
        self.progress.advance(place, n_samples=len(silent), n_tokens=0, resumed=True)

    def _check_ids(self, task: ModelTask) -> None:
        vocabulary = task.vocabulary_size
        highest = int(self.table.input_ids.max(initial=0))
        if vocabulary and highest >= vocabulary:
            raise ModelError(
                f"the tokenizer produces token {highest:,}, but the model knows only {vocabulary:,}",
                where=str(task.files.place),
                do="Tokenizer and weights do not match; download the model again.",
            )
