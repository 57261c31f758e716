"""End the dashboard soon on Ctrl-C, a closed terminal or `kill`: port freed, exit code 0; runs continue."""

import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import NoReturn

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# Open tabs and scripts get this long; with the server's own ticks the process is gone within two seconds.
GRACE_SECONDS = 1.2


def stop_at_once() -> None:
    """Before the server runs, a signal ends the process without a word."""
    _on_signals(lambda _number, _frame: end())


def stop_soon() -> None:
    """While the server runs, a signal asks it to stop, and ends the process if something keeps it from that.

    The server has set its own handlers for the first two signals by now. A page's script may work on for minutes. A
    second signal ends the process: the server repeats the first one when it has stopped, and people press Ctrl-C twice.
    """
    asked = signal.getsignal(signal.SIGTERM)
    if threading.current_thread() is not threading.main_thread() or not callable(asked):
        return

    limit = threading.Timer(GRACE_SECONDS, end)
    limit.daemon = True

    def stop(number: int, frame: FrameType | None) -> None:
        if limit.is_alive():
            end()
        limit.start()
        asked(number, frame)

    _on_signals(stop)


def _on_signals(handler: Callable[[int, FrameType | None], None]) -> None:
    for number in SIGNALS:
        # `nohup` has a process ignore SIGHUP, and means it.
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, handler)


def end() -> NoReturn:
    """End the process now.

    Threads of pages may still be at work, and an orderly end of the interpreter would wait for them. What they write is
    written in transactions.
    """
    for stream in (sys.stdout, sys.stderr):
        # The terminal may be gone.
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(0)
