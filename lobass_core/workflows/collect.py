"""Add the results of finished runs that were not added yet, because a process was killed or a disk was full.

Every command and every page does this when it opens a project. A run folder that has not changed since costs three
`stat`s; which ones need no further look is known to this process and, for others, to the store.
"""

import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lobass_core.errors import LobassError, StoreLockedError
from lobass_core.jobs.run_files import RunFiles
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_ids import keep_project_id, number_of
from lobass_core.jobs.run_list import DamagedRun, open_any
from lobass_core.project import Project
from lobass_core.store.collected import collected_stamps, note_collected, project_id_of, shard_checksums
from lobass_core.store.connection import WAIT_SECONDS, Store
from lobass_core.store.losses import Ingested, ingest_run, shards_to_add
from lobass_core.words.plural import plural
from lobass_core.workflows.registering import register_finished

_collected: dict[Path, str] = {}
_collecting = threading.Lock()


@dataclass(frozen=True, slots=True)
class Collected:
    """How many losses were added, and what a person should know, in sentences.

    `expected` are those of them that say no more than what somebody who watched the run knows.
    """

    n_new: int = 0
    sentences: tuple[str, ...] = ()
    expected: tuple[str, ...] = ()


def collect(project: Project, wait_seconds: float = WAIT_SECONDS) -> Collected:
    """Add the losses of ended runs that the store lacks, whole shards alone, and name what they scored.

    Runs of other projects are passed over. One that cannot be added keeps no other away; the next call tries it again.

    Raises:
        StoreLockedError: the store is in use elsewhere; the next call tries again.
        StoreError: the store cannot be opened or written.
    """
    with _collecting:
        stamps = {path: _stamp(path) for path in _run_paths(project.runs_dir)}
        # A run at work changes twice a second, and a page asks as often: the store is left alone until it has ended.
        changed = {
            path: stamp
            for path, stamp in stamps.items()
            if _collected.get(path) != stamp and not RunFiles(path).is_alive()
        }
        if not changed:
            return Collected()
        with project.store(wait_seconds=wait_seconds) as store:
            return _collect(store, changed)


def forget(project: Project) -> None:
    """Look at every run again at the next call: another store has taken the place of the project's."""
    with _collecting:
        for path in [path for path in _collected if path.parent == project.runs_dir]:
            del _collected[path]


def try_collect(project: Project) -> Collected:
    """`collect`, but a store that cannot be opened or written now is left for the next time."""
    try:
        return collect(project)
    except LobassError:
        return Collected()


def _collect(store: Store, changed: dict[Path, str]) -> Collected:
    known, own = collected_stamps(store.cursor()), project_id_of(store.cursor())
    if store.read_only:
        unknown = {path: stamp for path, stamp in changed.items() if known.get(path.name) != stamp}
        return Collected(0, tuple(_left_out(store, unknown, own)))
    with suppress(OSError):
        keep_project_id(store.path.parent / "runs", own)
    n_new, sentences, expected, done = 0, list[str](), list[str](), dict[str, str]()
    for path, stamp in changed.items():
        if known.get(path.name) != stamp:
            try:
                run = open_any(path)
                if run.is_live():
                    continue
                added = _add(store, run, own)
            except FileNotFoundError:  # removed since the folders were listed
                continue
            except StoreLockedError:
                raise
            except LobassError as error:
                sentences.append(f"Run {path.name} could not be added to the project: {error}")
                continue
            n_new += added.n_new
            expected += (
                [f"Added {plural(added.n_new, 'loss', 'losses')} computed by run {run.run_id}."] if added.n_new else []
            )
            sentences += damage_in(run, added)
            if added.torn:  # looked at again, until it is set aside or can be read
                continue
            done[path.name] = stamp
        _collected[path] = stamp
    if done:
        with store.transaction() as cursor:
            note_collected(cursor, done)
    return Collected(n_new, (*expected, *sentences), tuple(expected))


def _left_out(store: Store, paths: Iterable[Path], project_id: str) -> Iterator[str]:
    """What runs hold that a project which may only be read lacks."""
    for path in paths:
        with suppress(LobassError, FileNotFoundError):
            run = open_any(path)
            is_own = isinstance(run, DamagedRun) or not run.foreign_to(project_id)
            if is_own and not run.is_live() and shards_to_add(run, shard_checksums(store.cursor(), path.name)):
                yield f"Run {path.name} has computed losses that were not added, because the project is read-only."


def _add(store: Store, run: RunFolder | DamagedRun, project_id: str) -> Ingested:
    """Nobody knows what a run with a damaged spec.json was asked; its losses are what they are all the same."""
    if isinstance(run, DamagedRun):
        return ingest_run(store, run)
    if run.kind != "score" or run.foreign_to(project_id):
        return Ingested(0)
    ingested = ingest_run(store, run)
    register_finished(store, run)
    return ingested


def damage_in(run: RunFiles, added: Ingested) -> list[str]:
    """Which shards of the run could not be added, and what becomes of their losses, as one sentence or none."""
    if not added.torn:
        return []
    name, reason = added.torn[0]
    which = f"{name} of run {run.run_id}" + (f" and {len(added.torn) - 1:,} more" if added.torn[1:] else "")
    return [f"{which} cannot be used: {reason}. Its losses are computed again when you resume the run or score again."]


def _run_paths(runs_dir: Path) -> list[Path]:
    try:
        paths = [path for path in runs_dir.iterdir() if number_of(path.name)]
    except OSError:
        return []
    return sorted(paths, key=lambda path: number_of(path.name))


def _stamp(path: Path) -> str:
    """Changes when a shard, a result or another end of the run appears."""
    run = RunFiles(path)
    return "-".join(str(_changed_at(one)) for one in (run.shards_dir, run.result_path, run.progress_path))


def _changed_at(path: Path) -> int:
    try:
        # Not the time of the content alone: what nobody may read is looked at again when somebody may.
        return path.stat().st_ctime_ns
    except OSError:
        return 0
