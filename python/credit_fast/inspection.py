"""What miniSEED files hold: records, traces, gaps, overlaps, problems. The core walks and decodes.

Nothing is kept of the samples: they are decoded once, to say whether they can be.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from credit_fast import _core
from credit_fast.errors import Problem
from credit_fast.times import UTCDateTime

__all__ = ["FileInspection", "InspectedRecord", "InspectedTrace", "TimeBreak", "inspect_files"]

_Path = str | os.PathLike[str]


@dataclass(frozen=True)
class InspectedTrace:
    """A gapless run of records of one channel, as `read` gives it.

    `version` is the quality letter of miniSEED 2, the publication version of miniSEED 3.
    """

    id: str
    format: int
    version: str
    starttime: UTCDateTime
    endtime: UTCDateTime
    rate_hz: float
    npts: int
    records: int
    encodings: list[str]
    record_lengths: list[int]


@dataclass(frozen=True)
class TimeBreak:
    """A gap or an overlap between two traces of a channel.

    `before` is the last sample before it, `after` the first one behind it; `samples` are missing,
    or there twice when it is negative.
    """

    id: str
    version: str
    before: UTCDateTime
    after: UTCDateTime
    samples: int

    @property
    def is_gap(self) -> bool:
        """Whether samples are missing."""
        return self.after > self.before and self.samples >= 0


@dataclass(frozen=True)
class InspectedRecord:
    """One record: its place, its header, and what is wrong with it."""

    offset: int
    length: int
    format: int
    version: str
    id: str
    starttime: UTCDateTime
    npts: int
    rate_hz: float
    encoding: str
    flags: list[str]
    fault: str | None


@dataclass(frozen=True)
class FileInspection:
    """What one file holds."""

    path: str
    bytes: int
    records: int
    records_without_samples: int
    opaque_records: int
    samples: int
    control_bytes: int
    skipped_bytes: int
    traces: list[InspectedTrace]
    breaks: list[TimeBreak]
    problems: list[Problem]
    record_list: list[InspectedRecord] = field(repr=False)

    @property
    def gaps(self) -> list[TimeBreak]:
        """Times in which samples of a channel are missing."""
        return [item for item in self.breaks if item.is_gap]

    @property
    def overlaps(self) -> list[TimeBreak]:
        """Times in which a channel has samples twice."""
        return [item for item in self.breaks if not item.is_gap]

    @property
    def ids(self) -> list[str]:
        """Channels, in the order of the file."""
        return list(dict.fromkeys(trace.id for trace in self.traces))

    @property
    def rates_hz(self) -> list[float]:
        """Sample rates."""
        return sorted({trace.rate_hz for trace in self.traces})

    @property
    def encodings(self) -> list[str]:
        """Names of the encodings."""
        return sorted({name for trace in self.traces for name in trace.encodings})

    @property
    def verdict(self) -> str:
        """One line: whether all is well, and what the file is."""
        if not self.records:
            return self.problems[0].reason if self.problems else "no miniSEED record"
        what = f"{_count(self.records, 'record')}, {_count(len(self.ids), 'channel')}, "
        what += f"{_count(len(self.gaps), 'gap')}, {_count(len(self.overlaps), 'overlap')}"
        if not self.problems:
            return f"all well: {what}"
        lost = f", {self.skipped_bytes:,} bytes skipped" if self.skipped_bytes else ""
        return f"{_count(len(self.problems), 'problem')}{lost}: {what}"

    def to_dict(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        return {
            "path": self.path,
            "verdict": self.verdict,
            "bytes": self.bytes,
            "records": self.records,
            "records_without_samples": self.records_without_samples,
            "opaque_records": self.opaque_records,
            "samples": self.samples,
            "control_bytes": self.control_bytes,
            "skipped_bytes": self.skipped_bytes,
            "rates_hz": self.rates_hz,
            "encodings": self.encodings,
            "traces": [_plain(trace) for trace in self.traces],
            "gaps": [_plain(item) for item in self.gaps],
            "overlaps": [_plain(item) for item in self.overlaps],
            "problems": [_plain(problem) for problem in self.problems],
            "record_list": [_plain(record) for record in self.record_list],
        }


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _plain(item: Any) -> dict[str, Any]:
    """A dataclass as a dict, times as text."""
    found = asdict(item)
    return {k: str(v) if isinstance(v, UTCDateTime) else v for k, v in found.items()}


def inspect_files(
    paths: _Path | Sequence[_Path], *, records: bool = False
) -> Iterator[FileInspection]:
    """Inspect miniSEED files, one after the other.

    Parameters
    ----------
    paths
        A file, a folder, or several of them. A folder is walked as `makeindex` does it: links
        are followed, names that begin with a dot are passed over, the content decides.
    records
        Whether to list each record in `record_list`.

    Yields
    ------
    FileInspection
        What is wrong with a file is in its `problems`.

    Raises
    ------
    FileNotFoundError
        One of the paths does not exist; nothing is inspected then.
    """
    names = [paths] if isinstance(paths, (str, os.PathLike)) else list(paths)
    roots = [Path(name) for name in names]
    for root in roots:
        root.stat()
    return _inspections(roots, records)


def _inspections(roots: list[Path], records: bool) -> Iterator[FileInspection]:
    for root in roots:
        if not root.is_dir():
            yield _inspection(str(root), records)
            continue
        files, problems = _core.find_files(root)
        for fields in problems:
            yield _nothing(Problem._from_core(fields))
        for file in files:
            yield _inspection(file, records)


def _inspection(path: str, records: bool) -> FileInspection:
    try:
        found = _core.inspect_file(path, records)
    except OSError as error:
        reason = error.strerror or str(error)
        return _nothing(Problem(path=path, reason=reason, kind="unreadable"))
    traces = [
        InspectedTrace(id_, format_, version, _time(start), _time(end), *rest)
        for id_, format_, version, start, end, *rest in found.pop("traces")
    ]
    breaks = [
        TimeBreak(id_, version, _time(before), _time(after), samples)
        for id_, version, before, after, samples in found.pop("breaks")
    ]
    lines = [
        InspectedRecord(offset, length, format_, version, id_, _time(start), *rest)
        for offset, length, format_, version, id_, start, *rest in found.pop("list")
    ]
    problems = [Problem._from_core(fields) for fields in found.pop("problems")]
    return FileInspection(
        path=path, traces=traces, breaks=breaks, problems=problems, record_list=lines, **found
    )


def _nothing(problem: Problem) -> FileInspection:
    return FileInspection(problem.path, 0, 0, 0, 0, 0, 0, 0, [], [], [problem], [])


def _time(ns: int) -> UTCDateTime:
    return UTCDateTime(ns=ns)
