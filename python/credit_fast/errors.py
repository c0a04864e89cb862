"""What can go wrong, as classes: exceptions, the data warning, and the line of a problem report.

The Rust core raises these same classes. Each exception is also one of Python's own
(`ValueError`, `ImportError`), so that code that knows nothing of credit_fast can catch it.
A missing file is plain `FileNotFoundError`, a forbidden one `PermissionError`.
Nothing here reads data or prints.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

__all__ = [
    "CatalogError",
    "CreditFastError",
    "DataWarning",
    "DatasetError",
    "IncompleteWindowError",
    "IndexFormatError",
    "MiniSeedError",
    "MissingExtraError",
    "Problem",
    "UnfinishedRunError",
    "UnsupportedEncodingError",
]


class CreditFastError(Exception):
    """Base of all exceptions of this package.

    Parameters
    ----------
    message
        What was found, what was expected, where, and what to do.
    path, offset, line, source_id
        The place, where it is known: file path, byte offset, line number (from 1),
        `NET.STA.LOC.CHA`. They survive pickling.
    """

    def __init__(
        self,
        message: str = "",
        *,
        path: str | None = None,
        offset: int | None = None,
        line: int | None = None,
        source_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.path = path
        self.offset = offset
        self.line = line
        self.source_id = source_id

    def __reduce__(self) -> tuple[Any, ...]:
        place = {
            "path": self.path,
            "offset": self.offset,
            "line": self.line,
            "source_id": self.source_id,
        }
        return (type(self), self.args, place)


class MiniSeedError(CreditFastError, ValueError):
    """A miniSEED record is corrupt, cut short, or beyond the limits of the reader."""


class UnsupportedEncodingError(MiniSeedError):
    """The records are right, but not read here: samples in an encoding that is known by name and
    not decoded, or source identifiers that are not of the FDSN."""


class IncompleteWindowError(CreditFastError, ValueError):
    """A window lacks samples, and the caller wants none such."""


class IndexFormatError(CreditFastError, ValueError):
    """The file is not an SQLite index with a `tsindex` table."""


class CatalogError(CreditFastError, ValueError):
    """A catalogue or station file is unusable as a whole."""


class DatasetError(CreditFastError, ValueError):
    """An HDF5 file is not in the layout of the data set."""


class UnfinishedRunError(CreditFastError, RuntimeError):
    """A run that was stopped cannot go on: the message says what has changed, and what to do."""


class MissingExtraError(CreditFastError, ImportError):
    """An optional library is missing; the message says how to install it."""


class DataWarning(UserWarning):
    """A data file vanished or is damaged; the rest of the answer is good."""


def check_threads(threads: int | None) -> None:
    """Refuse a number of threads below 1 (ValueError)."""
    if threads is not None and threads < 1:
        raise ValueError(f"threads {threads}: expected at least 1")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that was wrong with the input, and where.

    `offset` and `length` are in bytes and belong to binary files, `line` (from 1) to text files.
    `kind` is one of a small set of words, documented by the function that reports it. `count` is
    more than 1 in a line that says how many more of a kind a file has.
    """

    path: str
    reason: str
    kind: str
    offset: int | None = None
    length: int | None = None
    line: int | None = None
    count: int = 1

    @classmethod
    def _from_core(cls, fields: tuple[str, str, str, int | None, int, int]) -> Problem:
        path, reason, kind, offset, length, count = fields
        return cls(path=path, reason=reason, kind=kind, offset=offset, length=length, count=count)

    def to_dict(self) -> dict[str, Any]:
        """Its place in a binary file, ready for JSON."""
        return {
            "path": self.path,
            "offset": self.offset,
            "length": self.length,
            "kind": self.kind,
            "reason": self.reason,
            "count": self.count,
        }

    def __str__(self) -> str:
        if self.line is not None:
            return f"{self.path}:{self.line}: {self.reason}"
        if self.offset is not None:
            return f"{self.path} at byte {self.offset}: {self.reason}"
        return f"{self.path}: {self.reason}"


def count_kinds(problems: Iterable[Problem]) -> dict[str, int]:
    """Number of problems of each kind, by its name."""
    counts: Counter[str] = Counter()
    for problem in problems:
        counts[problem.kind] += problem.count
    return dict(sorted(counts.items()))
