"""Show a worker's progress on stderr while it runs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lobass_core.cli.output import progress_bar
from lobass_core.jobs.progress import Progress
from lobass_core.words.time_words import duration


@contextmanager
def followed() -> Iterator[Callable[[Progress], None]]:
    """Give a callback for `jobs.launch.follow` that draws one bar a phase, with rates and memory."""
    with progress_bar() as show:
        yield lambda progress: show(
            (progress.phase or progress.state).capitalize(), progress.n_done, progress.n_total, _detail(progress)
        )


def _detail(progress: Progress) -> str:
    parts = []
    if progress.samples_per_second:
        parts.append(f"{progress.samples_per_second:,.1f} samples/s")
    if progress.tokens_per_second:
        parts.append(f"{progress.tokens_per_second:,.0f} tokens/s")
    if progress.seconds_left:
        parts.append(f"{duration(progress.seconds_left)} left")
    if progress.peak_bytes:
        parts.append(f"{progress.peak_bytes / 2**30:.1f} GiB of memory")
    if progress.message:
        parts.append(progress.message)
    return ", ".join(parts)
