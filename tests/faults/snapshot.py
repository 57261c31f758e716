"""What a project holds that a person cares about, as counted facts, so that two of them can be compared."""

import hashlib
import json
import os
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import duckdb

from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_list import scan_runs
from lobass_core.project import Project
from lobass_core.workflows.leftovers import STALE_SECONDS, leftovers

# Times, random ids and numbers that a taken-back transaction leaves out are no facts.
FACTS = {
    "datasets": "SELECT name, n_rows, n_rejected, file_sha256, format FROM datasets",
    "rows": "SELECT d.name, r.row_index, s.sample_id, r.domain, r.is_duplicate"
    " FROM rows r JOIN datasets d USING (dataset_id) JOIN samples s USING (sample_key)",
    "samples": "SELECT sample_id FROM samples",
    "rejects": "SELECT d.name, r.row_index, r.reason FROM rejects r JOIN datasets d USING (dataset_id)",
    "updates": "SELECT d.name, u.counts FROM dataset_updates u JOIN datasets d USING (dataset_id)"
    " WHERE undone_at IS NULL",
    "former rows": "SELECT row_index, domain, fate FROM former_rows",
    "domain changes": "SELECT DISTINCT d.name, c.spec FROM domain_changes c JOIN datasets d USING (dataset_id)"
    " WHERE undone_at IS NULL",
    "losses": "SELECT s.sample_id, l.model_fp, l.render_fp, l.loss_sum_nats, l.n_tokens, l.status"
    " FROM losses l JOIN samples s USING (sample_key)",
    "scorings": "SELECT name, models_fp, render_fp FROM loss_columns",
    "score values": "SELECT c.name, s.sample_id, v.value FROM score_values v"
    " JOIN score_columns c USING (column_id) JOIN samples s USING (sample_key)",
    "decisions": "SELECT s.sample_id, arg_max(verdict, decision_number)"
    " FROM decisions JOIN samples s USING (sample_key) WHERE undone_at IS NULL GROUP BY ALL",
    "selections": "SELECT name, n_kept, tokens_kept FROM selections WHERE deleted_at IS NULL",
    "picks": "SELECT n.name, s.sample_id, p.pick_rank, p.reason, p.score FROM selection_picks p"
    " JOIN selections n USING (selection_id) JOIN samples s USING (sample_key) WHERE n.deleted_at IS NULL",
    "exports": "SELECT DISTINCT selection_name, format, folder, n_rows, manifest_sha256 FROM exports",
}
# Left by a process that was killed in the middle of writing: no harm, but no file that anybody needs.
LEFT_BEHIND = (".*.tmp", ".*.tmp.wal", ".*-removed-*", ".new-run-*", ".*.lobass", ".lobass-*", "duckdb_temp_*")


@dataclass(frozen=True, slots=True)
class Difference:
    """Facts that are missing and facts that are there too often, each `kind: number`; both empty where all is well."""

    lost: dict[str, int]
    doubled: dict[str, int]

    @property
    def nothing(self) -> bool:
        return not (self.lost or self.doubled)


Snapshot = dict[str, Counter[tuple]]


def snapshot(folder: Path) -> Snapshot:
    """The facts of `folder/project`, of what it exported to `folder/export`, and of the models that it trained."""
    with duckdb.connect(str(folder / "project" / "store.duckdb"), read_only=True) as store:
        found: Snapshot = {kind: Counter(store.execute(sql).fetchall()) for kind, sql in FACTS.items()}
    found["exported files"] = _contents(folder / "export", "*")
    found["arms"] = Counter(
        (path.stem, *json.loads(path.read_text())["losses"])
        for path in (folder / "project" / "validation" / "arms").glob("*.json")
    )
    found["weights"] = _contents(folder / "project" / "models", "*.safetensors")
    return found


def compare(twin: Snapshot, other: Snapshot) -> Difference:
    """What the other lacks of its twin, and what it has beyond it."""
    return Difference(
        lost={kind: n for kind in twin if (n := (twin[kind] - other[kind]).total())},
        doubled={kind: n for kind in twin if (n := (other[kind] - twin[kind]).total())},
    )


def stuck_runs(project: Path) -> list[str]:
    """Runs that nobody works on and that do not say so."""
    return [run.run_id for run in scan_runs(project / "runs") if isinstance(run, RunFolder) and run.is_live()]


def left_behind(folder: Path) -> list[str]:
    """Unfinished files."""
    return sorted(str(path.relative_to(folder)) for pattern in LEFT_BEHIND for path in folder.rglob(pattern))


def unnamed(folder: Path) -> list[str]:
    """Unfinished files of the project that `lobass doctor` will never name, however long they lie there."""
    project = Project(folder / "project")
    left = [project.root.parent / path for path in left_behind(folder) if path.startswith("project/")]
    long_ago = time.time() - 2 * STALE_SECONDS
    for path in left:
        os.utime(path, (long_ago, long_ago))
    named = {item.path for item in leftovers(project)}
    return [str(path) for path in left if not {path, *path.parents} & named]


def _contents(folder: Path, pattern: str) -> Counter[tuple]:
    files = (path for path in folder.rglob(pattern) if path.is_file())
    return Counter((str(path.relative_to(folder)), hashlib.sha256(path.read_bytes()).hexdigest()) for path in files)
