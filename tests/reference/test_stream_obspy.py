"""Times, traces and streams against ObsPy: the same request, the same answer.

What differs on purpose, and is therefore kept out of the comparison or allowed for in it:

- ObsPy rounds differences of times to microseconds before it looks for the nearest sample; times
  here are exact. Seen only when a border lies within half a microsecond of half a sample.
- ObsPy multiplies sample numbers by 1 / rate, here they are divided by the rate: 1 ns apart.
- ObsPy writes a `processing` list into the stats.
- merge(-1): ObsPy moves the start of a trace onto the grid of the one before even if the two are
  not joined; here a trace that stays apart keeps its start (in methods 0 and 1 this can change
  the order in which ObsPy takes the traces). Traces that differ in type or rate stay apart here,
  where ObsPy raises TypeError.
- merge(0), merge(1): ObsPy puts the merged traces before the others; here all are sorted.
"""

from __future__ import annotations

import datetime as dt
import io
from contextlib import redirect_stdout
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from credit_fast.times import UTCDateTime, nearest_sample
from credit_fast.waveform import Stats, Stream, Trace

obspy = pytest.importorskip("obspy")
round_away = pytest.importorskip("obspy.core.compatibility").round_away

# Imports inside ObsPy and matplotlib make single examples slow: no deadline.
relaxed = settings(deadline=None)
many = settings(deadline=None, max_examples=300)

START_NS = 1_330_608_131_500_000_000
RATES = [0.05, 0.1, 1.0, 2.5, 3.0, 20.0, 50.0, 99.998, 100.0, 128.0, 1000.0]
nanoseconds = st.integers(-(2**63) + 1000, 2**63 - 1000)


def same_trace(ours: Trace, theirs: Any, start_slack_ns: float = 1) -> None:
    """Fail unless both traces have equal samples, masks, codes, rates and times."""
    assert ours.data.dtype == theirs.data.dtype
    assert np.ma.is_masked(ours.data) == np.ma.is_masked(theirs.data)
    np.testing.assert_array_equal(np.ma.getmaskarray(ours.data), np.ma.getmaskarray(theirs.data))
    np.testing.assert_array_equal(np.ma.getdata(ours.data), np.ma.getdata(theirs.data))
    for key in ("network", "station", "location", "channel", "npts"):
        assert ours.stats[key] == theirs.stats[key], key
    # ObsPy turns the rate into a period and back when it copies stats: the last digit may go.
    assert ours.stats.sampling_rate == pytest.approx(theirs.stats.sampling_rate, rel=1e-15)
    assert ours.stats.delta == pytest.approx(theirs.stats.delta, rel=1e-15)
    assert abs(ours.stats.starttime.ns - theirs.stats.starttime.ns) <= start_slack_ns
    assert abs(ours.stats.endtime.ns - theirs.stats.endtime.ns) <= start_slack_ns + 1


def by_id(stream: Any) -> list[Any]:
    return sorted(stream, key=lambda trace: trace.id)


def same_stream(ours: Stream, theirs: Any, start_slack_ns: float = 1) -> None:
    assert len(ours) == len(theirs)
    for one, other in zip(by_id(ours), by_id(theirs), strict=True):
        same_trace(one, other, start_slack_ns)


# --- times


@relaxed
@given(nanoseconds)
def test_text_fields_and_repr_are_obspys(ns: int) -> None:
    ours, theirs = UTCDateTime(ns=ns), obspy.UTCDateTime(ns=ns)
    assert str(ours) == str(theirs)
    assert repr(ours) == repr(theirs)
    assert ours.isoformat() == theirs.isoformat()
    assert ours.datetime == theirs.datetime
    assert ours.timestamp == pytest.approx(theirs.timestamp, rel=1e-15)
    for name in ("year", "month", "day", "hour", "minute", "second", "julday", "weekday"):
        assert getattr(ours, name) == getattr(theirs, name), name
    assert ours.strftime("%Y-%j %H:%M:%S.%f") == theirs.strftime("%Y-%j %H:%M:%S.%f")


@relaxed
@given(st.integers(-(2**62) // 1000, 2**62 // 1000))
def test_each_reads_what_the_other_writes(microseconds: int) -> None:
    ns = microseconds * 1000
    assert UTCDateTime(str(obspy.UTCDateTime(ns=ns))).ns == ns
    assert obspy.UTCDateTime(str(UTCDateTime(ns=ns))).ns == ns
    assert UTCDateTime(obspy.UTCDateTime(ns=ns)).ns == ns


@pytest.mark.parametrize(
    "text",
    ["2012-03-01", "2012-03-01T13:22:11", "2012-03-01T13:22:11.5Z", "2012-03-01T13:22:11+08:00",
     "2012-03-01 13:22:11.25", "2012-061T13:22:11", "2012061", "20120301T132211", "20120301132211",
     "2012/03/01 13:22:11.5", "2012-03-01T13:22", "2012-03-01T13", "2012-3-1 13:22:11",
     "2012-03-01T05:22:11-0330", "2012,061,13:22:11.5"],
)  # fmt: skip
def test_text_is_read_as_obspy_reads_it(text: str) -> None:
    assert UTCDateTime(text).ns == obspy.UTCDateTime(text).ns


@relaxed
@given(st.floats(-9e9, 9e9))
def test_seconds_are_rounded_as_obspy_rounds_them(seconds: float) -> None:
    assert UTCDateTime(seconds).ns == obspy.UTCDateTime(seconds).ns


@relaxed
@given(nanoseconds, st.integers(-3000, 3000))
def test_comparison_with_obspy_is_obspys_in_both_orders(ns: int, shift: int) -> None:
    ours, theirs = UTCDateTime(ns=ns), obspy.UTCDateTime(ns=ns + shift)
    same = obspy.UTCDateTime(ns=ns)
    expected = (same < theirs, same <= theirs, same == theirs, same != theirs, same >= theirs)
    assert expected == (
        ours < theirs, ours <= theirs, ours == theirs, ours != theirs, ours >= theirs
    )  # fmt: skip
    assert expected == (
        theirs > ours, theirs >= ours, theirs == ours, theirs != ours, theirs <= ours
    )  # fmt: skip


@relaxed
@given(st.integers(-(2**52), 2**52), st.floats(-1e6, 1e6))
def test_arithmetic_is_obspys(microseconds: int, seconds: float) -> None:
    ns = microseconds * 1000
    ours, theirs = UTCDateTime(ns=ns), obspy.UTCDateTime(ns=ns)
    assert (ours + seconds).ns == (theirs + seconds).ns
    assert (ours - seconds).ns == (theirs - seconds).ns
    shift = dt.timedelta(seconds=round(seconds))
    assert (ours + shift).ns == (theirs + shift).ns
    origin = obspy.UTCDateTime(2012, 3, 1)
    assert ours - origin == pytest.approx(theirs - origin, rel=1e-15)


def test_obspys_difference_with_ours_on_the_right_is_an_error_of_obspy() -> None:
    # ObsPy multiplies whatever is no time of its own; it does not leave the answer to us.
    with pytest.raises(TypeError):
        obspy.UTCDateTime(0) - UTCDateTime(0)
    assert obspy.UTCDateTime(ns=UTCDateTime(ns=5).ns).ns == 5


@relaxed
@given(st.integers(-(10**7), 10**7), st.sampled_from([1.0, 10.0, 20.0, 50.0, 100.0, 200.0, 1000.0]))
def test_nearest_sample_is_that_of_round_away(microseconds: int, rate: float) -> None:
    theirs = obspy.UTCDateTime(ns=START_NS + microseconds * 1000) - obspy.UTCDateTime(ns=START_NS)
    time_ns = START_NS + microseconds * 1000
    assert nearest_sample(START_NS, rate, time_ns) == round_away(theirs * rate)


# --- traces


@st.composite
def traces(draw: Any, max_npts: int = 30, masked: bool = True) -> Trace:
    """Any trace, with or without masked samples."""
    npts = draw(st.integers(0, max_npts))
    data: Any = np.arange(npts, dtype=draw(st.sampled_from(["i4", "f4", "f8", "i2"])))
    if masked and npts and draw(st.booleans()):
        data = np.ma.MaskedArray(data, mask=np.arange(npts) % draw(st.integers(2, 5)) == 0)
    header = {
        "network": draw(st.sampled_from(["", "X", "XX"])),
        "station": draw(st.sampled_from(["A", "LONG1"])),
        "location": draw(st.sampled_from(["", "00"])),
        "channel": draw(st.sampled_from(["HHZ", "HHN", "BHZ", "LOG", ""])),
        "starttime": UTCDateTime(ns=START_NS + draw(st.integers(-(10**7), 10**7)) * 1000),
        "sampling_rate": draw(st.sampled_from(RATES)),
    }
    return Trace(data, header)


def clear_of_half(stats: Stats, time: UTCDateTime) -> bool:
    """False when a border is so near half a sample that ObsPy's microseconds decide."""
    position = (time.ns - stats.starttime.ns) / 1e9 * stats.sampling_rate % 1
    if stats.starttime.ns % 1000 == 0 and 1e6 / stats.sampling_rate % 1 == 0:
        return True
    return abs(position - 0.5) > 2e-6 * max(stats.sampling_rate, 1)


@relaxed
@given(traces())
def test_to_obspy_prints_the_same_and_shares_the_samples(trace: Trace) -> None:
    trace.stats.mseed = {"dataquality": "D"}
    theirs = trace.to_obspy()
    same_trace(trace, theirs, 0)
    assert str(trace) == str(theirs)
    assert theirs.stats.mseed.dataquality == "D"
    assert not len(trace) or np.shares_memory(trace.data, theirs.data)
    del trace.stats["mseed"], theirs.stats["mseed"]
    assert str(trace.stats) == str(theirs.stats)
    same_trace(Trace(theirs.data, theirs.stats), theirs, 0)


@st.composite
def windows(draw: Any, trace: Trace) -> tuple[Any, Any]:
    """Two times around a trace, in order; each may be missing. Often on or between samples."""
    delta = trace.stats.delta
    times = []
    for _ in range(2):
        steps = draw(st.integers(-2 * 5, 2 * (len(trace) + 5))) / 2
        extra = draw(st.sampled_from([0, 0, 0.3, 0.7, 1e-3])) * delta
        times.append(UTCDateTime(ns=round((trace.stats.starttime + steps * delta + extra).ns, -3)))
    start, end = sorted(times)
    missing = draw(st.sampled_from(["", "", "", "start", "end"]))
    return (None if missing == "start" else start), (None if missing == "end" else end)


def obspy_time(time: UTCDateTime | None) -> Any:
    return None if time is None else obspy.UTCDateTime(ns=time.ns)


@many
@given(st.data(), traces(), st.booleans(), st.booleans(), st.sampled_from([None, 0, -5]))
def test_trim_is_obspys(
    data: Any, trace: Trace, pad: bool, nearest: bool, fill_value: int | None
) -> None:
    start, end = data.draw(windows(trace))
    # Masked samples: ObsPy fills those of before with numpy's 999999, here with the fill value.
    assume(not (pad and fill_value is not None and np.ma.isMaskedArray(trace.data)))
    assume(all(time is None or clear_of_half(trace.stats, time) for time in (start, end)))
    theirs = trace.to_obspy()
    how = {"pad": pad, "nearest_sample": nearest, "fill_value": fill_value}
    theirs.trim(obspy_time(start), obspy_time(end), **how)
    trace.trim(start, end, **how)
    same_trace(trace, theirs)


@relaxed
@given(traces(masked=False), st.floats(-0.5, 0.5), st.floats(-0.5, 0.5), st.booleans())
def test_trim_by_seconds_is_obspys(trace: Trace, first: float, last: float, pad: bool) -> None:
    start, end = round(first, 3), round(last, 3)
    moments = trace.stats.starttime + start, trace.stats.endtime - end
    assume(all(clear_of_half(trace.stats, moment) for moment in moments))
    theirs = trace.to_obspy().trim(start, end, pad=pad)
    assume(clear_of_half(trace.stats, trace.copy().trim(start, pad=pad).stats.endtime - end))
    same_trace(trace.trim(start, end, pad=pad), theirs)


@many
@given(st.data(), traces(), st.booleans())
def test_slice_is_obspys(data: Any, trace: Trace, nearest: bool) -> None:
    start, end = data.draw(windows(trace))
    assume(all(time is None or clear_of_half(trace.stats, time) for time in (start, end)))
    theirs = trace.to_obspy().slice(obspy_time(start), obspy_time(end), nearest)
    same_trace(trace.slice(start, end, nearest), theirs)


@relaxed
@given(traces(), st.sampled_from(["relative", "timestamp", "utcdatetime", "matplotlib"]))
def test_times_are_obspys(trace: Trace, kind: str) -> None:
    if kind == "matplotlib":
        pytest.importorskip("matplotlib")
    assume(len(trace))
    ours, theirs = trace.times(kind), trace.to_obspy().times(kind)
    np.testing.assert_array_equal(np.ma.getmaskarray(ours), np.ma.getmaskarray(theirs))
    if kind == "utcdatetime":
        ours, theirs = (np.array([t.ns for t in np.ma.getdata(x)]) for x in (ours, theirs))
        assert np.abs(ours - theirs).max() <= 1
    else:
        # Today's seconds since 1970 are good for half a microsecond in a float.
        np.testing.assert_allclose(np.ma.getdata(ours), np.ma.getdata(theirs), rtol=0, atol=5e-7)
    reftime = trace.stats.starttime - 3
    np.testing.assert_allclose(
        np.ma.getdata(trace.times(reftime=reftime)),
        np.ma.getdata(trace.to_obspy().times(reftime=obspy_time(reftime))),
    )


@relaxed
@given(traces())
def test_split_is_obspys(trace: Trace) -> None:
    assume(len(trace))
    same_stream(trace.split(), trace.to_obspy().split())


# --- streams


@many
@given(st.lists(traces(), max_size=25))
def test_stream_prints_as_obspys(listed: list[Trace]) -> None:
    ours = Stream(listed)
    theirs = ours.to_obspy()
    assert str(ours) == str(theirs)
    assert ours.__str__(extended=True) == theirs.__str__(extended=True)
    assert [t.id for t in ours.sort()] == [t.id for t in theirs.sort()]
    same_stream(ours, theirs, 0)


@many
@given(st.data(), st.lists(traces(masked=False), max_size=6))
def test_select_is_obspys(data: Any, listed: list[Trace]) -> None:
    how = data.draw(
        st.fixed_dictionaries(
            {},
            optional={
                "network": st.sampled_from(["", "x", "X*", "?", "XX"]),
                "station": st.sampled_from(["A", "*", "L[A-O]*", "[!A]*"]),
                "location": st.sampled_from(["", "0?", "*", "--"]),
                "channel": st.sampled_from(["hhz", "HH?", "*", "[HB]H[ZN]", "*Z"]),
                "sampling_rate": st.sampled_from([100.0, 1]),
                "npts": st.integers(0, 3),
                "component": st.sampled_from(["Z", "n", "?", "*"]),
                "id": st.sampled_from(["*Z", "xx.a.00.hhz", "*.A.*"]),
            },
        )
    )
    # ObsPy compares a component with the last letter of a pattern, even if that is a bracket.
    assume(not (how.get("channel", "").endswith("]") and how.get("component", "*") in "Zn"))
    ours = Stream(listed)
    theirs = ours.to_obspy()
    try:
        expected = theirs.select(**how)
    except ValueError:
        with pytest.raises(ValueError, match="no channel meets both"):
            ours.select(**how)
        return
    chosen = {id(trace.data) for trace in expected if len(trace)}
    got = ours.select(**how)
    assert len(got) == len(expected)
    same_stream(got, expected, 0)
    assert {id(trace.data) for trace in got if len(trace)} == chosen


@many
@given(st.data(), st.lists(traces(masked=False), min_size=1, max_size=4), st.booleans())
def test_stream_windows_are_obspys(data: Any, listed: list[Trace], pad: bool) -> None:
    start, end = data.draw(windows(listed[0]))
    assume(start is None or end is None or end - start > 2 * listed[0].stats.delta)
    # Moved times have nanoseconds: whether they are near half a sample is asked of those.
    first = listed[0].stats
    for time in (start, end):
        if time is None:
            continue
        assume(clear_of_half(first, time))
        for origin in (first.starttime, first.endtime):
            index = nearest_sample(origin.ns, first.sampling_rate, time.ns)
            moved = origin + index * first.delta
            for trace in listed:
                position = (moved.ns - trace.stats.starttime.ns) / 1e9 * trace.stats.sampling_rate
                margin = 2e-6 * max(trace.stats.sampling_rate, 1)
                assume(trace is listed[0] or abs(position % 1 - 0.5) > margin)
    ours = Stream(listed)
    theirs = ours.to_obspy()
    window = obspy_time(start), obspy_time(end)
    same_stream(ours.slice(start, end), theirs.slice(*window))
    theirs = ours.copy().to_obspy()
    same_stream(ours.copy().trim(start, end, pad=pad), theirs.trim(*window, pad=pad))


@st.composite
def pieces(draw: Any, shifts: tuple[float, ...] = (0.0, 0.0, 0.0, 0.2, -0.25)) -> Stream:
    """Traces cut from one or two recordings: gaps, identical and differing overlaps, shifts."""
    rate = draw(st.sampled_from([1.0, 50.0, 100.0]))
    dtype = draw(st.sampled_from(["i4", "f8"]))
    recording = np.random.default_rng(5).integers(-50, 50, 200).astype(dtype)
    listed = []
    for _ in range(draw(st.integers(1, 7))):
        first, npts = draw(st.integers(0, 60)), draw(st.integers(1, 25))
        samples = recording[first : first + npts].copy()
        if draw(st.integers(0, 3)) == 0:
            samples[draw(st.integers(0, npts - 1))] += 1
        shift = draw(st.sampled_from(shifts))
        header = {
            "network": "XX",
            "station": draw(st.sampled_from(["A", "A", "A", "B"])),
            "channel": "HHZ",
            "sampling_rate": rate,
            "starttime": UTCDateTime(ns=START_NS + round((first + shift) / rate * 1e6) * 1000),
        }
        listed.append(Trace(samples, header))
    return Stream(listed)


@many
@given(pieces(shifts=(0.0, 0.0, 0.0, 0.005, -0.004, 0.2, -0.25)))
def test_joining_is_obspys_with_obspys_threshold(stream: Stream) -> None:
    theirs = stream.copy().to_obspy().merge(-1, misalignment_threshold=1e-2)
    ours = stream.merge(-1, misalignment_threshold=1e-2)
    # One hundredth of a sample is what ObsPy moves traces by that it does not join.
    same_stream(ours, theirs, 0.0101e9 / ours[0].stats.sampling_rate)


@many
@given(
    pieces(),
    st.sampled_from([0, 1]),
    st.sampled_from([None, 0, -3, "latest", "interpolate"]),
    st.sampled_from([0, 1, 3, -1]),
)
def test_merging_is_obspys(
    stream: Stream, method: int, fill_value: Any, interpolation_samples: int
) -> None:
    how = {
        "fill_value": fill_value,
        "interpolation_samples": interpolation_samples,
        "misalignment_threshold": 1e-2,
    }
    theirs = stream.copy().to_obspy().merge(method, **how)
    same_stream(stream.merge(method, **how), theirs)


@many
@given(pieces())
def test_gaps_are_obspys(stream: Stream) -> None:
    theirs = stream.to_obspy()
    ours_list, theirs_list = stream.get_gaps(), theirs.get_gaps()
    assert [gap[:6] for gap in ours_list] == [gap[:6] for gap in theirs_list]
    assert [gap[7] for gap in ours_list] == [gap[7] for gap in theirs_list]
    for one, other in zip(ours_list, theirs_list, strict=True):
        assert one[6] == pytest.approx(other[6], abs=1e-6)  # ObsPy subtracts floats since 1970
    printed = []
    for each in (stream, theirs):
        with redirect_stdout(io.StringIO()) as text:
            each.print_gaps()
        printed.append(text.getvalue())
    if not ours_list:
        assert printed[0] == printed[1]
    assert printed[0].splitlines()[-1] == printed[1].splitlines()[-1]
