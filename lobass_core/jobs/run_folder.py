"""A run as a folder: settings in, progress and shards out; it survives whoever started it."""

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar
from uuid import uuid4

import msgspec

from lobass_core.errors import RunError
from lobass_core.jobs import remote_code
from lobass_core.jobs.documents import VERSION, read_json, replace_text, to_document, to_json
from lobass_core.jobs.former_places import at_home
from lobass_core.jobs.progress import ErrorNote, Progress, RunState, check_time
from lobass_core.jobs.run_files import RunFiles, may_read
from lobass_core.jobs.run_ids import next_run_id
from lobass_core.jobs.run_kinds import KINDS, RunKind
from lobass_core.jobs.run_specs import RunSpec
from lobass_core.specs import unknown_settings
from lobass_core.words.clock import age_of, utc_now
from lobass_core.words.run_words import a_run

ENDED: tuple[RunState, ...] = ("done", "failed", "cancelled")
# A worker takes its lock before it imports torch; one that has not after this long never started.
START_SECONDS = 30.0
# Folders of runs that are being prepared, or were removed; what a killed process left of them goes after this long.
_PREPARING, _REMOVED = ".new-run-", "-removed-"
SWEEP_SECONDS = 60.0

Expected = TypeVar("Expected")


@dataclass(frozen=True, slots=True)
class _SpecFile:
    """spec.json; `spec` is of the dataclass that its kind names. Runs of earlier programs name no project."""

    kind: str
    run_id: str
    created_at: str
    spec: dict[str, Any]
    version: int = 1
    project_id: str = ""

    def __post_init__(self) -> None:
        check_time(self.created_at)


class RunFolder(RunFiles):
    """One run: what it was asked (`spec`), how far it is, what it answered."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        spec_path = path / "spec.json"
        try:
            document = to_document(read_json(spec_path), _SpecFile, spec_path)
        except FileNotFoundError as error:
            raise RunError(f"run {self.run_id} has no spec.json", where=str(path)) from error
        self.kind = document.kind
        self.created_at = document.created_at
        self.made_as, self.project_id = document.run_id, document.project_id
        kind = self._kind()
        values = kind.from_version_1(document.spec) if document.version == 1 else document.spec
        values = at_home(values, path.parent.parent)
        self.spec: RunSpec = to_document(values, kind.spec, spec_path)
        if unknown := unknown_settings(values, self.spec):
            raise RunError(
                f"run {self.run_id} has an unknown setting: {', '.join(unknown)}",
                where=str(spec_path),
                do="A newer version of LoBaSS started it: update LoBaSS.",
            )

    @classmethod
    def create(
        cls,
        runs_dir: Path,
        kind: str,
        spec: RunSpec,
        prepare: Callable[[RunFiles], object] = lambda _: None,
        *,
        project_id: str = "",
        after: int = 0,
    ) -> Self:
        """Make the next run, r-0001, r-0002 ...; two callers at once get two runs, and no id is given out twice.

        `prepare` writes what the worker reads. The folder appears with that and its spec.json in it, so that nobody
        meets a run that is not ready; a process that is killed before leaves a hidden folder, which a later call
        removes. `after` as for `next_run_id`.

        Raises:
            RequestError: it trusts a model's code, and this process rules that out.
        """
        remote_code.check(spec)
        assert isinstance(spec, KINDS[kind].spec), f"a {kind} run does not take a {type(spec).__name__}"
        runs_dir.mkdir(parents=True, exist_ok=True)
        _sweep(runs_dir)
        new = RunFiles(runs_dir / f"{_PREPARING}{uuid4().hex}")
        new.shards_dir.mkdir(parents=True)
        try:
            with new.hold_lock():
                prepare(new)
            with next_run_id(runs_dir, after) as run_id:
                document = _SpecFile(kind, run_id, utc_now(), msgspec.to_builtins(spec), VERSION, project_id)
                replace_text(new.path / "spec.json", to_json(document, indent=2))
                return cls(new.path.rename(runs_dir / run_id))
        except BaseException:
            shutil.rmtree(new.path, ignore_errors=True)
            raise

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open an existing run.

        Raises:
            RunError: the folder holds no run that this program can read.
        """
        return cls(path)

    def _kind(self) -> RunKind:
        if self.kind not in KINDS:
            raise RunError(
                f"run {self.run_id} has the unknown kind {self.kind[:40]!r}",
                where=str(self.path / "spec.json"),
                do="If a newer version of LoBaSS started it, update LoBaSS.",
            )
        return KINDS[self.kind]

    def spec_as(self, expected: type[Expected]) -> Expected:
        """The spec, of the dataclass that the caller works with.

        Raises:
            RunError: the run is of another kind.
        """
        if not isinstance(self.spec, expected):
            raise RunError(f"run {self.run_id} is {a_run(self.kind)}", where=str(self.path))
        return self.spec

    def write_progress(self, progress: Progress) -> None:
        """Replace progress.json whole, so that a reader never sees half of it."""
        replace_text(self.progress_path, to_json(progress))

    def read_progress(self) -> Progress:
        """The last progress written; one in state `damaged` where it cannot be read.

        Before the first, the run is queued, or has failed where its input was never written whole.
        """
        try:
            return to_document(read_json(self.progress_path), Progress, self.progress_path)
        except FileNotFoundError:
            return self._before_the_first()
        except RunError as error:
            return Progress(state="damaged", phase="damaged", error=_note(error))

    def _before_the_first(self) -> Progress:
        """A queued run; a failed one where whoever made it was killed while the input was written."""
        if self.input_path.exists() or not self._kind().reads_input or not self._start_is_overdue():
            return Progress()
        what = f"run {self.run_id} was stopped while its input was being written"
        note = ErrorNote(what, str(self.path), f"Remove it with lobass cancel {self.run_id}, and start a new run.")
        return Progress(state="failed", phase="failed", error=note)

    def write_result(self, result: Any) -> None:
        """Write result.json, the worker's last word: the dataclass of the run's kind."""
        replace_text(self.result_path, to_json(result, indent=1))

    def read_result(self, expected: type[Expected]) -> Expected:
        """The worker's result, of the dataclass that the caller works with.

        Raises:
            RunError: the run has not finished, is of another kind, or its result.json is damaged.
        """
        kind = self._kind().result
        if not issubclass(kind, expected):
            raise RunError(f"run {self.run_id} is {a_run(self.kind)}", where=str(self.path))
        try:
            return to_document(at_home(read_json(self.result_path), self.path.parent.parent), kind, self.result_path)
        except FileNotFoundError as error:
            raise RunError(f"run {self.run_id} has no result yet", where=str(self.path)) from error

    def fault(self) -> ErrorNote | None:
        """What is wrong with the run's progress.json or, once it is done, with its result.json or its shards."""
        progress = self.read_progress()
        if progress.state == "damaged":
            return progress.error
        if progress.state == "done":
            try:
                self.read_result(self._kind().result)
            except RunError as error:
                return _note(error)
            if self.shards_dir.is_dir() and not may_read(self.shards_dir):
                what = f"the shards of run {self.run_id} cannot be read: permission denied"
                return ErrorNote(what, str(self.shards_dir), "Change the permissions of that folder.")
            if missing := self.missing_shards():
                files = "loss file was" if len(missing) == 1 else "loss files were"
                what = f"{len(missing):,} {files} damaged and set aside"
                return ErrorNote(what, str(self.damaged_dir), "Resume the run: these losses are computed again.")
        return None

    def state(self) -> RunState:
        """What the run is in.

        `interrupted` has neither a worker nor an end, `damaged` has no worker and a file that cannot be read; both can
        be resumed.
        """
        state = self.read_progress().state
        if state not in ENDED:
            if self.is_alive():
                return "running"
            # The worker may have ended between the two looks; its last word was written before it let go of the lock.
            state = self.read_progress().state
        if state == "done" and self.fault():
            return "running" if self.is_alive() else "damaged"
        if state in (*ENDED, "damaged"):
            return state
        return "queued" if state == "queued" and not self._start_is_overdue() else "interrupted"

    def foreign_to(self, project_id: str) -> str:
        """Why the run is none of that project's own, in words; empty where it is, or where nobody can tell.

        Runs of earlier programs do not say which project they belong to.
        """
        if self.project_id and project_id and self.project_id != project_id:
            return f"run {self.run_id} was copied from another project: its scores are not added to this one"
        if self.made_as != self.run_id:
            return f"run {self.run_id} is a copy of {self.made_as} under another name: it is not added to the project"
        return ""

    def is_live(self) -> bool:
        """Whether a worker is running or about to start."""
        return self.state() in ("running", "queued")

    def _start_is_overdue(self) -> bool:
        for path in (self.progress_path, self.path / "spec.json"):
            with suppress(FileNotFoundError):
                return age_of(path) > START_SECONDS
        return False

    @property
    def was_launched(self) -> bool:
        """Whether a worker was ever asked to do the run."""
        return self.progress_path.exists()

    def remove(self) -> None:
        """Remove the folder; it is gone from all lists at once, and from the disk as far as the system allows."""
        hidden = self.path.with_name(f".{self.run_id}{_REMOVED}{os.getpid()}")
        try:
            self.path.rename(hidden)
        except OSError:
            return
        shutil.rmtree(hidden, ignore_errors=True)


def _sweep(runs_dir: Path) -> None:
    """Remove what processes that were killed left of runs that they prepared or removed."""
    for path in [*runs_dir.glob(f"{_PREPARING}*"), *runs_dir.glob(f".r-*{_REMOVED}*")]:
        with suppress(OSError):
            if age_of(path) > SWEEP_SECONDS and not RunFiles(path).is_alive():
                shutil.rmtree(path, ignore_errors=True)


def _note(error: RunError) -> ErrorNote:
    return ErrorNote(error.what, error.where, error.do or "Resume the run: what it has saved is kept.")
