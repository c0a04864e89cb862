"""Where segments go on the grid of a record: against exact fractions, and against ObsPy."""

from __future__ import annotations

import math
import random
from fractions import Fraction
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from memory_archive import ORIGIN, at, catalog, event, noise, pick, trace

from credit_fast import makeindex
from credit_fast._core import encode_mseed2
from credit_fast.making import makeh5
from credit_fast.station_records.record import build_record
from credit_fast.station_records.settings import Settings
from credit_fast.times import UTCDateTime

EVID = "X1.201203012122.0001"
STATION = "X1.AAA.00"


def first_samples(starts_s: list[float], rate_hz: float = 100.0, z: bool = False) -> list[int]:
    """Grid samples at which one-sample segments at these times land; HHE starts the grid at 0 s."""
    traces = [trace(f"{STATION}.HHE", 0.0, [1], rate_hz)] if z else []
    channel = "HHZ" if z else "HHE"
    for number, start in enumerate(starts_s, start=2):
        traces.append(trace(f"{STATION}.{channel}", start, [number], rate_hz))
    record = build_record(traces, (at(0), at(max(starts_s) + 1)), Settings(rate_hz=rate_hz))
    assert record is not None
    data = record.components[channel].data.tolist()
    return [data.index(number) for number in range(2, len(starts_s) + 2)]


def test_half_way_goes_to_the_later_sample_every_time() -> None:
    starts = [0.0, 0.015, 0.035, 0.055, 0.105, 1.005, 90.015]
    assert first_samples(starts) == [0, 2, 4, 6, 11, 101, 9002]


def test_segments_of_a_component_beside_the_grid_keep_their_distances() -> None:
    # 4.9 and 5.1 ms beside the grid: each by itself would go another way.
    assert first_samples([0.0049, 1.0051, 2.0049, 3.0051], z=True) == [0, 100, 200, 300]
    assert first_samples([0.005, 1.005, 2.005], z=True) == [1, 101, 201]
    assert first_samples([0.0051, 1.0049, 2.0051], z=True) == [1, 101, 201]


@pytest.mark.parametrize("rate_hz", [30.0, 62.5, 128.0, 99.99])
def test_rounding_of_times_to_nanoseconds_moves_no_segment(rate_hz: float) -> None:
    """Half a sample beside the grid, to the nanosecond below or above."""
    exact = [Fraction(0)] + [Fraction(2 * n + 1, 2) / Fraction(rate_hz) for n in (3, 10, 77, 501)]
    assert first_samples([float(start) for start in exact], rate_hz) == [0, 4, 11, 78, 502]


def test_hours_from_the_start_a_nanosecond_still_counts() -> None:
    """One ns more than the tolerance before half way, 100 000 s into a record."""
    rate_hz, half_ns = 1e6, 499
    record = build_record(
        [trace(f"{STATION}.HHZ", 0.0, [1], rate_hz)], (at(0), at(1)), Settings(rate_hz=None)
    )
    assert record is not None
    begin = record.start_ns + 100_000_000_000_000
    assert record.index_at(begin + half_ns) == 100_000_000_001
    assert record.index_at(begin + half_ns - 1) == 100_000_000_000


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(st.integers(20, 400), st.integers(1, 300)), min_size=1, max_size=8),
    st.integers(0, 9_999_999),
    st.sampled_from([20.0, 100.0, 50.0, 40.0]),
)
def test_segments_whole_samples_apart_stay_so_at_any_sub_sample_time(
    parts: list[tuple[int, int]], beside_ns: int, rate_hz: float
) -> None:
    step_ns = round(1e9 / rate_hz)
    traces, expected, number = [trace(f"{STATION}.HHE", 0.0, noise(0, 50), rate_hz)], [], 0
    for count, (gap, npts) in enumerate(parts):
        number += gap
        item = trace(f"{STATION}.HHZ", 0.0, noise(count, npts), rate_hz)
        item.stats.starttime = UTCDateTime(ns=ORIGIN.ns + number * step_ns + beside_ns)
        traces.append(item)
        expected.append((number, item.data))
        number += npts
    record = build_record(traces, (at(0), at(10_000)), Settings(rate_hz=rate_hz))
    assert record is not None
    data = record.components["HHZ"].data
    shift = math.floor(Fraction(beside_ns, step_ns) + Fraction(501, 1000))
    for first, samples in expected:
        place = slice(first + shift, first + shift + len(samples))
        assert np.array_equal(data[place], samples)
    offset_ns = beside_ns - shift * step_ns
    stored = record.components["HHZ"].subsample_offset_s
    assert stored == pytest.approx(offset_ns / 1e9 if abs(offset_ns) >= 1000 else 0.0, abs=1e-9)


def write_channel(
    chance: random.Random, folder: Path, channel: str, beside_ms: tuple[int, ...]
) -> list[tuple[float, np.ndarray]]:
    """A miniSEED file with real gaps, each segment so far beside the grid; (sample, data) of each.

    Samples count from the first segment of the channel.
    """
    start_ms, segments, records = chance.randrange(0, 400, 10), [], []
    for _ in range(chance.randint(1, 6)):
        data, own_ms = noise(chance.randrange(10**6), chance.randint(30, 500)), start_ms
        own_ms += chance.choice(beside_ms)
        codes = ("X1", "AAA", "00", channel)
        records.append(encode_mseed2(*codes, at(own_ms / 1000), 100.0, data, "STEIM2"))
        segments.append((own_ms, data))
        start_ms += 10 * (len(data) + chance.randint(3, 90))
    chance.shuffle(records)
    (folder / f"{channel}.mseed").write_bytes(b"".join(records))
    return [((own_ms - segments[0][0]) / 10, data) for own_ms, data in segments]


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("mixed", [False, True], ids=["whole components", "single segments"])
def test_random_archives_with_gaps_and_half_sample_offsets_are_what_obspy_merges(
    tmp_path: Path, seed: int, mixed: bool
) -> None:
    """Where segments of one component are half a sample apart, ObsPy's float decides by chance."""
    obspy = pytest.importorskip("obspy")
    chance = random.Random(seed)
    (tmp_path / "data").mkdir()
    segments = {}
    for channel in ("HHE", "HHN", "HHZ"):
        beside_ms = (0, 5) if mixed else (chance.choice((0, 5)),)
        segments[channel] = write_channel(chance, tmp_path / "data", channel, beside_ms)
    makeindex([str(tmp_path / "data")], str(tmp_path / "index.db"), progress=False)
    rows = catalog(event(pick("P", 10.0)))
    out = tmp_path / "out.h5"
    makeh5(tmp_path / "index.db", out, rows, range_s=40.0, progress=False)
    with h5py.File(out) as file:
        for channel, parts in segments.items():
            stream: Any = obspy.read(str(tmp_path / "data" / f"{channel}.mseed"))
            merged = stream.merge(method=0)[0].data
            stored = file[EVID][STATION][channel][()]
            # ObsPy's trace begins with the channel, ours with the earliest of the three.
            theirs = _places(np.ma.filled(merged, 0), [data for _, data in parts])
            ours = _places(stored, [data for _, data in parts])
            ours = [place - ours[0] for place in ours]
            assert ours == [math.floor(sample + 0.5) for sample, _ in parts]
            for (sample, _), mine, other in zip(parts, ours, theirs, strict=True):
                assert other == mine or (mixed and sample % 1 == 0.5 and other == mine - 1)
            if ours == theirs:
                own = stored[np.flatnonzero(stored)[0] :][: len(merged)]
                assert np.array_equal(own, np.ma.filled(merged, 0))


def _places(data: np.ndarray, parts: list[np.ndarray]) -> list[int]:
    """Where each part stands whole in the data."""
    places = []
    for part in parts:
        hits = [
            first
            for first in np.flatnonzero(data == part[0])
            if np.array_equal(data[first : first + len(part)], part)
        ]
        assert len(hits) == 1
        places.append(int(hits[0]))
    return places
