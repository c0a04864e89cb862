"""One station record from traces: a common grid, gaps, fill, sample types, refusals.

Pure numpy on what `get_waveforms` returned. The rules:

- The record is the union of what the components have inside the window, on one grid: its first
  sample is the earliest sample of any component. Its rate is the one that is accepted; where any
  is, the one of most seconds of all channels (the higher of two with as many).
- A component as a whole goes to the nearest grid sample; its segments keep their distances from
  its first sample, rounded to whole samples. Half way goes to the later sample, as in ObsPy.
- A sample that a component lacks holds the fill value and is listed in its gaps.
- Of overlapping segments the earlier wins; samples that differ are counted.
- A segment of another rate is refused: the picked channel has no say in it. Rates are the same
  when they differ by at most 1e-4 of the rate and drift apart by less than half a sample over the
  window. On request it is brought to the rate, with samples around the window where there are any:
  it ends at the window, not its filter.
- Integers are stored as int32; floats that are all whole numbers within int32 too, other floats
  as they are. Text is refused, and a channel whose records all failed their own check.

No client, no HDF5, no counting over records.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from credit_fast.hdf5 import layout
from credit_fast.station_records.resampling import factor, reach_ns, resample
from credit_fast.station_records.sample_types import common_form
from credit_fast.station_records.settings import Settings
from credit_fast.times import to_ns

__all__ = ["Component", "Record", "build_record", "runs_of_true", "wider_window"]

Array = npt.NDArray[Any]

WRONG_RATE = "sampling rate"
FAILED_CHECK = "its records failed their own check"
_RATE_TOLERANCE = 1e-4  # relative; what the index calls one rate
_INT32 = np.iinfo(np.int32)
# A sample belongs to the window when it is at most half a sample outside (nearest-sample rule);
# the rest is room for rounding of times to nanoseconds.
_HALF_SAMPLE = 0.5 + 1e-3
# The same for the place of a segment, as a fraction: as much before a grid sample belongs to it.
_HALF_WAY = 501, 1000


@dataclass(slots=True)
class Component:
    """One component on the grid of its record.

    `gaps` are (first sample, number of samples) of the filled stretches. `subsample_offset_s` is
    how much later than the grid the samples were taken (where segments differ, the largest).
    `missing_s` counts the
    seconds of the asked window without a real sample. `conflicts` counts samples where a later
    overlapping segment had another value. `float_data` is "" for integers, "whole" for floats
    stored as int32, "kept" for floats stored as floats. `notes` are attributes that say what
    else was done to the samples. `computed`: they are results, and of no type of the archive.
    """

    name: str
    data: Array
    gaps: list[tuple[int, int]]
    subsample_offset_s: float
    missing_s: float
    conflicts: int
    float_data: str
    notes: dict[str, layout.AttributeValue] = field(default_factory=dict)
    computed: bool = False

    @property
    def completeness(self) -> float:
        """Share of real samples in the record, 0 to 1."""
        npts = len(self.data)
        return 1.0 - sum(count for _, count in self.gaps) / npts if npts else 0.0

    def has_sample(self, index: int) -> bool:
        """Whether the sample at `index` is real, neither outside nor filled."""
        if not 0 <= index < len(self.data):
            return False
        return not any(first <= index < first + count for first, count in self.gaps)


@dataclass(slots=True)
class Record:
    """One station record: `npts` samples from `start_ns` at `rate_hz` in every component.

    `refused` says per channel what was not taken; a channel that is also in `components` lost
    only some segments. `refusal` says why there is no record although there is data.
    """

    start_ns: int = 0
    rate_hz: float = 0.0
    npts: int = 0
    components: dict[str, Component] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    refusal: str | None = None

    def index_at(self, time_ns: int) -> int:
        """Number of the sample nearest to a time; may lie outside the record."""
        return _samples_between(self.start_ns, time_ns, self.rate_hz)

    def has_sample_at(self, time_ns: int) -> bool:
        """Whether some component has a real sample at a time."""
        index = self.index_at(time_ns)
        return any(component.has_sample(index) for component in self.components.values())


@dataclass(slots=True)
class _Segment:
    start_ns: int
    rate_hz: float
    data: Array

    @property
    def end_ns(self) -> int:
        return self.start_ns + round((len(self.data) - 1) * 1e9 / self.rate_hz)


def build_record(
    traces: Iterable[Any],
    window_ns: tuple[int, int],
    settings: Settings,
    failed_channels: Collection[str] = (),
) -> Record | None:
    """Station record of the traces of one band at one station.

    Parameters
    ----------
    traces
        Objects with ObsPy's `stats` and a 1-D `data`, in any order. Of what is resampled those of
        `wider_window`.
    window_ns
        First and last time asked for, ns since 1970; samples up to half a sample outside count.
    settings
        The rate that is accepted (None accepts any, but one for the record), and the value of
        samples that a component lacks.
    failed_channels
        Channels with records that were left out of `traces`, as they failed their own check.

    Returns None when the window has no sample at all.
    """
    record = Record()
    segments = _collect(traces, window_ns, settings.resample_hz, record.refused)
    segments, resampled = _resampled(segments, settings.resample_hz, window_ns)
    for channel in failed_channels:
        if channel not in segments:
            record.refused.setdefault(channel, FAILED_CHECK)
    duration_s = (window_ns[1] - window_ns[0]) / 1e9
    kept = _of_one_rate(segments, record, settings.accepted_hz, duration_s)
    if not kept:
        if record.refused:
            record.refusal = "; ".join(sorted(set(record.refused.values())))
        return record if record.refused else None
    record.start_ns = min(part.start_ns for parts in kept.values() for part in parts)
    places = {channel: _places(record, parts) for channel, parts in kept.items()}
    record.npts = max(
        first + len(part.data)
        for channel, parts in kept.items()
        for first, part in zip(places[channel], parts, strict=True)
    )
    if record.npts > layout.MAX_SAMPLES:
        record.refusal = f"{record.npts} samples in a component, more than {layout.MAX_SAMPLES}"
        record.refused.update(dict.fromkeys(kept, record.refusal))
        return record
    for channel, parts in kept.items():
        placed = list(zip(places[channel], parts, strict=True))
        record.components[channel] = _place(record, channel, placed, window_ns, settings.fill)
        if channel in resampled:
            part = record.components[channel]
            part.computed, part.float_data = True, ""
            part.notes[layout.RESAMPLED_FROM] = resampled[channel]
    return record


def _samples_between(from_ns: int, to_ns: int, rate_hz: float) -> int:
    """Whole samples from one time to another, nearest; half way counts to the later one.

    Integers throughout: a float has no room for the nanoseconds of a long window, and rounding
    half to even would send every other segment the other way.
    """
    # floor(rate * time + half way), exactly, over one divisor.
    rate, per = rate_hz.as_integer_ratio()
    half, of = _HALF_WAY
    per *= 1_000_000_000
    return (rate * (to_ns - from_ns) * of + half * per) // (per * of)


def _places(record: Record, segments: list[_Segment]) -> list[int]:
    """Grid sample of the first sample of each segment of one component.

    First the component goes to the grid, then its segments to the component: were each segment
    sent to the grid by itself, two that are whole samples apart could move against each other.
    """
    own_ns = min(part.start_ns for part in segments)
    shift = record.index_at(own_ns)
    return [shift + _samples_between(own_ns, part.start_ns, record.rate_hz) for part in segments]


def wider_window(
    traces: Iterable[Any], window_ns: tuple[int, int], settings: Settings
) -> tuple[int, int] | None:
    """The window with all that the samples in it are resampled from; None where none is resampled.

    `traces` are what the archive has in the window itself.
    """
    target_hz = settings.resample_hz
    if target_hz is None:
        return None
    duration_s = (window_ns[1] - window_ns[0]) / 1e9
    rates = {float(trace.stats.sampling_rate) for trace in traces}
    reach = max((_reach_ns(rate_hz, target_hz, duration_s) for rate_hz in rates), default=0)
    return (window_ns[0] - reach, window_ns[1] + reach) if reach else None


def _reach_ns(rate_hz: float, target_hz: float | None, duration_s: float) -> int:
    """How far around the window samples of a rate are needed; 0 for one that is not changed."""
    if target_hz is None or not _is_rate(rate_hz) or _same_rate(rate_hz, target_hz, duration_s):
        return 0
    return 0 if factor(rate_hz, target_hz, 1) is None else reach_ns(rate_hz, target_hz)


def _is_rate(rate_hz: float) -> bool:
    return math.isfinite(rate_hz) and rate_hz > 0


def _collect(
    traces: Iterable[Any],
    window_ns: tuple[int, int],
    target_hz: float | None,
    refused: dict[str, str],
) -> dict[str, list[_Segment]]:
    """Segments by channel, cut to the window, in order of start; bad data go to `refused`.

    What is to be brought to `target_hz` keeps what the filter needs around the window.
    """
    segments: dict[str, list[_Segment]] = {}
    duration_s = (window_ns[1] - window_ns[0]) / 1e9
    # Sorted before they are cut: two segments that both reach over the window's start then keep
    # the order of their own starts.
    for trace in sorted(traces, key=lambda trace: to_ns(trace.stats.starttime)):
        stats = trace.stats
        data = np.ma.asanyarray(trace.data) if np.ma.isMA(trace.data) else np.asarray(trace.data)
        rate = float(stats.sampling_rate)
        if data.size == 0:
            continue
        reason = _data_fault(data, rate)
        if reason is not None:
            refused[stats.channel] = reason
            continue
        reach = _reach_ns(rate, target_hz, duration_s)
        kept_ns = (window_ns[0] - reach, window_ns[1] + reach)
        for first, part in _unmasked(data):
            start_ns = to_ns(stats.starttime) + round(first * 1e9 / rate)
            segment = _clip(_Segment(start_ns, rate, part), kept_ns)
            if segment is None:
                continue
            if _is_beyond_int32(segment.data):
                refused[stats.channel] = f"{data.dtype} samples beyond int32"
            else:
                segments.setdefault(stats.channel, []).append(segment)
    return dict(sorted(segments.items()))


def _data_fault(data: Array, rate_hz: float) -> str | None:
    if data.dtype.kind not in "iuf" or data.ndim != 1:
        return "not a series of numbers (text or log data)"
    return None if _is_rate(rate_hz) else f"{WRONG_RATE} {rate_hz:g} Hz is none"


def _is_beyond_int32(data: Array) -> bool:
    if data.dtype.kind == "f" or np.can_cast(data.dtype, np.int32):
        return False
    return bool(data.min() < _INT32.min or data.max() > _INT32.max)


def _unmasked(data: Array) -> list[tuple[int, Array]]:
    """(first sample, samples) of each stretch without masked samples."""
    if not isinstance(data, np.ma.MaskedArray):
        return [(0, data)]
    stretches = runs_of_true(~np.ma.getmaskarray(data))
    return [(first, data.data[first : first + count]) for first, count in stretches]


def _clip(segment: _Segment, window_ns: tuple[int, int]) -> _Segment | None:
    """The part of a segment inside the window; a copy of no sample."""
    per_ns = segment.rate_hz / 1e9
    first = math.ceil((window_ns[0] - segment.start_ns) * per_ns - _HALF_SAMPLE)
    last = math.floor((window_ns[1] - segment.start_ns) * per_ns + _HALF_SAMPLE)
    first, last = max(first, 0), min(last, len(segment.data) - 1)
    if first > last:
        return None
    start_ns = segment.start_ns + round(first / per_ns)
    return _Segment(start_ns, segment.rate_hz, segment.data[first : last + 1])


def _resampled(
    segments: dict[str, list[_Segment]], target_hz: float | None, window_ns: tuple[int, int]
) -> tuple[dict[str, list[_Segment]], dict[str, str]]:
    """Segments at the rate that is asked for, each by itself; the rates before, by channel.

    A segment that is at that rate stays as it is; one whose rate has no whole ratio to it stays,
    too, and is refused as of a wrong rate.
    """
    if target_hz is None:
        return segments, {}
    duration_s = (window_ns[1] - window_ns[0]) / 1e9
    kept: dict[str, list[_Segment]] = {}
    before: dict[str, list[float]] = {}
    for channel, parts in segments.items():
        for part in parts:
            if _same_rate(part.rate_hz, target_hz, duration_s):
                kept.setdefault(channel, []).append(part)
                continue
            by = factor(part.rate_hz, target_hz, len(part.data))
            changed = part
            if by is not None:
                changed = _Segment(part.start_ns, target_hz, resample(part.data, by))
            inside = _clip(changed, window_ns)
            if inside is None:
                continue
            kept.setdefault(channel, []).append(inside)
            if by is not None:
                before.setdefault(channel, []).append(part.rate_hz)
    return kept, {
        channel: ",".join(f"{rate:.9g}" for rate in dict.fromkeys(rates))
        for channel, rates in before.items()
    }


def _commonest_rate(parts: list[_Segment]) -> float:
    seconds: defaultdict[float, float] = defaultdict(float)
    for part in parts:
        seconds[part.rate_hz] += len(part.data) / part.rate_hz
    return max(seconds, key=lambda rate: (seconds[rate], rate))


def _of_one_rate(
    segments: dict[str, list[_Segment]],
    record: Record,
    accepted_hz: float | None,
    duration_s: float,
) -> dict[str, list[_Segment]]:
    """Segments of one rate, by channel; gives the record its rate, and the others a reason."""
    kept = segments
    if accepted_hz is not None:
        kept = _at_rate(kept, accepted_hz, record, duration_s, "expected")
    if kept:
        record.rate_hz = _commonest_rate([part for parts in kept.values() for part in parts])
        kept = _at_rate(kept, record.rate_hz, record, duration_s, "the record has")
    return kept


def _at_rate(
    segments: dict[str, list[_Segment]],
    rate_hz: float,
    record: Record,
    duration_s: float,
    words: str,
) -> dict[str, list[_Segment]]:
    kept: dict[str, list[_Segment]] = {}
    for channel, parts in segments.items():
        for part in parts:
            if _same_rate(part.rate_hz, rate_hz, duration_s):
                kept.setdefault(channel, []).append(part)
            else:
                reason = f"{WRONG_RATE} {part.rate_hz:.9g} Hz, {words} {rate_hz:.9g} Hz"
                record.refused[channel] = reason
    return kept


def _same_rate(rate_hz: float, other_hz: float, duration_s: float) -> bool:
    difference = abs(rate_hz - other_hz)
    return difference <= _RATE_TOLERANCE * other_hz and difference * duration_s < 0.5


def _place(
    record: Record,
    channel: str,
    placed: list[tuple[int, _Segment]],
    window_ns: tuple[int, int],
    fill: int,
) -> Component:
    """One component on the record's grid from segments and their places; earlier segments win."""
    arrays, float_data = common_form([part.data for _, part in placed])
    offset_ns = 0.0
    conflicts = 0
    if len(arrays) == 1 and len(arrays[0]) == record.npts:
        data, gaps = arrays[0], []
    else:
        data = np.full(record.npts, fill, dtype=arrays[0].dtype)
        real = np.zeros(record.npts, dtype=bool)
        for (first, _), samples in zip(placed, arrays, strict=True):
            place = slice(first, first + len(samples))
            taken = real[place]
            conflicts += int(np.count_nonzero(taken & (data[place] != samples)))
            np.copyto(data[place], samples, where=~taken)
            real[place] = True
        gaps = runs_of_true(~real)
    for first, part in placed:
        # Differences first: a time since 1970 has no room for nanoseconds in a float.
        on_grid_ns = first * 1e9 / record.rate_hz
        off_grid_ns = (part.start_ns - record.start_ns) - on_grid_ns
        if abs(off_grid_ns) > abs(offset_ns):
            offset_ns = off_grid_ns
    return Component(
        name=channel,
        data=data,
        gaps=gaps,
        subsample_offset_s=offset_ns / 1e9 if abs(offset_ns) >= 1000 else 0.0,
        missing_s=_missing_samples(placed, gaps, record, window_ns) / record.rate_hz,
        conflicts=conflicts,
        float_data=float_data,
    )


def runs_of_true(flags: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """(first, number) of each stretch of true flags."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False])).astype(np.int8)))
    return [
        (int(first), int(end - first)) for first, end in zip(edges[::2], edges[1::2], strict=True)
    ]


def _missing_samples(
    placed: list[tuple[int, _Segment]],
    gaps: list[tuple[int, int]],
    record: Record,
    window_ns: tuple[int, int],
) -> int:
    """Samples of the asked window that the component lacks: before, after, and inside.

    Counted from the component's own sample times: a component that lies half a sample beside the
    grid lacks nothing of the window, although it lacks the grid's first sample.
    """
    per_ns = record.rate_hz / 1e9
    first_ns = min(part.start_ns for _, part in placed)
    last_ns = max(part.end_ns for _, part in placed)
    before = max(0, math.ceil((first_ns - window_ns[0]) * per_ns - _HALF_SAMPLE))
    after = max(0, math.ceil((window_ns[1] - last_ns) * per_ns - _HALF_SAMPLE))
    own_first = min(first for first, _ in placed)
    own_last = max(first + len(part.data) - 1 for first, part in placed)
    inside = sum(count for first, count in gaps if first > own_first and first < own_last)
    return before + after + inside
