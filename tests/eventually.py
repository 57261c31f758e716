"""Wait for what another process will have done."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(look: Callable[[], T], is_there: Callable[[T], bool], seconds: float = 20, step: float = 0.05) -> T:
    """What `look` finds as soon as it is there; after so many seconds what it found last."""
    until = time.monotonic() + seconds
    while not is_there(found := look()) and time.monotonic() < until:
        time.sleep(step)
    return found
