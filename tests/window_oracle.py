"""Which samples a window must have, from each record that was written: simple, exact and slow.

The rules are those of docs/decisions/0002-window-rule.md and 0009-asking.md, in whole numbers and
by looking at all records each time; nothing of the package but its answers is used. Where the rules
leave a choice (which of two grids half a sample apart, which traces overlapping data make), an
answer is held to what each choice has in common.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import groupby, pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from window_layouts import Record

NS = 10**9
#: The index writes some times in microseconds.
ROUNDING_NS = 1000


class Trace(NamedTuple):
    """A run of samples of an answer."""

    id: str
    start_ns: int
    rate_hz: float
    data: npt.NDArray[Any]


@dataclass(frozen=True)
class Window:
    """A question; both ends in nanoseconds since 1970."""

    start_ns: int
    end_ns: int
    edge: str = "nearest"
    half_open: bool = False


class Grid(NamedTuple):
    """Times of samples: a first one and a rate."""

    start_ns: int
    rate: Fraction

    def time(self, number: int) -> int:
        """Time of a sample, rounded to nanoseconds."""
        p, q = self.rate.numerator, self.rate.denominator
        return self.start_ns + (2 * number * NS * q + p) // (2 * p)

    def nearest(self, time_ns: int) -> int:
        """Number of the sample nearest to a time, half way the later one."""
        p, q = self.rate.numerator, self.rate.denominator
        return (2 * (time_ns - self.start_ns) * p + q * NS) // (2 * q * NS)

    def nearest_earlier(self, time_ns: int) -> int:
        """The same, half way the earlier one."""
        p, q = self.rate.numerator, self.rate.denominator
        return -((q * NS - 2 * (time_ns - self.start_ns) * p) // (2 * q * NS))

    def first(self, window: Window, time_ns: int) -> int:
        """Number of the first sample of a window that begins at a time."""
        near = self.nearest(time_ns)
        if window.edge == "nearest":
            return near
        around = range(near - 1, near + 2)
        if window.edge == "inside":
            return min(n for n in around if self.time(n) >= time_ns)
        return max(n for n in around if self.time(n) <= time_ns)

    def last(self, window: Window) -> int:
        """Number of the last sample of a window."""
        if window.half_open:
            return self.first(window, window.end_ns) - 1
        near = self.nearest_earlier(window.end_ns)
        if window.edge == "nearest":
            return near
        around = range(near - 1, near + 2)
        if window.edge == "inside":
            return max(n for n in around if self.time(n) <= window.end_ns)
        return min(n for n in around if self.time(n) >= window.end_ns)


def grid_of(record: Record) -> Grid:
    """The grid that the header of a record tells."""
    return Grid(record.start_ns, record.rate)


def last_ns(record: Record) -> int:
    """Time of the last sample of a record."""
    return grid_of(record).time(len(record.values) - 1)


def period_ns(record: Record) -> Fraction:
    """Time from one sample to the next."""
    return NS / record.rate


def late_by(before: Record, record: Record) -> Fraction:
    """How much later than expected a record begins behind another one, in samples."""
    expected = before.start_ns + len(before.values) * period_ns(before)
    return (record.start_ns - expected) / period_ns(before)


def same_kind(a: Record, b: Record) -> bool:
    """Whether two records can be of one trace."""
    return a.rate == b.rate and a.values.dtype == b.values.dtype


def joins(before: Record, record: Record) -> bool:
    """Whether a record goes on where another one ends: within half a sample."""
    return same_kind(before, record) and abs(late_by(before, record)) <= Fraction(1, 2)


def follows(before: Record, record: Record) -> bool:
    """The same of the spans of an index, which tell nothing of the types of samples."""
    return before.rate == record.rate and abs(late_by(before, record)) <= Fraction(1, 2)


def same_samples(a: Record, b: Record) -> bool:
    """Whether two records hold the same."""
    return same_kind(a, b) and a.start_ns == b.start_ns and bool(np.array_equal(a.values, b.values))


def chained(
    records: Iterable[Record],
    fits: Callable[[Record, Record], bool] = joins,
    *,
    newest: bool = False,
) -> list[list[Record]]:
    """Records, in this order, each behind the first run that it goes on with, or the newest."""
    runs: list[list[Record]] = []
    for record in records:
        fitting = [run for run in runs if fits(run[-1], record)]
        if fitting:
            fitting[-1 if newest else 0].append(record)
        else:
            runs.append([record])
    return runs


def in_time(records: Iterable[Record]) -> list[Record]:
    """Records by their start."""
    return sorted(records, key=lambda record: (record.start_ns, record.file, record.place))


class Cut(NamedTuple):
    """A part of a run of records: time of its first sample, numbers of both ends."""

    start_ns: int
    first: int
    last: int


class Run:
    """Records of a channel that follow each other without a gap."""

    def __init__(self, records: list[Record], grids: dict[Record, set[int]]) -> None:
        self.records = records
        self.grids = grids
        self.values = np.concatenate([record.values for record in records])
        self.rate = records[0].rate
        numbers = np.cumsum([0, *(len(record.values) for record in records)])
        #: Number of the first sample of each record.
        self.places = [int(number) for number in numbers[:-1]]
        #: Number of the sample of each value.
        self.places_of = {value: number for number, value in enumerate(self.values.tolist())}

    @cached_property
    def strays(self) -> Fraction:
        """How far the records lie from an even grid, in samples: the largest difference."""
        first = grid_of(self.records[0])
        off = [
            (record.start_ns - first.start_ns) / period_ns(record) - place
            for record, place in zip(self.records, self.places, strict=True)
        ]
        return max(off) - min(off)

    def starts(self, time_ns: int) -> Iterator[tuple[Grid, int]]:
        """The grids that a window from a time on may have, each with the place of its sample 0.

        A window has the grid of its first record; which one that is, is open where the sample
        nearest to its begin lies at the border of two.
        """
        near = [
            (record, place)
            for record, place in zip(self.records, self.places, strict=True)
            if last_ns(record) >= time_ns - 2 * period_ns(record) - ROUNDING_NS
        ]
        for record, place in near:
            for start_ns in self.grids[record]:
                grid = Grid(start_ns, self.rate)
                yield grid, place - record.skip
                # The part of a record has a time of its own, which is rounded.
                yield Grid(grid.time(record.skip), self.rate), place
            if record.start_ns > time_ns + period_ns(record):
                return

    def cuts(self, window: Window) -> set[Cut | None]:
        """What a window may have of the run; None is nothing."""
        found: set[Cut | None] = set()
        for grid, place in self.starts(window.start_ns):
            first = grid.first(window, window.start_ns)
            last = min(grid.last(window), len(self.values) - 1 - place)
            first = max(first, -place)
            if first > last:
                found.add(None)
            else:
                found.add(Cut(grid.time(first), place + first, place + last))
        return found or {None}


class Channel:
    """All records of a channel.

    `sorted_rows` says that the rows of the index end where time goes back, as those of makeindex
    do; then the grid of a record is known.
    """

    def __init__(
        self,
        records: Sequence[Record],
        written: Sequence[Record] | None = None,
        *,
        sorted_rows: bool = True,
    ) -> None:
        self.records = in_time(records)
        #: Those that the index knows, where others are parts of them.
        self.written = records if written is None else written
        self.sorted_rows = sorted_rows
        self._of_value: dict[float, list[tuple[Record, int]]] = defaultdict(list)
        for record in self.records:
            for number, value in enumerate(record.values.tolist()):
                self._of_value[value].append((record, number))
        #: The records that hold the same as each one, itself included.
        self.copies = {
            record: [
                other
                for other, _ in self._of_value[record.values[0].item()]
                if same_samples(record, other)
            ]
            for record in self.records
        }
        #: Of records that are there several times, one each.
        self.single = [record for record in self.records if self.copies[record][0] is record]
        self.grids = self._grids()
        # Sample by sample: time, value, how often it is there, how far a window may be off.
        times = [[grid_of(r).time(n) for n in range(len(r.values))] for r in self.single]
        self.times_ns = np.array([time for of_record in times for time in of_record])
        self.values = np.concatenate([r.values.astype(np.float64) for r in self.single])
        self.times_there = self._each(lambda record: len(self.copies[record]))
        self.intervals_ns = self._each(lambda record: int(period_ns(record) * (1 + self.drift)) + 1)

    def _each(self, of_record: Callable[[Record], int]) -> npt.NDArray[np.int64]:
        """A number for each sample."""
        return np.concatenate([np.full(len(r.values), of_record(r)) for r in self.single])

    @cached_property
    def runs(self) -> list[Run]:
        """The gapless runs of all that is there, each record once, by time."""
        return [Run(run, self.grids) for run in chained(self.single)]

    @cached_property
    def pieces(self) -> list[Run]:
        """The gapless runs of each file; none where channels take turns or time goes back."""
        if not self.is_plain or len(self.single) < len(self.records):
            return []
        numbers = sorted({record.file for record in self.records})
        files = [[r for r in self.records if r.file == number] for number in numbers]
        rows = [rows_of(sorted(file, key=lambda r: r.place)) for file in files]
        if any(len(of_file) > 1 for of_file in rows):
            return []
        # Data of both versions of miniSEED are two pieces: one has a quality, the other has none.
        forms = [
            list(form)
            for of_file in rows
            for row in of_file
            for _, form in groupby(row, key=lambda record: record.is_miniseed3)
        ]
        return [Run(run, self.grids) for form in forms for run in chained(form)]

    @cached_property
    def is_even(self) -> bool:
        """Whether each run lies on an even grid, to within half a sample; each span, too."""
        spans = [Run(span, {}) for span in self._spans]
        return all(run.strays < Fraction(1, 2) for run in self.runs + spans)

    @cached_property
    def drift(self) -> Fraction:
        """How many samples the grid of a window may be off at its end."""
        return Fraction(0) if self.is_even else max(run.strays for run in self.runs)

    @cached_property
    def is_plain(self) -> bool:
        """Whether no data overlap but identical ones, and each run lies on an even grid.

        Then the rules name every sample of every trace.
        """
        half = Fraction(1, 2)
        for number, record in enumerate(self.single):
            for other in self.single[number + 1 :]:
                if other.start_ns > last_ns(record) + 2 * period_ns(record):
                    continue
                if same_kind(record, other) and late_by(record, other) < -half:
                    return False
                if not same_kind(record, other) and other.start_ns <= last_ns(record):
                    return False
        # A record between two others that join.
        for fits in (joins, follows):
            runs = chained(self.single, fits)
            if [record for run in runs for record in run] != self.single:
                return False
        return self.has_one_grid

    @cached_property
    def has_one_grid(self) -> bool:
        """Whether each run has one grid, in all of its copies, that others do not continue."""
        twice = len(self.single) < len(self.records)
        if not self.is_even or (twice and any(run.strays for run in self.runs)):
            return False
        # A gap that is one by the times of its records, but not by the grids of the runs.
        for before, behind in pairwise(self.runs):
            a, b = before.records[-1], behind.records[0]
            off = before.strays + behind.strays
            if same_kind(a, b) and abs(late_by(a, b)) <= Fraction(1, 2) + off:
                return False
        return True

    def _grids(self) -> dict[Record, set[int]]:
        """The times that the first sample of each record may have: on the grid of its span."""
        self._spans: list[list[Record]] = []
        found: dict[Record, set[int]] = {record: set() for record in self.written}
        for file in sorted({record.file for record in self.written}):
            mine = sorted((r for r in self.written if r.file == file), key=lambda r: r.place)
            versions = sorted({record.version for record in mine})
            # Where channels take turns, all of a version is one row.
            rows = [[r for r in mine if r.version == version] for version in versions]
            rows += rows_of(mine, back=not self.sorted_rows)
            for row in rows:
                # Where spans overlap it depends on their growth which one a record is of.
                spans = [
                    span
                    for newest in (False, True)
                    for span in chained(in_time(row), follows, newest=newest)
                ]
                self._spans += spans
                for record in row:
                    for span in spans:
                        reach_ns = last_ns(span[-1]) + period_ns(record)
                        if record in span or span[0].start_ns <= record.start_ns <= reach_ns:
                            found[record] |= _on_grid(span[0].start_ns, record)
        # Where spans overlap nothing tells which one a record is of: it keeps its own time.
        if len(self.single) < len(self.written) or not self.sorted_rows:
            for record, starts in found.items():
                starts.add(record.start_ns)
        wholes = {record: record.whole or record for record in self.records}
        return {
            record: set().union(*(found[wholes[copy]] for copy in self.copies[record]))
            for record in self.records
        }

    # What an answer must be.

    def wrong_traces(self, traces: Sequence[Trace], window: Window) -> list[str]:
        """What is wrong with the traces of this channel in a window that joins files."""
        wrong = self.impossible(traces, window)
        if self.is_plain:
            wrong += unexpected(self.runs, traces, window)
        return wrong

    def wrong_pieces(self, traces: Sequence[Trace], window: Window) -> list[str]:
        """What is wrong with the traces of this channel in a window of the pieces of each file."""
        wrong = self.impossible(traces, window, pieces=True)
        if self.pieces:
            wrong += unexpected(self.pieces, traces, window)
        return wrong

    def impossible(
        self, traces: Sequence[Trace], window: Window, *, pieces: bool = False
    ) -> list[str]:
        """What no choice can have made: wrong samples, times, ends, too many or too few.

        `pieces` says that files were not joined: each record counts by itself.
        """
        wrong = [text for t in traces for text in self._wrong_trace(t, window, pieces=pieces)]
        found = np.concatenate([np.empty(0), *(trace.data for trace in traces)])
        values, counts = np.unique(found, return_counts=True)
        count_of = dict(zip(values.tolist(), counts.tolist(), strict=True))
        given = np.array([count_of.get(value, 0) for value in self.values.tolist()])
        # An end takes a sample that is an interval away at the most, and so far inside all.
        start_ns = window.start_ns + self.intervals_ns
        end_ns = window.end_ns - self.intervals_ns * (2 if window.half_open else 1)
        must = (start_ns <= self.times_ns) & (self.times_ns <= end_ns)
        least = must * (self.times_there if pieces else 1)
        off = np.flatnonzero((given < least) | (given > self.times_there))
        return wrong + [
            f"sample {self.values[at]}, at {self.times_ns[at]}: {given[at]} times, expected "
            f"{least[at]} to {self.times_there[at]}"
            for at in off[:5].tolist()
        ]

    def _wrong_trace(self, trace: Trace, window: Window, *, pieces: bool) -> list[str]:
        """What is wrong with one trace, on the grid that it has."""
        path = self._path(trace, pieces=pieces)
        if isinstance(path, str):
            return [path]
        (records, number), ends = path
        record = records[0]
        wrong = []
        if trace.rate_hz != float(record.rate) or trace.data.dtype != record.values.dtype:
            wrong.append(f"{trace.rate_hz} Hz, {trace.data.dtype}")
        off = abs(trace.start_ns - grid_of(record).time(number))
        # Where a clock drifts, records before, on the grid of the first, may lead one on.
        most = Fraction(1, 2) if self.is_even else 3
        if off > most * period_ns(record) + ROUNDING_NS:
            wrong.append(f"starts {off} ns from the time of its first sample")
        # The rule of the ends, on the grid of the trace itself, whose start is rounded.
        grids = [Grid(trace.start_ns + ns, record.rate) for ns in (0, -1, 1)]
        first = min((g.first(window, window.start_ns) for g in grids), key=abs)
        npts = len(trace.data)
        last = min((g.last(window) for g in grids), key=lambda number: abs(number - npts + 1))
        # Where runs have several grids, one may go on with a sample that another one has.
        leeway = 0 if self.is_plain else 1
        if first > leeway or (first < -leeway and number > 0):
            wrong.append(f"begins {first} samples before the window")
        last_record, behind = ends
        more = last - (npts - 1)
        if more < -leeway or (more > leeway and behind < len(last_record.values) - 1):
            wrong.append(f"ends {npts - 1 - last} samples behind the window")
        return [f"{text} (trace from {trace.start_ns}, {npts} samples)" for text in wrong]

    def _path(
        self, trace: Trace, *, pieces: bool
    ) -> str | tuple[tuple[list[Record], int], tuple[Record, int]]:
        """The records that a trace goes through: the first ones and the place in them, the last."""
        data = trace.data
        start: tuple[list[Record], int] | None = None
        at = 0
        before: list[Record] = []
        last = 0
        while at < len(data):
            holding = self._of_value.get(data[at].item(), [])
            records, number = [record for record, _ in holding], holding[0][1] if holding else 0
            if before:
                records = [
                    b
                    for b in records
                    if any(self._leads(a, last, b, number, pieces) for a in before)
                ]
            if not records:
                return f"sample {data[at]} of the trace from {trace.start_ns} is no next one"
            start = start or (records, number)
            values = records[0].values[number : number + len(data) - at]
            same = values == data[at : at + len(values)]
            there = len(values) if same.all() else int(np.argmin(same))
            before, last = records, number + there - 1
            at += there
        assert start is not None
        return start, (before[0], last)

    def _leads(self, a: Record, last: int, b: Record, number: int, pieces: bool) -> bool:
        """Whether a trace may go on behind a sample of a record with one of another record."""
        if pieces or self.is_plain:
            whole = last == len(a.values) - 1 and number == 0
            return whole and joins(a, b) and (a.file == b.file or not pieces)
        # Of data that overlap, the parts in a window may follow each other.
        late = late_by(a, b) + len(a.values) - 1 - last + number
        return same_kind(a, b) and abs(late) <= 1 + 2 * self.drift


def unexpected(runs: Sequence[Run], traces: Sequence[Trace], window: Window) -> list[str]:
    """Hold an answer against the traces that these runs must give, one by one."""
    wrong = []
    of_run: dict[int, list[Trace]] = defaultdict(list)
    run_of = {value: number for number, run in enumerate(runs) for value in run.places_of}
    for trace in traces:
        of_run[run_of.get(trace.data[0].item(), -1)].append(trace)
    for number, run in enumerate(runs):
        options = run.cuts(window)
        mine = of_run.pop(number, [])
        begin = f"of the run from {run.records[0].start_ns}"
        if len(mine) > 1:
            wrong.append(f"{len(mine)} traces {begin}")
        cut = None
        for trace in mine[:1]:
            first = run.places_of[trace.data[0].item()]
            cut = Cut(trace.start_ns, first, first + len(trace.data) - 1)
            if not np.array_equal(trace.data, run.values[cut.first : cut.last + 1]):
                wrong.append(f"samples of {cut} {begin} differ")
        if not any(_same_cut(cut, option) for option in options):
            wrong.append(f"{cut} {begin}: expected one of {options}")
    return wrong + [f"{len(strange)} traces of no run" for strange in of_run.values()]


def _same_cut(a: Cut | None, b: Cut | None) -> bool:
    """Whether two cuts are the same, but for a nanosecond of rounding."""
    if a is None or b is None:
        return a is b
    return a[1:] == b[1:] and abs(a.start_ns - b.start_ns) <= 1


def _on_grid(exact: int, record: Record) -> set[int]:
    """The place of a record on the grid of a span, whose begin may be written in microseconds."""
    rounded = exact // 1000 * 1000
    starts = {exact, rounded, rounded + (1000 if exact > rounded else 0)}
    grids = [Grid(start_ns, record.rate) for start_ns in starts]
    times = {grid.time(grid.nearest(record.start_ns)) for grid in grids}
    # A record with nanoseconds knows better than such a grid.
    if record.start_ns % 1000 and any(abs(time - record.start_ns) < 1000 for time in times):
        times.add(record.start_ns)
    return times


def rows_of(records: Sequence[Record], *, back: bool = False) -> list[list[Record]]:
    """The records of a channel in a file as rows of an index: nothing between, no going back."""
    rows: list[list[Record]] = []
    latest_ns = 0
    for record in records:
        goes_on = (
            rows
            and rows[-1][-1].place == record.place - 1
            and rows[-1][-1].version == record.version
            and (back or record.start_ns > latest_ns)
        )
        if goes_on:
            rows[-1].append(record)
            latest_ns = max(latest_ns, last_ns(record))
        else:
            rows.append([record])
            latest_ns = last_ns(record)
    return rows
