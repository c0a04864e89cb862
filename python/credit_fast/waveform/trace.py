"""Trace: one run of evenly spaced samples and its Stats; cutting it by time.

Joining traces is in `merge`, collections of them in `stream`.
"""

from __future__ import annotations

import copy
import importlib
import math
import os
from collections.abc import Mapping
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from credit_fast.errors import MissingExtraError
from credit_fast.times import from_ns, microseconds, nearest_sample, sample_time_ns, to_ns
from credit_fast.waveform.gapfill import Samples, concatenate, gap_samples
from credit_fast.waveform.stats import Stats

if TYPE_CHECKING:
    from credit_fast.waveform.stream import Stream

__all__ = ["Trace"]

_NO_DATA: Samples = np.array([])
_new = object.__new__


class Trace:
    """Samples (1-D numpy array) with Stats, as ObsPy's Trace.

    Parameters
    ----------
    data
        1-D array, kept without a copy.
    header
        Stats or any mapping (ObsPy's Stats included), copied. Its `npts` counts only when there
        are no samples (a header alone); otherwise it is the number of samples.

    Raises
    ------
    ValueError
        `data` is not a 1-D numpy array, or the header has a bad value.
    """

    __slots__ = ("__weakref__", "_data", "stats")

    stats: Stats
    _data: Samples

    def __init__(self, data: Samples = _NO_DATA, header: Mapping[str, Any] | None = None) -> None:
        _check_samples(data)
        self.stats = copy.copy(header) if isinstance(header, Stats) else Stats(header)
        if data.size:
            self.stats.npts = data.size
        self._data = data

    @classmethod
    def _from_parts(
        cls,
        network: str,
        station: str,
        location: str,
        channel: str,
        start_ns: int,
        rate_hz: float,
        data: Samples,
    ) -> Trace:
        """Make a trace without checks, fast: a 1-D array and Python's own str, int and float."""
        made = _new(cls)
        made.stats = Stats._from_parts(
            network, station, location, channel, start_ns, rate_hz, len(data)
        )
        made._data = data
        return made

    @property
    def data(self) -> Samples:
        """The samples; setting them sets `stats.npts`."""
        return self._data

    @data.setter
    def data(self, data: Samples) -> None:
        _check_samples(data)
        self._data = data
        self.stats.npts = data.size

    @property
    def meta(self) -> Stats:
        """Another name of `stats`."""
        return self.stats

    @property
    def id(self) -> str:
        """`NET.STA.LOC.CHA`; may be set."""
        stats = self.stats
        return f"{stats.network}.{stats.station}.{stats.location}.{stats.channel}"

    @id.setter
    def id(self, value: str) -> None:
        codes = value.split(".")
        if len(codes) != 4:
            raise ValueError(f"id {value!r}: expected NET.STA.LOC.CHA")
        stats = self.stats
        stats.network, stats.station, stats.location, stats.channel = codes

    def get_id(self) -> str:
        """Return `id`."""
        return self.id

    def __len__(self) -> int:
        return len(self._data)

    def count(self) -> int:
        """Number of samples."""
        return len(self._data)

    def __bool__(self) -> bool:
        return len(self._data) > 0

    def __getitem__(self, index: Any) -> Any:
        return self._data[index]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Trace):
            return NotImplemented
        return self.stats == other.stats and bool(np.array_equal(self._data, other._data))

    __hash__ = None  # type: ignore[assignment]

    def __str__(self, id_length: int = 0) -> str:
        stats = self.stats
        rate_hz = stats.sampling_rate
        # ObsPy's rule: the period below 0.1 Hz, the rate from there on.
        spacing = f"{stats.delta:.1f} s" if rate_hz < 0.1 else f"{rate_hz:.1f} Hz"
        masked = " (masked)" if np.ma.is_masked(self._data) else ""
        return (
            f"{self.id:<{id_length}} | {stats.starttime} - {stats.endtime} | "
            f"{spacing}, {stats.npts} samples{masked}"
        )

    def __repr__(self) -> str:
        return str(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))

    def __copy__(self) -> Trace:
        made = _new(type(self))
        made.stats = copy.copy(self.stats)
        made._data = self._data
        return made

    def __deepcopy__(self, memo: Any) -> Trace:
        made = _new(type(self))
        made.stats = copy.deepcopy(self.stats, memo)
        made._data = self._data.copy()
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return Trace, (self._data, self.stats)

    def copy(self) -> Trace:
        """Independent copy, samples included."""
        return self.__deepcopy__({})

    def times(self, type: str = "relative", reftime: Any = None) -> Samples:
        """Return the times of the samples, shape (npts,); masked where the samples are.

        Parameters
        ----------
        type
            "relative": seconds since the start, or since `reftime`; "timestamp": seconds since
            1970; "utcdatetime": objects; "matplotlib": days as matplotlib counts them.
        reftime
            Any time; only for "relative".

        Raises
        ------
        ValueError
            Unknown type.
        MissingExtraError
            Type "matplotlib" without matplotlib.
        """
        stats = self.stats
        seconds: Samples = np.arange(stats.npts) / (stats.sampling_rate or math.inf)
        kind = type.lower()
        if kind == "relative":
            if reftime is not None:
                seconds += (stats._start_ns - to_ns(reftime)) / 1_000_000_000
        elif kind == "timestamp":
            seconds += stats.starttime.timestamp
        elif kind == "utcdatetime":
            start_ns, rate_hz = stats._start_ns, stats.sampling_rate
            moments = [from_ns(sample_time_ns(start_ns, rate_hz, i)) for i in range(stats.npts)]
            seconds = np.empty(stats.npts, object)
            seconds[:] = moments
        elif kind == "matplotlib":
            seconds = _matplotlib_day(stats) + seconds / 86_400
        else:
            raise ValueError(
                f"type {type!r}: expected relative, timestamp, utcdatetime or matplotlib"
            )
        if isinstance(self._data, np.ma.MaskedArray):
            return np.ma.MaskedArray(seconds, mask=self._data.mask)
        return seconds

    def slice(
        self, starttime: Any = None, endtime: Any = None, nearest_sample: bool = True
    ) -> Trace:
        """Part of the trace between two times, both ends included, as a view of the same samples.

        Arguments as in `trim`. Without overlap the answer has no samples.
        """
        made = _new(type(self))
        made.stats = copy.deepcopy(self.stats)
        made._data = self._data
        return made.trim(starttime, endtime, nearest_sample=nearest_sample)

    def trim(
        self,
        starttime: Any = None,
        endtime: Any = None,
        pad: bool = False,
        nearest_sample: bool = True,
        fill_value: Any = None,
    ) -> Trace:
        """Cut the trace in place to the samples between two times, both ends included.

        Parameters
        ----------
        starttime, endtime
            Any time; a number counts seconds from the start, or back from the end.
        pad
            Lengthen the trace to the window with masked samples, or with `fill_value`.
        nearest_sample
            True: cut at the samples nearest to the times (half way: outward). False: keep the
            samples that lie within the window.
        fill_value
            Number for padded samples, and for samples that were masked before.

        Raises
        ------
        ValueError
            The start lies after the end, or the fill value does not fit the data type.
        """
        start_is_time, end_is_time = _is_time(starttime), _is_time(endtime)
        if start_is_time and end_is_time and to_ns(starttime) > to_ns(endtime):
            raise ValueError(f"starttime {starttime} is later than endtime {endtime}")
        # As in ObsPy, 0 seconds leave an end as it is, even when the trace has no samples.
        if start_is_time or starttime:
            origin_ns = self.stats._start_ns
            time_ns = to_ns(starttime) if start_is_time else origin_ns + round(starttime * 1e9)
            self._cut_left(time_ns, pad, nearest_sample, fill_value)
        if end_is_time or endtime:
            time_ns = to_ns(endtime) if end_is_time else self.stats._end_ns() - round(endtime * 1e9)
            self._cut_right(time_ns, pad, nearest_sample, fill_value)
        if pad and fill_value is not None and isinstance(self._data, np.ma.MaskedArray):
            self.data = self._data.filled(fill_value)
        return self

    def _cut_left(self, time_ns: int, pad: bool, nearest: bool, fill_value: Any) -> None:
        stats = self.stats
        if nearest:
            shift = nearest_sample(stats._start_ns, stats.sampling_rate, time_ns)
            if shift < 0 and pad:
                # Seen from far enough before the start, as in ObsPy: half way goes to the later
                # sample here, because away from that origin is forward.
                before = 10 - shift
                origin_ns = sample_time_ns(stats._start_ns, stats.sampling_rate, -before)
                shift = nearest_sample(origin_ns, stats.sampling_rate, time_ns) - before
        else:
            shift = -_whole_samples(time_ns, stats._start_ns, stats.sampling_rate)
        if shift == 0 or (shift < 0 and not pad):
            return
        stats._start_ns = sample_time_ns(stats._start_ns, stats.sampling_rate, shift)
        if shift > 0:
            self.data = self._data[shift:]
        else:
            gap = gap_samples(-shift, self._data.dtype, fill_value)
            self.data = concatenate((gap, self._data))

    def _cut_right(self, time_ns: int, pad: bool, nearest: bool, fill_value: Any) -> None:
        stats = self.stats
        start_us, time_us = microseconds(stats._start_ns), microseconds(time_ns)
        if nearest:
            index = nearest_sample(stats._start_ns, stats.sampling_rate, time_ns)
            longer = index - stats.npts + 1
        else:
            longer = _whole_samples(stats._end_ns(), time_ns, stats.sampling_rate)
        if longer == 0 or (longer > 0 and not pad):
            return
        if longer > 0:
            gap = gap_samples(longer, self._data.dtype, fill_value)
            self.data = concatenate((self._data, gap))
        elif time_us < start_us:
            stats._start_ns = sample_time_ns(stats._end_ns(), stats.sampling_rate, longer)
            self.data = self._data[:0]
        else:
            total = 1 if time_us == start_us else max(stats.npts + longer, 0)
            self.data = self._data[:total]

    def split(self) -> Stream:
        """Stream of the parts between masked samples; one trace, a copy, when none is masked."""
        from credit_fast.waveform.stream import Stream

        data = self._data
        if not isinstance(data, np.ma.MaskedArray):
            return Stream([self.copy()])
        made = Stream()
        masked: Any = np.ma  # numpy gives no types for this function
        for part in masked.flatnotmasked_contiguous(data) or ():
            trace = copy.copy(self)
            trace.stats = copy.deepcopy(self.stats)
            trace.stats._start_ns = sample_time_ns(
                self.stats._start_ns, self.stats.sampling_rate, part.start
            )
            trace.data = data.data[part]
            made.append(trace)
        return made

    def write(
        self,
        filename: str | os.PathLike[str] | IO[bytes],
        format: str = "MSEED",
        *,
        encoding: str | int | None = None,
        reclen: int | None = None,
        fallback: bool = False,
        sequence_number: int | None = None,
    ) -> None:
        """Write the trace as a miniSEED file; see `credit_fast.write`."""
        from credit_fast.writing import write

        write(
            self,
            filename,
            format,
            encoding=encoding,
            reclen=reclen,
            fallback=fallback,
            sequence_number=sequence_number,
        )

    def to_obspy(self) -> Any:
        """`obspy.Trace` with the same stats, sharing the samples.

        Raises
        ------
        MissingExtraError
            ObsPy is not installed.
        """
        obspy = import_obspy()
        stats = self.stats
        header = {
            "network": stats.network,
            "station": stats.station,
            "location": stats.location,
            "channel": stats.channel,
            "starttime": obspy.UTCDateTime(ns=stats._start_ns),
            "sampling_rate": stats.sampling_rate,
            "npts": stats.npts,
            "calib": stats.calib,
        }
        return obspy.Trace(self._data, header | copy.deepcopy(stats._extras()))


def import_obspy() -> Any:
    """ObsPy, imported when it is first needed; MissingExtraError when it is not installed."""
    try:
        return importlib.import_module("obspy")
    except ImportError as error:
        raise MissingExtraError(
            "to_obspy() needs ObsPy, which is not installed: pip install obspy"
        ) from error


def _is_time(value: Any) -> bool:
    """Whether a border is a time, and not missing or a number of seconds."""
    return value is not None and not isinstance(value, int | float | np.number)


def _check_samples(data: Any) -> None:
    if not isinstance(data, np.ndarray):
        raise ValueError(f"Trace.data is {type(data).__name__}: expected a NumPy array")
    if data.ndim != 1:
        raise ValueError(f"Trace.data has the shape {data.shape}: expected one dimension")


def _whole_samples(early_ns: int, late_ns: int, rate_hz: float) -> int:
    """Whole samples from one time to another, rounded down.

    The seconds are rounded to microseconds first, as in ObsPy: the end of a trace, written down
    in microseconds and given back, must not lose the last sample.
    """
    seconds = round((late_ns - early_ns) / 1_000_000_000, 6)
    return math.floor(round(seconds * rate_hz, 7))


def _matplotlib_day(stats: Stats) -> float:
    try:
        dates = importlib.import_module("matplotlib.dates")
    except ImportError as error:
        raise MissingExtraError(
            'times(type="matplotlib") needs matplotlib, which is not installed: '
            "pip install matplotlib"
        ) from error
    return float(dates.date2num(stats.starttime.datetime))
