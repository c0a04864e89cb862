"""Windows from the archive by its indexes."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple, overload

import numpy.typing as npt

from credit_fast import availability
from credit_fast.choosing import Chosen, Quality, Version, chosen
from credit_fast.codes import Codes, checked_codes
from credit_fast.cutting import Cutting, Windows
from credit_fast.errors import Problem, check_threads
from credit_fast.index_files import IndexPaths, PathMaps, open_archive
from credit_fast.reading import stream_of
from credit_fast.times import UTCDateTime, to_ns
from credit_fast.waveform import Stream
from credit_fast.waveform.overlaps import Overlaps

__all__ = ["Client", "Stored"]

#: Bounds of the question when no time is given: all that int64 nanoseconds hold.
_ALWAYS = (-(2**63), 2**63 - 1)

_Edge = Literal["nearest", "inside", "outside"]


class Stored(NamedTuple):
    """What an index says of a window.

    `digest`, 64 bits, stays the same while the index names the same bytes of unchanged files. Data
    that came, went or changed in the window give another one, folders that were moved do not.
    `place` is the first file, as the index names it, and the offset of its data there in bytes;
    None without data.
    """

    digest: int
    place: tuple[str, int] | None


class Client:
    """Waveforms of an archive by its index, or by several indexes as one.

    Parameters
    ----------
    index
        Index file made by ``credit-fast makeindex``, by mseedindex or by ObsPy's indexer; a name
        with wildcards (``"*.db"``); or several of them. Relative file names in an index are looked
        for in its folder, then in the working folder.
    path_map
        Where files have moved since an index was made: folders as the index names them, and as
        they are called now. A list of such mappings, or None, one for each index, gives each a rule
        of its own.

    Raises
    ------
    FileNotFoundError
        An index is missing, or no file has such a name; nothing is created.
    IndexFormatError
        A file is no index.
    ValueError
        `path_map` is no mapping of names, or there are not as many of them as indexes.

    Notes
    -----
    A client can be shared by threads, sent to other processes (it can be pickled) and used in
    the child after a fork, also while other threads are asking: connections belong to a thread
    and a process, and a fork waits until no thread is inside SQLite.
    """

    def __init__(self, index: IndexPaths, path_map: PathMaps = None) -> None:
        self._archive, self._paths, self._path_maps = open_archive(index, path_map)

    def __repr__(self) -> str:
        paths = self._paths[0] if len(self._paths) == 1 else self._paths
        return f"{type(self).__name__}({paths!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        # Whoever opens it again may stand in another folder.
        return (type(self), (list(map(os.path.abspath, self._paths)), self._path_maps))

    def get_waveforms(
        self,
        network: str,
        station: str,
        location: str,
        channel: str,
        starttime: Any,
        endtime: Any,
        merge: int | None = -1,
        *,
        edge: _Edge = "nearest",
        half_open: bool = False,
        version: Version = None,
        quality: Quality = None,
    ) -> Stream:
        """Cut a window out of the archive.

        Where samples of a channel are there twice, at the same times, and a merge is asked for, the
        identical ones become one. Of those that differ the higher publication version counts
        (miniSEED 2: R is 1, D 2, Q 3, M 4); of one version the file that was scanned later, then
        the one that was changed later: the next `makeindex` makes an older file count again that
        was touched, or copied without its time. Within one file and version, and where all of that
        is the same, nothing decides: they stay separate traces, and 0 and 1 merge them by their
        rules. ``stream.overlaps`` tells how many samples were left out, and why.

        Parameters
        ----------
        network, station, location, channel
            Codes with the wildcards ``*``, ``?``, ``[..]`` and comma lists. The empty location
            is ``""`` or ``"--"``; ``"*"`` means all. ``?`` is one character: ``"??"`` finds no
            empty location.
        starttime, endtime
            Ends of the window, both included: ObsPy's or our UTCDateTime, datetime (naive is
            UTC), numpy datetime64, ISO text, or epoch seconds.
        merge
            -1 joins what is seamless, over the borders of files and days, and drops identical
            overlaps; 0 and 1 merge as ``Stream.merge(method=…)``; None returns the pieces of
            each file as they are, overlaps too.
        edge
            Which sample an end takes that lies between two: "nearest" (half way the one inside),
            as ``Stream.slice`` of ObsPy does on the whole file; "inside" the window, or "outside".
        half_open
            Leave the end out: the window ends before the sample that a window from its end on
            would begin with, so that windows one behind the other share no sample.
        version
            Only data of this publication version, or of these, as their records say: a number or a
            list of them. "all" leaves overlaps as they are: all of the data, as separate traces
            where they differ.
        quality
            Only data of these quality letters of miniSEED 2: "D", "DQ" or ["D", "Q"]; data of
            miniSEED 3 have none. "B" is the best, as None; "*" is all, as ``version="all"``.
            Where both `version` and `quality` are given, both must hold.

        Returns
        -------
        Stream
            Traces sorted by id and start time; empty when there is no data. Text is no waveform:
            `read` gives it. Its `overlaps` count the samples of the window that were left out, by
            trace id and by reason: "identical", "version" or "scan".

        Raises
        ------
        ValueError
            The end is before the start, a time is not understood, a ``[`` has no ``]``, or an
            option has another value.
        TypeError
            A code is no text, or a time is none.

        Warns
        -----
        DataWarning
            A data file vanished, changed or is damaged; the rest of the answer is returned.
        """
        codes = checked_codes(network, station, location, channel)
        rules, choice = _rules(merge, edge, half_open), chosen(version, quality)
        return self._window(codes, starttime, endtime, merge, rules, choice)[0]

    @overload
    def get_waveforms_bulk(
        self,
        bulk: Iterable[Sequence[Any]],
        merge: int | None = -1,
        *,
        grouped: Literal[False] = False,
        edge: _Edge = "nearest",
        half_open: bool = False,
        version: Version = None,
        quality: Quality = None,
        threads: int | None = None,
    ) -> Stream: ...
    @overload
    def get_waveforms_bulk(
        self,
        bulk: Iterable[Sequence[Any]],
        merge: int | None = -1,
        *,
        grouped: Literal[True],
        edge: _Edge = "nearest",
        half_open: bool = False,
        version: Version = None,
        quality: Quality = None,
        threads: int | None = None,
    ) -> list[Stream]: ...
    def get_waveforms_bulk(
        self,
        bulk: Iterable[Sequence[Any]],
        merge: int | None = -1,
        *,
        grouped: bool = False,
        edge: _Edge = "nearest",
        half_open: bool = False,
        version: Version = None,
        quality: Quality = None,
        threads: int | None = None,
    ) -> Stream | list[Stream]:
        """Cut many windows: read in the order of files and offsets, decoded by several threads.

        Parameters
        ----------
        bulk
            Rows of network, station, location, channel, starttime, endtime, each as in
            `get_waveforms`.
        merge, edge, half_open, version, quality
            As in `get_waveforms`, for each row by itself.
        grouped
            A list with one Stream for each row, in their order, instead of one Stream of all
            traces, row after row, whose `overlaps` are those of all rows together.
        threads
            Threads that read and decode, one a core by default.

        Raises
        ------
        ValueError
            As `get_waveforms` (of a TypeError, too); the message names the row.

        Warns
        -----
        DataWarning
            As `get_waveforms`.
        """
        check_threads(threads)
        rules, choice = _rules(merge, edge, half_open), chosen(version, quality)
        rows = [_bulk_row(number, row) for number, row in enumerate(bulk)]
        answers = self._archive.windows(rows, rules, choice, threads)
        streams = [
            _arranged(stream_of((segments, problems), stacklevel=2), merge, dropped)
            for segments, problems, _, dropped in answers
        ]
        if grouped:
            return streams
        together = Stream(trace for stream in streams for trace in stream.traces)
        for stream in streams:
            together.overlaps.add(stream.overlaps)
        return together

    def get_checked_waveforms(
        self,
        network: str,
        station: str,
        location: str,
        channel: str,
        starttime: Any,
        endtime: Any,
        *,
        version: Version = None,
        quality: Quality = None,
    ) -> tuple[Stream, Counter[str], list[Problem]]:
        """Cut a window without the samples of records that failed their own check.

        Arguments and warnings as in `get_waveforms`. A record fails when its checksum is wrong,
        its last sample is not the one that it declares, it holds an undefined code, or fewer
        samples than it says. All of its samples are left out: which of them are right, nothing
        tells. So it takes the place of no other record, whatever its version.

        Returns
        -------
        Stream
            As `get_waveforms` gives it, with a gap in place of each such record (unless another
            record has samples of the same times).
        Counter
            Number of such records by trace id, those of channels without any other included.
        list of Problem
            What the warnings say.
        """
        codes = checked_codes(network, station, location, channel)
        rules = {**_rules(-1, "nearest", False), "keep_failed": False}
        return self._window(codes, starttime, endtime, -1, rules, chosen(version, quality))

    def state(self) -> list[dict[str, Any]]:
        """What each index holds: rows, files, bytes of records, last change of a file (text)."""
        names = ("rows", "files", "bytes", "changed")
        return [dict(zip(names, found[:4], strict=True)) for found in self._archive.contents()]

    def stored(self, windows: Sequence[tuple[Codes, tuple[int, int]]]) -> list[Stored]:
        """What the index says of windows, without a look at a data file.

        `windows` are codes, with wildcards as in `get_waveforms`, and ends in ns since 1970.
        """
        rows = [(codes, *window) for codes, window in windows]
        return [Stored(*found) for found in self._archive.stored(rows)]

    def read_ahead(
        self, windows: Sequence[tuple[Codes, tuple[int, int]]]
    ) -> list[tuple[str, int, int]]:
        """Have the system read what windows will need, file by file, each from begin to end.

        For many windows that are asked for soon, in any order: a disk that is cold then goes
        through each file once. Only a hint: places in a file are guessed from times, a file that
        cannot be opened is left out, and where the system takes no such hint (all but Linux)
        nothing is read. `windows` as in `stored`.

        Returns
        -------
        list of (file, as the index names it; offset of the first byte; offset behind the last), in
        the order in which the system was asked.
        """
        return self._archive.read_ahead([(codes, *window) for codes, window in windows])

    def _window(
        self,
        codes: Codes,
        starttime: Any,
        endtime: Any,
        merge: int | None,
        rules: dict[str, Any],
        choice: Chosen,
    ) -> tuple[Stream, Counter[str], list[Problem]]:
        """The traces of a window, the failed records of each trace id, problems."""
        window = _bounded_ns(starttime, endtime)
        segments, problems, failed, dropped = self._archive.window(codes, *window, rules, choice)
        stream = stream_of((segments, problems), stacklevel=3)
        told = [Problem._from_core(fields) for fields in problems]
        return _arranged(stream, merge, dropped), Counter(failed), told

    def cut(
        self,
        requests: Iterable[Sequence[Any]],
        npts: int,
        components: str | Sequence[str] | None = "ZNE",
        dtype: npt.DTypeLike = "float32",
        *,
        incomplete: Literal["fill", "nan", "skip", "raise"] = "fill",
        fill: float = 0,
        out: npt.NDArray[Any] | None = None,
        version: Version = None,
        quality: Quality = None,
        threads: int | None = None,
    ) -> Windows:
        """Cut windows of exactly `npts` samples into one array, for machine learning.

        Where samples are there twice, one is taken as in `get_waveforms`; where nothing decides,
        that of the run of records that begins first.

        Parameters
        ----------
        requests
            Rows of network, station, location, channel, starttime. The channel is one like
            ``"HH?"`` or ``"HH"``, completed by the letter of each component. The first sample of
            a window is the one nearest to its start. Where wildcards find several channels, the
            first one (by code) with data counts.
        npts
            Samples of a window.
        components
            A letter for each, or several that may stand for it: ``["Z", "N1", "E2"]``. None takes
            each channel as it is, one component.
        dtype
            "float32", "float64" or "int32". Integers of more than 24 bits are rounded in float32;
            float samples do not fit int32, they are missing and a problem.
        incomplete
            What becomes of windows with missing samples: "fill" (with `fill`), "nan" (missing
            samples are NaN, float types only), "skip" (no such row in the answer; a component
            without data is incomplete, too) or "raise".
        fill
            Value of missing samples.
        out
            Array of shape (rows, components, npts) and type `dtype` to be written to, contiguous.
        version, quality
            As in `get_waveforms`.
        threads
            Threads that read and decode, one a core by default.

        Returns
        -------
        Windows
            Samples, start times, rates, the fraction of each window that is there, and how many
            samples were left out for others.

        Raises
        ------
        ValueError, TypeError
            An option or a row is not understood, or `out` has another shape or type.
        IncompleteWindowError
            A window is incomplete, with ``incomplete="raise"``; the message names the first.

        Warns
        -----
        DataWarning
            As `get_waveforms`; samples of records that failed their own check are missing.
        """
        check_threads(threads)
        cutting = Cutting(npts, components, dtype, incomplete, fill, chosen(version, quality))
        return cutting.cut(self._archive, cutting.requested(requests), out, threads)

    def get_nslc(
        self,
        network: str | None = None,
        station: str | None = None,
        location: str | None = None,
        channel: str | None = None,
        starttime: Any = None,
        endtime: Any = None,
    ) -> list[Codes]:
        """List the channels that have data, as (network, station, location, channel), sorted.

        Codes as in `get_waveforms`, None means all. With times, only channels with data inside
        the window, gaps considered; where only one is given the other end is open.
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
        codes = _all_codes(network, station, location, channel)
        if starttime is None and endtime is None:
            extents = self._archive.channels(codes)
        else:
            window = _window_ns(starttime, endtime)
            extents = availability.extents(self._archive.spans(codes, *window), window)
        return [(*extent[:4], *_times(extent[4], extent[5])) for extent in extents]

    def get_availability(
        self,
        network: str | None = None,
        station: str | None = None,
        location: str | None = None,
        channel: str | None = None,
        starttime: Any = None,
        endtime: Any = None,
        include_sample_rate: bool = False,
        merge_overlap: bool = False,
    ) -> list[tuple[Any, ...]]:
        """List the gapless spans of each channel.

        Spans that follow each other within half a sample are one, over the borders of files too.
        Several indexes may have the same file: of theirs equal spans are one.

        Parameters
        ----------
        network, station, location, channel, starttime, endtime
            As in `get_nslc`.
        include_sample_rate
            Add the sample rate in Hz; spans of different rates then stay apart.
        merge_overlap
            Make spans that overlap one.

        Returns
        -------
        list of (network, station, location, channel, earliest, latest), and the rate if asked for,
        by channel, then by time; times are those of the first and last sample, clipped to the
        window.
        """
        window = _window_ns(starttime, endtime)
        spans = self._archive.spans(_all_codes(network, station, location, channel), *window)
        if len(self._paths) > 1:
            spans = list(dict.fromkeys(spans))
        joined = availability.joined(
            spans, window, by_rate=include_sample_rate, merge_overlap=merge_overlap
        )
        end = 7 if include_sample_rate else 6
        return [(*span[:4], *_times(span[4], span[5]), *span[6:end]) for span in joined]

    def get_availability_percentage(
        self,
        network: str,
        station: str,
        location: str,
        channel: str,
        starttime: Any,
        endtime: Any,
    ) -> tuple[float, int]:
        """Fraction of a window that has data, and the number of gaps in it.

        Returns
        -------
        (fraction from 0.0 to 1.0, number of gaps). Each sample stands for the time up to the
        next. Gaps are stretches without data of more than half a sample, those at the ends of the
        window included; a window without data is one gap. Of several channels that the codes find
        in the index, those without data in the window included, it is the mean fraction, and the
        gaps of all.

        Raises
        ------
        ValueError
            The window has no duration, or ends before it begins.
        TypeError
            As `get_waveforms`.
        """
        window = _bounded_ns(starttime, endtime)
        codes = checked_codes(network, station, location, channel)
        known = [channel[:4] for channel in self._archive.channels(codes)]
        return availability.percentage(self._archive.spans(codes, *window), window, known)

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


def _rules(merge: int | None, edge: str, half_open: bool) -> dict[str, Any]:
    if merge not in (-1, 0, 1, None):
        raise ValueError(f"merge {merge!r}: expected -1, 0, 1 or None")
    return {
        "edge": edge,
        "half_open": bool(half_open),
        "join_files": merge is not None,
        "keep_failed": True,
    }


def _arranged(
    stream: Stream, merge: int | None, dropped: list[tuple[str, int, int, int]]
) -> Stream:
    """Merged as asked for, by id and start time; with what the core dropped."""
    if dropped:
        stream.overlaps = Overlaps.of_core(dropped)
    if len(stream.traces) > 1:
        if merge is not None:
            stream.merge(method=merge)
        stream.traces.sort(key=lambda trace: (trace.id, trace.stats.starttime))
    return stream


def _bulk_row(number: int, row: Sequence[Any]) -> tuple[Codes, int, int]:
    try:
        network, station, location, channel, starttime, endtime = row
        codes = checked_codes(network, station, location, channel)
        return (codes, *_bounded_ns(starttime, endtime))
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"row {number} of the bulk request, {row!r}: {error}; expected network, station, "
            "location, channel, starttime, endtime"
        ) from None


def _all_codes(*codes: str | None) -> Codes:
    network, station, location, channel = ("*" if code is None else code for code in codes)
    return checked_codes(network, station, location, channel)


def _times(start_ns: int, end_ns: int) -> tuple[UTCDateTime, UTCDateTime]:
    return UTCDateTime(ns=start_ns), UTCDateTime(ns=end_ns)


def _bounded_ns(starttime: Any, endtime: Any) -> tuple[int, int]:
    """Ends of a window in nanoseconds; both must be given."""
    for name, time in (("starttime", starttime), ("endtime", endtime)):
        if time is None:
            raise TypeError(f"{name} None: expected a time")
    return _window_ns(starttime, endtime)


def _window_ns(starttime: Any, endtime: Any) -> tuple[int, int]:
    """Ends of a window in nanoseconds; None is the end of all time."""
    start_ns = _ALWAYS[0] if starttime is None else to_ns(starttime)
    end_ns = _ALWAYS[1] if endtime is None else to_ns(endtime)
    if end_ns < start_ns:
        raise ValueError(
            f"endtime {UTCDateTime(ns=end_ns)} is before starttime {UTCDateTime(ns=start_ns)}"
        )
    return start_ns, end_ns
