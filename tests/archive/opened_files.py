"""Which files and folders are opened while something runs: told by the kernel (inotify, Linux)."""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

#: Closing is watched, too: equal events in a row would become one.
IN_CLOSE_NOWRITE, IN_OPEN, IN_Q_OVERFLOW, IN_ISDIR = 0x10, 0x20, 0x4000, 0x40000000
EVENT = struct.Struct("iIII")


@contextmanager
def opened(folder: Path) -> Iterator[list[str]]:
    """Fill a list with the names that are opened in a folder, in their order, when the block ends.

    Opening the folder itself is the name `"."`. Skips where the system does not tell.
    """
    if sys.platform != "linux":
        pytest.skip("only Linux tells which files are opened (inotify)")
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    if descriptor < 0:
        pytest.skip(f"no inotify: {os.strerror(ctypes.get_errno())}")
    try:
        watched = libc.inotify_add_watch(
            descriptor, os.fsencode(folder), IN_OPEN | IN_CLOSE_NOWRITE
        )
        assert watched >= 0, os.strerror(ctypes.get_errno())
        names: list[str] = []
        yield names
        names += _names(descriptor)
    finally:
        os.close(descriptor)


def _names(descriptor: int) -> Iterator[str]:
    while True:
        try:
            data = os.read(descriptor, 1 << 20)
        except BlockingIOError:
            return
        at = 0
        while at < len(data):
            _, mask, _, length = EVENT.unpack_from(data, at)
            at += EVENT.size + length
            assert not mask & IN_Q_OVERFLOW, "too many events to be told"
            if mask & IN_OPEN:
                name = data[at - length : at].rstrip(b"\0")
                yield os.fsdecode(name) if name else "."
