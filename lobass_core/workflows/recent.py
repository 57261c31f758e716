"""A cache of a few results of costly work, by the key that decides them."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Recent(Generic[Value]):
    """The `size` most recently used values; safe between threads, and work for one key is done once."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: OrderedDict[Hashable, Value] = OrderedDict()
        self._lock = threading.Lock()
        self._making: dict[Hashable, threading.Lock] = {}

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """The value under the key, made now if it is not there; what `make` raises is not kept."""
        with self._lock:
            making = self._making.setdefault(key, threading.Lock())
        with making:
            with self._lock:
                if key in self._values:
                    self._values.move_to_end(key)
                    return self._values[key]
            try:
                value = make()
            finally:
                with self._lock:
                    self._making.pop(key, None)
            with self._lock:
                self._values[key] = value
                while len(self._values) > self._size:
                    self._values.popitem(last=False)
            return value

    def has(self, key: Hashable) -> bool:
        """Whether the value is there already."""
        with self._lock:
            return key in self._values

    def forget(self, stale: Callable[[Hashable], bool]) -> None:
        """Drop the values whose keys are stale."""
        with self._lock:
            for key in [key for key in self._values if stale(key)]:
                del self._values[key]
