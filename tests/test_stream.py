"""Stats, Trace and Stream, without ObsPy (see reference/ for the comparison)."""

from __future__ import annotations

import copy
import pickle
import sys
from typing import Any

import numpy as np
import pytest

from credit_fast.errors import MissingExtraError
from credit_fast.times import UTCDateTime
from credit_fast.waveform import Stats, Stream, Trace

START = UTCDateTime("2012-03-01T13:22:11")


def make(
    first: float = 0, npts: int = 10, value: int = 0, rate: float = 100.0, **header: Any
) -> Trace:
    """Trace from sample `first` (at 100 Hz) whose samples count on from `first + value`."""
    codes = {"network": "XX", "station": "STA", "location": "00", "channel": "HHZ"}
    data = np.arange(int(first) + value, int(first) + value + npts, dtype=np.int32)
    times = {"starttime": START + first / 100, "sampling_rate": rate}
    return Trace(data, {**codes, **times, **header})


# --- Stats


def test_stats_have_attributes_and_keys() -> None:
    stats = make().stats
    assert stats.network == stats["network"] == "XX"
    assert stats.starttime == stats["starttime"] == START
    assert stats.endtime == START + 0.09
    assert (stats.npts, stats.delta, stats.sampling_rate, stats.calib) == (10, 0.01, 100.0, 1.0)
    assert stats.component == stats["component"] == "Z"
    assert stats.get("nothing", 5) == 5
    assert "delta" in stats and "nothing" not in stats
    assert {"endtime", "npts"} < set(stats) and len(stats) == 10
    with pytest.raises(KeyError):
        stats["nothing"]
    with pytest.raises(AttributeError):
        stats.nothing  # noqa: B018


def test_setting_the_period_sets_the_rate_and_back() -> None:
    stats = Stats()
    stats.delta = 0.5
    assert (stats.sampling_rate, stats.delta) == (2.0, 0.5)
    stats["sampling_rate"] = 4
    assert (stats.sampling_rate, stats.delta) == (4.0, 0.25)
    stats.delta = 0
    assert (stats.sampling_rate, stats.delta) == (0.0, 0.0)
    for wrong in (-1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="sampling rate"):
            stats.sampling_rate = wrong


def test_any_time_can_be_the_start_and_the_end_follows() -> None:
    stats = make().stats
    for value in ("2013-01-01", np.datetime64("2013-01-01"), 1356998400, START.replace(year=2013)):
        stats.starttime = value
        assert isinstance(stats.starttime, UTCDateTime) and stats.starttime.year == 2013
        assert stats.endtime - stats.starttime == 0.09
    with pytest.raises(AttributeError, match="read only"):
        stats.endtime = START
    with pytest.raises(AttributeError):
        del stats.delta


def test_other_keys_are_kept_and_mappings_become_attributes() -> None:
    stats = make(mseed={"dataquality": "D"}).stats
    stats.mseed.number = 1
    stats.quality = "good"
    assert stats["mseed"] == {"dataquality": "D", "number": 1}
    assert stats.mseed.dataquality == "D"
    with pytest.raises(AttributeError):
        stats.mseed.nothing  # noqa: B018
    del stats["quality"]
    assert not hasattr(stats, "quality")


def test_component_is_the_last_letter_of_the_channel() -> None:
    stats = make().stats
    stats.component = "N"
    assert stats.channel == "HHN"
    with pytest.raises(ValueError, match="single letter"):
        stats.component = "NE"


def test_codes_are_text() -> None:
    stats = Stats()
    with pytest.warns(UserWarning, match="not text"):
        stats.location = 0
    assert stats.location == "0"


def test_copied_and_pickled_stats_are_equal_and_independent() -> None:
    stats = make(mseed={"dataquality": "D"}, calib=2.5).stats
    for twin in (stats.copy(), copy.deepcopy(stats), pickle.loads(pickle.dumps(stats))):
        assert twin == stats
        twin.mseed.dataquality = "Q"
        twin.network = "YY"
    assert (stats.mseed.dataquality, stats.network) == ("D", "XX")


def test_stats_print_one_line_a_key() -> None:
    assert str(make(mseed={"a": 1}).stats) == (
        "         network: XX\n         station: STA\n        location: 00\n"
        "         channel: HHZ\n       starttime: 2012-03-01T13:22:11.000000Z\n"
        "         endtime: 2012-03-01T13:22:11.090000Z\n   sampling_rate: 100.0\n"
        "           delta: 0.01\n            npts: 10\n           calib: 1.0\n"
        "           mseed: {'a': 1}"
    )


# --- Trace


def test_trace_prints_as_users_know_it() -> None:
    trace = make()
    text = "XX.STA.00.HHZ | 2012-03-01T13:22:11.000000Z - 2012-03-01T13:22:11.090000Z | "
    assert str(trace) == repr(trace) == text + "100.0 Hz, 10 samples"
    trace.data = np.ma.masked_equal(trace.data, 3)
    assert str(trace) == text + "100.0 Hz, 10 samples (masked)"
    assert str(make(rate=0.05)).endswith("| 20.0 s, 10 samples")


def test_samples_are_kept_without_a_copy_and_counted() -> None:
    data = np.arange(5)
    trace = Trace(data, {"npts": 99})
    assert trace.data is data and trace.stats.npts == len(trace) == 5
    trace.data = data[:2]
    assert trace.stats.npts == 2 and trace[1] == 1
    assert Trace(header={"npts": 99}).stats.npts == 99


@pytest.mark.parametrize("data", [[1, 2], np.zeros((2, 2)), None])
def test_what_is_no_array_of_one_dimension_is_refused(data: Any) -> None:
    with pytest.raises(ValueError, match=r"Trace\.data"):
        Trace(data)
    with pytest.raises(ValueError, match=r"Trace\.data"):
        make().data = data


def test_header_is_copied() -> None:
    stats = make().stats
    trace = Trace(np.arange(3), stats)
    assert trace.stats is not stats and stats.npts == 10


def test_fast_constructor_equals_the_usual_one() -> None:
    data = np.arange(10, dtype=np.int32)
    assert Trace._from_parts("XX", "STA", "00", "HHZ", START.ns, 100.0, data) == make()


def test_id_can_be_set() -> None:
    trace = make()
    trace.id = "A.B..C"
    assert (trace.id, trace.get_id(), trace.stats.location) == ("A.B..C", "A.B..C", "")
    with pytest.raises(ValueError, match=r"NET\.STA\.LOC\.CHA"):
        trace.id = "A.B"


def test_times_of_the_samples() -> None:
    trace = make(npts=3)
    np.testing.assert_allclose(trace.times(), [0, 0.01, 0.02])
    np.testing.assert_allclose(trace.times(reftime=START - 1), [1, 1.01, 1.02])
    np.testing.assert_allclose(trace.times("timestamp")[0], START.timestamp)
    assert trace.times("UTCDateTime").tolist() == [START, START + 0.01, START + 0.02]
    trace.data = np.ma.masked_equal(trace.data, 1)
    assert trace.times().mask.tolist() == [False, True, False]
    with pytest.raises(ValueError, match="expected relative"):
        trace.times("hours")


def test_slice_is_a_view_and_leaves_the_trace_alone() -> None:
    trace = make(mseed={"a": 1})
    part = trace.slice(START + 0.02, START + 0.05)
    assert part.data.tolist() == [2, 3, 4, 5]
    assert np.shares_memory(part.data, trace.data)
    assert (part.stats.starttime, part.stats.endtime) == (START + 0.02, START + 0.05)
    part.stats.mseed.a = 2
    assert trace.stats.npts == 10 and trace.stats.mseed.a == 1


def test_nearest_sample_decides_at_both_ends() -> None:
    trace = make()
    assert trace.slice(START + 0.0249, START + 0.0451).data.tolist() == [2, 3, 4, 5]
    inside = trace.slice(START + 0.0249, START + 0.0451, nearest_sample=False)
    assert inside.data.tolist() == [3, 4]


def test_slice_outside_is_empty() -> None:
    trace = make()
    assert len(trace.slice(START + 1, START + 2)) == len(trace.slice(START - 2, START - 1)) == 0


def test_end_written_in_microseconds_keeps_the_last_sample() -> None:
    trace = make(rate=3.0)
    for nearest in (True, False):
        part = trace.slice(str(trace.stats.starttime), str(trace.stats.endtime), nearest)
        assert len(part) == 10


def test_trim_takes_numbers_as_seconds_from_the_ends() -> None:
    assert make().trim(0.02, 0.03).data.tolist() == [2, 3, 4, 5, 6]


def test_trim_with_pad_masks_or_fills() -> None:
    window = (START - 0.02, START + 0.1)
    padded = make().trim(*window, pad=True)
    assert padded.data.mask.tolist() == [True] * 2 + [False] * 10 + [True]
    filled = make().trim(*window, pad=True, fill_value=-1)
    assert filled.data.tolist() == [-1, -1, *range(10), -1]
    assert filled.data.dtype == np.int32 and not np.ma.isMaskedArray(filled.data)
    assert filled.stats.starttime == START - 0.02
    for wrong in (0.5, float("nan"), 2**40):
        with pytest.raises(ValueError, match="int32"):
            make().trim(*window, pad=True, fill_value=wrong)


def test_reversed_window_is_refused() -> None:
    with pytest.raises(ValueError, match="later than"):
        make().trim(START + 1, START)


def test_split_takes_masked_samples_out() -> None:
    trace = make()
    trace.data = np.ma.masked_inside(trace.data, 3, 4)
    parts = trace.split()
    assert [part.data.tolist() for part in parts] == [[0, 1, 2], [5, 6, 7, 8, 9]]
    assert parts[1].stats.starttime == START + 0.05
    assert make().split() == Stream([make()])


def test_copied_and_pickled_traces_are_equal_and_independent() -> None:
    trace = make(mseed={"a": 1})
    for twin in (trace.copy(), copy.deepcopy(trace), pickle.loads(pickle.dumps(trace))):
        assert twin == trace and not np.shares_memory(twin.data, trace.data)
        twin.stats.station = "B"
        assert twin != trace
    assert trace != make(value=1, mseed={"a": 1})
    with pytest.raises(TypeError):
        assert trace < trace  # type: ignore[operator]


def test_missing_obspy_is_said_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "obspy", None)
    with pytest.raises(MissingExtraError, match="pip install obspy"):
        make().to_obspy()
    with pytest.raises(MissingExtraError, match="pip install obspy"):
        Stream().to_obspy()


# --- Stream


def test_stream_is_a_list_of_traces() -> None:
    a, b, c = (make(station=name) for name in "ABC")
    stream = Stream([a]) + b
    stream += Stream([c])
    assert len(stream) == stream.count() == 3 and list(stream) == [a, b, c]
    assert stream[0] is a and stream[-1] is c and b in stream
    assert isinstance(stream[1:], Stream) and stream[1:].traces == [b, c]
    assert stream.pop() is c and stream.pop(0) is a
    stream.append(a).extend([c]).insert(0, c).insert(1, [a, b]).reverse()
    assert [trace.stats.station for trace in stream] == ["C", "A", "B", "B", "A", "C"]
    stream.remove(a)
    del stream[0]
    stream[0] = c
    assert [trace.stats.station for trace in stream] == ["C", "B", "A", "C"]
    assert not stream.clear()
    for wrong in (1, [1], "ab"):
        with pytest.raises(TypeError):
            stream.extend(wrong)
    with pytest.raises(TypeError):
        stream + 1
    with pytest.raises(TypeError):
        stream.append(stream)


def test_traces_can_be_removed_while_iterating() -> None:
    stream = Stream([make(station=name) for name in "ABC"])
    for trace in stream:
        stream.remove(trace)
    assert len(stream) == 0


def test_stream_prints_as_users_know_it() -> None:
    stream = Stream([make(), make(location="", station="LONGER")])
    span = "2012-03-01T13:22:11.000000Z - 2012-03-01T13:22:11.090000Z | 100.0 Hz, 10 samples"
    assert (
        str(stream)
        == repr(stream)
        == (f"2 Trace(s) in Stream:\nXX.STA.00.HHZ  | {span}\nXX.LONGER..HHZ | {span}")
    )
    many = Stream([make(i) for i in range(21)])
    assert "(19 other traces)" in str(many) and str(many).count("HHZ") == 2
    assert many.__str__(extended=True).count("HHZ") == 21
    assert str(Stream()) == "0 Trace(s) in Stream:\n"


def test_equality_of_streams_ignores_order() -> None:
    a, b = make(station="A"), make(station="B")
    assert Stream([a, b]) == Stream([b.copy(), a.copy()]) != Stream([a])
    assert pickle.loads(pickle.dumps(Stream([a, b]))) == Stream([a, b]) == Stream([a, b]).copy()


def test_sort_by_keys() -> None:
    stream = Stream([make(5, station="B"), make(0, station="B"), make(2, station="A")])
    starts = [trace.data[0] for trace in stream.sort()]
    assert starts == [2, 0, 5]
    assert [trace.data[0] for trace in stream.sort(["starttime"], reverse=True)] == [5, 2, 0]
    with pytest.raises(TypeError, match="list of keys"):
        stream.sort("starttime")
    with pytest.raises(KeyError):
        stream.sort(["nothing"])


def test_select_by_patterns_and_numbers() -> None:
    stream = Stream([make(channel=name, station="ABC") for name in ("HHZ", "HHN", "BHZ")])
    stream.append(make(npts=3, channel="LOG", rate=1.0, location=""))
    assert len(stream.select(channel="HH?")) == len(stream.select(component="z")) == 2
    assert len(stream.select(channel="*[ZN]", station="A*")) == 3
    assert len(stream.select(location="")) == len(stream.select(npts=3)) == 1
    assert len(stream.select(sampling_rate=1)) == len(stream.select(id="xx.abc.00.hhz")) == 1
    assert stream.select(id="*HHZ")[0] is stream[0]
    assert len(stream.select(network="NO")) == 0
    with pytest.raises(ValueError, match="no channel meets both"):
        stream.select(channel="HHZ", component="N")


def test_stream_window_is_on_the_samples_of_its_first_trace() -> None:
    stream = Stream([make(), make(0.4, channel="HHN"), make(50, channel="HHE")])
    part = stream.slice(START + 0.02, START + 0.05)
    assert [len(trace) for trace in part] == [4, 4]
    assert len(stream.slice(START + 0.02, START + 0.05, keep_empty_traces=True)) == 3
    assert len(stream.trim(START + 0.02, START + 0.05)) == 2
    with pytest.raises(TypeError, match="number of seconds"):
        stream.trim(1.0)
    assert Stream().slice(START).traces == [] == Stream().trim(START).traces


def test_neighbours_within_half_a_sample_are_joined() -> None:
    for shift in (-0.5, -0.4, 0, 0.4, 0.5):
        joined = Stream([make(0), make(10), make(20 + shift, value=int(shift < 0))]).merge(-1)
        assert len(joined) == 1 and joined[0].data.tolist() == list(range(30))
        assert joined[0].stats.starttime == START
    for shift in (-0.6, 0.6):
        apart = Stream([make(0), make(10 + shift, value=5)]).merge(-1)
        assert len(apart) == 2 and apart[1].stats.starttime == START + (10 + shift) / 100
    strict = Stream([make(0), make(10.4)]).merge(-1, misalignment_threshold=1e-2)
    assert len(strict) == 2


def test_identical_overlaps_become_one_and_differing_ones_stay_apart() -> None:
    same = Stream([make(5), make(0), make(0), make(2, npts=3)]).merge(-1)
    assert len(same) == 1 and same[0].data.tolist() == list(range(15))
    pieces = [make(0), make(7.3, value=1), make(2, npts=3, value=7)]
    differing = Stream(pieces).merge(-1)
    assert len(differing) == 3
    assert {trace.stats.starttime for trace in differing} == {p.stats.starttime for p in pieces}


def test_traces_that_cannot_be_joined_stay_apart_with_method_minus_one_only() -> None:
    others = [make(10, rate=50.0), make(10, calib=2.0), make(10)]
    others[2].data = others[2].data.astype(float)
    for other, word in zip(others, ("rates", "calibration", "types"), strict=True):
        assert len(Stream([make(0), other]).merge(-1)) == 2
        with pytest.raises(ValueError, match=word):
            Stream([make(0), other]).merge()


def test_traces_without_a_rate_stay_apart() -> None:
    for method in (-1, 0, 1):
        assert len(Stream([make(0, rate=0), make(10, rate=0)]).merge(method)) == 2
    with pytest.raises(ValueError, match="rates"):
        Stream([make(0, rate=0), make(10)]).merge()


def test_merge_leaves_the_given_traces_alone() -> None:
    a, b = make(0), make(10.3)
    before = a.copy(), b.copy()
    Stream([a, b]).merge(1)
    assert (a, b) == before


def test_merge_fills_gaps_as_asked() -> None:
    def merged(**how: Any) -> Any:
        (trace,) = Stream([make(0, 3), make(5, 3)]).merge(**how)
        return trace.data

    assert merged().mask.tolist() == [False] * 3 + [True] * 2 + [False] * 3
    assert merged(fill_value=-7).tolist() == [0, 1, 2, -7, -7, 5, 6, 7]
    assert merged(fill_value="latest").tolist() == [0, 1, 2, 2, 2, 5, 6, 7]
    assert merged(fill_value="interpolate").tolist() == [0, 1, 2, 3, 4, 5, 6, 7]
    for wrong in (0.5, "mean"):
        with pytest.raises(ValueError, match="fill"):
            merged(fill_value=wrong)


def test_merge_of_differing_overlaps() -> None:
    def merged(**how: Any) -> Any:
        (trace,) = Stream([make(0, 4), make(2, 4, value=10)]).merge(**how)
        return trace.data

    assert merged(method=0).mask.tolist() == [False, False, True, True, False, False]
    assert merged(method=0, fill_value=0).tolist() == [0, 1, 0, 0, 14, 15]
    assert merged(method=1).tolist() == [0, 1, 12, 13, 14, 15]
    assert merged(method=1, interpolation_samples=1).tolist() == [0, 1, 7, 13, 14, 15]
    assert merged(method=1, interpolation_samples=-1).tolist() == [0, 1, 5, 9, 14, 15]


@pytest.mark.parametrize(
    "how",
    [{"method": 2}, {"interpolation_samples": -2}, {"misalignment_threshold": 0.6},
     {"misalignment_threshold": -0.1}],
)  # fmt: skip
def test_unknown_ways_of_merging_are_refused(how: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(how)).split("_")[0]):
        Stream([make()]).merge(**how)


def test_masked_samples_are_filled_by_a_later_trace() -> None:
    holed = make()
    holed.data = np.ma.masked_inside(holed.data, 3, 6)
    (trace,) = Stream([holed, make(2, 6)]).merge()
    assert not np.ma.isMaskedArray(trace.data) and trace.data.tolist() == list(range(10))


def test_samples_are_copied_once_however_many_traces_are_joined(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    copied = []
    concatenate = np.concatenate

    def counting(pieces: Any, *args: Any, **kwargs: Any) -> Any:
        joined = concatenate(pieces, *args, **kwargs)
        copied.append(joined.size)
        return joined

    monkeypatch.setattr(np, "concatenate", counting)
    (trace,) = Stream([make(10 * i) for i in range(3000)]).merge(-1)
    assert trace.data.size == 30_000 and sum(copied) == 30_000


def test_gaps_and_overlaps_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    stream = Stream([make(0), make(12), make(20), make(100, channel="HHN")])
    gap, overlap = stream.get_gaps()
    assert gap[:4] == ["XX", "STA", "00", "HHZ"]
    assert gap[4:] == [START + 0.09, START + 0.12, pytest.approx(0.02), 2]
    assert overlap[6:] == [pytest.approx(-0.02), -2]
    assert stream.get_gaps(min_gap=0.01) == [gap] and stream.get_gaps(max_gap=0) == [gap, overlap]
    assert stream.get_gaps(max_gap=0.01) == [overlap]
    stream.print_gaps()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Source            Last Sample")
    assert lines[-1] == "Total: 1 gap(s) and 1 overlap(s)"


def test_masked_samples_are_gaps() -> None:
    (trace,) = Stream([make(0), make(12)]).merge()
    assert Stream([trace]).get_gaps()[0][7] == 2
