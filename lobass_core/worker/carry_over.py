"""Carries losses of earlier runs over to this one, where they hold under its rendering (`earlier_losses`).

They are copied into shards of this run, so that shards stay the truth. What is copied from where is settled once, in
`carried-RENDERING.parquet`: a resumed run continues with the same plan, whatever other runs have done meanwhile.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from lobass_core.errors import RunError
from lobass_core.jobs.run_files import read_parquet, write_parquet
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.scoring.engine import Losses
from lobass_core.scoring.token_table import TokenTable
from lobass_core.worker.earlier_losses import (
    EarlierShard,
    earlier_shards,
    id_array,
    kept_readings,
    reading_hashes,
    token_files,
)
from lobass_core.worker.reporter import Reporter
from lobass_core.worker.shards import ShardJob, is_finished, shard_table

PLAN_SCHEMA = pa.schema(
    [
        ("model_fp", pa.string()),
        ("sample_id", pa.string()),
        ("source_id", pa.string()),
        ("run_id", pa.string()),
        ("shard", pa.string()),
        ("row", pa.int32()),
    ]
)
# A few megabytes of token losses in memory.
CARRIED_SHARD_SAMPLES = 4096
USABLE = ("ok", "truncated")
LOOKING = "looking for losses from earlier runs"


@dataclass(frozen=True, slots=True)
class _Readings:
    """What the samples read: ascending `hashes`; samples with hash i are `places[first[i]:first[i + 1]]`."""

    hashes: np.ndarray
    first: np.ndarray
    places: np.ndarray

    @classmethod
    def of(cls, table: TokenTable, places: np.ndarray) -> "_Readings":
        hashes, number = np.unique(reading_hashes(table, places), return_inverse=True)
        order = np.argsort(number, kind="stable")
        first = np.concatenate([[0], np.cumsum(np.bincount(number, minlength=len(hashes)))])
        return cls(hashes, first, places[order])

    def find(self, hashes: np.ndarray) -> np.ndarray:
        """The number of each hash, -1 for one that no sample has."""
        return _find(self.hashes, hashes)


def carry_over(
    run: RunFolder,
    table: TokenTable,
    place_of: dict[str, int],
    render_fp: str,
    to_do: dict[str, np.ndarray],
    report: Reporter,
) -> dict[str, np.ndarray]:
    """Copy the losses that hold into shards of this run; returns the places that they are of, by model fingerprint.

    `to_do` holds the places of the token table that each model has to score.

    Raises:
        Cancelled: the run's owner asked it to stop.
    """
    report.update(phase=LOOKING, n_done=0, n_total=0)
    path = run.path / f"carried-{render_fp}.parquet"
    plan = _read_plan(path)
    if plan is None:
        plan = find_carried(run, table, render_fp, to_do, report)
        write_parquet(path, plan)
    if not plan.num_rows:
        return {}
    models = np.array(plan["model_fp"].to_pylist())
    report.update(phase="copying losses from earlier runs", n_done=0, n_total=plan.num_rows)
    carried = {}
    for model_fp, places in to_do.items():
        own = plan.filter(pa.array(models == model_fp))
        wanted = np.array([place_of.get(name, -1) for name in own["sample_id"].to_pylist()], dtype=np.int64)
        known = np.isin(wanted, places)
        carried[model_fp] = _copy(run, table, render_fp, model_fp, own.filter(pa.array(known)), wanted[known], report)
    return carried


def find_carried(
    run: RunFolder, table: TokenTable, render_fp: str, to_do: dict[str, np.ndarray], report: Reporter
) -> pa.Table:
    """The losses of earlier runs that hold for this one: a row each, of the latest run that has it."""
    shards = earlier_shards(run, {fp for fp, places in to_do.items() if len(places)}, render_fp)
    if not shards:
        return PLAN_SCHEMA.empty_table()
    places = np.unique(np.concatenate(list(to_do.values())))
    readings = _Readings.of(table, places[table.lengths[places] > 1])
    kept = _kept(run.path.parent, {shard.render_fp for shard in shards}, readings, report)
    open_places = {fp: np.isin(np.arange(len(table)), places) for fp, places in to_do.items()}
    parts: list[pa.Table] = []
    for shard in shards:
        report.check_cancel()
        parts += _rows_of(shard, table, readings, kept, open_places)
    return pa.concat_tables(parts) if parts else PLAN_SCHEMA.empty_table()


def n_token_rows(run: RunFolder, model_fps: set[str], render_fp: str) -> int:
    """How many rows of token files `find_carried` would read."""
    shards = earlier_shards(run, model_fps, render_fp)
    return sum(n for _, _, n in token_files(run.path.parent, {shard.render_fp for shard in shards})) if shards else 0


def _kept(
    runs_dir: Path, render_fps: set[str], readings: _Readings, report: Reporter
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """By rendering, the earlier samples that read what a sample of this run reads: ids, ascending, and hash numbers."""
    parts: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}
    files, n_read = token_files(runs_dir, render_fps), 0
    report.update(n_total=sum(n for _, _, n in files))
    for path, render_fp, _ in files:
        for ids, hashes in _readable(path):
            report.check_cancel()
            n_read += len(ids)
            report.update(n_done=n_read)
            numbers = readings.find(hashes)
            is_known = numbers >= 0
            parts.setdefault(render_fp, []).append((ids[is_known], numbers[is_known]))
    kept = {}
    for render_fp, pairs in parts.items():
        ids, numbers = (np.concatenate(column) for column in zip(*pairs, strict=True))
        ids, chosen = np.unique(ids, return_index=True)
        kept[render_fp] = ids, numbers[chosen]
    return kept


def _readable(path: Path) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """A token file that another process has just removed, or that is torn, has nothing to offer."""
    try:
        yield from kept_readings(path)
    except (RunError, OSError, ValueError, pa.ArrowException):
        return


def _rows_of(
    shard: EarlierShard,
    table: TokenTable,
    readings: _Readings,
    kept: dict[str, tuple[np.ndarray, np.ndarray]],
    open_places: dict[str, np.ndarray],
) -> Iterator[pa.Table]:
    """Rows of the plan that this shard serves; their places are closed."""
    if shard.render_fp not in kept:
        return
    ids, numbers = kept[shard.render_fp]
    try:
        rows = read_parquet(shard.path, ["sample_id", "status", "n_tokens"])
    except RunError:
        return
    sample_ids = rows["sample_id"].to_pylist()
    place_in_kept = _find(ids, id_array(sample_ids))
    usable = np.isin(np.array(rows["status"].to_pylist()), USABLE) & (place_in_kept >= 0)
    n_tokens = rows["n_tokens"].to_numpy()
    still_open = open_places[shard.model_fp]
    chosen: list[tuple[int, int]] = []
    for row in np.flatnonzero(usable).tolist():
        number = numbers[place_in_kept[row]]
        for place in readings.places[readings.first[number] : readings.first[number + 1]].tolist():
            if still_open[place] and table.n_response_tokens[place] == n_tokens[row]:
                still_open[place] = False
                chosen.append((place, row))
    if chosen:
        yield pa.table(
            {
                "model_fp": [shard.model_fp] * len(chosen),
                "sample_id": [table.sample_ids[place] for place, _ in chosen],
                "source_id": [sample_ids[row] for _, row in chosen],
                "run_id": [shard.run_id] * len(chosen),
                "shard": [shard.path.stem] * len(chosen),
                "row": [row for _, row in chosen],
            },
            schema=PLAN_SCHEMA,
        )


def _copy(
    run: RunFolder,
    table: TokenTable,
    render_fp: str,
    model_fp: str,
    plan: pa.Table,
    places: np.ndarray,
    report: Reporter,
) -> np.ndarray:
    """Write a model's carried losses as shards; returns the places of those whose source could still be read."""
    carried = []
    for number, start in enumerate(range(0, plan.num_rows, CARRIED_SHARD_SAMPLES)):
        report.check_cancel()
        part = plan.slice(start, CARRIED_SHARD_SAMPLES)
        name = f"carried-{model_fp}-{render_fp}-{number:05d}"
        wanted = places[start : start + part.num_rows]
        if not is_finished(run, table, ShardJob(0, name, wanted)):
            nlls = _token_nlls(run.path.parent, part, table.n_response_tokens[wanted])
            there = np.array([one is not None for one in nlls])
            wanted = wanted[there]
            losses = Losses(wanted, [one for one in nlls if one is not None], 0, 0)
            run.write_shard(name, shard_table(table, [losses], model_fp, render_fp))
        carried.append(wanted)
        report.update(n_done=report.progress.n_done + part.num_rows)
    return np.concatenate(carried) if carried else np.zeros(0, np.int64)


def _token_nlls(runs_dir: Path, part: pa.Table, n_tokens: np.ndarray) -> list[np.ndarray | None]:
    """Token losses of rows of the plan, None where a source is gone or does not fit."""
    token_nlls: list[np.ndarray | None] = []
    source, losses = ("", ""), []
    columns = (part[name].to_pylist() for name in ("run_id", "shard", "row", "source_id"))
    for run_id, shard, row, source_id, n in zip(*columns, n_tokens.tolist(), strict=True):
        if (run_id, shard) != source:
            source, losses = (run_id, shard), _losses_in(runs_dir / run_id / "shards" / f"{shard}.parquet")
        nlls = None
        if row < len(losses) and losses[row][0] == source_id:
            nlls = np.asarray(losses[row][1], dtype=np.float32)
        token_nlls.append(nlls if nlls is not None and len(nlls) == n and np.isfinite(nlls).all() else None)
    return token_nlls


def _losses_in(path: Path) -> list[tuple[str, list[float]]]:
    try:
        table = read_parquet(path, ["sample_id", "token_nlls"])
    except RunError:
        return []
    return list(zip(table["sample_id"].to_pylist(), table["token_nlls"].to_pylist(), strict=True))


def _read_plan(path: Path) -> pa.Table | None:
    """The plan of an earlier worker of this run."""
    try:
        return read_parquet(path, PLAN_SCHEMA.names)
    except RunError:
        return None


def _find(sorted_values: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The place of each value among distinct ascending ones, -1 where it is not there."""
    if not len(sorted_values):
        return np.full(len(values), -1, dtype=np.int64)
    place = np.minimum(np.searchsorted(sorted_values, values), len(sorted_values) - 1)
    return np.where(sorted_values[place] == values, place, -1)
