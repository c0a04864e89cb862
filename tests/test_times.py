"""UTCDateTime, `to_ns` and the sample arithmetic, without ObsPy (see reference/ for that)."""

from __future__ import annotations

import copy
import datetime as dt
import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from credit_fast.times import UTCDateTime, nearest_sample, sample_time_ns, texts, to_ns

NS = 1_330_608_131_500_000_000  # 2012-03-01T13:22:11.5 UTC
any_ns = st.integers(-(2**63) + 1, 2**63 - 1)


@pytest.mark.parametrize(
    "text",
    [
        "2012-03-01T13:22:11.5",
        "2012-03-01T13:22:11.500000Z",
        "2012-03-01t13:22:11,5z",
        "2012-03-01 13:22:11.500000000",
        "  2012-3-1 13:22:11.5 UTC ",
        "2012-03-01T21:22:11.5+08:00",
        "2012-03-01T21:22:11.5 +0800",
        "2012-03-01T05:22:11.5-08",
        "2012-061T13:22:11.5",
        "2012061T132211.5",
        "2012,061,13:22:11.5",
        "20120301T132211.5",
        "20120301132211.5Z",
        "2012/03/01 13:22:11.5",
        b"2012-03-01T13:22:11.5",
        np.str_("2012-03-01T13:22:11.5"),
    ],
)
def test_written_forms_of_one_time_agree(text: str) -> None:
    assert to_ns(text) == NS


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("2012-03-01", "2012-03-01T00:00:00"),
        ("2012061", "2012-03-01T00:00:00"),
        ("2012-03-01Z", "2012-03-01T00:00:00"),
        ("20120301", "2012-03-01T00:00:00"),
        ("2012-03-01T13", "2012-03-01T13:00:00"),
        ("2012-03-01T13:22", "2012-03-01T13:22:00"),
        ("2012-06-30T23:59:60", "2012-07-01T00:00:00"),
        ("2012-06-30T23:59:60.25", "2012-07-01T00:00:00.25"),
        ("2012-06-30T24:00:00", "2012-07-01T00:00:00"),
        ("2012-366", "2012-12-31"),
    ],
)
def test_short_and_overflowing_forms(text: str, same: str) -> None:
    assert to_ns(text) == to_ns(same)


def test_text_keeps_every_nanosecond_and_rounds_beyond() -> None:
    assert to_ns("2012-03-01T13:22:11.123456789") == NS - 500_000_000 + 123_456_789
    assert to_ns("2012-03-01T13:22:11.1234567894999") % 1000 == 789
    assert to_ns("2012-03-01T13:22:11.1234567895") % 1000 == 790
    assert to_ns("1969-12-31T23:59:59.999999999") == -1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "expected a form like"),
        ("yesterday", "'yesterday'"),
        ("2012", "expected a form like"),
        ("2012-03-01T132", "expected a form like"),
        ("2012-03-01T13:22:11.5X", "expected a form like"),
        ("2012-02-30", "day"),
        ("2012-13-01", "month"),
        ("2011-366", "expected 1 to 365"),
        ("2012-03-01T24:00:01", "hour 24"),
        ("2012-03-01T13:60:00", "minute 60"),
        ("2012-03-01T13:22:61", "second 61"),
        ("1600-01-01", "out of range"),
        ("2300-01-01", "out of range"),
    ],
)
def test_bad_text_is_named_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        UTCDateTime(text)
    assert repr(text) in str(caught.value)


@given(any_ns)
def test_nine_digits_written_are_read_back_exactly(ns: int) -> None:
    seconds, fraction = divmod(ns, 10**9)
    moment = dt.datetime(1970, 1, 1) + dt.timedelta(seconds=seconds)
    assert to_ns(f"{moment.isoformat()}.{fraction:09d}Z") == ns


@given(st.integers(-(2**63) // 1000 + 1, 2**63 // 1000 - 1))
def test_str_is_read_back_exactly_on_microseconds(microseconds: int) -> None:
    time = UTCDateTime(ns=microseconds * 1000)
    assert UTCDateTime(str(time)) == time
    assert eval(repr(time), {"UTCDateTime": UTCDateTime}) == time


def test_str_rounds_half_to_even_microseconds() -> None:
    assert str(UTCDateTime(ns=NS)) == "2012-03-01T13:22:11.500000Z"
    assert str(UTCDateTime(ns=500)).endswith("00.000000Z")
    assert str(UTCDateTime(ns=501)).endswith("00.000001Z")
    assert str(UTCDateTime(ns=1500)).endswith("00.000002Z")
    assert str(UTCDateTime(ns=-400)) == "1970-01-01T00:00:00.000000Z"
    assert str(UTCDateTime(ns=999_999_999)) == "1970-01-01T00:00:01.000000Z"


@given(st.lists(any_ns | st.integers(-(10**6), 10**6).map(lambda n: n * 500), max_size=5))
def test_texts_of_many_times_are_those_of_each(times_ns: list[int]) -> None:
    expected = [str(UTCDateTime(ns=ns)) for ns in times_ns]
    assert texts(np.array(times_ns, np.int64)) == expected


@pytest.mark.parametrize(
    "value",
    [
        UTCDateTime(ns=NS),
        dt.datetime(2012, 3, 1, 13, 22, 11, 500_000),
        dt.datetime(2012, 3, 1, 21, 22, 11, 500_000, dt.timezone(dt.timedelta(hours=8))),
        np.datetime64("2012-03-01T13:22:11.500"),
        np.datetime64(NS, "ns"),
        np.datetime64(NS, "ns").astype("datetime64[100ms]"),
        1330608131.5,
        np.float64(1330608131.5),
    ],
)
def test_kinds_of_values_agree(value: object) -> None:
    assert to_ns(value) == NS


def test_whole_seconds_and_days() -> None:
    assert to_ns(1330608131) == to_ns(np.int64(1330608131)) == NS - 500_000_000
    midnight = to_ns("2012-03-01")
    assert to_ns(dt.date(2012, 3, 1)) == to_ns(np.datetime64("2012-03-01")) == midnight
    assert to_ns(np.datetime64("2012-03")) == to_ns(np.datetime64("2012-03-01", "W")) == midnight


def test_pandas_like_timestamps_keep_their_nanoseconds() -> None:
    class Stamp(dt.datetime):
        nanosecond = 789

    assert to_ns(Stamp(2012, 3, 1, 13, 22, 11, 500_000)) == NS + 789


@pytest.mark.parametrize("value", [None, True, [1], {}, object(), 1j])
def test_what_is_no_time_is_a_type_error(value: object) -> None:
    with pytest.raises(TypeError, match="is no time"):
        UTCDateTime(value)


@pytest.mark.parametrize(
    "value",
    [math.nan, math.inf, 1e12, 10**10, np.datetime64("NaT"), np.datetime64("3000-01-01"),
     dt.datetime(1500, 1, 1)],
)  # fmt: skip
def test_what_int64_does_not_hold_is_a_value_error(value: object) -> None:
    with pytest.raises(ValueError, match=r"out of range|finite|expected a time"):
        UTCDateTime(value)
    with pytest.raises(ValueError, match="out of range"):
        UTCDateTime(ns=2**63)


def test_calendar_parts_make_a_time() -> None:
    assert UTCDateTime(2012, 3, 1, 13, 22, 11.5).ns == NS
    assert UTCDateTime(2012, 3, 1, 13, 22, 11, 500_000).ns == NS
    assert UTCDateTime(year=2012, julday=61, hour=13, minute=22, second=11.5).ns == NS
    assert UTCDateTime(2012, julday=61).ns == to_ns("2012-03-01")
    assert UTCDateTime(2012, 6, 30, 23, 59, 60) == UTCDateTime(2012, 7, 1)
    assert UTCDateTime(2012, 3, 1, 0, 0, 1.123456789).ns % 10**9 == 123_456_789


def test_wrong_calendar_parts_are_refused() -> None:
    with pytest.raises(ValueError, match="day"):
        UTCDateTime(2012, 2, 30)
    with pytest.raises(ValueError, match="expected 1 to 365"):
        UTCDateTime(2011, julday=366)
    with pytest.raises(ValueError, match="second 61"):
        UTCDateTime(2012, 2, 1, 0, 0, 61)
    with pytest.raises(TypeError, match="julday"):
        UTCDateTime(2012, 3, 1, julday=61)
    with pytest.raises(TypeError, match="expected"):
        UTCDateTime(2012, 3)
    with pytest.raises(TypeError, match="once"):
        UTCDateTime(2012, 3, 1, wrong=1)
    with pytest.raises(TypeError, match="no other"):
        UTCDateTime("2012-03-01", ns=5)


def test_without_a_value_it_is_now() -> None:
    before = dt.datetime.now(dt.timezone.utc)
    now = UTCDateTime()
    assert -1 < now - before < 60


def test_fields_and_texts() -> None:
    time = UTCDateTime(ns=NS)
    fields = (time.year, time.month, time.day, time.hour, time.minute, time.second)
    assert fields == (2012, 3, 1, 13, 22, 11)
    assert (time.microsecond, time.julday, time.weekday) == (500_000, 61, 3)
    assert time.timestamp == float(time) == 1330608131.5
    assert time.datetime == dt.datetime(2012, 3, 1, 13, 22, 11, 500_000)
    assert (time.date, time.time) == (dt.date(2012, 3, 1), dt.time(13, 22, 11, 500_000))
    assert time.isoformat() == "2012-03-01T13:22:11.500000"
    assert time.isoformat(" ") == "2012-03-01 13:22:11.500000"
    assert UTCDateTime("2012-03-01").isoformat() == "2012-03-01T00:00:00"
    assert time.strftime("%Y.%j") == f"{time:%Y.%j}" == "2012.061"
    assert f"{time}" == str(time)
    assert f"{time:>30}" == str(time).rjust(30)
    assert UTCDateTime.strptime("01/03/2012 13", "%d/%m/%Y %H") == UTCDateTime(2012, 3, 1, 13)
    assert repr(time) == "UTCDateTime(2012, 3, 1, 13, 22, 11, 500000)"


def test_replace_makes_a_new_time() -> None:
    time = UTCDateTime(ns=NS)
    assert time.replace(hour=0, minute=0, second=0, microsecond=0) == UTCDateTime(2012, 3, 1)
    assert time.replace(julday=1).julday == 1
    assert time.replace(second=1.25).ns % 10**10 == (NS // 10**10 * 10**10 + 1_250_000_000) % 10**10
    assert time.ns == NS


def test_plus_and_minus_seconds() -> None:
    time = UTCDateTime(ns=NS)
    for second in (1, 1.0, np.int32(1), np.float32(1), dt.timedelta(seconds=1)):
        assert (time + second).ns == (second + time).ns == NS + 10**9
        assert (time - second).ns == NS - 10**9
    assert (time + 1e-9).ns == NS + 1
    assert (time + dt.timedelta(microseconds=1)).ns == NS + 1000
    for wrong in ("1", None, [1]):
        with pytest.raises(TypeError):
            time + wrong
    with pytest.raises(TypeError):
        time + time
    with pytest.raises(ValueError, match="out of range"):
        time + 1e10


def test_difference_in_seconds() -> None:
    time, later = UTCDateTime(ns=NS), UTCDateTime(ns=NS + 1_500_000_001)
    assert later - time == 1.500000001
    assert isinstance(later - time, float)
    assert time - dt.datetime(2012, 3, 1, 13, 22, 11) == 0.5
    assert dt.datetime(2012, 3, 1, 13, 22, 11) - time == -0.5
    assert time - np.datetime64("2012-03-01T13:22:11") == 0.5


@given(any_ns, any_ns)
def test_order_is_that_of_the_nanoseconds(a: int, b: int) -> None:
    one, two = UTCDateTime(ns=a), UTCDateTime(ns=b)
    assert (one < two, one <= two, one == two, one != two, one > two, one >= two) == (
        a < b, a <= b, a == b, a != b, a > b, a >= b
    )  # fmt: skip


def test_comparison_with_datetime_in_both_orders() -> None:
    time, moment = UTCDateTime(ns=NS), dt.datetime(2012, 3, 1, 13, 22, 11, 500_000)
    aware = moment.replace(tzinfo=dt.timezone.utc)
    assert time == moment == time == aware == time
    assert moment <= time <= aware <= time
    assert time + 1 > moment and moment < time + 1 and not moment > time
    assert time < dt.datetime.max and dt.datetime.min < time
    assert time == np.datetime64(NS, "ns") and time < np.datetime64(NS + 1, "ns")
    assert UTCDateTime(ns=NS + 1) != moment


def test_comparison_with_what_is_no_time() -> None:
    time = UTCDateTime(ns=NS)
    for other in ("2012-03-01T13:22:11.5", 1330608131.5, None, np.datetime64("NaT")):
        assert time != other
    with pytest.raises(TypeError):
        assert time < "2013"


@given(any_ns)
def test_equal_times_have_equal_hashes(ns: int) -> None:
    time = UTCDateTime(ns=ns)
    assert hash(time) == hash(UTCDateTime(ns=ns))
    if time == time.datetime:
        assert hash(time) == hash(time.datetime)


def test_it_cannot_be_changed() -> None:
    time = UTCDateTime(ns=NS)
    for name in ("_ns", "ns", "year", "new"):
        with pytest.raises(AttributeError, match="cannot be changed"):
            setattr(time, name, 1)
    with pytest.raises(AttributeError):
        del time._ns
    assert time.ns == NS


def test_copies_and_pickles_are_equal() -> None:
    time = UTCDateTime(ns=NS + 1)
    assert copy.copy(time) is time and copy.deepcopy(time) is time
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(time, protocol)).ns == NS + 1


@pytest.mark.parametrize(
    ("position", "index"),
    [(0.0, 0), (0.49, 0), (0.5, 1), (1.5, 2), (-0.49, 0), (-0.5, -1), (-1.5, -2), (1e9, 10**9)],
)
def test_nearest_sample_goes_away_from_the_start_half_way(position: float, index: int) -> None:
    assert nearest_sample(NS, 100.0, NS + round(position * 1e7)) == index


@given(
    any_ns.filter(lambda ns: abs(ns) < 2**62),
    st.sampled_from([0.01, 0.1, 1.0, 3.0, 50.0, 99.998, 100.0, 128.0, 1000.0, 1024.0]),
    st.integers(-(10**7), 10**7),
)
def test_a_sample_is_nearest_to_its_own_time(start: int, rate: float, index: int) -> None:
    time = sample_time_ns(start, rate, index)
    assert abs(time - (start + index * 1e9 / rate)) <= 1 + abs(start) * 1e-15
    assert nearest_sample(start, rate, time) == index


def test_rate_zero_has_one_time() -> None:
    assert sample_time_ns(NS, 0.0, 5) == NS
    assert nearest_sample(NS, 0.0, NS + 10**9) == 0
