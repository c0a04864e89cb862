"""Traces of one channel to fewer, longer traces: ObsPy's rules, in time linear in the samples.

Pieces are collected in a list and concatenated once per result. The samples between pieces come
from `credit_fast.waveform.gapfill`; reading files is no business of this module.
"""

from __future__ import annotations

import copy
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from credit_fast.times import microseconds, nearest_sample, sample_time_ns
from credit_fast.waveform.gapfill import Samples, concatenate, gap_samples, without_idle_mask
from credit_fast.waveform.overlaps import Overlaps
from credit_fast.waveform.stats import Stats
from credit_fast.waveform.trace import Trace

__all__ = ["MISALIGNMENT_THRESHOLD", "merge_traces", "order_of"]

#: Largest distance, in samples, between the time of a trace and the samples of the one before it
#: for the two to be joined. Half a sample is the rule by which miniSEED records make one trace, in
#: libmseed and in `credit_fast.read`, so that cutting a recording into files never changes the
#: answer. ObsPy's merge takes 1e-2.
MISALIGNMENT_THRESHOLD = 0.5

# Start times in files are rounded to microseconds, so that much is never a misalignment.
_ROUNDING_NS = 500


def order_of(trace: Trace) -> tuple[str, str, str, str, int, int]:
    """Sorting key: codes, then start, then end."""
    s = trace.stats
    return s.network, s.station, s.location, s.channel, s._start_ns, s._end_ns()


def merge_traces(
    traces: Iterable[Trace],
    method: int,
    fill_value: Any = None,
    interpolation_samples: int = 0,
    misalignment_threshold: float = MISALIGNMENT_THRESHOLD,
    *,
    overlaps: Overlaps,
) -> list[Trace]:
    """Merge as `Stream.merge` says; the given traces and their samples stay as they are.

    Samples that were there twice and are identical are counted in `overlaps`.
    """
    if method not in (-1, 0, 1):
        raise ValueError(f"merge method {method!r}: expected -1, 0 or 1")
    if interpolation_samples < -1:
        raise ValueError(f"interpolation_samples {interpolation_samples!r}: expected -1 or more")
    if not 0 <= misalignment_threshold <= 0.5:
        raise ValueError(
            f"misalignment_threshold {misalignment_threshold!r}: expected 0 to 0.5 samples"
        )
    merged: list[Trace] = []
    ordered = sorted((trace for trace in traces if len(trace)), key=order_of)
    for _, group in groupby(ordered, key=lambda trace: order_of(trace)[:4]):
        parts = _join_seamless(group, misalignment_threshold, overlaps)
        # Without a rate (log records) there is no time between samples to merge by.
        if method >= 0 and any(part.stats._rate_hz for part in parts):
            how = _How(method, fill_value, interpolation_samples, misalignment_threshold)
            parts = [_overlay_all(parts, how)]
        merged += parts
    return merged


@dataclass(frozen=True, slots=True)
class _How:
    """How methods 0 and 1 treat gaps and differing overlaps."""

    method: int
    fill_value: Any
    interpolation_samples: int
    threshold: float


class _Run:
    """Samples that grow at the end, as a list of pieces that is concatenated once."""

    __slots__ = ("_first", "_pieces", "_starts", "npts", "stats")

    def __init__(self, trace: Trace) -> None:
        self._first = trace
        self.stats: Stats = trace.stats
        self._pieces: list[Samples] = [trace.data]
        self._starts = [0]
        self.npts = len(trace)

    def end_ns(self) -> int:
        return sample_time_ns(self.stats._start_ns, self.stats._rate_hz, self.npts - 1)

    def on_grid(self, index: int, time_ns: int, threshold: float) -> bool:
        """Whether a time is within `threshold` samples of the time of sample `index`."""
        period_ns = 1e9 / self.stats._rate_hz
        allowed_ns = max(threshold * period_ns, min(_ROUNDING_NS, period_ns / 2))
        sample_ns = sample_time_ns(self.stats._start_ns, self.stats._rate_hz, index)
        return abs(time_ns - sample_ns) <= allowed_ns

    def same_kind(self, trace: Trace) -> bool:
        """Whether rate, data type and calibration agree."""
        mine, its = self.stats, trace.stats
        return (
            mine._rate_hz == its._rate_hz
            and self._pieces[0].dtype == trace.data.dtype
            and mine.calib == its.calib
        )

    def append(self, samples: Samples) -> None:
        if len(samples):
            self._starts.append(self.npts)
            self._pieces.append(samples)
            self.npts += len(samples)

    def cut(self, npts: int) -> list[Samples]:
        """Keep the first `npts` samples and return the pieces after them."""
        if npts >= self.npts:
            return []
        at = bisect_right(self._starts, npts) - 1
        inside = npts - self._starts[at]
        rest = [self._pieces[at][inside:], *self._pieces[at + 1 :]]
        kept = [self._pieces[at][:inside]] if inside else []
        self._pieces[at:] = kept
        del self._starts[at + len(kept) :]
        self.npts = npts
        return rest

    def samples(self, first: int, stop: int) -> Samples:
        """Samples `first` to `stop` (not included), joined."""
        at = bisect_right(self._starts, first) - 1
        parts = []
        while at < len(self._pieces) and self._starts[at] < stop:
            offset = self._starts[at]
            parts.append(self._pieces[at][max(first - offset, 0) : stop - offset])
            at += 1
        return concatenate(parts)

    def replace(self, first: int, samples: Samples) -> None:
        """Put other samples from `first` on; those after them stay."""
        rest = self.cut(first)
        behind = len(samples)
        self.append(samples)
        for piece in rest:
            self.append(piece[behind:])
            behind = max(behind - len(piece), 0)

    def trace(self) -> Trace:
        """The result; the trace itself when nothing was added to it."""
        if len(self._pieces) == 1 and self._pieces[0] is self._first.data:
            return self._first
        made = copy.copy(self._first)
        made.stats = copy.deepcopy(self.stats)
        made.data = without_idle_mask(concatenate(self._pieces))
        return made


def _join_seamless(traces: Iterable[Trace], threshold: float, overlaps: Overlaps) -> list[Trace]:
    """Join neighbours that follow on and overlaps that are identical; sorted traces of one id.

    Samples are placed on the time grid of the first trace of a run. A trace that is not joined
    keeps its own start.
    """
    joined: list[Trace] = []
    run: _Run | None = None
    for trace in traces:
        if run is None:
            run = _Run(trace)
            continue
        twice = _extend(run, trace, threshold)
        if twice is None:
            joined.append(run.trace())
            run = _Run(trace)
        else:
            overlaps.count(trace.id, "identical", twice)
    if run is not None:
        joined.append(run.trace())
    return joined


def _extend(run: _Run, trace: Trace, threshold: float) -> int | None:
    """Add a trace to the run if it follows on or agrees with it; None leaves the run alone.

    Returns how many of its samples the run had.
    """
    stats = run.stats
    rate_hz = stats._rate_hz
    if not rate_hz or not run.same_kind(trace):
        return None
    start_ns, data = trace.stats._start_ns, trace.data
    if run.on_grid(run.npts, start_ns, threshold):
        run.append(data)
        return 0
    first = nearest_sample(stats._start_ns, rate_hz, start_ns)
    overlap = run.npts - first
    if overlap <= 0 or not run.on_grid(first, start_ns, threshold):
        return None
    common = min(overlap, len(data))
    if not _identical(run.samples(first, first + common), data[:common]):
        return None
    run.append(data[overlap:])
    return common


def _identical(a: Samples, b: Samples) -> bool:
    """Equal samples and equal masks."""
    if isinstance(a, np.ma.MaskedArray) or isinstance(b, np.ma.MaskedArray):
        mask = np.ma.getmaskarray(a)
        if not np.array_equal(mask, np.ma.getmaskarray(b)):
            return False
        return np.array_equal(np.ma.getdata(a)[~mask], np.ma.getdata(b)[~mask])
    return np.array_equal(a, b)


def _overlay_all(parts: list[Trace], how: _How) -> Trace:
    """One trace of all parts, which are of one id and sorted by start."""
    run = _Run(parts[0])
    for trace in parts[1:]:
        _check_same_kind(parts[0], trace)
        _overlay(run, trace, how)
    return run.trace()


def _check_same_kind(first: Trace, other: Trace) -> None:
    pairs = {
        "sampling rates": (first.stats.sampling_rate, other.stats.sampling_rate),
        "data types": (first.data.dtype, other.data.dtype),
        "calibration factors": (first.stats.calib, other.stats.calib),
    }
    for name, (one, two) in pairs.items():
        if one != two:
            raise ValueError(
                f"cannot merge traces of {first.id} with different {name}: {one} and {two}; "
                "method -1 keeps them apart"
            )


def _overlay(run: _Run, trace: Trace, how: _How) -> None:
    """Add one trace, as ObsPy's `Trace.__add__` does it with the run on the left."""
    data, start_ns, end_ns = trace.data, trace.stats._start_ns, run.end_ns()
    between = nearest_sample(end_ns, run.stats._rate_hz, start_ns) - 1
    fill_value = how.fill_value
    if isinstance(fill_value, str):
        fill_value = _bordering(run, data, fill_value)
    if between >= 0:
        run.append(gap_samples(between, data.dtype, fill_value))
        run.append(data)
        return
    first = run.npts + between
    if run.on_grid(first, start_ns, how.threshold):
        goes_beyond = first + len(data) > run.npts
    else:
        goes_beyond = microseconds(trace.stats._end_ns()) > microseconds(end_ns)
    if goes_beyond:
        _overlay_end(run, data, first, fill_value, how)
        return
    # The trace lies within the run.
    common = min(len(data), -between)
    old, new = run.samples(first, first + common), data[:common]
    if _agree(old, new):
        if np.ma.is_masked(old):
            run.replace(first, _fill_masked(old, new))
    elif how.method == 0:
        run.replace(first, gap_samples(common, data.dtype, fill_value))


def _bordering(run: _Run, data: Samples, fill_value: str) -> Any:
    """Value of the words "latest" and "interpolate" between the run and the next samples."""
    last = run.samples(run.npts - 1, run.npts)[0]
    if fill_value not in ("latest", "interpolate"):
        raise ValueError(f'fill_value {fill_value!r}: expected a number, "latest" or "interpolate"')
    if last is np.ma.masked or (fill_value == "interpolate" and data[0] is np.ma.masked):
        return None  # there is no sample to take the value from: the gap stays masked
    return last if fill_value == "latest" else (last, data[0])


def _overlay_end(run: _Run, data: Samples, first: int, fill_value: Any, how: _How) -> None:
    """Add samples that begin at sample `first` of the run and go beyond its end."""
    overlap = run.npts - first
    old, new = run.samples(first, run.npts), data[:overlap]
    if _agree(old, new) and not _all_masked(old, new):
        run.cut(first)
        run.append(data)
        return
    if how.method == 0:
        run.cut(first)
        run.append(gap_samples(overlap, data.dtype, fill_value))
        run.append(data[overlap:])
        return
    wanted = how.interpolation_samples
    count = overlap if wanted == -1 else min(wanted, overlap)
    if count >= len(data):
        return
    before = max(first - 1, 0)
    left = run.samples(before, before + 1)[0]
    run.cut(first)
    run.append(gap_samples(count, data.dtype, (left, data[count])))
    run.append(data[count:])


def _agree(a: Samples, b: Samples) -> bool:
    """Equal wherever neither is masked."""
    return bool(np.ma.compressed(np.ma.equal(a, b)).all())


def _all_masked(a: Samples, b: Samples) -> bool:
    return bool((np.ma.getmaskarray(a) | np.ma.getmaskarray(b)).all())


def _fill_masked(a: Samples, b: Samples) -> Samples:
    """`a`, with the samples of `b` where `a` is masked; masked where both are."""
    hole = np.ma.getmaskarray(a)
    values = np.where(hole, np.ma.getdata(b), np.ma.getdata(a))
    return np.ma.MaskedArray(values, mask=hole & np.ma.getmaskarray(b))
