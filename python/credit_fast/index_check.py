"""checkindex: an index compared with its archive, without a change to either."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from credit_fast import _core
from credit_fast.errors import Problem, check_threads, count_kinds
from credit_fast.index_files import PathMap, no_index, path_rule
from credit_fast.progress import CountFiles, counting_files

__all__ = ["IndexCheck", "check_index"]

_Path = str | os.PathLike[str]


@dataclass(frozen=True)
class IndexCheck:
    """What `check_index` found.

    `files` and `rows` of the index were looked at, `bytes` read of data files (0 unless deep), and
    `files_found` below the roots. `problems` is empty when nothing is wrong; of each kind the first
    thousand are there one by one, by file and byte offset, the rest as one line
    (`Problem.count`). `notes` are no fault of the index, and should be known.
    """

    index: str
    deep: bool
    files: int
    rows: int
    bytes: int
    files_found: int
    seconds: float
    notes: list[str] = field(repr=False)
    problems: list[Problem] = field(repr=False)

    @property
    def is_right(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def problem_counts(self) -> dict[str, int]:
        """Number of problems of each kind."""
        return count_kinds(self.problems)

    def to_dict(self) -> dict[str, Any]:
        """All figures and problems, ready for JSON."""
        return {
            "index": self.index,
            "deep": self.deep,
            "is_right": self.is_right,
            "files": self.files,
            "rows": self.rows,
            "bytes": self.bytes,
            "files_found": self.files_found,
            "seconds": self.seconds,
            "notes": self.notes,
            "problem_counts": self.problem_counts(),
            "problems": [problem.to_dict() for problem in self.problems],
        }


def check_index(
    index: _Path,
    roots: _Path | Sequence[_Path] | None = None,
    *,
    deep: bool = False,
    path_map: PathMap | None = None,
    pattern: str | None = None,
    threads: int | None = None,
    progress: bool | CountFiles = True,
) -> IndexCheck:
    """Compare an index with its archive, and change neither.

    Without `deep` no data file is opened: rows and tables are looked at, and of each file whether
    it is there, is large enough, and has the size and time of change that it had when it was
    scanned.

    Parameters
    ----------
    index
        Index file; one of mseedindex or ObsPy will do.
    roots
        A folder, a file, or several of them, as makeindex was given them: files there that the
        index does not know are problems.
    deep
        Scan every file again and compare what the index should have: rows column by column,
        problems of the file, its fingerprint, and the MD5 of a row's bytes where the index has one.
        Where it has none, changed samples are seen only if the fingerprint looks at their place.
        All SQL indexes are compared with their tables, too.
    path_map
        Where folders have moved to since the index was made, as of `Client`. Times of change
        are compared to the second then.
    pattern
        Shell pattern for file names below the roots, as makeindex was given it.
    threads
        Checking threads; all cores by default.
    progress
        True shows a progress bar on a terminal; or a function of (files of the index, about; files
        done; bytes read).

    Returns
    -------
    IndexCheck
        Each of its problems says in `kind` of what sort it is.

        | kind | what is wrong |
        |---|---|
        | database | the index file is damaged, lacks a table, or its writer was killed |
        | summary | `tsindex_summary` is not what the rows say |
        | row | a row that cannot be right |
        | duplicate, overlap | rows of a file that are there twice, or share bytes |
        | state | what makeindex keeps of a file beside its rows does not fit them |
        | vanished, unreadable | a file that is gone, or cannot be read |
        | changed | a file that is not as it was when it was scanned; deep: or has other bytes |
        | not-indexed | a file below the roots that the index does not know |
        | missing-row, extra-row, different-row | deep: a scan of the file gives other rows |
        | hash | deep: the bytes of a row do not have the MD5 that it states |
        | stored-problems | deep: a scan of the file finds other problems than the index keeps |

    Raises
    ------
    FileNotFoundError
        The index or a root does not exist.
    IndexFormatError
        The file is no index.
    ValueError
        The pattern is no glob, or `threads` is below 1.
    """
    given = [] if roots is None else [roots] if isinstance(roots, str | os.PathLike) else roots
    check_threads(threads)
    path = os.fspath(index)
    asked = {
        "index": path,
        "path_map": list(path_rule(path_map).items()),
        "roots": [os.fspath(root) for root in given],
        "pattern": pattern,
        "deep": deep,
        "threads": threads,
    }
    try:
        with counting_files(progress, "checking") as tell:
            figures = _core.check_index(asked, tell)
    except FileNotFoundError as error:
        raise (no_index(error) if error.filename == path else error) from None
    problems = [Problem._from_core(fields) for fields in figures.pop("problems")]
    return IndexCheck(index=path, deep=deep, problems=problems, **figures)
