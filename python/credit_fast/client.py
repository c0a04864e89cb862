"""Windows from the archive by its index, and whole files without one.

No sample is touched here: the core decodes, `stream` holds and merges.
"""

from __future__ import annotations

import os
import warnings
from collections import Counter
from typing import Any

from credit_fast import _core
from credit_fast.errors import (
    DataWarning,
    MiniSeedError,
    Problem,
    UnsupportedEncodingError,
    check_threads,
)
from credit_fast.times import UTCDateTime, to_ns
from credit_fast.waveform import Stream
from credit_fast.waveform.trace import Trace

__all__ = ["Client", "read"]

#: Bounds of the question when no time is given: all that int64 nanoseconds hold.
_ALWAYS = (-(2**63), 2**63 - 1)


def _stream(answer: Any, stacklevel: int) -> Stream:
    """Traces of an answer of the core; each problem becomes a warning."""
    segments, problems = answer
    traces = []
    for net, sta, loc, cha, start_ns, rate_hz, data, quality, encoding, records in segments:
        samples = data.view("S1") if encoding == "text" else data
        trace = Trace._from_parts(net, sta, loc, cha, start_ns, rate_hz, samples)
        trace.stats["mseed"] = {
            "dataquality": quality,
            "encoding": encoding.upper(),
            "number_of_records": records,
        }
        traces.append(trace)
    for fields in problems:
        warnings.warn(DataWarning(str(Problem._from_core(fields))), stacklevel=stacklevel + 1)
    return Stream(traces)


def read(
    path_or_bytes: str | os.PathLike[str] | bytes | bytearray | memoryview,
    *,
    threads: int | None = None,
) -> Stream:
    """Read one miniSEED file, or miniSEED bytes, without an index.

    Parameters
    ----------
    path_or_bytes
        A file name, or the bytes themselves. miniSEED 2 and 3, mixed record lengths, channels
        and rates; the headers of a full SEED volume are passed over.
    threads
        Threads that decode, one a core by default. A gapless run of a million samples or less
        keeps one busy.

    Returns
    -------
    Stream
        One trace for each gapless run of records of a channel, channels in the order in which
        the file names them first, like ``obspy.read``. A record that begins within half a
        sample of the expected time continues a trace (libmseed's rule). Text (a log) is a trace
        of its own, dtype ``S1``; opaque records are passed over.

    Raises
    ------
    FileNotFoundError, PermissionError, OSError
        The file cannot be read.
    MiniSeedError
        There is no miniSEED record in it at all.
    UnsupportedEncodingError
        All of its samples are in encodings that are not decoded; the message names one.
    ValueError
        `threads` is below 1.

    Warns
    -----
    DataWarning
        For each damaged, unsupported or foreign part, with file and byte offset; the rest of
        the file is returned.
    """
    check_threads(threads)
    if isinstance(path_or_bytes, (bytes, bytearray, memoryview)):
        answer = _core.read_bytes(bytes(path_or_bytes), threads)
    else:
        answer = _core.read_file(os.fspath(path_or_bytes), threads)
    if not answer[0]:
        _raise_if_unreadable([Problem._from_core(fields) for fields in answer[1]])
    return _stream(answer, stacklevel=2)


def _raise_if_unreadable(problems: list[Problem]) -> None:
    """Nothing came out of a file: an exception where that is no empty answer but a failure."""
    for problem in problems:
        if problem.kind == "not-mseed":
            raise MiniSeedError(str(problem), path=problem.path, offset=problem.offset)
        if problem.kind == "unsupported":
            raise UnsupportedEncodingError(str(problem), path=problem.path, offset=problem.offset)


class Client:
    """Waveforms of an archive by its index.

    Parameters
    ----------
    index
        Index file made by ``credit-fast makeindex``, by mseedindex or by ObsPy's indexer.
        Relative file names in it are looked for in the folder of the index, then in the working
        folder.

    Raises
    ------
    FileNotFoundError
        The index is missing; nothing is created.
    IndexFormatError
        The file is no index.

    Notes
    -----
    A client can be shared by threads, sent to other processes (it can be pickled) and used in
    the child after a fork, also while other threads are asking: connections belong to a thread
    and a process, and a fork waits until no thread is inside SQLite.
    """

    def __init__(self, index: str | os.PathLike[str]) -> None:
        self._path = os.fspath(index)
        try:
            self._index = _core.Index(self._path)
        except FileNotFoundError as error:
            text = "No such index file (credit-fast makeindex makes one)"
            raise FileNotFoundError(error.errno, text, self._path) from None

    def __repr__(self) -> str:
        return f"Client({self._path!r})"

    def __reduce__(self) -> tuple[type[Client], tuple[str]]:
        return (type(self), (self._path,))

    def get_waveforms(
        self,
        network: str,
        station: str,
        location: str,
        channel: str,
        starttime: Any,
        endtime: Any,
        merge: int | None = -1,
    ) -> Stream:
        """Cut a window out of the archive.

        Parameters
        ----------
        network, station, location, channel
            Codes with the wildcards ``*``, ``?``, ``[..]`` and comma lists. The empty location
            is ``""`` or ``"--"``; ``"*"`` means all.
        starttime, endtime
            Ends of the window, both included: ObsPy's or our UTCDateTime, datetime (naive is
            UTC), numpy datetime64, ISO text, or epoch seconds.
        merge
            -1 joins what is seamless, over the borders of files and days, and drops identical
            overlaps; 0 and 1 merge as ``Stream.merge(method=…)``; None returns the pieces of
            each file as they are.

        Returns
        -------
        Stream
            Traces sorted by id and start time; empty when there is no data. Each end of the
            window goes to the nearest sample, half way to the one inside, as ``Stream.slice``
            of ObsPy does on the whole file. Text is no waveform: `read` gives it.

        Raises
        ------
        ValueError
            The end is before the start, or a time is not understood.

        Warns
        -----
        DataWarning
            A data file vanished, changed or is damaged; the rest of the answer is returned.
        """
        if merge not in (-1, 0, 1, None):
            raise ValueError(f"merge {merge!r}: expected -1, 0, 1 or None")
        codes = (network, station, location, channel)
        return self._window(codes, starttime, endtime, merge, keep_failed=True)[0]

    def get_checked_waveforms(
        self,
        network: str,
        station: str,
        location: str,
        channel: str,
        starttime: Any,
        endtime: Any,
    ) -> tuple[Stream, Counter[str]]:
        """Cut a window without the samples of records that failed their own check.

        Arguments and warnings as in `get_waveforms`. A record fails when its checksum is wrong,
        its last sample is not the one that it declares, it holds an undefined code, or fewer
        samples than it says. All of its samples are left out: which of them are right, nothing
        tells.

        Returns
        -------
        Stream
            As `get_waveforms` gives it, with a gap in place of each such record (unless another
            record has the same samples).
        Counter
            Number of such records by trace id, those of channels without any other included.
        """
        codes = (network, station, location, channel)
        return self._window(codes, starttime, endtime, -1, keep_failed=False)

    def _window(
        self,
        codes: tuple[str, str, str, str],
        starttime: Any,
        endtime: Any,
        merge: int | None,
        *,
        keep_failed: bool,
    ) -> tuple[Stream, Counter[str]]:
        """The traces of a window, and how many records of each trace id failed their check."""
        start_ns, end_ns = _window_ns(starttime, endtime)
        segments, problems, failed = self._index.window(
            _code(codes[0]),
            _code(codes[1]),
            _code(codes[2]),
            _code(codes[3]),
            start_ns,
            end_ns,
            merge is not None,
            keep_failed,
        )
        stream = _stream((segments, problems), stacklevel=3)
        if merge is not None and len(stream) > 1:
            stream.merge(method=merge)
        stream.traces.sort(key=lambda trace: (trace.id, trace.stats.starttime))
        return stream, Counter(failed)

    def get_nslc(
        self,
        network: str | None = None,
        station: str | None = None,
        location: str | None = None,
        channel: str | None = None,
        starttime: Any = None,
        endtime: Any = None,
    ) -> list[tuple[str, str, str, str]]:
        """List the channels that have data, as (network, station, location, channel), sorted.

        Codes as in `get_waveforms`, None means all. With times, only channels with data inside
        the window, gaps considered.
        """
        extents = self.get_availability_extent(
            network, station, location, channel, starttime, endtime
        )
        return [extent[:4] for extent in extents]

    def get_availability_extent(
        self,
        network: str | None = None,
        station: str | None = None,
        location: str | None = None,
        channel: str | None = None,
        starttime: Any = None,
        endtime: Any = None,
    ) -> list[tuple[str, str, str, str, UTCDateTime, UTCDateTime]]:
        """First and last sample of each channel.

        Returns
        -------
        list of (network, station, location, channel, earliest, latest), sorted; times are
        clipped to the window where one is given.
        """
        codes = (_code(network), _code(station), _code(location), _code(channel))
        if starttime is None and endtime is None:
            extents = self._index.channels(*codes)
        else:
            extents = self._clipped(codes, starttime, endtime)
        return [
            (n, s, loc, c, UTCDateTime(ns=start), UTCDateTime(ns=end))
            for n, s, loc, c, start, end in extents
        ]

    def _clipped(
        self, codes: tuple[str, str, str, str], starttime: Any, endtime: Any
    ) -> list[tuple[str, str, str, str, int, int]]:
        from_ns, until_ns = _window_ns(starttime, endtime)
        ends: dict[tuple[str, str, str, str], tuple[int, int]] = {}
        for n, s, loc, c, start, end in self._index.spans(*codes, from_ns, until_ns):
            start, end = max(start, from_ns), min(end, until_ns)
            known = ends.get((n, s, loc, c), (start, end))
            ends[n, s, loc, c] = (min(known[0], start), max(known[1], end))
        return [(*codes_, *ends[codes_]) for codes_ in sorted(ends)]

    def has_data(
        self,
        network: str | None = None,
        station: str | None = None,
        location: str | None = None,
        channel: str | None = None,
        starttime: Any = None,
        endtime: Any = None,
    ) -> bool:
        """Whether any sample of the channels lies in the window (in all of time without one)."""
        return bool(
            self.get_availability_extent(network, station, location, channel, starttime, endtime)
        )


def _code(code: str | None) -> str:
    return "*" if code is None else code


def _window_ns(starttime: Any, endtime: Any) -> tuple[int, int]:
    """Ends of a window in nanoseconds; None is the end of all time."""
    start_ns = _ALWAYS[0] if starttime is None else to_ns(starttime)
    end_ns = _ALWAYS[1] if endtime is None else to_ns(endtime)
    if end_ns < start_ns:
        raise ValueError(
            f"endtime {UTCDateTime(ns=end_ns)} is before starttime {UTCDateTime(ns=start_ns)}"
        )
    return start_ns, end_ns
