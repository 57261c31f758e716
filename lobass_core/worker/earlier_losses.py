"""Losses that earlier runs computed under another rendering, by what the models read.

A loss depends on the model and on the tokens up to the last response token, and on nothing else: not on the version of
the renderer, the limit, the mask rule or the sample's id. So a loss holds under another rendering where the token ids
and the mask of its token file are those of the new one.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from lobass_core.errors import RunError
from lobass_core.jobs.checksums import require_good
from lobass_core.jobs.run_files import read_parquet
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_list import DamagedRun, scan_runs
from lobass_core.jobs.run_results import ScoreRunResult
from lobass_core.scoring.token_table import TokenTable

HASH_BYTES = 16
_ROWS_AT_ONCE = 4096


@dataclass(frozen=True, slots=True)
class EarlierShard:
    """A shard with losses of one model under one other rendering."""

    path: Path
    model_fp: str
    render_fp: str

    @property
    def run_id(self) -> str:
        return self.path.parent.parent.name


def earlier_shards(run: RunFolder, model_fps: set[str], render_fp: str) -> list[EarlierShard]:
    """Shards of these models that may hold for the run, latest run first; one that cannot be read is passed over.

    They are of any other rendering; and of this one too where a record has another sample id than it was scored under.
    """
    other_ids = _has_other_ids(run, render_fp)
    earlier = []
    for one in reversed(scan_runs(run.path.parent)):
        if isinstance(one, RunFolder) and one.foreign_to(run.project_id):
            continue
        if not _may_hold(one, model_fps, render_fp, other_ids):
            continue
        for path in one.finished_shards():
            values = _single_values(path, ("model_fp", "render_fp"))
            if not values or values[0] not in model_fps:
                continue
            if values[1] != render_fp or (other_ids and one.run_id != run.run_id):
                earlier.append(EarlierShard(path, *values))
    return earlier


def _has_other_ids(run: RunFolder, render_fp: str) -> bool:
    """Whether the store has losses under this rendering of samples whose records read otherwise by now."""
    try:
        known = read_parquet(run.known_path, ["scored_as"], [("render_fp", "=", render_fp)])
    except RunError:
        return False
    return known.num_rows > known["scored_as"].null_count


def token_files(runs_dir: Path, render_fps: set[str]) -> list[tuple[Path, str, int]]:
    """Token files of these renderings, whichever run kept them: path, rendering, rows."""
    files = []
    for run in scan_runs(runs_dir):
        for path in run.token_tables():
            values = _single_values(path, ("render_fp",))
            if values and values[0] in render_fps:
                files.append((path, values[0], pq.read_metadata(path).num_rows))
    return files


def _may_hold(run: RunFolder | DamagedRun, model_fps: set[str], render_fp: str, other_ids: bool) -> bool:
    """Spares the look at every shard where the run has said what is in them."""
    if isinstance(run, DamagedRun):
        return True
    if run.kind != "score":
        return False
    try:
        result = run.read_result(ScoreRunResult)
    except RunError:
        return True
    models = {model.model_fp for column in result.scored for model in column.models}
    return (other_ids or result.render_fp != render_fp) and bool(models & model_fps)


def _single_values(path: Path, columns: Sequence[str]) -> tuple[str, ...] | None:
    """The one value of each column, from the file's footer; None where there are several, or no such file."""
    try:
        with pq.ParquetFile(path) as file:
            names = file.schema_arrow.names
            places = [names.index(column) for column in columns]
            groups = [file.metadata.row_group(number) for number in range(file.metadata.num_row_groups)]
    except (OSError, ValueError, pa.ArrowException):
        return None
    values = []
    for place in places:
        statistics = [group.column(place).statistics for group in groups]
        if not statistics or any(one is None or not one.has_min_max for one in statistics):
            return None
        ends = {end for one in statistics for end in (one.min, one.max)}
        if len(ends) != 1:
            return None
        values.append(str(ends.pop()))
    return tuple(values)


def reading_hashes(table: TokenTable, places: np.ndarray) -> np.ndarray:
    """A hash of what a model reads of each sample: ids and mask up to the last response token."""
    return _as_array([_hash(table.ids_of(place), table.mask_of(place)) for place in places.tolist()])


def kept_readings(path: Path) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Sample ids and hashes of a token file, some thousand at a time, as `reading_hashes` gives them.

    Raises:
        RunError: the file is damaged.
    """
    require_good(path)
    with pq.ParquetFile(path) as file:
        columns = ["sample_id", "token_ids", "response_mask"]
        for batch in file.iter_batches(batch_size=_ROWS_AT_ONCE, columns=columns):
            ids, masks = (_lists(batch[name]) for name in columns[1:])
            hashes = [_hash(*_read_part(one, mask)) for one, mask in zip(ids, masks, strict=True)]
            yield id_array(batch["sample_id"].to_pylist()), _as_array(hashes)


def id_array(sample_ids: Sequence[str]) -> np.ndarray:
    """Sample ids as bytes that numpy sorts and searches."""
    return np.array(sample_ids, dtype="S64")


def _lists(column: pa.Array) -> Iterator[np.ndarray]:
    offsets = column.offsets.to_numpy()
    values = column.values.to_numpy(zero_copy_only=False)
    return (values[start:end] for start, end in pairwise(offsets.tolist()))


def _read_part(ids: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    places = np.flatnonzero(mask)
    length = int(places[-1]) + 1 if len(places) else 0
    return ids[:length], mask[:length]


def _hash(ids: np.ndarray, mask: np.ndarray) -> bytes:
    # Both are of one length, so that ids and mask cannot be mistaken for each other.
    text = np.ascontiguousarray(ids, dtype=np.int32).tobytes() + np.packbits(mask.astype(bool)).tobytes()
    return hashlib.blake2b(text, digest_size=HASH_BYTES, salt=len(ids).to_bytes(8, "little")).digest()


def _as_array(hashes: Sequence[bytes]) -> np.ndarray:
    return np.frombuffer(b"".join(hashes), dtype=f"S{HASH_BYTES}")
