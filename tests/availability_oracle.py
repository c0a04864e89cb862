"""What questions about availability, and cuts of exact lengths, must give; see `window_oracle`."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from window_layouts import Record
from window_oracle import (
    ROUNDING_NS,
    Channel,
    Grid,
    Run,
    last_ns,
    late_by,
    period_ns,
)

#: Of more ways to put runs beside each other nothing is said.
MOST_OPTIONS = 64


class Span(NamedTuple):
    """Records without a gap: first and last sample."""

    start_ns: int
    end_ns: int
    rate: Fraction


def spans_of(channel: Channel, *, by_rate: bool) -> list[Span]:
    """Gapless spans; records follow each other within half a sample, whatever they hold."""
    spans: list[list[Record]] = []
    for record in channel.single:
        fitting = [
            span
            for span in spans
            if abs(late_by(span[-1], record)) <= Fraction(1, 2)
            and (not by_rate or span[-1].rate == record.rate)
        ]
        if fitting:
            fitting[0].append(record)
        else:
            spans.append([record])
    found = [Span(span[0].start_ns, last_ns(span[-1]), span[0].rate) for span in spans]
    return sorted(found)


def united(channel: Channel) -> list[Span] | None:
    """The spans, those that overlap as one; None where the order of joining decides.

    That is where rates differ: half of a sample of which rate is a gap?
    """
    periods = [period_ns(record) for record in channel.single]
    found = [_united(channel, extreme) for extreme in (min(periods), max(periods))]
    return found[0] if found[0] == found[1] else None


def _united(channel: Channel, period: Fraction) -> list[Span]:
    """The spans; half an interval more than one between two samples is a gap."""
    spans: list[Span] = []
    reached = Fraction(-(2**63))
    for record in channel.single:
        if record.start_ns > reached + 3 * period / 2:
            spans.append(Span(record.start_ns, last_ns(record), record.rate))
        spans[-1] = spans[-1]._replace(end_ns=max(spans[-1].end_ns, last_ns(record)))
        reached = max(reached, Fraction(last_ns(record)))
    return spans


def leeway_ns(channel: Channel) -> int:
    """How far a sample may be from the time of its own record, on the grid of its span."""
    strays = max((run.strays * period_ns(run.records[0]) for run in channel.runs), default=0)
    return int(strays) + ROUNDING_NS


def samples_inside(channel: Channel, start_ns: int, end_ns: int) -> bool | None:
    """Whether a sample lies in a window; None where rounded times decide."""
    off = leeway_ns(channel)
    times = channel.times_ns
    if ((times >= start_ns + off) & (times <= end_ns - off)).any():
        return True
    if ((times >= start_ns - off) & (times <= end_ns + off)).any():
        return None
    return False


def wrong_spans(
    channel: Channel,
    spans: Sequence[Span],
    found: Sequence[tuple[int, int]],
    start_ns: int,
    end_ns: int,
) -> list[str]:
    """Hold the spans of an answer against those that are there, clipped to a window."""
    off = leeway_ns(channel)
    wrong = []
    left = list(found)
    for span in spans:
        mine = (channel.times_ns >= span.start_ns) & (channel.times_ns <= span.end_ns)
        times = channel.times_ns[mine]
        times = times[(times >= start_ns - off) & (times <= end_ns + off)]
        sure = times[(times >= start_ns + off) & (times <= end_ns - off)]
        begin, end = max(span.start_ns, start_ns), min(span.end_ns, end_ns)
        if not len(times) or begin > end + ROUNDING_NS:
            continue
        first, last = (sure[0], sure[-1]) if len(sure) else (end, begin)
        fits = bool(left) and (
            begin - off <= left[0][0] <= first + off and last - off <= left[0][1] <= end + off
        )
        if fits:
            left.pop(0)
        elif len(sure):
            wrong.append(f"{left[:1]}, expected {begin} to {end}")
    return wrong + [f"{span}, expected none" for span in left]


class Share(NamedTuple):
    """What is there of a window."""

    covered_ns: int
    gaps: int


def shares(channel: Channel, start_ns: int, end_ns: int) -> list[Share]:
    """What may be there of a window; nearly always the same each time.

    Where the rate changes nothing says half of which sample is a gap, nor how long a last one
    stands beside others, and times are rounded: the rules are followed with a little more and a
    little less of each.
    """
    periods = {int(period_ns(record)) for record in channel.single}
    off = leeway_ns(channel) + ROUNDING_NS
    return [
        _share(channel, (start_ns, end_ns), period // 2 + more, near, last)
        for period in periods
        for more in (-off, off)
        for near in (-off, off)
        for last in {min(periods), max(periods)}
    ]


def _share(
    channel: Channel, window: tuple[int, int], tolerance_ns: int, near_ns: int, most_ns: int
) -> Share:
    """With gaps of more than a tolerance; records that far from the window count.

    The last sample of a record stands for its interval, but no longer than `most_ns`.
    """
    start_ns, end_ns = window
    reached, covered, gaps, seen = start_ns, 0, 0, False
    for record in channel.single:
        behind = last_ns(record) + min(int(period_ns(record)), most_ns)
        if behind < start_ns - near_ns or record.start_ns > end_ns + near_ns:
            continue
        seen = True
        begin, behind = min(record.start_ns, end_ns), min(behind, end_ns)
        if begin - reached > tolerance_ns:
            gaps += 1
        else:
            covered += max(0, begin - reached)
        covered += max(0, behind - max(begin, reached))
        reached = max(reached, behind)
    if not seen or end_ns - reached > tolerance_ns:
        gaps += 1
    else:
        covered += end_ns - reached
    return Share(covered, gaps)


class Cutting(NamedTuple):
    """What a cut of so many samples gives; samples that are not there are NaN."""

    start_ns: int
    rate_hz: float
    data: npt.NDArray[np.float64]


def cuts(channel: Channel, start_ns: int, npts: int) -> list[Cutting]:
    """What a cut may give, with each of the grids that its first run may have.

    The times of a run that is cut are rounded to nanoseconds: half way is that wide.
    """
    found = []
    for number, run in enumerate(channel.runs):
        firsts = {
            (grid, place, grid.nearest(start_ns + ns))
            for grid, place in run.starts(start_ns)
            for ns in (-1, 0, 1)
        }
        inside = [
            (grid, place, first)
            for grid, place, first in firsts
            if first + place < len(run.values) and first + place + npts > 0
        ]
        behind = channel.runs[number + 1 :]
        for grid, place, first in inside:
            found += _cuts(run, Grid(grid.time(first), run.rate), first + place, npts, behind)
        # Of a channel of several rates the window is as long as those near its begin make it.
        rates = {record.rate for record in channel.single}
        is_far = len(rates) > 1 and run.records[0].start_ns > start_ns
        if inside and len(inside) == len(firsts) and not is_far:
            return found
    return [*found, Cutting(start_ns, float("nan"), np.full(npts, np.nan))]


def _cuts(run: Run, grid: Grid, first: int, npts: int, behind: Sequence[Run]) -> list[Cutting]:
    """A cut on a grid that begins with sample `first` of a run, with each place of the others."""
    data = np.full(npts, np.nan)
    _put(data, run.values, -first)
    options = [data]
    for other in behind:
        starts = other.starts(other.records[0].start_ns)
        places = {grid.nearest(start.time(-place)) for start, place in starts if place <= 0}
        if other.rate == run.rate and min(places) < npts:
            # Where records stray the others may be nearest to one place or the next.
            options = [option.copy() for option in options for _ in places][:MOST_OPTIONS]
            for number, option in enumerate(options):
                _put(option, other.values, sorted(places)[number % len(places)])
    return [Cutting(grid.start_ns, float(run.rate), option) for option in options]


def _put(data: npt.NDArray[np.float64], values: npt.NDArray[np.float64], at: int) -> None:
    """Put values in places that are free yet."""
    for number, value in enumerate(values.tolist(), at):
        if 0 <= number < len(data) and np.isnan(data[number]):
            data[number] = value
