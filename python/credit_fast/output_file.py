"""Files that appear under their name only when they are whole, and errors that name them.

Knows nothing of what is written: HDF5, text and pictures come from their own rooms.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = [
    "cannot_write",
    "input_path",
    "left_parts",
    "naming_output",
    "sync",
    "whole_file",
    "written_path",
]

_LONGEST_NAME = 230  # bytes; file systems take 255, and a part file needs an ending


def _nothing(*_: object) -> None: ...


@contextmanager
def whole_file(
    target: Path,
    *,
    overwrite: bool = True,
    last_check: Callable[[], object] = _nothing,
) -> Iterator[Path]:
    """Yield the path of a part file beside `target`, which the block makes.

    It gets the name `target` when the block ends well; whatever goes wrong before removes it and
    leaves an older file as it was. `last_check` is called when the file is whole, and what it
    raises stops the renaming.

    Raises OSError that names `target` when it cannot get its name, FileExistsError when it came
    into being meanwhile and `overwrite` is not set. What the block raises goes through.
    """
    part = _part_of(target)
    try:
        yield part
        last_check()
        if target.exists() and not overwrite:
            raise FileExistsError(f"{target} appeared during the run and was not replaced")
        try:
            part.replace(target)
            sync(target.parent)
        except OSError as error:
            raise cannot_write(target, error) from error
    finally:
        try:
            part.unlink(missing_ok=True)
        except OSError:  # a disk that takes no change says so even where there is no file
            if os.path.lexists(part):
                raise


@contextmanager
def written_path(path: str | os.PathLike[str]) -> Iterator[tuple[Path, str]]:
    """Yield where to write and the mode to open it with: a part file ("x"), see `whole_file`.

    A pipe or a device is written to as it is ("w"). What keeps the file from being written at all
    is raised before the block (OSError).
    """
    target = Path(path).resolve()  # replace the file that is meant, not the link to it
    if target.is_dir():
        raise IsADirectoryError(f"{path} is a folder: expected the name of a file")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"{target.parent}: no such folder for {target.name}")
    if target.exists() and not os.access(target, os.W_OK):
        raise PermissionError(f"{path} may not be written to")
    if target.exists() and not target.is_file():
        yield target, "w"
        return
    with whole_file(target) as part:
        yield part, "x"


def left_parts(target: Path) -> list[Path]:
    """Part files of `target` that are there now, and folders that it was to replace (`.old`).

    They are of runs that were killed, or still run.
    """
    name = re.compile(re.escape(target.name) + r"\.[0-9a-f]{8}\.(part|old)")
    return sorted(path for path in target.parent.iterdir() if name.fullmatch(path.name))


def input_path(item: object) -> Path | None:
    """The file of an input: a name, or what was read from a file and knows it; else None."""
    name = item if isinstance(item, str | os.PathLike) else getattr(item, "path", None)
    return Path(name) if isinstance(name, str | os.PathLike) else None


def cannot_write(target: str | os.PathLike[str], error: OSError) -> OSError:
    """The failure to write an output, with the system's number and the name that the user gave."""
    reason = str(error) if error.errno is None else os.strerror(error.errno)
    text = f"cannot write {os.fspath(target)}: {reason}"
    return OSError(text) if error.errno is None else OSError(error.errno, text)


@contextmanager
def naming_output(target: str | os.PathLike[str]) -> Iterator[None]:
    """Have an OSError of the block name the output: that of a full disk names no file."""
    try:
        yield
    except OSError as error:
        raise cannot_write(target, error) from error


def sync(path: Path) -> None:
    """Have the system put a file, or a folder's entries, on the disk."""
    if path.is_dir() and os.name != "posix":
        return  # only POSIX opens folders
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _part_of(target: Path) -> Path:
    name = target.name if len(os.fsencode(target.name)) <= _LONGEST_NAME else "output"
    return target.with_name(f"{name}.{secrets.token_hex(4)}.part")
