"""Which fold model's loss a sample has, over several runs of one reference."""

import pyarrow as pa

from lobass_core.jobs.run_files import write_parquet
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.store.losses import ingest_run
from lobass_core.store.scored_rows import score_rows
from lobass_core.store.scorings import find_scoring, register_scoring
from tests.run_specs import A_SCORING
from tests.store.conftest import add_file, sample
from tests.store.test_losses import PAIRS, result, shard


def test_a_later_run_of_some_samples_leaves_the_folds_of_the_others(store, project):
    add_file(store, "a", "math", PAIRS)
    ids = [sample(*pair).sample_id for pair in PAIRS]
    # Against the hash of each, which would decide without an assignment.
    folds = [1 - int(name[:8], 16) % 2 for name in ids]
    for moment, chosen in (("2026-01-01T10:00:00+00:00", slice(0, 3)), ("2026-01-02T10:00:00+00:00", slice(2, 3))):
        run = RunFolder.create(project.runs_dir, "score", A_SCORING)
        for fold in (0, 1):
            own = {pair: 10.0 * (fold + 1) for pair, of in zip(PAIRS[chosen], folds[chosen], strict=True) if of == fold}
            run.write_shard(f"fold-{fold}", shard(f"F{fold}", own))
        ingest_run(store, run)
        table = pa.table({"sample_id": ids[chosen], "fold": pa.array(folds[chosen], pa.int32())})
        path = write_parquet(run.path / "folds.parquet", table)
        with store.transaction() as cursor:
            register_scoring(cursor, run.run_id, A_SCORING, result("B", ["F0", "F1"], "folded"), path, moment)
        losses = score_rows(store.cursor(), find_scoring(store.cursor()))["reference_loss_sum"].to_pylist()
        assert losses == [10.0 * (fold + 1) for fold in folds]
