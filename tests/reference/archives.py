"""Archives that the window tests cut, ObsPy's whole-file reading of them, and the window rule.

The rule is written here in exact integers, from what `obspy.Stream.slice(nearest_sample=True)` does
for one trace; the tests hold it against ObsPy itself before they use it.
"""

from __future__ import annotations

import random
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor
from pathlib import Path
from typing import Any

import numpy as np
from mseed_files import NANOSECONDS, Segment, from_obspy

DAY_NS = 86_400 * NANOSECONDS


@dataclass
class Archive:
    """A folder of miniSEED files and what ObsPy makes of all of it, by channel id."""

    name: str
    files: list[Path]
    # Records whose clock strays from the sample grid of the first: how far starts may differ.
    drift_ns: int = 0
    merged: dict[str, Any] = field(default_factory=dict)

    def read_with_obspy(self) -> None:
        """Read every file whole and join per channel with `merge(-1)`."""
        import obspy

        stream = obspy.Stream()
        with warnings.catch_warnings():
            # What ObsPy says where it passes over the demo's damaged record.
            warnings.filterwarnings("ignore", "readMSEEDBuffer.*Not a SEED record")
            for file in self.files:
                stream += obspy.read(str(file), format="MSEED")
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # "Doing nothing" would make a poor reference
            for id_ in sorted({trace.id for trace in stream}):
                self.merged[id_] = obspy.Stream([t for t in stream if t.id == id_]).merge(-1)


@dataclass(frozen=True)
class Window:
    """One request for one channel; both ends in ns since 1970."""

    kind: str
    id: str
    start_ns: int
    end_ns: int

    @property
    def is_reversed(self) -> bool:
        """Whether it ends before it begins: refused, whatever there is."""
        return self.end_ns < self.start_ns


def exact_cut(segment: Segment, start_ns: int, end_ns: int) -> Segment | None:
    """Cut one continuous segment by the nearest-sample rule, in exact arithmetic.

    Both ends are included. The first sample is the one nearest to the start and the last the one
    nearest to the end; exactly half way between two samples the one inside the window is taken
    (ObsPy rounds the start away from the first sample and the end away from the last).
    """
    rate = Fraction(segment.rate_hz) / NANOSECONDS
    half = Fraction(1, 2)
    first = max(0, floor((start_ns - segment.start_ns) * rate + half))
    last = min(segment.npts - 1, ceil((end_ns - segment.start_ns) * rate - half))
    if first > last:
        return None
    shift = Fraction(first) / rate
    start = segment.start_ns + floor(shift + half)
    return Segment(segment.id, start, segment.rate_hz, segment.data[first : last + 1])


def is_tie(segment: Segment, time_ns: int) -> bool:
    """Whether a time lies within 1e-6 samples of the middle between two samples.

    There ObsPy's floating point decides now one way, now the other.
    """
    position = (time_ns - segment.start_ns) * Fraction(segment.rate_hz) / NANOSECONDS
    return abs(position % 1 - Fraction(1, 2)) < Fraction(1, 1_000_000)


def obspy_cut(archive: Archive, window: Window) -> list[Segment]:
    """Cut each continuous trace of a channel with ObsPy's `Stream.slice(nearest_sample=True)`."""
    import obspy

    start, end = (obspy.UTCDateTime(ns=ns) for ns in (window.start_ns, window.end_ns))
    found = []
    for trace in archive.merged[window.id]:
        if trace.stats.endtime + 1 / trace.stats.sampling_rate < start:
            continue
        if trace.stats.starttime - 1 / trace.stats.sampling_rate > end:
            continue
        try:
            found += from_obspy(obspy.Stream([trace]).slice(start, end, nearest_sample=True))
        except ValueError:
            # Both ends round to inside of each other: a window between two samples.
            continue
    return found


def draw_windows(archive: Archive, count: int, seed: int) -> list[Window]:
    """Draw `count` windows of all kinds, the same ones at each run."""
    draw = random.Random(seed)
    kinds = _kinds(archive)
    ids = sorted(archive.merged)
    return [kinds[number % len(kinds)](draw, draw.choice(ids)) for number in range(count)]


def _kinds(archive: Archive) -> list[Any]:
    """The generators of windows, each taking the random source and a channel id."""
    borders = record_borders(archive)

    def trace_of(draw: random.Random, id_: str) -> Any:
        return draw.choice(list(archive.merged[id_]))

    def sample_time(trace: Any, index: int, offset: Fraction = Fraction(0)) -> int:
        rate = Fraction(trace.stats.sampling_rate)
        return int(trace.stats.starttime.ns + round((index + offset) / rate * NANOSECONDS))

    def two_samples(draw: random.Random, trace: Any) -> tuple[int, int]:
        first = draw.randrange(trace.stats.npts)
        length = min(draw.choice([1, 2, 10, 500, 5_000, 60_000]), trace.stats.npts)
        return first, first + draw.randrange(length)

    def within(draw: random.Random, id_: str) -> Window:
        trace = trace_of(draw, id_)
        first, last = two_samples(draw, trace)
        return Window("on samples", id_, sample_time(trace, first), sample_time(trace, last))

    def offset(draw: random.Random, id_: str) -> Window:
        trace = trace_of(draw, id_)
        first, last = two_samples(draw, trace)
        a, b = (Fraction(draw.choice([-49, -30, -1, 1, 20, 49]), 100) for _ in range(2))
        times = sorted([sample_time(trace, first, a), sample_time(trace, last, b)])
        return Window("between samples", id_, *times)

    def half_way(draw: random.Random, id_: str) -> Window:
        if archive.drift_ns:
            return offset(draw, id_)
        trace = trace_of(draw, id_)
        first, last = two_samples(draw, trace)
        half = Fraction(1, 2)
        times = sample_time(trace, first, half), sample_time(trace, last, half)
        return Window("half way", id_, *times)

    def one_sample(draw: random.Random, id_: str) -> Window:
        trace = trace_of(draw, id_)
        time = sample_time(trace, draw.randrange(trace.stats.npts))
        return Window("one sample", id_, time, time)

    def record(draw: random.Random, id_: str) -> Window:
        id_, begin, end = draw.choice(borders)
        step = round(NANOSECONDS / archive.merged[id_][0].stats.sampling_rate)
        length = draw.choice([0, 1, 3, 700]) * step
        time = draw.choice([begin, end]) + draw.choice([-1, 0, 1]) * step
        times = draw.choice([(time, time + length), (time - length, time)])
        return Window("record border", id_, *times)

    def day(draw: random.Random, id_: str) -> Window:
        trace = trace_of(draw, id_)
        midnight = trace.stats.endtime.ns // DAY_NS * DAY_NS
        start = midnight - draw.choice([0, 1, 30, 3_600]) * NANOSECONDS - draw.randrange(DAY_NS)
        start = draw.choice([start, midnight, midnight - 10 * NANOSECONDS])
        end = midnight + draw.choice([0, 1, 10]) * NANOSECONDS
        return Window("day border", id_, start, end)

    def edge(draw: random.Random, id_: str) -> Window:
        """Around the limits of a trace: in a gap, or where the data begin and end."""
        trace = trace_of(draw, id_)
        step = NANOSECONDS / trace.stats.sampling_rate
        limit = draw.choice([trace.stats.starttime.ns, trace.stats.endtime.ns])
        start = limit + round(draw.choice([-2_000, -20, -2, -1.3, -0.6, -0.3, 0, 0.3, 0.6]) * step)
        end = start + round(draw.choice([0, 0.2, 0.7, 1, 3, 30, 3_000]) * step)
        return Window("gap or edge", id_, start, end)

    def outside(draw: random.Random, id_: str) -> Window:
        stream = archive.merged[id_]
        far = draw.randrange(1, 10_000) * NANOSECONDS
        before = stream[0].stats.starttime.ns - far
        after = max(trace.stats.endtime.ns for trace in stream) + far
        length = draw.choice([0, 1, far - 1])
        return Window("outside", id_, *draw.choice([(before, before + length), (after, after + 9)]))

    def around(draw: random.Random, id_: str) -> Window:
        """More than there is of one trace, with what lies next to it."""
        trace = trace_of(draw, id_)
        wide = draw.randrange(1, 100) * NANOSECONDS
        return Window("around", id_, trace.stats.starttime.ns - wide, trace.stats.endtime.ns + wide)

    def backwards(draw: random.Random, id_: str) -> Window:
        """Ends at least two samples before it begins, inside a trace or not."""
        window = draw.choice([within, edge, outside, around])(draw, id_)
        least = 2 * round(NANOSECONDS / archive.merged[id_][0].stats.sampling_rate)
        later = max(window.end_ns, window.start_ns + least)
        return Window("reversed", id_, later, window.start_ns)

    return [
        within,
        offset,
        half_way,
        one_sample,
        record,
        day,
        edge,
        outside,
        within,
        record,
        around,
        backwards,
    ]


def record_borders(archive: Archive) -> list[tuple[str, int, int]]:
    """First and last sample time of some records of each file, with the channel id."""
    from obspy.io.mseed.util import get_record_information

    draw = random.Random(archive.name)
    found = []
    for file in draw.sample(archive.files, min(len(archive.files), 40)):
        length = get_record_information(str(file), 0)["record_length"]
        records = file.stat().st_size // length
        for number in {0, records - 1, *(draw.randrange(records) for _ in range(4))}:
            info = get_record_information(str(file), number * length)
            id_ = ".".join(info[key] for key in ("network", "station", "location", "channel"))
            found.append((id_, info["starttime"].ns, info["endtime"].ns))
    return found


def write_made_archive(folder: Path) -> Iterator[Path]:
    """Write small files with every border that the real archives lack, and give their paths.

    Channels: GAP two gaps (one with a phase shift) and a lone sample, DAY over midnight with a
    sample at 00:00:00, SAM the same samples in two files, OTH different samples in the overlap,
    ORD records that are not in time order.
    """
    import obspy

    midnight = obspy.UTCDateTime("2021-03-02T00:00:00")
    draw = np.random.default_rng(7)
    noise = draw.integers(-20_000, 20_000, 40_000, dtype=np.int32)

    def write(
        name: str, channel: str, parts: list[tuple[float, int, int]], rate: float = 20.0
    ) -> Path:
        """Write parts of (seconds after midnight, first sample of the noise, how many)."""
        stream = obspy.Stream()
        for seconds, first, count in parts:
            codes = {"network": "XX", "station": "MADE", "location": "", "channel": channel}
            header = {**codes, "starttime": midnight + seconds, "sampling_rate": rate}
            stream.append(obspy.Trace(noise[first : first + count].copy(), header))
        stream.write(str(folder / name), format="MSEED", encoding="STEIM2", reclen=512)
        return folder / name

    yield write("gap", "GAP", [(-300, 0, 4000), (-90, 4000, 999), (-30.02, 5000, 3000)])
    yield write("gap.more", "GAP", [(400, 8000, 1), (500, 9000, 2000)])
    yield write("day.060", "DAY", [(-600, 0, 12_000)])
    yield write("day.061", "DAY", [(0, 12_000, 12_000)])
    yield write("same.1", "SAM", [(-200, 0, 6000)])
    yield write("same.2", "SAM", [(-50, 3000, 9000)])
    yield write("other.1", "OTH", [(-200, 0, 6000)])
    yield write("other.2", "OTH", [(20, 20_000, 6000)])
    yield write("order", "ORD", [(200, 4000, 4000), (0, 0, 4000), (400, 8000, 4000)])
