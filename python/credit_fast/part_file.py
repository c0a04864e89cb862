"""A file that appears under its name only when it is whole. Knows nothing of what is in it.

It is written as `<name>.<random>.part` beside its place, put on the disk, and renamed; whatever
goes wrong before that removes it and leaves an older file as it was.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, AnyStr

__all__ = ["open_binary", "open_text", "output", "part_path", "write_error"]

#: Characters of the name that a part file keeps: with four bytes each, and the rest, they fit
#: the 255 bytes that a name may have.
_KEPT = 50


@contextmanager
def part_path(
    target: Path, overwrite: bool = True, last_check: Callable[[], object] = lambda: None
) -> Iterator[Path]:
    """Yield the path of a file to be made; it gets the name `target` when the block ends well.

    `last_check` is called when the file is whole, just before it gets its name; what it raises
    stops that. The block must have closed the file.

    Raises OSError when the file cannot be put on the disk, FileExistsError when `target` came
    into being meanwhile and `overwrite` is not set.
    """
    part = target.with_name(f"{target.name[:_KEPT]}.{secrets.token_hex(4)}.part")
    try:
        yield part
        try:
            _sync(part)
        except OSError as error:
            raise write_error(target, error.errno, str(error)) from error
        last_check()
        if target.exists() and not overwrite:
            raise FileExistsError(f"{target} appeared during the run and was not replaced")
        part.replace(target)
        _sync(target.parent)
    finally:
        part.unlink(missing_ok=True)


def open_binary(path: Path, mode: str) -> IO[bytes]:
    """Open a file for bytes; `mode` is "x" or "w"."""
    return path.open(mode + "b")


def open_text(path: Path, mode: str) -> IO[str]:
    """Open a file for UTF-8 text; `mode` is "x" or "w"."""
    return path.open(mode, encoding="utf-8", errors="backslashreplace")


@contextmanager
def output(
    path: str | os.PathLike[str], open_file: Callable[[Path, str], IO[AnyStr]]
) -> Iterator[IO[AnyStr]]:
    """Yield a file to write to, of `open_text` or `open_binary`; see `part_path`.

    The part file is made at once: what keeps it from being written is raised before the work of
    the block (OSError). A pipe or a device is written to as it is.
    """
    target = Path(path).resolve()  # replace the file that is meant, not the link to it
    if target.is_dir():
        raise IsADirectoryError(f"{path} is a folder: expected the name of a file")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"{target.parent}: no such folder for {target.name}")
    if target.exists() and not os.access(target, os.W_OK):
        raise PermissionError(f"{path} may not be written to")
    if target.exists() and not target.is_file():
        with open_file(target, "w") as file:
            yield file
        return
    with part_path(target) as part:
        try:
            file = open_file(part, "x")
        except OSError as error:
            raise OSError(
                error.errno, f"cannot write {path}: {os.strerror(error.errno or 0)}"
            ) from error
        with file:
            yield file


def write_error(target: Path, number: int | None, reason: str) -> OSError:
    """Failure to write as an OSError with the system's number, where it is known."""
    reason = reason if number is None else os.strerror(number)
    message = f"cannot write {target}: {reason}; nothing was left, an older file is untouched"
    return OSError(message) if number is None else OSError(number, message)


def _sync(path: Path) -> None:
    """Have the system put a file, or a folder's entries, on the disk."""
    if path.is_dir() and os.name != "posix":
        return  # only POSIX opens folders
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
