"""Files out of the memory of the system, so that what reads them next reads the disk.

The kernel is asked to forget each file (`posix_fadvise`, which needs no rights), and then told on:
`mincore` says which pages of a file are still in memory. Linux only. Directories and the kernel's
records of files stay in memory.
"""

from __future__ import annotations

import ctypes
import mmap
import os
from collections.abc import Iterable
from pathlib import Path


def forget(files: Iterable[str]) -> None:
    """Write the files out and drop their pages; OSError when some of them stay."""
    for file in files:
        handle = os.open(file, os.O_RDONLY)
        try:
            os.fsync(handle)  # a page that is not on the disk yet is not dropped
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(handle)
        if kept := resident_bytes(file):
            size = Path(file).stat().st_size
            raise OSError(f"{kept} of {size} bytes of a file stay in memory: the cache is not cold")


def resident_bytes(file: str) -> int:
    """How much of a file is in the memory of the system, in whole pages."""
    size = Path(file).stat().st_size
    if not size:
        return 0
    pages = -(-size // mmap.PAGESIZE)
    told = (ctypes.c_ubyte * pages)()
    libc = ctypes.CDLL(None, use_errno=True)
    # A private writable map, as only such a one gives its address; nothing is written.
    with (
        Path(file).open("rb") as stream,
        mmap.mmap(stream.fileno(), size, access=mmap.ACCESS_COPY) as view,
    ):
        first = ctypes.c_ubyte.from_buffer(view)
        address = ctypes.c_void_p(ctypes.addressof(first))
        failed = libc.mincore(address, ctypes.c_size_t(size), told)
        del first  # the map cannot be closed while something points into it
    if failed:
        raise OSError(ctypes.get_errno(), "mincore", file)
    return sum(page & 1 for page in told) * mmap.PAGESIZE


def can_forget(folder: Path) -> bool:
    """Whether files in this folder can be dropped from memory (not on tmpfs, nor off Linux)."""
    if not hasattr(os, "posix_fadvise"):
        return False
    probe = folder / "cold-probe"
    probe.write_bytes(bytes(1 << 20))
    try:
        forget([str(probe)])
    except OSError:
        return False
    finally:
        probe.unlink()
    return True
