"""Read the project from the first moment of the process, while Streamlit is being imported."""

import threading

_begun = threading.Event()


def begin() -> None:
    """Start reading in a thread of its own; only the first call of a process does."""
    if not _begun.is_set():
        _begun.set()
        # Whole before the threads part: plotly, which Streamlit imports, would take a pandas that another thread has
        # half imported for a whole one, and the server would not start.
        import pandas  # noqa: F401

        threading.Thread(target=_read, name="warm-up", daemon=True).start()


def _read() -> None:
    # Imported here: DuckDB, NumPy and Arrow take a third of a second, which is what this thread is to save.
    from pages.components.warm_up import warm_up

    warm_up()
