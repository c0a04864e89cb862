"""One station record from traces: grid, gaps, fill, types, rates, refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from memory_archive import at, noise, three, trace

from credit_fast.station_records.record import Record, build_record
from credit_fast.station_records.settings import Settings
from credit_fast.waveform import Trace

STATION = "X1.AAA.00"


def build(
    traces: list[Trace],
    first_s: float,
    last_s: float,
    failed: list[str] | None = None,
    **options: Any,
) -> Record:
    record = build_record(traces, (at(first_s), at(last_s)), Settings(**options), failed or [])
    assert record is not None
    return record


def test_whole_components_are_stored_as_they_are() -> None:
    traces = three(STATION, -1.0, 301)
    record = build(traces, -1.0, 2.0)
    assert (record.start_ns, record.rate_hz, record.npts) == (at(-1.0), 100.0, 301)
    for item in traces:
        component = record.components[item.stats.channel]
        assert np.array_equal(component.data, item.data)
        assert (component.gaps, component.completeness, component.missing_s) == ([], 1.0, 0.0)


def test_no_trace_gives_no_record() -> None:
    assert build_record([], (at(0), at(1)), Settings()) is None


def test_data_outside_the_window_are_cut_off() -> None:
    record = build([trace(f"{STATION}.HHZ", -10.0, np.arange(3000))], 0.0, 5.0)
    assert record.start_ns == at(0.0)
    assert record.components["HHZ"].data.tolist() == list(range(1000, 1501))


def test_the_record_is_the_union_of_its_components_and_no_longer() -> None:
    traces = [
        trace(f"{STATION}.HHE", 1.0, np.arange(1, 101)),
        trace(f"{STATION}.HHZ", 1.5, np.arange(1, 101)),
    ]
    record = build(traces, 0.0, 10.0, fill=-9)
    assert (record.start_ns, record.npts) == (at(1.0), 150)
    assert record.components["HHE"].gaps == [(100, 50)]
    assert record.components["HHZ"].gaps == [(0, 50)]
    assert record.components["HHZ"].data[:51].tolist() == [-9] * 50 + [1]
    assert record.components["HHZ"].completeness == pytest.approx(100 / 150)


def test_a_gap_is_filled_and_listed() -> None:
    traces = [
        trace(f"{STATION}.HHZ", 0.0, np.full(100, 7)),
        trace(f"{STATION}.HHZ", 1.25, np.full(100, 8)),
    ]
    component = build(traces, 0.0, 2.24).components["HHZ"]
    assert component.gaps == [(100, 25)]
    assert component.data[98:127].tolist() == [7, 7] + [0] * 25 + [8, 8]
    assert component.missing_s == pytest.approx(0.25)


def test_a_later_segment_never_replaces_an_earlier_one() -> None:
    traces = [
        trace(f"{STATION}.HHZ", 0.5, np.full(100, 2)),
        trace(f"{STATION}.HHZ", 0.0, np.full(100, 1)),
    ]
    component = build(traces, 0.0, 1.49).components["HHZ"]
    assert component.data.tolist() == [1] * 100 + [2] * 50
    assert component.conflicts == 50


def test_of_two_segments_over_the_windows_start_the_earlier_wins() -> None:
    traces = [
        trace(f"{STATION}.HHZ", -1.0, np.full(300, 2)),
        trace(f"{STATION}.HHZ", -2.0, np.full(300, 1)),
    ]
    component = build(traces, 0.0, 1.9).components["HHZ"]
    assert component.data.tolist() == [1] * 100 + [2] * 91


def test_an_overlap_of_equal_samples_is_no_conflict() -> None:
    data = noise(1, 200)
    traces = [trace(f"{STATION}.HHZ", 0.0, data[:150]), trace(f"{STATION}.HHZ", 0.5, data[50:])]
    component = build(traces, 0.0, 1.99).components["HHZ"]
    assert np.array_equal(component.data, data)
    assert component.conflicts == 0


def test_a_component_beside_the_grid_goes_to_the_nearest_sample_and_says_so() -> None:
    traces = [
        trace(f"{STATION}.HHE", 0.0, np.arange(100)),
        trace(f"{STATION}.HHZ", 0.013, np.arange(100)),
        trace(f"{STATION}.HHN", 0.0177, np.arange(100)),
    ]
    record = build(traces, 0.0, 0.99)
    assert record.components["HHE"].subsample_offset_s == 0.0
    assert record.components["HHZ"].gaps == [(0, 1)]
    assert record.components["HHZ"].subsample_offset_s == pytest.approx(0.003, abs=1e-9)
    assert record.components["HHN"].gaps == [(0, 2)]
    assert record.components["HHN"].subsample_offset_s == pytest.approx(-0.0023, abs=1e-9)


def test_missing_seconds_count_both_ends_and_the_gaps() -> None:
    traces = [
        trace(f"{STATION}.HHZ", 1.0, np.full(100, 1)),
        trace(f"{STATION}.HHZ", 3.0, np.full(100, 1)),
    ]
    component = build(traces, 0.0, 10.0).components["HHZ"]
    # 0.00 to 0.99, 2.00 to 2.99, 4.00 to 10.00
    assert component.missing_s == pytest.approx(1.0 + 1.0 + 6.01)


@pytest.mark.parametrize("off_s", [-0.004, 0.0, 0.004])
def test_a_window_between_samples_is_covered_by_the_nearest(off_s: float) -> None:
    record = build([trace(f"{STATION}.HHZ", off_s, np.ones(501, np.int32))], 0.0, 5.0)
    assert record.components["HHZ"].missing_s == 0.0


def test_whole_float_numbers_become_int32() -> None:
    data = np.array([0.0, -3.0, 2147483647.0, -2147483648.0])
    component = build([trace(f"{STATION}.HHZ", 0.0, data)], 0.0, 1.0).components["HHZ"]
    assert component.data.dtype == np.int32
    assert component.data.tolist() == [0, -3, 2147483647, -2147483648]
    assert component.float_data == "whole"


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("odd", [0.5, 3e9, np.nan, np.inf])
def test_other_floats_are_never_cut(odd: float, dtype: type) -> None:
    data = np.array([1.0, odd, 2.0], dtype=dtype)
    component = build([trace(f"{STATION}.HHZ", 0.0, data)], 0.0, 1.0).components["HHZ"]
    assert component.data.dtype == dtype
    assert np.array_equal(component.data, data, equal_nan=True)
    assert component.float_data == "kept"


def test_one_component_of_integers_and_floats_loses_no_digit() -> None:
    traces = [
        trace(f"{STATION}.HHZ", 0.0, np.array([2_000_000_001], np.int32)),
        trace(f"{STATION}.HHZ", 0.01, np.array([0.5], np.float32)),
    ]
    component = build(traces, 0.0, 1.0).components["HHZ"]
    assert component.data.tolist() == [2_000_000_001.0, 0.5]


@pytest.mark.parametrize("dtype", [np.int16, np.int64, np.uint8])
def test_integers_of_any_size_become_int32(dtype: type) -> None:
    data = np.array([1, 2, 100], dtype=dtype)
    component = build([trace(f"{STATION}.HHZ", 0.0, data)], 0.0, 1.0).components["HHZ"]
    assert (component.data.dtype, component.data.tolist()) == (np.int32, [1, 2, 100])


def test_integers_beyond_int32_are_refused() -> None:
    record = build([trace(f"{STATION}.HHZ", 0.0, np.array([2**40]))], 0.0, 1.0)
    assert record.refused == {"HHZ": "int64 samples beyond int32"}
    assert record.components == {}


def test_text_is_refused_and_costs_only_its_channel() -> None:
    traces = [
        trace(f"{STATION}.HHE", 0.0, np.array([b"l", b"o", b"g"])),
        trace(f"{STATION}.HHZ", 0.0, np.arange(100)),
    ]
    record = build(traces, 0.0, 1.0)
    assert list(record.components) == ["HHZ"]
    assert "text" in record.refused["HHE"]


def test_masked_samples_are_a_gap() -> None:
    data = np.ma.masked_equal(np.array([5, 0, 0, 6], np.int32), 0)
    item = trace(f"{STATION}.HHZ", 0.0, [1, 2, 3, 4])
    item.data = data
    component = build([item], 0.0, 1.0, fill=-1).components["HHZ"]
    assert component.data.tolist() == [5, -1, -1, 6]
    assert component.gaps == [(1, 2)]


def test_a_record_of_another_rate_is_refused_with_both_rates() -> None:
    record = build([trace(f"{STATION}.HHZ", 0.0, np.arange(200), 50.0)], 0.0, 3.0)
    assert record.refusal == "sampling rate 50 Hz, expected 100 Hz"
    assert record.components == {}


def test_any_rate_is_taken_when_it_is_asked_for() -> None:
    record = build([trace(f"{STATION}.HHZ", 0.0, np.arange(200), 50.0)], 0.0, 3.0, rate_hz=None)
    assert (record.rate_hz, record.npts) == (50.0, 151)


def at_rates(rates_hz: dict[str, float]) -> list[Trace]:
    """Two seconds of each channel at its rate."""
    return [
        trace(f"{STATION}.{channel}", 0.0, np.arange(2 * rate_hz), rate_hz, dtype=np.int32)
        for channel, rate_hz in rates_hz.items()
    ]


def test_a_channel_of_another_rate_costs_only_itself() -> None:
    record = build(at_rates({"HHE": 100.0, "HHN": 100.0, "HHZ": 200.0}), 0.0, 1.99)
    assert list(record.components) == ["HHE", "HHN"]
    assert record.refused == {"HHZ": "sampling rate 200 Hz, expected 100 Hz"}
    assert record.refusal is None


def test_two_channels_of_another_rate_do_not_outweigh_the_accepted_one() -> None:
    record = build(at_rates({"HHE": 200.0, "HHN": 200.0, "HHZ": 100.0}), 0.0, 1.99)
    assert list(record.components) == ["HHZ"]
    assert record.refused == dict.fromkeys(["HHE", "HHN"], "sampling rate 200 Hz, expected 100 Hz")


@pytest.mark.parametrize(
    ("rates_hz", "of_record"),
    [
        ({"HHE": 200.0, "HHN": 200.0, "HHZ": 100.0}, 200.0),
        ({"HHE": 100.0, "HHN": 200.0, "HHZ": 100.0}, 100.0),
        ({"HHE": 100.0, "HHN": 200.0}, 200.0),  # as many seconds of both
    ],
)
def test_where_any_rate_is_taken_the_one_of_most_seconds_counts(
    rates_hz: dict[str, float], of_record: float
) -> None:
    record = build(at_rates(rates_hz), 0.0, 1.995, rate_hz=None)
    assert record.rate_hz == of_record
    assert set(record.components) == {c for c, rate in rates_hz.items() if rate == of_record}
    for channel, reason in record.refused.items():
        assert reason == (
            f"sampling rate {rates_hz[channel]:g} Hz, the record has {of_record:g} Hz"
        )


def test_a_channel_whose_records_all_failed_is_refused() -> None:
    traces = at_rates({"HHE": 100.0, "HHN": 100.0})
    record = build(traces, 0.0, 1.99, failed=["HHZ", "HHN"])
    assert record.refused == {"HHZ": "its records failed their own check"}
    alone = build([], 0.0, 1.99, failed=["HHZ"])
    assert (alone.components, alone.refusal) == ({}, "its records failed their own check")


def test_a_segment_of_another_rate_is_refused_and_leaves_a_gap() -> None:
    traces = [
        trace(f"{STATION}.HHZ", 0.0, np.full(100, 1)),
        trace(f"{STATION}.HHZ", 1.0, np.full(50, 9), 50.0),
        trace(f"{STATION}.HHZ", 2.0, np.full(100, 3)),
    ]
    record = build(traces, 0.0, 2.99)
    assert record.components["HHZ"].gaps == [(100, 100)]
    assert 9 not in record.components["HHZ"].data
    assert record.refused == {"HHZ": "sampling rate 50 Hz, expected 100 Hz"}


def test_a_rate_that_drifts_less_than_half_a_sample_is_the_same() -> None:
    data = np.arange(100_000)
    near = build([trace(f"{STATION}.HHZ", 0.0, data, 100.0004)], 0.0, 999.0)
    far = build([trace(f"{STATION}.HHZ", 0.0, data, 100.0006)], 0.0, 999.0)
    assert near.refusal is None
    assert far.refusal == "sampling rate 100.0006 Hz, expected 100 Hz"


def test_the_sample_at_a_time_is_real_or_not() -> None:
    traces = [
        trace(f"{STATION}.HHZ", 0.0, np.ones(100)),
        trace(f"{STATION}.HHZ", 2.0, np.ones(100)),
    ]
    record = build(traces, -5.0, 5.0)
    found = [record.has_sample_at(at(time)) for time in (-0.1, 0.0, 0.994, 1.5, 2.0, 2.99, 3.1)]
    assert found == [False, True, True, False, True, True, False]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-300, 300), st.integers(1, 200)), min_size=1, max_size=6),
    st.integers(-200, 0),
    st.integers(1, 200),
)
def test_any_segments_give_what_placing_sample_by_sample_gives(
    parts: list[tuple[int, int]], first: int, last: int
) -> None:
    """Against the slow way: a dict from sample number to the first value that came for it."""
    traces, expected = [], {}
    for number, (start, npts) in enumerate(sorted(parts)):
        data = noise(number, npts)
        traces.append(trace(f"{STATION}.HHZ", start / 100, data))
        for offset, value in enumerate(data.tolist()):
            if first <= start + offset <= last:
                expected.setdefault(start + offset, value)
    record = build_record(traces, (at(first / 100), at(last / 100)), Settings(fill=0))
    if not expected:
        assert record is None
        return
    assert record is not None
    component = record.components["HHZ"]
    begin = min(expected)
    assert record.start_ns == at(begin / 100)
    numbers = range(begin, max(expected) + 1)
    assert component.data.tolist() == [expected.get(number, 0) for number in numbers]
    filled = {begin + gap + k for gap, count in component.gaps for k in range(count)}
    assert filled == set(numbers) - set(expected)
    assert component.missing_s == pytest.approx((last - first + 1 - len(expected)) / 100)
