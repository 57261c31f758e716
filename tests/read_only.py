"""A folder that may be read and not written, for the length of a block.

Permission bits do not bind root. So a root process gives up the capability to pass over them (CAP_DAC_OVERRIDE)
meanwhile, which needs no mount and no other user, and works in a container too.
"""

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_WRITE = 0o222
_DAC_OVERRIDE = 1 << 1
_DAC_READ_SEARCH = 1 << 2
_VERSION_3 = 0x20080522


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Data(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Take the right to write from the folder and from all that is in it."""
    modes = {path: path.stat().st_mode & 0o7777 for path in (folder, *folder.rglob("*"))}
    with _bound_by_modes():
        try:
            for path, mode in reversed(modes.items()):
                path.chmod(mode & ~_WRITE)
            yield
        finally:
            for path, mode in modes.items():
                path.chmod(mode)


@contextmanager
def closed(folder: Path) -> Iterator[None]:
    """Take every right from the folder."""
    mode = folder.stat().st_mode & 0o7777
    with _bound_by_modes(_DAC_OVERRIDE | _DAC_READ_SEARCH):
        folder.chmod(0)
        try:
            yield
        finally:
            folder.chmod(mode)


@contextmanager
def _bound_by_modes(given_up: int = _DAC_OVERRIDE) -> Iterator[None]:
    if os.geteuid() or sys.platform != "linux":
        yield
        return
    libc = ctypes.CDLL(None, use_errno=True)
    header, data = _Header(_VERSION_3, 0), (_Data * 2)()
    assert libc.capget(ctypes.byref(header), data) == 0
    before = data[0].effective
    data[0].effective = before & ~given_up
    assert libc.capset(ctypes.byref(header), data) == 0
    try:
        yield
    finally:
        data[0].effective = before
        assert libc.capset(ctypes.byref(header), data) == 0
