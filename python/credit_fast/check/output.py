"""A text file that appears under its name only when it is whole. Knows nothing of its text."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from credit_fast.output_file import naming_output, written_path

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
    with written_path(path) as (place, mode), _written(place, mode, path) as write:
        yield write


@contextmanager
def _written(
    file_path: Path, mode: str, path: str | os.PathLike[str]
) -> Iterator[Callable[[str], object]]:
    """Open a file; what goes wrong with it, and nothing else of the block, names `path`."""
    with naming_output(path):
        file = file_path.open(mode, encoding="utf-8", errors="backslashreplace")

    def write(text: str) -> None:
        with naming_output(path):
            file.write(text)
            file.flush()

    try:
        yield write
    finally:
        with naming_output(path):
            file.close()
