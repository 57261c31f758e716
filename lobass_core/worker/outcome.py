"""What a scoring run has to show for itself: losses that are numbers, and a reference that differs from the base."""

import pyarrow as pa
import pyarrow.compute as pc

from lobass_core.errors import LobassError, ModelError
from lobass_core.jobs.checksums import remove_checked
from lobass_core.jobs.run_files import read_parquet
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.learnability.measure_values import EQUAL_NATS
from lobass_core.worker.preparation import ModelTask, Prepared

_COLUMNS = ["sample_id", "model_fp", "loss_sum_nats", "n_tokens", "status"]


def all_losses(run: RunFolder, render_fp: str, sample_ids: list[str]) -> pa.Table:
    """Every loss of these samples under this rendering, from the run's shards and from the store: one row each."""
    own = [("render_fp", "=", render_fp)]
    # A run that was begun under another rendering has shards of it too.
    tables = [read_parquet(path, _COLUMNS, own) for path in run.finished_shards()]
    if run.known_path.is_file():
        known = read_parquet(run.known_path, filters=own)
        if "status" in known.column_names:
            tables.append(known.filter(pc.is_null(known["scored_as"])).select(_COLUMNS))
    if not tables:
        return pa.table({name: pa.array([], pa.string()) for name in _COLUMNS})
    losses = pa.concat_tables(tables, promote_options="permissive")
    return losses.filter(pc.is_in(losses["sample_id"], pa.array(sample_ids, pa.string())))


def check_numbers(run: RunFolder, prepared: Prepared, losses: pa.Table) -> None:
    """Refuse a model of which no loss is a number; its shards go, as there is nothing in them to keep.

    Raises:
        ModelError: it names the model.
    """
    for task in prepared.tasks:
        mine = losses.filter(pc.equal(losses["model_fp"], task.fp))
        mine = mine.filter(pc.not_equal(mine["status"], "no_response"))
        if not mine.num_rows or mine["loss_sum_nats"].null_count < mine.num_rows:
            continue
        _drop_shards(run, task)
        raise ModelError(
            f"every loss of the {task.part} is NaN or infinite ({mine.num_rows:,} samples)",
            where=str(task.files.adapter or task.files.place),
            do="Check the model, or score with --dtype float32.",
        )


def without_difference(prepared: Prepared, losses: pa.Table) -> LobassError | None:
    """The error of a reference whose losses equal the base's in every sample, else None.

    Nor is it one to name the base twice: that is how the losses of one model are asked for, and a warning says so.
    """
    if prepared.spec.references == (prepared.spec.base,):
        return None
    base = losses.filter(pc.equal(losses["model_fp"], prepared.base.fp)).select(["sample_id", "loss_sum_nats"])
    fps = pa.array([task.fp for task in prepared.all_references])
    reference = losses.filter(pc.is_in(losses["model_fp"], fps))
    both = reference.join(base.rename_columns(["sample_id", "base"]), "sample_id", join_type="inner")
    both = both.filter(pc.and_(pc.is_valid(both["base"]), pc.is_valid(both["loss_sum_nats"])))
    if not both.num_rows:
        return None
    apart = pc.abs(pc.subtract(both["base"], both["loss_sum_nats"]))
    if not pc.all(pc.less_equal(apart, pc.multiply(both["n_tokens"].cast(pa.float64()), EQUAL_NATS))).as_py():
        return None
    return ModelError(
        f"the reference's losses equal the base's for all {both.num_rows:,} samples, so every difference is 0",
        where=f"{prepared.base.files.name} and {prepared.reference_name}",
        do="Check that the reference is not the base itself. The losses are kept: rows can still be ranked by base "
        "loss, reference loss, length or at random.",
    )


def _drop_shards(run: RunFolder, task: ModelTask) -> None:
    for path in run.finished_shards():
        table = read_parquet(path, ["model_fp", "status"])
        if table.num_rows and table["model_fp"][0].as_py() == task.fp and "non_finite" in table["status"].to_pylist():
            remove_checked(path)
