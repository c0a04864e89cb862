"""Data that are there twice: identical ones become one, else version, scan and change decide."""

from __future__ import annotations

import math
import os
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from overlap_archive import (
    CODES,
    ID,
    RATE,
    START,
    at,
    change_index,
    client_of,
    constant,
    counts,
    noise,
    runs,
    samples,
    scanned,
    window,
    write,
)

from credit_fast import DataWarning, Trace, UTCDateTime


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


# --- What decides


@pytest.mark.parametrize("mseed3", [False, True])
@pytest.mark.parametrize(("low", "high"), [(1, 2), (2, 3), (3, 4), (1, 4)])
def test_the_higher_version_counts_and_the_rest_joins_without_a_seam(
    data: Path, low: int, high: int, mseed3: bool
) -> None:
    below, above = noise(1, 6000), noise(2, 1500)
    # The name and the time of change speak for the lower one: neither may decide.
    write(data, "a", 0, below, version=low, mseed3=mseed3, changed=1_600_000_000)
    write(data, "b", 2000, above, version=high, mseed3=mseed3)
    client = client_of(data)
    scanned(data.with_suffix(".db"), a="2030-01-01T00:00:00")
    stream = window(client, 0, 5999)
    expected = below.copy()
    expected[2000:3500] = above
    assert samples(stream) == [(0, expected.tolist())]
    same = int((below[2000:3500] == above).sum())
    assert sum(stream.overlaps[ID].values()) == 1500
    assert stream.overlaps[ID]["version"] == 1500 - same
    windows = client.cut([(*CODES[:3], "HH", START)], 6000, "Z", "int32")
    assert windows.data[0, 0].tolist() == expected.tolist()
    assert windows.overlaps.tolist() == [[1500]]
    assert windows.overlaps.dtype == np.int64


def test_of_one_version_the_later_scan_counts_then_the_later_change(data: Path) -> None:
    first, second = noise(1, 3000), noise(2, 3000)
    write(data, "a", 0, first)
    write(data, "b", 1000, second)
    client = client_of(data)
    index = data.with_suffix(".db")
    a_counts = [(0, [*first.tolist(), *second[2000:].tolist()])]
    b_counts = [(0, [*first[:1000].tolist(), *second.tolist()])]
    same = int((first[1000:] == second[:2000]).sum())
    for a, b, expected in [
        ("2020-01-01T00:00:00", "2020-01-01T00:00:01", b_counts),
        ("2020-01-01T00:00:01", "2020-01-01T00:00:00", a_counts),
        ("2020-01-01T00:00:00.000001", "2020-01-01T00:00:00", a_counts),
        (None, "1971-01-01T00:00:00", b_counts),
        ("1971-01-01T00:00:00", None, a_counts),
    ]:
        scanned(index, a=a, b=b)
        stream = window(client, 0, 3999)
        assert samples(stream) == expected
        assert stream.overlaps[ID]["scan"] == 2000 - same
        assert stream.overlaps[ID]["identical"] == same
    scanned(index, a="2020-01-01T00:00:00", b="2020-01-01T00:00:00")
    change = "UPDATE tsindex SET filemodtime=? WHERE filename LIKE ?"
    for time, expected in [("2018-01-01T00:00:00", a_counts), (None, b_counts)]:
        change_index(index, (change, time, "%/a"))
        stream = window(client, 0, 3999)
        assert samples(stream) == expected
        assert stream.overlaps[ID]["scan"] == 2000 - same


def test_a_touch_makes_an_older_file_count_again_but_not_against_a_version(data: Path) -> None:
    """The price of deciding by time; decision 0010 says what helps."""
    old = write(data, "old", 0, constant(2, 100))
    corrected = write(data, "corrected", 0, constant(3, 100))
    os.utime(old, (10**9, 10**9))
    assert runs(window(client_of(data), 0, 99)) == [(0, 3, 100)]
    os.utime(old)
    assert runs(window(client_of(data), 0, 99)) == [(0, 2, 100)]
    corrected.unlink()
    write(data, "corrected", 0, constant(3, 100), version=3)
    assert runs(window(client_of(data), 0, 99)) == [(0, 3, 100)]
    os.utime(old)
    assert runs(window(client_of(data), 0, 99)) == [(0, 3, 100)]


def test_where_nothing_decides_both_stay(data: Path) -> None:
    first, second = constant(1, 3000), constant(2, 3000)
    write(data, "a", 0, first)
    write(data, "b", 1000, second)
    both = [(0, first.tolist()), (1000, second.tolist())]
    client = client_of(data)
    for options in ({}, {"version": "all"}):
        stream = window(client, 0, 3999, **options)
        assert samples(stream) == both
        assert counts(stream) == {}
    # Nor inside of one file, whatever its rows say.
    one = data.parent / "one"
    write(one, "c", 0, first)
    write(one, "c", 1000, second)
    client = client_of(one)
    assert samples(window(client, 0, 3999)) == both
    windows = client.cut([(*CODES[:3], "HH", at(500))], 2000, "Z", "int32")
    assert windows.data.tolist() == [[[1] * 2000]]
    assert windows.overlaps.tolist() == [[1500]]


def test_of_files_of_one_scan_the_one_that_was_changed_last_counts(data: Path) -> None:
    for number in range(20):
        write(data, f"{number:02}", 100 * number, constant(number, 200), changed=10**9 + number)
    client = client_of(data)
    expected = [min(sample // 100, 19) for sample in range(2100)]
    assert samples(window(client, 0, 2099)) == [(0, expected)]


def test_identical_samples_become_one_and_are_counted_as_that(data: Path) -> None:
    whole = noise(3, 6000)
    other = whole[1000:3000].copy()
    other[500:510] += 1
    write(data, "d", 0, whole)
    write(data, "q", 1000, other, version=3)
    # One time of change: nothing decides between these two but that they are the same.
    write(data, "more", 4000, whole[4000:5000])
    client = client_of(data)
    stream = window(client, 0, 5999)
    expected = whole.copy()
    expected[1000:3000] = other
    assert samples(stream) == [(0, expected.tolist())]
    assert counts(stream) == {ID: {"identical": 1990 + 1000, "version": 10}}
    for begin in (900, 1500, 3900):
        windows = client.cut([(*CODES[:3], "HH", at(begin))], 1000, "Z", "int32")
        assert windows.data[0, 0].tolist() == expected[begin : begin + 1000].tolist()
        there = {900: 900, 1500: 1000, 3900: 900}[begin]
        assert windows.overlaps.item() == there
    for begin, end, expected_counts in [
        (1500, 1509, {"version": 10}),
        (1495, 1504, {"identical": 5, "version": 5}),
        (500, 1000, {"identical": 1}),
        (0, 999, {}),
    ]:
        assert window(client, begin, end).overlaps[ID] == expected_counts


def test_a_loser_in_the_middle_of_which_another_counts_is_one_record_in_two_parts(
    data: Path,
) -> None:
    below, above = constant(1, 60), constant(2, 20)
    write(data, "d", 0, below)
    write(data, "q", 20, above, version=3)
    stream = window(client_of(data), 0, 59)
    assert samples(stream) == [(0, [1] * 20 + [2] * 20 + [1] * 20)]
    assert stream[0].stats.mseed["number_of_records"] == 2


# --- What the answer is, told sample by sample


def layered(folder: Path, random: np.random.Generator) -> tuple[list[Any], np.ndarray]:
    """Random stretches of all versions, and the version that counts at each sample."""
    stretches = []
    best = np.zeros(4000, int)
    for version in range(1, 5):
        begin = 0
        for number in range(random.integers(0, 6)):
            begin += int(random.integers(0, 900))
            npts = min(int(random.integers(1, 900)), 4000 - begin)
            if npts <= 0:
                break
            # Files of their own, and several stretches in one file.
            name = f"{version}.{number % 2}" if version % 2 else f"{version}.{number}"
            values = constant(version, npts)
            write(folder, name, begin, values, version=version)
            stretches.append((version, begin, npts))
            best[begin : begin + npts] = version
            begin += npts
    return stretches, best


def traces_of(best: np.ndarray, first: int, last: int) -> list[tuple[int, list[int]]]:
    """Stretches with data of a window, as `samples` gives them."""
    inside = best[first : last + 1]
    edges = np.flatnonzero(np.diff(np.r_[False, inside > 0, False]))
    return [
        (first + int(a), inside[a:b].tolist()) for a, b in zip(edges[::2], edges[1::2], strict=True)
    ]


@pytest.mark.parametrize("seed", range(12))
def test_every_window_is_what_looking_at_each_sample_gives(tmp_path: Path, seed: int) -> None:
    random = np.random.default_rng(seed)
    stretches, best = layered(tmp_path / "data", random)
    assert stretches
    client = client_of(tmp_path / "data")
    windows = [(0, 3999), *np.sort(random.integers(0, 4000, (60, 2)), axis=1).tolist()]
    # Windows that begin and end at the borders of stretches, and one sample beside them.
    borders = [b for _, begin, npts in stretches for b in (begin, begin + npts)]
    for border in borders:
        for beside in (-1, 0, 1):
            first = min(max(border + beside, 0), 3999)
            windows += [(first, min(first + 30, 3999)), (max(first - 30, 0), first)]
    for first, last in windows:
        stream = window(client, first, last)
        assert samples(stream) == traces_of(best, first, last), (first, last)
        inside = [
            np.arange(max(begin, first), min(begin + npts, last + 1))
            for _, begin, npts in stretches
        ]
        dropped = sum(map(len, inside)) - int((best[first : last + 1] > 0).sum())
        assert sum(stream.overlaps[ID].values()) == dropped
        assert set(stream.overlaps[ID]) <= {"version"}
        npts = last - first + 1
        cut = client.cut([(*CODES[:3], "HH", at(first))], npts, "Z", "int32")
        assert cut.data[0, 0].tolist() == best[first : last + 1].tolist()
        assert cut.overlaps.item() == dropped


@pytest.mark.parametrize("shift", [-0.5, -0.499, -0.3, -0.001, 0.001, 0.25, 0.499, 0.5])
def test_a_shift_by_a_part_of_a_sample_loses_no_sample_and_doubles_none(
    data: Path, shift: float
) -> None:
    write(data, "d", 0, constant(1, 3000))
    write(data, "q", 1000 + shift, constant(2, 1000), version=3)
    client = client_of(data)
    stream = window(client, 0, 2999)
    (trace,) = stream
    # The samples before it and behind it keep their places, and are within half a sample of it.
    first = math.ceil(1000 + shift - 0.5)
    assert runs(stream) == [(0, 1, first), (first, 2, 1000), (first + 1000, 1, 2000 - first)]
    assert counts(stream) == {ID: {"version": 1000}}
    for begin in (*range(995, 1006), *range(1990, 2006)):
        for end in (*range(1002, 1012), *range(1997, 2012)):
            if end < begin + 2:
                continue
            part = client.get_waveforms(*CODES, at(begin - 0.1), at(end + 0.1), edge="inside")
            assert len(part) == 1
            place = math.ceil(round((part[0].stats.starttime - START) * RATE - 0.5, 6))
            length = len(part[0])
            assert abs(place - begin) <= 1 and abs(length - (end - begin + 1)) <= 1
            assert part[0].data.tolist() == trace.data[place : place + length].tolist()


def test_another_rate_takes_the_place_too(data: Path) -> None:
    write(data, "d", 0, constant(1, 3000))
    write(data, "q", 500, constant(2, 500), version=3, rate=50.0)
    client = client_of(data)
    stream = window(client, 0, 2999)
    shapes = [(t.stats.sampling_rate, len(t), t.data[0]) for t in stream]
    # The last one stands for 10 ms around 19.98 s: 19.99 s is left.
    assert shapes == [(100.0, 999, 1), (50.0, 500, 2), (100.0, 1001, 1)]
    assert stream[2].stats.starttime == at(1999)
    assert counts(stream) == {ID: {"version": 1000}}
    # The slower one loses those samples that are there twice, and keeps those between.
    other = data.parent / "other"
    write(other, "d", 0, constant(1, 30), rate=1.0)
    write(other, "q", 550, constant(2, 1000), version=3)
    stream = window(client_of(other), 0, 2999)
    assert [(t.stats.sampling_rate, len(t)) for t in stream] == [(1.0, 6), (100.0, 1000), (1.0, 14)]
    assert counts(stream) == {ID: {"version": 10}}


def cut_of(trace: Trace, start: UTCDateTime, end: UTCDateTime, edge: str) -> list[int]:
    """The samples of a trace in a window without half samples, by the rule of its ends."""
    rate = trace.stats.sampling_rate
    begin, last = ((time - trace.stats.starttime) * rate for time in (start, end))
    rounded = {
        "nearest": (round(begin), round(last)),
        "inside": (math.ceil(begin), math.floor(last)),
        "outside": (math.floor(begin), math.ceil(last)),
    }
    first, last = rounded[edge]
    return trace.data[max(first, 0) : max(last + 1, 0)].tolist()


@pytest.mark.parametrize("edge", ["nearest", "inside", "outside"])
def test_windows_with_other_rates_near_their_ends_are_cuts_of_a_larger_one(
    data: Path, edge: Literal["nearest", "inside", "outside"]
) -> None:
    """A sample of 1 Hz that an end goes to may be lost to records outside of the window."""
    write(data, "d", 0, np.arange(40, dtype=np.int32), rate=1.0)
    for number in range(8):
        values = constant(100 + number, 40)
        write(data, f"q{number}", 100 + 413 * number, values, version=3)
    client = client_of(data)
    whole = window(client, -500, 5000)
    assert len(whole) > 8
    for _ in range(3):  # From the second question on rows are found in memory.
        for ms in range(-2003, 42_000, 170):
            for length in (0, 107, 910):
                start, end = START + ms / 1000, START + (ms + length) / 1000
                part = client.get_waveforms(*CODES, start, end, edge=edge)
                expected = [cut_of(trace, start, end, edge) for trace in whole]
                found = [trace.data.tolist() for trace in part]
                assert sorted(found) == sorted(filter(None, expected)), (ms, length)


def test_overlaps_over_the_border_of_day_files(data: Path) -> None:
    days = noise(5, 24_000)
    for number in range(2):
        write(data, f"day.{number}", 12_000 * number, days[12_000 * number :][:12_000])
    other = noise(6, 4000)
    for number, (a, b) in enumerate(pairwise((0, 1000, 2500, 4000))):
        write(data, f"fixed.{number}", 10_000 + a, other[a:b], version=3)
    client = client_of(data)
    expected = days.copy()
    expected[10_000:14_000] = other
    assert samples(window(client, 0, 23_999)) == [(0, expected.tolist())]
    for first in range(9990, 14_010, 37):
        assert samples(window(client, first, first + 50)) == [
            (first, expected[first : first + 51].tolist())
        ]
    # Windows one behind the other count each sample once.
    borders = [at(9000.3 + 217 * number) for number in range(30)]
    rows = [(*CODES, a, b) for a, b in pairwise(borders)]
    for grouped in (True, False):
        answer = client.get_waveforms_bulk(rows, half_open=True, grouped=grouped)
        streams = answer if isinstance(answer, list) else [answer]
        total = sum(sum(stream.overlaps[ID].values()) for stream in streams)
        assert total == 4000


# --- Records that are damaged


def test_a_record_that_failed_its_check_takes_no_place_where_it_is_left_out(data: Path) -> None:
    below = noise(7, 3000)
    write(data, "d", 0, below)
    path = write(data, "q", 0, below + 1, version=3)
    records = bytearray(path.read_bytes())
    records[512 + 64 + 8] ^= 0x40  # the last sample of the third record, which is there to check
    path.write_bytes(records)
    client = client_of(data)
    with pytest.warns(DataWarning, match="last sample"):
        (trace,) = window(client, 0, 2999)
    assert np.array_equal(trace.data, below + 1)
    with pytest.warns(DataWarning, match="last sample"):
        stream, failed, _ = client.get_checked_waveforms(*CODES, START, at(2999))
    assert dict(failed) == {ID: 1}
    (trace,) = stream
    kept = np.flatnonzero(trace.data == below)
    assert len(trace) == 3000 and np.array_equal(
        np.delete(trace.data, kept), np.delete(below, kept) + 1
    )
    assert kept[-1] - kept[0] == len(kept) - 1 > 50
    assert counts(stream) == {ID: {"version": 3000 - len(kept)}}
    with pytest.warns(DataWarning, match="last sample"):
        windows = client.cut([(*CODES[:3], "HH", START)], 3000, "Z", "int32")
    assert np.array_equal(windows.data[0, 0], trace.data)
    assert windows.overlaps.item() == 3000 - len(kept)


def test_a_damaged_loser_of_which_two_parts_are_left_is_told_once(data: Path) -> None:
    path = write(data, "d", 0, noise(8, 60))
    records = bytearray(path.read_bytes())
    records[64 + 8] ^= 0x40
    path.write_bytes(records)
    write(data, "q", 20, constant(2, 20), version=3)
    client = client_of(data)
    with pytest.warns(DataWarning, match="last sample") as told:
        stream = window(client, 0, 59)
    assert len(told) == 1
    assert [len(trace) for trace in stream] == [60]
