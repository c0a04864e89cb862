"""What an index holds: channels, spans, gaps, figures, and the problems of its files."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from credit_fast import availability
from credit_fast.errors import Problem, count_kinds
from credit_fast.index_files import IndexPaths, open_archive
from credit_fast.times import UTCDateTime

__all__ = ["IndexInfo", "IndexedChannel", "index_info"]

_ALL = ("*", "*", "*", "*")
_ALWAYS = (-(2**63), 2**63 - 1)


@dataclass(frozen=True)
class IndexedChannel:
    """A channel, the times of its first and last sample, and the number of gaps between."""

    network: str
    station: str
    location: str
    channel: str
    starttime: UTCDateTime
    endtime: UTCDateTime
    gaps: int | None

    @property
    def id(self) -> str:
        """`NET.STA.LOC.CHA`."""
        return f"{self.network}.{self.station}.{self.location}.{self.channel}"


@dataclass(frozen=True)
class IndexInfo:
    """What one or several indexes hold.

    `rows` of the table, `files` that have any, `data_bytes` of the records that these name,
    `index_bytes` of the index files. `problems` are those that makeindex kept.
    """

    indexes: list[str]
    index_bytes: int
    rows: int
    files: int
    data_bytes: int
    channels: list[IndexedChannel] = field(repr=False)
    problems: list[Problem] = field(repr=False)

    def problem_counts(self) -> dict[str, int]:
        """Number of problems of each kind."""
        return count_kinds(self.problems)

    def to_dict(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        return {
            "indexes": self.indexes,
            "index_bytes": self.index_bytes,
            "rows": self.rows,
            "files": self.files,
            "data_bytes": self.data_bytes,
            "channels": [
                {
                    "id": channel.id,
                    "starttime": str(channel.starttime),
                    "endtime": str(channel.endtime),
                    "gaps": channel.gaps,
                }
                for channel in self.channels
            ],
            "problems": [problem.to_dict() for problem in self.problems],
        }


def index_info(index: IndexPaths, *, gaps: bool = False) -> IndexInfo:
    """Tell what an index holds, or several as one.

    Parameters
    ----------
    index
        As of `Client`.
    gaps
        Count the gaps of each channel: all rows are read for it, some seconds for a million.

    Raises
    ------
    FileNotFoundError, IndexFormatError
        As `Client`.
    """
    archive, paths, _ = open_archive(index, None)
    contents = archive.contents()
    number: dict[tuple[str, ...], int] = {}
    if gaps:
        spans = availability.joined(
            archive.spans(_ALL, *_ALWAYS), _ALWAYS, by_rate=False, merge_overlap=True
        )
        number = {
            codes: len(list(of_channel)) - 1
            for codes, of_channel in groupby(spans, key=lambda span: span[:4])
        }
    channels = [
        IndexedChannel(*codes, UTCDateTime(ns=start), UTCDateTime(ns=end), number.get(codes))
        for *parts, start, end in archive.channels(_ALL)
        for codes in [(parts[0], parts[1], parts[2], parts[3])]
    ]
    return IndexInfo(
        indexes=paths,
        index_bytes=sum(Path(path).stat().st_size for path in paths),
        rows=sum(rows for rows, *_ in contents),
        files=sum(files for _, files, *_ in contents),
        data_bytes=sum(size for _, _, size, *_ in contents),
        channels=channels,
        problems=[Problem._from_core(fields) for *_, told in contents for fields in told],
    )
