"""Stream: a list of traces with the part of ObsPy's surface that waveform scripts use.

The rules of merging and of gaps have files of their own.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from fnmatch import translate
from typing import IO, Any, SupportsIndex, overload

from credit_fast.times import UTCDateTime, from_ns, nearest_sample, sample_time_ns, to_ns
from credit_fast.waveform.gaps import find_gaps, format_gaps
from credit_fast.waveform.merge import MISALIGNMENT_THRESHOLD, merge_traces, order_of
from credit_fast.waveform.overlaps import Overlaps
from credit_fast.waveform.trace import Trace, import_obspy

__all__ = ["Stream"]

_SORT_KEYS = ("network", "station", "location", "channel", "starttime", "endtime")


class Stream:
    """A list of traces (attribute `traces`), as ObsPy's Stream.

    Methods that change it in place return the stream itself.

    Parameters
    ----------
    traces
        A trace, or any number of them.

    Attributes
    ----------
    traces
        The traces.
    overlaps
        How many samples were left out as others of the same times count, by trace id, then by
        reason: ``stream.overlaps["XX.AAA..HHZ"]["version"]``. The reasons are "identical",
        "version" and "scan", see `Client.get_waveforms`; `merge` adds the identical ones that it
        makes one. Empty when nothing was left out. Copies keep it, other streams begin without.
    """

    __slots__ = ("__weakref__", "overlaps", "traces")

    traces: list[Trace]
    overlaps: Overlaps

    def __init__(self, traces: Trace | Iterable[Trace] | None = None) -> None:
        if isinstance(traces, Trace):
            traces = (traces,)
        self.traces = list(traces or ())
        self.overlaps = Overlaps()

    def __len__(self) -> int:
        return len(self.traces)

    def count(self) -> int:
        """Number of traces."""
        return len(self.traces)

    def __iter__(self) -> Iterator[Trace]:
        # Over a copy of the list, as in ObsPy: traces may be removed inside the loop.
        return iter(list(self.traces))

    @overload
    def __getitem__(self, index: SupportsIndex) -> Trace: ...
    @overload
    def __getitem__(self, index: slice) -> Stream: ...
    def __getitem__(self, index: SupportsIndex | slice) -> Trace | Stream:
        if isinstance(index, slice):
            return Stream(self.traces[index])
        return self.traces[index]

    def __setitem__(self, index: Any, trace: Any) -> None:
        self.traces[index] = trace

    def __delitem__(self, index: Any) -> None:
        del self.traces[index]

    def __add__(self, other: Stream | Trace) -> Stream:
        more = _traces_of(other)
        return NotImplemented if more is None else Stream(self.traces + more)

    def __iadd__(self, other: Stream | Trace) -> Stream:
        more = _traces_of(other)
        if more is None:
            return NotImplemented
        self.traces.extend(more)
        return self

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Stream):
            return NotImplemented
        return sorted(self.traces, key=order_of) == sorted(other.traces, key=order_of)

    __hash__ = None  # type: ignore[assignment]

    def __str__(self, extended: bool = False) -> str:
        traces = self.traces
        head = f"{len(traces)} Trace(s) in Stream:\n"
        if len(traces) <= 20 or extended:
            width = max((len(trace.id) for trace in traces), default=0)
            return head + "\n".join(trace.__str__(width) for trace in traces)
        return (
            f"{head}\n{traces[0]}\n...\n({len(traces) - 2} other traces)\n...\n{traces[-1]}\n\n"
            '[Use "print(Stream.__str__(extended=True))" to print all Traces]'
        )

    def __repr__(self) -> str:
        return str(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(self.__str__(getattr(printer, "verbose", False)))

    def __copy__(self) -> Stream:
        return self._with_overlaps(self.traces)

    def copy(self) -> Stream:
        """Independent copy, samples included."""
        return self._with_overlaps(trace.copy() for trace in self.traces)

    def _with_overlaps(self, traces: Iterable[Trace]) -> Stream:
        made = Stream(traces)
        made.overlaps = self.overlaps.copy()
        return made

    def append(self, trace: Trace) -> Stream:
        """Add one trace at the end; TypeError for anything else."""
        self.traces += _checked((trace,))
        return self

    def extend(self, traces: Iterable[Trace]) -> Stream:
        """Add traces at the end; TypeError unless all are traces."""
        self.traces += _checked(traces)
        return self

    def insert(self, position: int, object: Trace | Iterable[Trace]) -> Stream:
        """Insert one trace or several before `position`; TypeError unless all are traces."""
        more = (object,) if isinstance(object, Trace) else object
        self.traces[position:position] = _checked(more)
        return self

    def remove(self, trace: Trace) -> Stream:
        """Remove the first trace that equals the given one; ValueError when there is none."""
        self.traces.remove(trace)
        return self

    def pop(self, index: SupportsIndex = -1) -> Trace:
        """Remove and return one trace, the last unless said otherwise."""
        return self.traces.pop(index)

    def clear(self) -> Stream:
        """Remove all traces."""
        self.traces = []
        return self

    def reverse(self) -> Stream:
        """Turn the order of the traces round."""
        self.traces.reverse()
        return self

    def sort(self, keys: Sequence[str] = _SORT_KEYS, reverse: bool = False) -> Stream:
        """Sort by keys of the stats; KeyError for a key that a trace does not have."""
        if isinstance(keys, str):
            raise TypeError(f"keys {keys!r}: expected a list of keys, such as ['starttime']")
        self.traces.sort(key=lambda trace: [trace.stats[key] for key in keys], reverse=reverse)
        return self

    def select(
        self,
        network: str | None = None,
        station: str | None = None,
        location: str | None = None,
        channel: str | None = None,
        sampling_rate: float | None = None,
        npts: int | None = None,
        component: str | None = None,
        id: str | None = None,
    ) -> Stream:
        """Stream of the same traces (no copies) that meet all that is given.

        Codes and `id` may hold the wildcards `*`, `?` and `[...]`; upper and lower case are one.

        Raises
        ------
        ValueError
            Channel and component exclude each other.
        """
        if channel and component and channel[-1] not in "?*]" and component not in "?*":
            letter = channel[-1].upper()
            if _matcher(component)(letter) is None:
                raise ValueError(
                    f"channel {channel!r} and component {component!r}: no channel meets both"
                )
        patterns = {
            "network": network,
            "station": station,
            "location": location,
            "channel": channel,
            "component": component,
        }
        wanted = [(name, _matcher(text)) for name, text in patterns.items() if text is not None]
        chosen = []
        id_matcher = _matcher(id) if id else None
        for trace in self.traces:
            stats = trace.stats
            if id_matcher and not id_matcher(trace.id.upper()):
                continue
            if sampling_rate is not None and float(sampling_rate) != stats.sampling_rate:
                continue
            if npts is not None and int(npts) != stats.npts:
                continue
            if all(matcher(getattr(stats, name).upper()) for name, matcher in wanted):
                chosen.append(trace)
        return Stream(chosen)

    def trim(
        self,
        starttime: Any = None,
        endtime: Any = None,
        pad: bool = False,
        keep_empty_traces: bool = False,
        nearest_sample: bool = True,
        fill_value: Any = None,
    ) -> Stream:
        """Cut all traces in place, as `Trace.trim`; traces without samples are dropped.

        With `nearest_sample` the times are moved to the samples of the first trace, so that all
        traces of one rate have the same number of samples, as in ObsPy.

        Raises
        ------
        TypeError
            A number of seconds was given together with `nearest_sample`.
        ValueError
            As in `Trace.trim`.
        """
        if nearest_sample:
            starttime, endtime = self._on_grid(starttime, endtime)
        for trace in self.traces:
            trace.trim(starttime, endtime, pad, nearest_sample, fill_value)
        if not keep_empty_traces:
            self.traces = [trace for trace in self.traces if trace.stats.npts]
        return self

    def slice(
        self,
        starttime: Any = None,
        endtime: Any = None,
        keep_empty_traces: bool = False,
        nearest_sample: bool = True,
    ) -> Stream:
        """Stream of the parts between two times, as views of the same samples; see `trim`."""
        if nearest_sample:
            starttime, endtime = self._on_grid(starttime, endtime)
        parts = (trace.slice(starttime, endtime, nearest_sample) for trace in self.traces)
        return Stream(part for part in parts if keep_empty_traces or part.stats.npts)

    def _on_grid(self, start: Any, end: Any) -> tuple[UTCDateTime | None, UTCDateTime | None]:
        """Both times, moved to the nearest samples of the first trace."""
        if isinstance(start, int | float) or isinstance(end, int | float):
            raise TypeError(
                "starttime and endtime must be times for a Stream; a number of seconds is "
                "understood by Trace.trim only"
            )
        if not self.traces:
            return None, None
        stats = self.traces[0].stats
        return (
            None if start is None else _nearest(stats._start_ns, stats.sampling_rate, start),
            None if end is None else _nearest(stats._end_ns(), stats.sampling_rate, end),
        )

    def merge(
        self,
        method: int = 0,
        fill_value: Any = None,
        interpolation_samples: int = 0,
        misalignment_threshold: float = MISALIGNMENT_THRESHOLD,
    ) -> Stream:
        """Merge traces of the same id; afterwards the traces are sorted by id and start.

        Parameters
        ----------
        method
            -1: join neighbours without a gap and overlaps with identical samples; all else stays
            apart. 0 and 1: one trace per id. Where overlapping samples differ, 0 discards them
            (a gap), 1 takes those of the later trace.
        fill_value
            What stands in gaps: None masks them (numpy masked array), a number, "latest" (the
            last sample before) or "interpolate" (a straight line).
        interpolation_samples
            For method 1: samples of a straight line at the beginning of a differing overlap;
            -1 for the whole overlap.
        misalignment_threshold
            Largest distance from the sampling grid of the trace before, in samples, to be joined.
            ObsPy's default is 1e-2, here it is miniSEED's half a sample.

        Raises
        ------
        ValueError
            Unknown method or fill value; for methods 0 and 1 also traces of one id that differ
            in rate, data type or calibration (method -1 keeps them apart).
        """
        self.traces = merge_traces(
            self.traces,
            method,
            fill_value,
            interpolation_samples,
            misalignment_threshold,
            overlaps=self.overlaps,
        )
        return self

    def split(self) -> Stream:
        """Stream of the parts between masked samples, the opposite of `merge`."""
        return Stream(part for trace in self.traces for part in trace.split())

    def get_gaps(
        self, min_gap: float | None = None, max_gap: float | None = None
    ) -> list[list[Any]]:
        """Gaps and overlaps between traces of the same id, masked samples included.

        Each is a list: network, station, location, channel, time of the last sample, time of the
        next, seconds (negative for an overlap), samples. `min_gap` and `max_gap` are in seconds.
        """
        return find_gaps(self.traces, min_gap, max_gap)

    def print_gaps(self, min_gap: float | None = None, max_gap: float | None = None) -> None:
        """Print the table of `get_gaps` with totals."""
        print(format_gaps(self.get_gaps(min_gap, max_gap)))

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
        """Write all traces as a miniSEED file; see `credit_fast.write`."""
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
        """`obspy.Stream` of the same traces, sharing the samples.

        Raises
        ------
        MissingExtraError
            ObsPy is not installed.
        """
        return import_obspy().Stream([trace.to_obspy() for trace in self.traces])


def _traces_of(other: object) -> list[Trace] | None:
    if isinstance(other, Stream):
        return other.traces
    return [other] if isinstance(other, Trace) else None


def _checked(traces: Iterable[Any]) -> list[Trace]:
    """List of the traces; TypeError unless all are."""
    listed = list(traces)
    for trace in listed:
        if not isinstance(trace, Trace):
            raise TypeError(f"{type(trace).__name__} {trace!r}: expected a credit_fast Trace")
    return listed


def _matcher(pattern: str) -> Callable[[str], Any]:
    """Function that is true for upper-case text that meets a pattern with wildcards."""
    return re.compile(translate(pattern.upper())).match


def _nearest(origin_ns: int, rate_hz: float, time: Any) -> UTCDateTime:
    index = nearest_sample(origin_ns, rate_hz, to_ns(time))
    return from_ns(sample_time_ns(origin_ns, rate_hz, index))
