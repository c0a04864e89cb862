"""Values that stand for a time or a duration to nanoseconds, before `UTCDateTime` is made of them.

Only numbers come out of here; ObsPy's times are recognised by their nanosecond attribute, without
importing ObsPy. Text is parsed in `credit_fast.times.text`.
"""

from __future__ import annotations

import datetime as dt
import math
from typing import Any, SupportsFloat, SupportsIndex

import numpy as np

from credit_fast.times.text import EPOCH_ORDINAL, SECOND_NS, day_of_year, parse_time_text

__all__ = ["any_ns", "datetime64_ns", "datetime_ns", "duration_ns", "in_range", "parts_ns"]

_DAY_NS = 86_400 * SECOND_NS
_NS_MIN, _NS_MAX = -(2**63) + 1, 2**63 - 1  # -2**63 is numpy's "not a time"
_UNIT_NS = {
    "W": 7 * _DAY_NS,
    "D": _DAY_NS,
    "h": 3600 * SECOND_NS,
    "m": 60 * SECOND_NS,
    "s": SECOND_NS,
    "ms": 1_000_000,
    "us": 1000,
}


def any_ns(value: Any) -> int:
    """Nanoseconds since 1970 of what `credit_fast.times.to_ns` accepts, in range or not."""
    if isinstance(value, str):
        return parse_time_text(value)
    if isinstance(value, dt.datetime):
        return datetime_ns(value)
    if isinstance(value, dt.date):
        return (value.toordinal() - EPOCH_ORDINAL) * _DAY_NS
    if isinstance(value, np.datetime64):
        return datetime64_ns(value)
    ns = getattr(value, "_ns", None)  # both our class and ObsPy's
    if isinstance(ns, int):
        return ns
    if isinstance(value, bytes):
        return parse_time_text(value.decode("ascii", "replace"))
    if not isinstance(value, bool | np.bool_):
        if isinstance(value, SupportsIndex):
            return int(value) * SECOND_NS
        if isinstance(value, SupportsFloat):
            return _seconds_ns(float(value))
    raise TypeError(
        f"{value!r} ({type(value).__name__}) is no time: expected UTCDateTime, datetime, "
        "numpy.datetime64, text such as '2012-03-01T13:22:11', or seconds since 1970"
    )


def in_range(ns: int, source: Any) -> int:
    """Return `ns`; ValueError, naming the source, when int64 does not hold it."""
    if not _NS_MIN <= ns <= _NS_MAX:
        raise ValueError(
            f"time {source!r} is out of range: expected 1677-09-21T00:12:44 to "
            "2262-04-11T23:47:16, which is what int64 nanoseconds hold"
        )
    return ns


def _seconds_ns(seconds: float) -> int:
    if not math.isfinite(seconds):
        raise ValueError(f"time {seconds!r}: expected a finite number of seconds")
    return round(seconds * 1e9)


def datetime_ns(value: dt.datetime) -> int:
    """Nanoseconds since 1970; naive means UTC."""
    seconds = (value.hour * 60 + value.minute) * 60 + value.second
    ns = (value.toordinal() - EPOCH_ORDINAL) * _DAY_NS + seconds * SECOND_NS
    # pandas.Timestamp is a datetime with nanoseconds beside its microseconds.
    ns += value.microsecond * 1000 + getattr(value, "nanosecond", 0)
    offset = value.utcoffset()
    return ns if offset is None else ns - _timedelta_ns(offset)


def _timedelta_ns(value: dt.timedelta) -> int:
    return ((value.days * 86_400 + value.seconds) * 1_000_000 + value.microseconds) * 1000


def datetime64_ns(value: np.datetime64) -> int:
    """Nanoseconds since 1970; ValueError for NaT."""
    if np.isnat(value):
        raise ValueError("time numpy.datetime64('NaT'): expected a time")
    unit, count = np.datetime_data(value.dtype)
    # Python's own numbers: a cast by numpy would wrap round silently outside int64 nanoseconds.
    if unit in _UNIT_NS:
        return int(value.astype(np.int64)) * count * _UNIT_NS[unit]
    if unit in ("Y", "M"):
        return int(value.astype("datetime64[D]").astype(np.int64)) * _DAY_NS
    return int(value.astype("datetime64[ns]").astype(np.int64))


def duration_ns(value: Any) -> int | None:
    """Nanoseconds of a number of seconds or a `timedelta`, else None."""
    if isinstance(value, int):
        return value * SECOND_NS
    if isinstance(value, float):
        return _seconds_ns(value)
    if isinstance(value, dt.timedelta):
        return _timedelta_ns(value)
    if isinstance(value, np.integer | np.floating):
        return duration_ns(value.item())
    return None


def parts_ns(parts: tuple[Any, ...], fields: dict[str, Any]) -> int:
    """Nanoseconds of calendar parts: year, month, day or julday, hour, minute, second, microsecond.

    The second may be a float; it keeps its nanoseconds, where ObsPy rounds to microseconds.
    """
    names = ("year", "month", "day", "hour", "minute", "second", "microsecond")
    given = dict(zip(names, parts, strict=False))
    twice = given.keys() & fields.keys()
    unknown = fields.keys() - {*names, "julday"}
    if len(parts) > len(names) or twice or unknown:
        raise TypeError(
            f"UTCDateTime parts {parts!r} {fields!r}: expected each of {', '.join(names)} once, "
            "with julday in place of month and day if wanted"
        )
    given |= fields
    source = ", ".join(f"{name}={value!r}" for name, value in given.items())
    named = given.keys() & {"year", "month", "day", "julday"}
    if named not in ({"year", "month", "day"}, {"year", "julday"}):
        raise TypeError(f"UTCDateTime({source}): expected year, month, day or year, julday")
    second = given.pop("second", 0)
    whole = math.floor(second)
    try:
        if "julday" in given:
            days = day_of_year(given["year"], int(given.pop("julday")))
            first = dt.date.fromordinal(days + EPOCH_ORDINAL)
            given |= {"year": first.year, "month": first.month, "day": first.day}
        start = dt.datetime(**given, second=min(whole, 59))
        if not 0 <= whole <= 60:
            raise ValueError(f"second {second}, expected 0 to 60")
    except ValueError as error:
        raise ValueError(f"UTCDateTime({source}): {error}") from None
    ns = datetime_ns(start) + (whole - min(whole, 59)) * SECOND_NS
    return in_range(ns + round((second - whole) * 1e9), source)
