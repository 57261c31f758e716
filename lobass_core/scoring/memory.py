"""Memory that runs out where a model is loaded, moved or trained, said in one sentence."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lobass_core.errors import MemoryShortError, cause_of, out_of_memory

OTHER_DEVICE = (
    "Free memory there (other programs may use it), or choose another one with --device; "
    "then resume, or run the command again. "
)


@contextmanager
def fits_into_memory(what: str, device: Any, do: str = "") -> Iterator[None]:
    """Say what did not fit, and where; other errors pass. `do` is added to the advice to free memory.

    Raises:
        MemoryShortError: memory ran out in the block.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:  # torch.OutOfMemoryError is a RuntimeError
        if not out_of_memory(error):
            raise
        raise MemoryShortError(
            f"{what} does not fit into memory: {cause_of(error)}",
            where=str(device),
            do=f"{OTHER_DEVICE}{do}".strip(),
        ) from error
