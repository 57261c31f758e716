"""Renders the templates of strangers in its own process, which a template can neither hold up nor fill.

A template comes with a model or from a file. It is stopped when a row computes for too long, takes too much memory or
prints too much; the run then fails and names template and row. While a row is waited for, a cancelled run ends.
"""

import contextlib
import fcntl
import json
import marshal
import os
import select
import signal
import subprocess
import sys
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from lobass_core.errors import RenderError
from lobass_core.files.named_files import size_text
from lobass_core.rendering.template_rows import OVERRUN, Answer, Limit

SECONDS = 10
MEMORY_BYTES = 2 << 30
WAIT_SECONDS = 0.2
# Rows that are on their way: so many bytes wait in this process, and in the pipes as many as Linux gives anyone.
_AHEAD_BYTES = 1 << 18
_PIPE_BYTES = 1 << 20
_HEADER = 8
# Processes that wait for the next renderer of the same template: a run has one or two, the tests have many.
_MOST_IDLE = 4

OnWait = Callable[[], None]


class Overrun(Exception):
    """A row that the template could not render within the limits, by its number among those asked; -1: the opening."""

    def __init__(self, limit: Limit, row: int) -> None:
        super().__init__(limit, row)
        self.limit, self.row = limit, row


class TemplateLimitError(RenderError):
    """A template went beyond a limit; no row is rendered with it."""


class TemplateProcess:
    """One process with one template; it answers rows in order."""

    def __init__(self, mode: str, opening: tuple) -> None:
        code = f"import runpy; runpy.run_module({CHILD!r}, run_name='__main__')"
        self._process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "USE_TORCH": "0"},
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._to, self._from = self._process.stdin.fileno(), self._process.stdout.fileno()
        for pipe in (self._to, self._from):
            os.set_blocking(pipe, False)
            with contextlib.suppress(OSError, AttributeError):
                fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        self._opening: tuple | None = (mode, SECONDS, MEMORY_BYTES, *opening)
        self._opened: Answer | None = None
        self._received = bytearray()

    def opened(self, on_wait: OnWait) -> Answer:
        """What it says of the template itself.

        Raises:
            Overrun: the template does not even compile and render two exchanges within the limits.
        """
        if self._opened is None:
            try:
                (self._opened,) = self.answers([self._opening], on_wait)
            except Overrun as overrun:
                raise Overrun(overrun.limit, -1) from None
        return self._opened

    def answers(self, rows: Iterable[Any], on_wait: OnWait) -> Iterator[Answer]:
        """The answer to each row, in order; rows are taken as there is room for them. Ends the process if left early.

        Raises:
            Overrun: a row could not be rendered within the limits.
        """
        left = iter(rows)
        outgoing: deque[memoryview] = deque()
        n_outgoing = n_asked = n_answered = 0
        has_more, is_done = True, False
        try:
            while True:
                while has_more and n_outgoing < _AHEAD_BYTES:
                    row = next(left, _NOTHING)
                    if row is _NOTHING:
                        has_more = False
                        break
                    data = marshal.dumps(row)  # type: ignore[arg-type]
                    outgoing.append(memoryview(len(data).to_bytes(_HEADER, "little") + data))
                    n_outgoing, n_asked = n_outgoing + len(data) + _HEADER, n_asked + 1
                if n_answered == n_asked:
                    is_done = not has_more
                    if is_done:
                        return
                if (received := Answer.unpacked(self._received)) is not None:
                    answer, n_bytes = received
                    del self._received[:n_bytes]
                    if answer.kind == OVERRUN:
                        raise Overrun(answer.text, n_answered)  # type: ignore[arg-type]
                    n_answered += 1
                    yield answer
                    continue
                n_outgoing -= self._exchange(outgoing, on_wait, n_answered)
        finally:
            if not is_done:
                self.close()

    def _exchange(self, outgoing: deque[memoryview], on_wait: OnWait, row: int) -> int:
        """Send and receive what can be sent and received, or wait a little; returns the number of bytes sent."""
        poll = select.poll()
        poll.register(self._from, select.POLLIN)
        if outgoing:
            poll.register(self._to, select.POLLOUT)
        started = time.monotonic()
        ready = dict(poll.poll(WAIT_SECONDS * 1000))
        if time.monotonic() - started >= WAIT_SECONDS / 2:
            on_wait()
        if self._from in ready:
            data = os.read(self._from, _PIPE_BYTES)
            if not data:
                raise Overrun(self._how_it_ended(), row)
            self._received += data
        n_sent = 0
        if self._to in ready:
            with contextlib.suppress(BlockingIOError, BrokenPipeError):
                while outgoing:
                    n_bytes = os.write(self._to, outgoing[0])
                    n_sent += n_bytes
                    if n_bytes < len(outgoing[0]):
                        outgoing[0] = outgoing[0][n_bytes:]
                        break
                    outgoing.popleft()
        return n_sent

    def _how_it_ended(self) -> Limit:
        code = self._process.wait()
        return "seconds" if code == -signal.SIGXCPU else "memory" if code == -signal.SIGKILL else "ended"

    @property
    def is_usable(self) -> bool:
        """Whether it can be asked again."""
        return self._process.returncode is None and self._process.poll() is None

    def close(self) -> None:
        """End the process now."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with contextlib.suppress(OSError):
                pipe.close()

    def __del__(self) -> None:
        if self._process.stdout is not None and not self._process.stdout.closed:
            self.close()


CHILD = "lobass_core.rendering.template_child"
_NOTHING = object()
_idle: OrderedDict[str, TemplateProcess] = OrderedDict()


@contextlib.contextmanager
def template_process(mode: str, opening: tuple) -> Iterator[TemplateProcess]:
    """A process for the template, one that waits for it or a new one; afterwards it waits again."""
    key = json.dumps((mode, opening))
    process = _idle.pop(key, None)
    if process is None or not process.is_usable:
        process = TemplateProcess(mode, opening)
    yield process
    if process.is_usable:
        _idle[key] = process
        while len(_idle) > _MOST_IDLE:
            _idle.popitem(last=False)[1].close()


def overrun_error(limit: Limit, name: str, source: str, sample: str) -> TemplateLimitError:
    """The failure of a run whose template went beyond a limit at that sample, or already when it was tried."""
    what = {
        "seconds": f"did not finish within {SECONDS} s",
        "memory": f"uses more than {size_text(MEMORY_BYTES)} of memory",
        "length": "prints much more than the conversation",
        "ended": "crashed the process that renders it",
    }[limit]
    where = f"sample {sample[:12]}" if sample else "in a plain exchange of a user and an assistant"
    return TemplateLimitError(
        f"template {name} {what}", where=f"{source}, {where}", do="Use another --template: alpaca, chatml or plain."
    )
