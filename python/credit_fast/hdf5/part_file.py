"""An HDF5 file that appears under its name only when it is whole. Knows no layout.

What HDF5 says when it cannot write becomes an OSError here; the rest is in `output_file`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import h5py

from credit_fast.output_file import cannot_write, sync, whole_file

__all__ = ["part_file"]

_OF_H5PY = (OSError, RuntimeError, ValueError, KeyError)  # what h5py may raise
_ERRNO = re.compile(r"errno = (\d+)")


@contextmanager
def part_file(
    target: Path,
    overwrite: bool,
    last_check: Callable[[], object] = lambda: None,
) -> Iterator[h5py.File]:
    """Yield a new file to write to; it gets the name `target` when the block ends well.

    `last_check` is called when the file is whole, before it is put on the disk and once more
    before it gets its name; what it raises stops that.

    Raises OSError when it could not be written (with the system's number, such as ENOSPC, when
    HDF5 tells it), FileExistsError when `target` came into being meanwhile and `overwrite` is
    not set. Other exceptions of the block go through.
    """
    with whole_file(target, overwrite=overwrite, last_check=last_check) as part:
        file = None
        try:
            try:
                file = h5py.File(part, "x")
                yield file
            except _OF_H5PY as error:
                if not _is_of_writing(error):
                    raise
                raise _write_error(target, error) from error
            try:
                file.close()
                last_check()
                sync(part)
            except _OF_H5PY as error:
                raise _write_error(target, error) from error
        finally:
            if file is not None and file.id.valid:
                with suppress(*_OF_H5PY):
                    file.close()


def _is_of_writing(error: Exception) -> bool:
    """Whether an exception of the block says that the file could not be written.

    h5py turns the system's refusal to write into OSError, RuntimeError, ValueError or KeyError,
    by the call that met it; HDF5's text then has the system's number. Without one, anything but
    an OSError is a fault of the program, and must show as what it is.
    """
    return isinstance(error, OSError) or _ERRNO.search(str(error)) is not None


def _write_error(target: Path, error: Exception) -> OSError:
    """The failure of HDF5 as an OSError with the system's number, if its text has one."""
    match = _ERRNO.search(str(error))
    if match is not None:
        error = OSError(int(match.group(1)), os.strerror(int(match.group(1))))
    named = cannot_write(target, error if isinstance(error, OSError) else OSError(str(error)))
    message = f"{named.strerror or named}; nothing was left, an older file is untouched"
    return OSError(message) if named.errno is None else OSError(named.errno, message)
