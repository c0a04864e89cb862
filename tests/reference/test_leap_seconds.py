"""Records around the leap second 2016-12-31T23:59:60: rows of the index, traces and windows."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("obspy")

import obspy
from made_records import RECLEN, Channel, flagged
from mseed_files import Segment, differences, from_obspy, from_ours
from tsindex_rows import dump, mseedindex, wrong_columns

import credit_fast
from credit_fast import UTCDateTime

BuildIndex = Callable[[Iterable[Path]], Path]

POSITIVE, NEGATIVE = 0x10, 0x20
BEFORE = UTCDateTime("2016-12-31T23:59:50")
# Each sample of 100 Hz is its own number since 23:59:50, the inserted second included.
FIRST_AFTER = 1100  # the sample of 2017-01-01T00:00:00


def true_time(sample: int) -> UTCDateTime:
    """POSIX time of a sample; those of the inserted second share theirs with the next."""
    return BEFORE + (sample - (100 if sample >= FIRST_AFTER else 0)) / 100


def counting(firsts: list[int], channel: Channel | None = None) -> bytes:
    """Records that begin at these samples and end where the next one begins."""
    channel = channel or Channel(encoding="INT16")
    return b"".join(
        channel.records(true_time(first), np.arange(first, end, dtype=np.int32))
        for first, end in pairwise(firsts)
    )


# Records that contain the inserted second whole, end or begin inside it, end or begin with it.
CASES = {
    "contained": [0, 200, 400, 600, 800, 1000 - 70, 1130, 1300, 1500, 1700],
    "ends inside": [0, 200, 400, 600, 800, 950, 1050, 1200, 1400, 1600],
    "ends with it": [0, 200, 400, 600, 800, 900, 1100, 1300, 1500],
    "begins with it": [0, 200, 400, 600, 800, 1000, 1100, 1300, 1500],
    "one second each": [0, *range(50, 1800, 100)],
    "two over it": [0, 200, 400, 600, 800, 980, 1110, 1210, 1310, 1410],
}


@pytest.fixture(params=CASES, ids=lambda name: name.replace(" ", "-"))
def firsts(request: pytest.FixtureRequest) -> list[int]:
    cases: list[int] = CASES[request.param]
    return cases


def test_rows_equal_mseedindexs(tmp_path: Path, build_index: BuildIndex, firsts: list[int]) -> None:
    file = tmp_path / "leap.mseed"
    file.write_bytes(counting(firsts))
    theirs = tmp_path / "theirs.db"
    subprocess.run([mseedindex(), "-sqlite", str(theirs), str(file)], check=True)
    [mine], [other] = dump([build_index([file]), theirs])
    assert wrong_columns([mine], [other]) == []
    if any(first < 1000 and end > FIRST_AFTER for first, end in pairwise(firsts)):
        # One record contains the leap second: one span, nothing is missing.
        assert mine["timespans"].count(":") == 1, mine["timespans"]
        assert mine["endtime"] == str(true_time(firsts[-1] - 1))[:-1]


def test_a_long_archive_over_a_leap_second_has_mseedindexs_rows(
    tmp_path: Path, build_index: BuildIndex
) -> None:
    file = tmp_path / "leap.mseed"
    samples = np.arange(0, 800_000, dtype=np.int32)
    start = UTCDateTime("2012-06-30T22:13:20")  # 640,000 samples before the inserted second
    channel = Channel()
    file.write_bytes(
        channel.records(start, samples[:640_050]) + channel.records("2012-07-01", samples[640_100:])
    )
    theirs = tmp_path / "theirs.db"
    subprocess.run([mseedindex(), "-sqlite", str(theirs), str(file)], check=True)
    mine, other = dump([build_index([file]), theirs])
    assert wrong_columns(mine, other) == []


def obspys(data: bytes, folder: Path) -> list[Segment]:
    file = folder / "obspy.mseed"
    file.write_bytes(data)
    return from_obspy(obspy.read(str(file), format="MSEED"))


def test_a_trace_begins_anew_behind_the_leap_second_as_in_obspy(
    tmp_path: Path, firsts: list[int]
) -> None:
    data = counting(firsts)
    ours = from_ours(credit_fast.read(data))
    assert differences(ours, obspys(data, tmp_path)) == []
    # All times from the first record on that begins behind it are right.
    behind = next(first for first in firsts if first >= FIRST_AFTER)
    assert [segment.npts for segment in ours] == [behind - firsts[0], firsts[-1] - behind]
    assert ours[1].start_ns == true_time(behind).ns


def test_the_flag_does_not_carry_a_trace_over_the_leap_second(tmp_path: Path) -> None:
    """ObsPy takes the flag for leave to go on: all its times behind are a second late."""
    firsts = CASES["contained"]
    plain = counting(firsts)
    ours = from_ours(credit_fast.read(plain))
    at = RECLEN * firsts.index(930)
    for bits in (POSITIVE, NEGATIVE):
        data = plain[:at] + flagged(plain[at : at + RECLEN], bits) + plain[at + RECLEN :]
        assert differences(from_ours(credit_fast.read(data)), ours) == []
        every = flagged(plain, bits)
        assert differences(from_ours(credit_fast.read(every)), ours) == []
    data = plain[:at] + flagged(plain[at : at + RECLEN], POSITIVE) + plain[at + RECLEN :]
    [late] = obspys(data, tmp_path)
    assert late.npts == 1700


def test_a_clock_that_did_not_know_of_the_leap_second_has_one_trace(tmp_path: Path) -> None:
    data = b"".join(
        Channel(encoding="INT16").records(
            BEFORE + first / 100, np.arange(first, first + 200, dtype=np.int32)
        )
        for first in range(0, 2000, 200)
    )
    ours = from_ours(credit_fast.read(data))
    assert [segment.npts for segment in ours] == [2000]
    assert differences(ours, obspys(data, tmp_path)) == []


def test_windows_on_both_sides_have_the_right_times(
    tmp_path: Path, build_index: BuildIndex, firsts: list[int]
) -> None:
    file = tmp_path / "leap.mseed"
    file.write_bytes(counting(firsts))
    client = credit_fast.Client(str(build_index([file])))
    behind = next(first for first in firsts if first >= FIRST_AFTER)
    clear = behind + 110  # no record that contains the leap second reaches here, by any count
    for first, last in [(0, 10), (390, 610), (990, 999), (clear, clear + 10), (clear, clear + 150)]:
        start, end = true_time(first), true_time(last)
        [trace] = client.get_waveforms("XX", "AAA", "", "HHZ", start, end)
        assert (trace.stats.starttime, trace.stats.endtime) == (start, end)
        assert np.array_equal(trace.data, np.arange(first, last + 1))
    both = client.get_waveforms("XX", "AAA", "", "HHZ", true_time(900), true_time(clear + 50))
    assert [trace.data[0] for trace in both] == [900, behind]
    assert [trace.data[-1] for trace in both] == [behind - 1, clear + 50]
    assert both[1].stats.starttime == true_time(behind)


def test_a_window_behind_the_leap_second_is_not_on_the_grid_before_it(
    tmp_path: Path, build_index: BuildIndex
) -> None:
    """At 40.96 Hz a second is no whole number of samples: the grid begins anew."""
    channel = Channel(rate_hz=40.96, encoding="INT32")
    elapsed = np.arange(0, 1000, 100) / 40.96  # since 23:59:50, the inserted second included
    starts = [BEFORE + s - (s >= 11) for s in elapsed]
    samples = np.arange(1000, dtype=np.int32)
    data = b"".join(
        channel.records(start, samples[first : first + 100])
        for start, first in zip(starts, range(0, 1000, 100), strict=True)
    )
    file = tmp_path / "leap.mseed"
    file.write_bytes(data)
    index = build_index([file])
    [[row]] = dump([index])
    assert row["timespans"].count(":") == 1, "the span must lead over the leap second"
    client = credit_fast.Client(str(index))
    [trace] = client.get_waveforms("XX", "AAA", "", "HHZ", starts[6] + 0.001, starts[8])
    whole = next(t for t in credit_fast.read(file) if t.stats.starttime > UTCDateTime(2017, 1, 1))
    expected = whole.stats.starttime + int(trace.data[0] - whole.data[0]) / 40.96
    assert abs(trace.stats.starttime - expected) < 2e-6
