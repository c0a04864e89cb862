"""What is there: spans, fractions, gaps, against counting sample by sample."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import credit_fast
from credit_fast import Client, UTCDateTime, _core
from credit_fast.availability import joined, percentage

START = UTCDateTime("2016-02-28T23:00:00")
RATE = 10.0
CODES = ("XX", "AAA", "", "BHZ")


def at(sample: float) -> UTCDateTime:
    return START + sample / RATE


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Client:
    """Samples 0 to 9999 in two files, 20,000 to 29,999 in one; another channel of 1 Hz."""
    folder = tmp_path_factory.mktemp("archive")
    for first, npts in ((0, 4000), (4000, 6000), (20_000, 10_000)):
        records = _core.encode_mseed2(
            *CODES, at(first).ns, RATE, np.zeros(npts, np.int32), "STEIM2"
        )
        (folder / str(first)).write_bytes(records)
    slow = _core.encode_mseed2(
        "XX", "AAA", "", "LHZ", START.ns, 1.0, np.zeros(500, np.int32), "STEIM2"
    )
    (folder / "slow").write_bytes(slow)
    index = tmp_path_factory.mktemp("index") / "index.db"
    credit_fast.makeindex(folder, index, progress=False)
    return Client(index)


def test_spans_are_joined_over_files_and_clipped(client: Client) -> None:
    both = [(*CODES, at(0), at(9999)), (*CODES, at(20_000), at(29_999))]
    assert client.get_availability(channel="BHZ") == both
    clipped = client.get_availability(*CODES, at(100), at(20_500))
    assert clipped == [(*CODES, at(100), at(9999)), (*CODES, at(20_000), at(20_500))]
    assert client.get_availability(*CODES, at(12_000), at(13_000)) == []
    rates = client.get_availability(include_sample_rate=True)
    assert [(row[3], row[6]) for row in rates] == [("BHZ", 10.0), ("BHZ", 10.0), ("LHZ", 1.0)]


@pytest.mark.parametrize(
    ("begin", "end", "fraction", "gaps"),
    [
        (0, 30_000, 2 / 3, 1),
        (0, 10_000, 1.0, 0),
        (0, 9999, 1.0, 0),
        (-10_000, 40_000, 0.4, 3),
        (5000, 15_000, 0.5, 1),
        (12_000, 13_000, 0.0, 1),
        (15_000, 25_000, 0.5, 1),
        (9_000, 21_000, 1 / 6, 1),
        (-0.4, 10_000.4, 1.0, 0),
        (-10, 10, 0.5, 1),
    ],
)
def test_fraction_and_gaps_of_a_window(
    client: Client, begin: float, end: float, fraction: float, gaps: int
) -> None:
    found = client.get_availability_percentage(*CODES, at(begin), at(end))
    assert found[0] == pytest.approx(fraction, abs=1e-9)
    assert found[1] == gaps


def test_several_channels_give_their_mean_and_all_gaps(client: Client) -> None:
    # LHZ has 500 of 1000 s, BHZ all of them.
    assert client.get_availability_percentage("XX", "*", "*", "*", at(0), at(10_000)) == (0.75, 1)
    assert client.get_availability_percentage("ZZ", "*", "*", "*", at(0), at(10)) == (0.0, 1)
    # LHZ is silent there: a gap of its own.
    found = client.get_availability_percentage("XX", "*", "*", "*", at(8000), at(9000))
    assert found == (0.5, 1)
    with pytest.raises(ValueError, match="no duration"):
        client.get_availability_percentage(*CODES, at(0), at(0))


def test_random_spans_give_what_counting_gives() -> None:
    random = np.random.default_rng(11)
    period = 10**8
    for _ in range(300):
        number = int(random.integers(0, 12))
        begins = np.sort(random.integers(0, 400, number))
        lengths = random.integers(1, 60, number)
        spans = [
            (*CODES, int(b) * period, int(b + n - 1) * period, 10.0)
            for b, n in zip(begins, lengths, strict=True)
        ]
        first = int(random.integers(-50, 300))
        window = (first * period, (first + int(random.integers(1, 300))) * period)
        there = np.zeros(1000, bool)
        for b, n in zip(begins, lengths, strict=True):
            there[100 + b : 100 + b + n] = True
        part = there[100 + window[0] // period : 100 + window[1] // period]
        edges = np.diff(np.concatenate(([True], part, [True])).astype(int))
        inside = [s for s in spans if s[5] >= window[0] and s[4] <= window[1]]
        fraction, gaps = percentage(inside, window, [CODES])
        assert fraction == pytest.approx(part.mean())
        assert gaps == int((edges == -1).sum())
        merged = joined(inside, window, by_rate=False, merge_overlap=True)
        covered = sum((end - begin) // period + 1 for *_, begin, end, _ in merged)
        assert covered == there[100 + window[0] // period : 101 + window[1] // period].sum()


def test_thousands_of_gaps_take_no_time_to_speak_of() -> None:
    spans = [(*CODES, n * 10**9, n * 10**9 + 5 * 10**8, 10.0) for n in range(200_000)]
    assert percentage(spans, (0, 200_000 * 10**9), [CODES]) == (pytest.approx(0.6), 200_000)


def test_overlapping_spans_stay_apart_unless_they_shall_be_merged() -> None:
    spans = [(*CODES, 0, 10**9, 10.0), (*CODES, 5 * 10**8, 2 * 10**9, 10.0)]
    always = (-(10**18), 10**18)
    assert joined(spans, always, by_rate=False, merge_overlap=False) == spans
    merged = joined(spans, always, by_rate=False, merge_overlap=True)
    assert merged == [(*CODES, 0, 2 * 10**9, 10.0)]


def test_spans_that_follow_are_joined_though_another_overlaps_them() -> None:
    a, b = (*CODES, 0, 59 * 10**8, 10.0), (*CODES, 60 * 10**8, 99 * 10**8, 10.0)
    over = (*CODES, 20 * 10**8, 29 * 10**8, 10.0)
    always = (-(10**18), 10**18)
    found = joined([a, over, b], always, by_rate=False, merge_overlap=False)
    assert found == [(*CODES, 0, 99 * 10**8, 10.0), over]
    twice = joined([a, a, b, b], always, by_rate=False, merge_overlap=False)
    assert twice == [(*CODES, 0, 99 * 10**8, 10.0)] * 2


def test_a_window_between_two_samples_has_none_but_is_covered(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    records = _core.encode_mseed2(
        "XX", "LOW", "", "VHZ", START.ns, 0.1, np.zeros(10, np.int32), "STEIM2"
    )
    (data / "low").write_bytes(records)
    credit_fast.makeindex(data, tmp_path / "index.db", progress=False)
    client = Client(tmp_path / "index.db")
    codes = ("XX", "LOW", "", "VHZ")
    assert not client.has_data(*codes, START + 11, START + 19)
    assert client.get_availability(*codes, START + 11, START + 19) == []
    assert client.has_data(*codes, START + 11, START + 20)
    # The last sample, at 90 s, stands for the time up to 100 s.
    for begin in (85, 91, 94):
        window = (START + begin, START + begin + 5)
        assert client.get_availability_percentage(*codes, *window) == (1.0, 0)
    assert client.get_availability_percentage(*codes, START + 91, START + 109) == (0.5, 1)


def test_each_span_has_the_rate_of_its_own(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    pieces = [(0.0, 100.0, 5000), (50.0, 20.0, 1000), (101.2, 1.0, 100)]
    file = b"".join(
        _core.encode_mseed2(
            "XX", "MIX", "", "HHZ", (START + begin).ns, rate, np.zeros(n, np.int32), "STEIM2"
        )
        for begin, rate, n in pieces
    )
    (data / "mixed").write_bytes(file)
    credit_fast.makeindex(data, tmp_path / "index.db", progress=False)
    client = Client(tmp_path / "index.db")
    found = client.get_availability(include_sample_rate=True)
    assert [row[6] for row in found] == [100.0, 20.0, 1.0]
    assert len(client.get_availability()) == 2
    fraction, gaps = client.get_availability_percentage(
        "XX", "MIX", "", "HHZ", START + 90, START + 110
    )
    assert (fraction, gaps) == (pytest.approx(1 - 1.2 / 20), 1)


def test_spans_of_a_rate_are_joined_though_a_row_has_six_digits_of_it(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for name, pieces in (
        ("a", [(-10.0, 20.0, 200), (0.0, 1 / 3, 100)]),
        ("b", [(300.0, 1 / 3, 50)]),
    ):
        records = [
            _core.encode_mseed3(
                "XX", "MIX", "", "LHZ", (START + begin).ns, rate, np.zeros(n, np.int32), "STEIM2"
            )
            for begin, rate, n in pieces
        ]
        (data / name).write_bytes(b"".join(records))
    credit_fast.makeindex(data, tmp_path / "index.db", progress=False)
    found = Client(tmp_path / "index.db").get_availability(include_sample_rate=True)
    assert [row[4:6] for row in found] == [
        (START - 10, START - 0.05),
        (START, START + 447),
    ]


def test_a_slow_span_without_a_sample_in_the_window_fills_the_gap_of_a_fast_one() -> None:
    fast = [(*CODES, at(first).ns, at(last).ns, RATE) for first, last in ((0, 12), (17, 30))]
    slow = (*CODES, at(5).ns, at(25).ns, 1.0)
    window = (at(11).ns, at(18).ns)
    spans = sorted([*fast, slow])
    merged = joined(spans, window, by_rate=False, merge_overlap=True)
    assert [span[4:6] for span in merged] == [(at(11).ns, at(18).ns)]
    apart = joined(fast, window, by_rate=False, merge_overlap=True)
    assert [span[4:6] for span in apart] == [
        (at(11).ns, at(12).ns),
        (at(17).ns, at(18).ns),
    ]
    # By itself it has nothing there.
    window = (at(13).ns, at(14).ns)
    assert joined([slow], window, by_rate=False, merge_overlap=True) == []
