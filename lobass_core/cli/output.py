"""Results on stdout for people or machines; progress, warnings and errors on stderr.

Whatever is printed may come from data. No character of it reaches the terminal that would steer it: texts are escaped
where they are laid out, and what any command prints past these functions is escaped as the last step.
"""

import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console, ConsoleOptions, RenderableType
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.segment import Segment
from rich.table import Table

from lobass_core.errors import LobassError
from lobass_core.words.terminal_text import printable, printable_json


class SafeConsole(Console):
    """A console whose texts cannot steer the terminal; its own styles and cursor movements are not texts."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterator[Segment]:
        """As rich renders it, every text escaped."""
        for text, style, control in super().render(renderable, options):
            yield Segment(text if control else printable(text), style, control)


# A pipe has no width; 80 columns would fold names that scripts and logs want whole.
stdout = SafeConsole(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 200)
stderr = SafeConsole(stderr=True, highlight=False, soft_wrap=True)

# A log file that fills with one line a tick is no use; one every ten seconds shows that the work continues.
PLAIN_LINE_SECONDS = 10.0
# Who made a decision of before authors were kept.
UNKNOWN = "unknown"


class ShowProgress(Protocol):
    """Called with what is going on, how much is done, of how much (0: unknown), and a rate in words."""

    def __call__(self, label: str, n_done: int, n_total: int, detail: str = "") -> None: ...


@contextmanager
def progress_bar() -> Iterator[ShowProgress]:
    """A live bar with rate and time left on a terminal, a plain line every ten seconds elsewhere."""
    if not stderr.is_terminal:
        yield _PlainLines()
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[detail]}"),
    )
    with Progress(*columns, console=stderr, transient=True) as bar:
        tasks: dict[str, object] = {}

        def show(label: str, n_done: int, n_total: int, detail: str = "") -> None:
            if label not in tasks:
                tasks[label] = bar.add_task(_safe(label), total=None, detail="")
            bar.update(tasks[label], completed=n_done, total=n_total or None, detail=_safe(detail))  # type: ignore[arg-type]

        yield show


class _PlainLines:
    def __init__(self) -> None:
        self._said_at = 0.0
        self._label = ""

    def __call__(self, label: str, n_done: int, n_total: int, detail: str = "") -> None:
        now = time.monotonic()
        if label == self._label and now - self._said_at < PLAIN_LINE_SECONDS:
            return
        self._said_at, self._label = now, label
        counted = f"{n_done:,} of {n_total:,}" if n_total else f"{n_done:,}" if n_done else ""
        facts = ", ".join(filter(None, (counted, detail)))
        stderr.print(_safe(f"{label}: {facts}" if facts else label))


def print_json(result: object) -> None:
    """One JSON document on stdout; NaN never appears in it."""
    document = json.dumps(result, ensure_ascii=False, allow_nan=False, default=str)
    sys.stdout.write(printable_json(document) + "\n")


def print_facts(title: str, facts: Sequence[tuple[str, object]]) -> None:
    """A title and aligned name: value lines."""
    stdout.print(f"[bold]{_safe(title)}[/bold]")
    width = max((len(name) for name, _ in facts), default=0)
    for name, value in facts:
        stdout.print(f"  {_safe(name):<{width}}  {_safe(_text(value))}")


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, title: str = "") -> None:
    """A light table; columns whose values are all numbers stand right."""
    table = Table(title=_safe(title) if title else None, title_justify="left", box=None, pad_edge=False)
    for number, name in enumerate(columns):
        numeric = bool(rows) and all(isinstance(row[number], int | float) or row[number] is None for row in rows)
        table.add_column(_safe(name), justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_safe(_text(value)) for value in row))
    stdout.print(table)


def say(message: str) -> None:
    """One line on stderr."""
    stderr.print(_safe(message))


def warn(message: str) -> None:
    """One warning on stderr."""
    stderr.print(f"[yellow]warning:[/yellow] {_safe(message)}")


def print_error(error: LobassError) -> None:
    """What happened and where, then what to do, on stderr."""
    where = f" ({error.where})" if error.where else ""
    stderr.print(f"[red]error:[/red] {_safe(error.what.rstrip('.') + where)}.")
    if error.do:
        stderr.print(f"  {_safe(error.do)}")


def _safe(text: str) -> str:
    return escape(printable(text))


def _text(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    return str(value)
