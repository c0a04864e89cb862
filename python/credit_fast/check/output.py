"""A text file that appears under its name only when it is whole. Knows nothing of its text."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["text_output"]


@contextmanager
def text_output(path: str | os.PathLike[str] | None) -> Iterator[Callable[[str], object]]:
    """Yield a function that writes UTF-8 text; the file gets its name when the block ends well.

    Until then it is a `.part` file in the same folder, made at once: what keeps it from being
    written is raised before the work of the block (OSError). A pipe or a device is written to as
    it is; for None the text goes nowhere.
    """
    if path is None:
        yield lambda text: None
        return
    target = Path(path).resolve()  # replace the file that is meant, not the link to it
    if target.is_dir():
        raise IsADirectoryError(f"{path} is a folder: the report is one file")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"{target.parent}: no such folder for {target.name}")
    if target.exists() and not os.access(target, os.W_OK):
        raise PermissionError(f"{path} may not be written to")
    if target.exists() and not target.is_file():
        with target.open("w", encoding="utf-8", errors="backslashreplace") as file:
            yield file.write
        return
    part = target.with_name(f"report.{secrets.token_hex(8)}.part")
    try:
        file = part.open("x", encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise OSError(
            error.errno, f"cannot write {path}: {os.strerror(error.errno or 0)}"
        ) from error
    try:
        with file:
            yield file.write
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
