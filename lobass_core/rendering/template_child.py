"""The process in which templates of strangers render: conversations come in, texts go out, within limits.

    python -m lobass_core.rendering.template_child

Jinja's sandbox keeps a template from Python's insides and from files; it lets it loop for ever and double a string
until memory is full. So it runs here: a row that computes for too long is interrupted, or else the system ends the
process; memory beyond the limit is refused; and no file can be written.

In come marshalled tuples, each behind its length: how to render, then row after row. They are written by the program
itself. Out goes an `Answer` for each, at once, so that the row at fault is the first without one.
"""

import contextlib
import functools
import json
import marshal
import os
import resource
import signal
import struct
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import IO, Any

import jinja2

from lobass_core.errors import RenderError, cause_of
from lobass_core.rendering.spans import ResponseFinder
from lobass_core.rendering.template_rows import FAILED, OPENED, OVERRUN, REFUSED, TEXT, Answer, find_in
from lobass_core.rendering.templates import Template

LENGTH = struct.Struct("<Q")
# What a template prints around the conversation, and how often it may print the conversation itself.
_MOST_AROUND, _MOST_TIMES = 1 << 20, 8
# Seconds that a row may compute beyond the limit in one call of C, which no signal interrupts.
_GRACE_SECONDS = 2

Answering = Callable[[Any], Answer]


class _TimeUp(BaseException):
    """The row has computed for too long. Not an Exception, which a template's filters might catch."""


class _Clock:
    """Interrupts work that computes for longer than it may; time for which the machine is busy elsewhere is free."""

    def __init__(self, seconds: int) -> None:
        self._seconds, self._runs = seconds, False
        signal.signal(signal.SIGPROF, self._ring)

    def _ring(self, number: int, frame: FrameType | None) -> None:
        if self._runs:
            raise _TimeUp

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        end = int(time.process_time()) + 1 + self._seconds + _GRACE_SECONDS
        resource.setrlimit(resource.RLIMIT_CPU, (end, hard))
        self._runs = True
        signal.setitimer(signal.ITIMER_PROF, self._seconds, 0.5)
        try:
            yield
        finally:
            self._runs = False
            signal.setitimer(signal.ITIMER_PROF, 0)


def main() -> None:
    """Answer until the other side closes its end."""
    incoming, outgoing = sys.stdin.buffer, os.dup(1)
    os.dup2(2, 1)
    (mode, seconds, memory_bytes, *opening), _ = _read(incoming)
    if mode == "apply":
        import transformers.utils.chat_template_utils  # noqa: F401 (its own needs are none of the template's)
    clock = _Clock(seconds)
    _limit(memory_bytes)
    answering: list[Answering] = []

    def open_template() -> Answer:
        answer, row_answer = _MODES[mode](*opening)
        answering.append(row_answer)
        return answer

    _write(outgoing, _guarded(clock, open_template))
    while answering:
        row, n_bytes = _read(incoming)
        answer = _guarded(clock, functools.partial(answering[0], row))
        if answer.kind == TEXT and len(answer.text) > _MOST_AROUND + _MOST_TIMES * n_bytes:
            answer = Answer(OVERRUN, "length")
        _write(outgoing, answer)


def _guarded(clock: _Clock, work: Callable[[], Answer]) -> Answer:
    try:
        with clock.running():
            return work()
    except _TimeUp:
        return Answer(OVERRUN, "seconds")
    except MemoryError:
        return Answer(OVERRUN, "memory")
    except RenderError as error:
        return Answer(FAILED, json.dumps([error.what, error.where, error.do]))


def _find(name: str, text: str, source: str, variables: dict, special: list, tools: list | None) -> tuple:
    """The texts of conversations, with the spans of their responses."""
    template = Template(name, text, source)
    try:
        finder = ResponseFinder(template, variables, special, tools)
    except jinja2.TemplateSyntaxError as error:
        raise RenderError(
            f"template {name} is not valid Jinja: {error.message}",
            where=f"{source}, line {error.lineno}",
            do="Fix it, or use a built-in template: alpaca, chatml, plain.",
        ) from None
    except (RenderError, MemoryError):
        raise
    except Exception as error:  # too deep for Python's compiler, or a name that Python has for itself
        raise RenderError(f"template {name} cannot be compiled: {cause_of(error)}", where=source) from None

    def answer(row: Any) -> Answer:
        marked = find_in(finder, row)
        return Answer(REFUSED, marked) if isinstance(marked, str) else Answer(TEXT, marked.text, marked.spans)

    return Answer(OPENED, json.dumps(sorted(finder.keys) if finder.keys is not None else None)), answer


def _apply() -> tuple:
    """What transformers' `apply_chat_template` gives; its renderer is imported here, without torch."""
    from transformers.utils.chat_template_utils import render_jinja_template

    def answer(row: Any) -> Answer:
        template, messages, tools, settings = row
        try:
            rendered: Any = render_jinja_template([messages], tools=tools, chat_template=template, **settings)
        except Exception as error:
            return Answer(REFUSED, cause_of(error))
        return Answer(TEXT, rendered[0][0])

    return Answer(OPENED, "null"), answer


_MODES: dict[str, Callable[..., tuple]] = {"find": _find, "apply": _apply}


def _limit(memory_bytes: int) -> None:
    """No more memory than now and so much, no core, no file written."""
    with contextlib.suppress(OSError, ValueError):
        now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (now + memory_bytes, now + memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def _read(incoming: IO[bytes]) -> tuple[Any, int]:
    """The next message and its length.

    Raises:
        EOFError: the other side has closed its end.
    """
    head = incoming.read(LENGTH.size)
    n_bytes = LENGTH.unpack(head)[0] if len(head) == LENGTH.size else 0
    data = incoming.read(n_bytes)
    if not data or len(data) < n_bytes:
        raise EOFError
    return marshal.loads(data), n_bytes


def _write(outgoing: int, answer: Answer) -> None:
    data = memoryview(answer.packed())
    while data:
        data = data[os.write(outgoing, data) :]


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the program, which ends this process
    with contextlib.suppress(EOFError, BrokenPipeError):
        main()
