"""Gaps and overlaps between the traces of a stream, as a list and as text."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from itertools import groupby
from typing import Any

import numpy as np

from credit_fast.times import from_ns, microseconds, nearest_sample
from credit_fast.waveform.merge import order_of
from credit_fast.waveform.trace import Trace

__all__ = ["find_gaps", "format_gaps"]

#: network, station, location, channel, last sample, next sample, seconds, samples
Gap = list[Any]


def find_gaps(
    traces: Iterable[Trace], min_gap: float | None = None, max_gap: float | None = None
) -> list[Gap]:
    """Gaps and overlaps as `Stream.get_gaps` says."""
    found: list[Gap] = []
    ordered = sorted(traces, key=order_of)
    for _, group in groupby(ordered, key=lambda trace: order_of(trace)[:4]):
        found += _gaps_of_one(list(group), min_gap, max_gap)
    return found


def _gaps_of_one(traces: list[Trace], min_gap: float | None, max_gap: float | None) -> list[Gap]:
    """Gaps between traces of one id, sorted by start."""
    found: list[Gap] = []
    starts = [microseconds(trace.stats._start_ns) for trace in traces]
    ends = [microseconds(trace.stats._end_ns()) for trace in traces]
    furthest = np.maximum.accumulate(np.array(ends, np.int64)) if ends else ()
    for i, trace in enumerate(traces):
        if isinstance(trace.data, np.ma.MaskedArray):
            found += find_gaps(trace.split(), min_gap, max_gap)
        if i + 1 == len(traces):
            break
        stats, following = trace.stats, traces[i + 1].stats
        last_ns = min(stats._end_ns(), following._end_ns())
        next_ns = following._start_ns
        seconds = (next_ns - last_ns) / 1_000_000_000 - stats.delta
        if seconds < 0:
            # An overlap is no longer than the trace that overlaps.
            seconds = max(seconds, (next_ns - following._end_ns()) / 1_000_000_000)
        if (min_gap and seconds < min_gap) or (max_gap and seconds > max_gap):
            continue
        length = nearest_sample(0, stats.sampling_rate, round(abs(seconds) * 1e9))
        if length == 0 and stats.delta == following.delta:
            continue
        earlier = min(bisect_left(starts, microseconds(last_ns)), i)
        covered = microseconds(last_ns) < starts[i + 1]
        if covered and earlier and furthest[earlier - 1] > starts[i + 1]:
            continue  # an earlier, longer trace has the samples
        found.append(
            [stats.network, stats.station, stats.location, stats.channel,
             from_ns(last_ns), from_ns(next_ns), seconds, -length if seconds < 0 else length]
        )  # fmt: skip
    return found


def format_gaps(gaps: list[Gap]) -> str:
    """Table of gaps with a line of totals, as ObsPy's `print_gaps` shows it."""
    lines = [f"{'Source':<17} {'Last Sample':<27} {'Next Sample':<27} {'Delta':<15} {'Samples':<8}"]
    for gap in gaps:
        source = ".".join(gap[:4])
        lines.append(f"{source:<17} {gap[4]!s:<27} {gap[5]!s:<27} {gap[6]:<15.6f} {gap[7]:<8d}")
    n_gaps = sum(gap[6] > 0 for gap in gaps)
    lines.append(f"Total: {n_gaps} gap(s) and {len(gaps) - n_gaps} overlap(s)")
    return "\n".join(lines)
