"""Shards are written behind the device: a thread puts one on the disk while the next is computed."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

from lobass_core.jobs.run_folder import RunFolder
from lobass_core.scoring.engine import Losses
from lobass_core.scoring.token_table import TokenTable
from lobass_core.worker.shards import shard_table


class ShardWriter:
    """Writes one shard at a time, in order; leaving the block waits for the last, whatever ended the block."""

    def __init__(self, run: RunFolder, table: TokenTable, render_fp: str) -> None:
        self._run, self._table, self._render_fp = run, table, render_fp
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="shard-writer")
        self._writing: Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def write(self, name: str, losses: Sequence[Losses], model_fp: str) -> None:
        """Begin to write a shard once the one before it is on the disk.

        Raises:
            OSError: the one before it could not be written.
        """
        self._wait()
        self._writing = self._thread.submit(self._write, name, losses, model_fp)

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._thread.shutdown(wait=True)
        if error is None:
            self._wait()

    def _wait(self) -> None:
        if self._writing:
            self._writing.result()

    def _write(self, name: str, losses: Sequence[Losses], model_fp: str) -> None:
        self._run.write_shard(name, shard_table(self._table, losses, model_fp, self._render_fp))
