"""makeindex: an archive of miniSEED files → an index. No SQL here: the core writes it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from credit_fast import _core
from credit_fast.errors import Problem, check_threads, count_kinds
from credit_fast.progress import CountFiles, counting_files
from credit_fast.times import UTCDateTime

__all__ = ["IndexReport", "makeindex"]

_Path = str | os.PathLike[str]


@dataclass(frozen=True)
class IndexReport:
    """What a run of makeindex did, and what the index holds after it.

    The `files_…`, `records`, `bytes` and `seconds` are of this run; `rows`, `channels`,
    `starttime` and `endtime` are of the whole index. `files_grown` are those of `files_replaced`
    of which only what they had gained was read; `files_moved` have another name, `files_touched`
    another time of change or place on the disk, and the rows that they had. `problems` are those
    of all files that were found, the unchanged ones included; of each file the first thousand are
    there one by one, the rest as one line for each kind (`Problem.count`).
    """

    index: str
    files_found: int
    files_added: int
    files_replaced: int
    files_grown: int
    files_moved: int
    files_touched: int
    files_unchanged: int
    files_vanished: int
    files_pruned: int
    files_without_records: int
    records: int
    bytes: int
    rows: int
    channels: int
    starttime: UTCDateTime | None
    endtime: UTCDateTime | None
    seconds: float
    problems: list[Problem] = field(repr=False)

    @property
    def files_indexed(self) -> int:
        """Files whose records are in the index now because of this run."""
        return self.files_added + self.files_replaced - self.files_without_records

    def problem_counts(self) -> dict[str, int]:
        """Number of problems of each kind."""
        return count_kinds(self.problems)

    def to_dict(self) -> dict[str, Any]:
        """All figures and problems, ready for JSON."""
        return {
            "index": self.index,
            "files_found": self.files_found,
            "files_indexed": self.files_indexed,
            "files_added": self.files_added,
            "files_replaced": self.files_replaced,
            "files_grown": self.files_grown,
            "files_moved": self.files_moved,
            "files_touched": self.files_touched,
            "files_unchanged": self.files_unchanged,
            "files_vanished": self.files_vanished,
            "files_pruned": self.files_pruned,
            "files_without_records": self.files_without_records,
            "records": self.records,
            "bytes": self.bytes,
            "rows": self.rows,
            "channels": self.channels,
            "starttime": None if self.starttime is None else str(self.starttime),
            "endtime": None if self.endtime is None else str(self.endtime),
            "seconds": self.seconds,
            "problems": [problem.to_dict() for problem in self.problems],
        }


def makeindex(
    root: _Path | Sequence[_Path],
    out: _Path,
    *,
    threads: int | None = None,
    pattern: str | None = None,
    prune: bool = False,
    hash: bool = False,
    relative: bool | None = None,
    progress: bool | CountFiles = True,
) -> IndexReport:
    """Index an archive of miniSEED files.

    While another run is at work on the index, in this process or another one, this one waits for
    its end, and goes on from what it made; Ctrl-C ends the wait.

    Parameters
    ----------
    root
        A folder, a file, or several of them. Every file is looked at, whatever its name: the
        content decides. Links are followed, each real file is taken once under its canonical
        path; names that begin with a dot are passed over unless given themselves.
    out
        Index file (EarthScope's `tsindex` schema in SQLite), made when missing. When it is
        there, files are passed over of which the system says what it said before (size, time of
        change, number); of those that grew only what they gained is read, moved ones get their new
        name, changed ones are replaced, new ones added; vanished ones are reported, and keep their
        rows unless `prune` says otherwise.
    threads
        Scanning threads; all cores by default.
    pattern
        Shell pattern for file names in folders, such as ``"*.mseed"``; with a ``/`` it is
        matched against the path below the root.
    prune
        Drop the rows of files below the roots that no longer exist, or to whose path only a link
        leads now, unless the nearest folder that is still there holds no data at all, as that of a
        disk that is not mounted.
    hash
        Form the MD5 of the bytes of each row, as mseedindex does; files without it are scanned
        again, and files that grew are read as a whole.
    relative
        Name files relative to the folder of the index, so that an archive can move together with
        it. Decided when the index is made; by default a new index has absolute paths, as
        mseedindex makes it, and one that is there stays as it is.
    progress
        True shows a progress bar on a terminal; or a function of (files found, files done,
        bytes done). Unless it is False, a line on standard error says that another run is waited
        for.

    Returns
    -------
    IndexReport

    Raises
    ------
    FileNotFoundError
        A root, or the folder of the index, does not exist.
    IndexFormatError
        `out` exists and is no index.
    ValueError
        The pattern is no glob, `threads` is below 1, or the index names files in the other way
        than `relative` says.

    Notes
    -----
    Where two files differ about the same samples, and have one publication version, the one that
    was scanned later counts, then the one that was changed later (`Client.get_waveforms`). A file
    that was touched, or copied without its time, is scanned again: its data count then, though
    another file may have corrected them. Keep the times of copies (``cp -a``, ``rsync -a``), or
    give corrections a higher version.
    """
    roots = [root] if isinstance(root, (str, os.PathLike)) else list(root)
    check_threads(threads)
    names = [os.fspath(r) for r in roots]
    path = os.fspath(out)
    options = {
        "threads": threads,
        "pattern": pattern,
        "prune": prune,
        "hash": hash,
        "relative": relative,
    }
    with counting_files(progress, "indexing") as tell:
        figures = _core.makeindex(names, path, options, tell and _telling_of_waits(tell, path))
    start_ns, end_ns = figures.pop("start_ns"), figures.pop("end_ns")
    problems = [Problem._from_core(fields) for fields in figures.pop("problems")]
    return IndexReport(
        index=path,
        starttime=None if start_ns is None else UTCDateTime(ns=start_ns),
        endtime=None if end_ns is None else UTCDateTime(ns=end_ns),
        problems=problems,
        **figures,
    )


def _telling_of_waits(tell: CountFiles, index: str) -> Callable[[int, int, int, int], None]:
    """What is told of a run; that it waits for another one is said once, on standard error."""
    is_told = False

    def on_tick(files: int, done: int, size: int, is_waiting: int) -> None:
        nonlocal is_told
        if is_waiting and not is_told:
            is_told = True
            print(f"another makeindex is at work on {index}: waiting for its end", file=sys.stderr)
        tell(files, done, size)

    return on_tick
