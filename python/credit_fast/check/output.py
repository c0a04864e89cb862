"""The file of the report, or none. Knows nothing of its text."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from credit_fast.part_file import open_text, output

__all__ = ["text_output"]


@contextmanager
def text_output(path: str | os.PathLike[str] | None) -> Iterator[Callable[[str], object]]:
    """Yield a function that writes UTF-8 text; the file gets its name when the block ends well.

    Failures are those of `credit_fast.part_file.output`; for None the text goes nowhere.
    """
    if path is None:
        yield lambda text: None
        return
    with output(path, open_text) as file:
        yield file.write
