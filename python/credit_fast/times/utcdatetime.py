"""Any user's time to int64 nanoseconds and back, and the way between times and sample numbers.

The kinds of values that stand for a time are told apart in `credit_fast.times.values`; nothing here
knows of traces. ObsPy is never imported.
"""

from __future__ import annotations

import datetime as dt
import math
import operator
import time
from typing import Any

import numpy as np
import numpy.typing as npt

from credit_fast.times.text import SECOND_NS
from credit_fast.times.values import (
    any_ns,
    datetime64_ns,
    datetime_ns,
    duration_ns,
    in_range,
    parts_ns,
)

__all__ = [
    "UTCDateTime",
    "from_ns",
    "microseconds",
    "nearest_sample",
    "sample_time_ns",
    "texts",
    "to_ns",
]

_EPOCH = dt.datetime(1970, 1, 1)
_NOW = object()


def sample_time_ns(start_ns: int, rate_hz: float, index: int) -> int:
    """Time of sample `index`, rounded to the nanosecond; the start when the rate is 0.

    The same arithmetic as `sample_time_ns` of the Rust core (libmseed 3 rounds this way). ObsPy
    multiplies by 1 / rate instead of dividing: the two agree to the nanosecond on usual spans.
    """
    if not rate_hz:
        return start_ns
    return start_ns + math.floor(index / rate_hz * 1e9 + 0.5)


def nearest_sample(start_ns: int, rate_hz: float, time_ns: int) -> int:
    """Number of the sample nearest to `time_ns`; half way goes away from the start, as in ObsPy.

    Negative before the start; may lie beyond any end. ObsPy rounds the difference of the times to
    microseconds first; here it is exact.
    """
    # Whole numbers divide correctly rounded, which keeps half a sample exactly half.
    position = (time_ns - start_ns) / SECOND_NS * rate_hz
    below = math.floor(position)
    part = position - below
    return below + (part > 0.5 or (part == 0.5 and position > 0))


def to_ns(value: Any) -> int:
    """Nanoseconds since 1970-01-01T00:00:00 UTC of anything that users call a time.

    Accepted: `UTCDateTime`, ObsPy's `UTCDateTime`, `datetime` (naive means UTC), `date`
    (midnight), `numpy.datetime64`, text (see `credit_fast.times.text`), and seconds since 1970 as a
    whole number (exact) or a float (nearest nanosecond).

    Raises
    ------
    TypeError
        The value is no kind of time.
    ValueError
        It is one, but cannot be read or lies outside 1677-09-21 to 2262-04-11, which is what
        int64 nanoseconds hold.
    """
    if type(value) is UTCDateTime:
        return value._ns
    return in_range(any_ns(value), value)


def _comparable(ns: int, other: Any) -> tuple[int, int] | None:
    """Both times as numbers to compare, or None when `other` is no time.

    ObsPy compares its own times at their precision, which is a microsecond unless set; so it is
    here when one of the two is ObsPy's, and both orders of writing give the same answer.
    """
    if isinstance(other, UTCDateTime):
        return ns, other._ns
    if isinstance(other, dt.datetime):
        return ns, datetime_ns(other)
    if isinstance(other, np.datetime64):
        return None if np.isnat(other) else (ns, datetime64_ns(other))
    other_ns = getattr(other, "_ns", None)
    if not isinstance(other_ns, int):
        return None
    digits = min(int(getattr(other, "precision", 9)), 6) - 9
    return round(ns, digits), round(other_ns, digits)


class UTCDateTime:
    """A time in UTC on int64 nanoseconds, immutable; it reads and counts as ObsPy's.

    `UTCDateTime("2012-03-01T13:22:11.5")`, `UTCDateTime(2012, 3, 1, 13, 22, 11.5)`,
    `UTCDateTime(2012, julday=61)`, `UTCDateTime(1330608131.5)`, `UTCDateTime(ns=...)`, or any
    value that `to_ns` accepts; without a value it is now. Years 1677 to 2262.

    `str()` and the calendar fields show microseconds, rounded half to even as in ObsPy; `.ns`
    keeps what they do not show. Plus and minus take seconds (int, float) and `timedelta`; the
    difference of two times is in seconds (float).

    Two of these compare and hash by their nanoseconds. Against `datetime` too; the hash equals
    that of the naive `datetime` when there is one. Against ObsPy's (which has no hash) comparison
    is at ObsPy's precision, a microsecond.

    Raises
    ------
    TypeError, ValueError
        As in `to_ns`.
    """

    __slots__ = ("_ns",)
    _ns: int

    # ObsPy's comparison reads these two private names of the other time. Its class bears the same
    # name, so they are mangled alike; without them it would compare by way of a float.
    __precision = 6

    @property
    def __ns(self) -> int:
        return self._ns

    def __new__(
        cls, value: Any = _NOW, /, *parts: Any, ns: int | None = None, **fields: Any
    ) -> UTCDateTime:
        """Make a time from a value, from calendar parts, or from nanoseconds."""
        if ns is not None:
            if value is not _NOW or fields:
                raise TypeError("UTCDateTime(ns=...) takes no other argument")
            return from_ns(in_range(operator.index(ns), ns))
        if parts or fields:
            first = () if value is _NOW else (value,)
            return from_ns(parts_ns((*first, *parts), fields))
        if value is _NOW:
            return from_ns(time.time_ns())
        return from_ns(to_ns(value))

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"UTCDateTime cannot be changed (attribute {name!r}): make a new one")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"UTCDateTime cannot be changed (attribute {name!r}): make a new one")

    def __reduce__(self) -> tuple[Any, ...]:
        return from_ns, (self._ns,)

    def __copy__(self) -> UTCDateTime:
        return self

    def __deepcopy__(self, memo: Any) -> UTCDateTime:
        return self

    @property
    def ns(self) -> int:
        """Nanoseconds since 1970-01-01T00:00:00 UTC."""
        return self._ns

    @property
    def timestamp(self) -> float:
        """Seconds since 1970-01-01T00:00:00 UTC (a float holds about 0.2 microseconds today)."""
        return self._ns / SECOND_NS

    @property
    def datetime(self) -> dt.datetime:
        """Naive `datetime` in UTC, rounded to the microsecond."""
        return _EPOCH + dt.timedelta(microseconds=round(self._ns, -3) // 1000)

    @property
    def date(self) -> dt.date:
        """Calendar day."""
        return self.datetime.date()

    @property
    def time(self) -> dt.time:
        """Time of the day."""
        return self.datetime.time()

    @property
    def year(self) -> int:
        """Year."""
        return self.datetime.year

    @property
    def month(self) -> int:
        """Month, 1 to 12."""
        return self.datetime.month

    @property
    def day(self) -> int:
        """Day of the month, 1 to 31."""
        return self.datetime.day

    @property
    def hour(self) -> int:
        """Hour, 0 to 23."""
        return self.datetime.hour

    @property
    def minute(self) -> int:
        """Minute, 0 to 59."""
        return self.datetime.minute

    @property
    def second(self) -> int:
        """Second, 0 to 59."""
        return self.datetime.second

    @property
    def microsecond(self) -> int:
        """Microsecond, 0 to 999999."""
        return self.datetime.microsecond

    @property
    def julday(self) -> int:
        """Day of the year, 1 to 366."""
        return self.datetime.timetuple().tm_yday

    @property
    def weekday(self) -> int:
        """Day of the week, Monday 0 to Sunday 6."""
        return self.datetime.weekday()

    def isoformat(self, sep: str = "T") -> str:
        """As `datetime.isoformat`: no zone, no fraction when it is zero."""
        return self.datetime.isoformat(sep)

    def strftime(self, format: str) -> str:
        """As `datetime.strftime`."""
        return self.datetime.strftime(format)

    @classmethod
    def strptime(cls, text: str, format: str) -> UTCDateTime:
        """Parse a text by a format, as `datetime.strptime`; without a zone it is UTC."""
        return cls(dt.datetime.strptime(text, format))

    def replace(self, **fields: Any) -> UTCDateTime:
        """New time with calendar fields replaced: year, month and day or julday, hour, ..."""
        now = self.datetime
        names = ("year", "month", "day", "hour", "minute", "second", "microsecond")
        merged: dict[str, Any] = {name: getattr(now, name) for name in names}
        if "julday" in fields and not fields.keys() & {"month", "day"}:
            del merged["month"], merged["day"]
        if "second" in fields and "microsecond" not in fields and fields["second"] % 1:
            del merged["microsecond"]
        return UTCDateTime(**(merged | fields))

    def __str__(self) -> str:
        now = self.datetime
        return f"{now.isoformat('T', 'microseconds')}Z"

    def __repr__(self) -> str:
        return "UTCDateTime" + repr(self.datetime)[len("datetime.datetime") :]

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))

    def __format__(self, spec: str) -> str:
        """A format with a percent sign is for `strftime`, any other for the text."""
        return self.strftime(spec) if "%" in spec else format(str(self), spec)

    def __float__(self) -> float:
        return self.timestamp

    def __hash__(self) -> int:
        return hash(self._ns) if self._ns % 1000 else hash(self.datetime)

    def __eq__(self, other: object) -> bool:
        pair = _comparable(self._ns, other)
        return NotImplemented if pair is None else pair[0] == pair[1]

    def __lt__(self, other: Any) -> bool:
        pair = _comparable(self._ns, other)
        return NotImplemented if pair is None else pair[0] < pair[1]

    def __le__(self, other: Any) -> bool:
        pair = _comparable(self._ns, other)
        return NotImplemented if pair is None else pair[0] <= pair[1]

    def __gt__(self, other: Any) -> bool:
        pair = _comparable(self._ns, other)
        return NotImplemented if pair is None else pair[0] > pair[1]

    def __ge__(self, other: Any) -> bool:
        pair = _comparable(self._ns, other)
        return NotImplemented if pair is None else pair[0] >= pair[1]

    def __add__(self, seconds: Any) -> UTCDateTime:
        ns = duration_ns(seconds)
        return NotImplemented if ns is None else from_ns(in_range(self._ns + ns, self._ns + ns))

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        """Seconds (float) between two times, or the time that many seconds earlier."""
        ns = duration_ns(other)
        if ns is not None:
            return from_ns(in_range(self._ns - ns, self._ns - ns))
        other_ns = _time_ns(other)
        return NotImplemented if other_ns is None else (self._ns - other_ns) / SECOND_NS

    def __rsub__(self, other: Any) -> Any:
        other_ns = _time_ns(other)
        return NotImplemented if other_ns is None else (other_ns - self._ns) / SECOND_NS


_new = object.__new__
_set_ns = UTCDateTime.__dict__["_ns"].__set__  # past the refusal of __setattr__


def from_ns(ns: int) -> UTCDateTime:
    """Make a time, without a check, from a Python int that is known to be in range."""
    made = _new(UTCDateTime)
    _set_ns(made, ns)
    return made


def _time_ns(value: Any) -> int | None:
    """Nanoseconds of an object that is a time by itself (no text, no number), else None."""
    if isinstance(value, UTCDateTime | dt.datetime | np.datetime64):
        return any_ns(value)
    ns = getattr(value, "_ns", None)
    return ns if isinstance(ns, int) else None


def microseconds(ns: int) -> int:
    """Microseconds of a time, rounded half to even: the grid on which ObsPy compares times."""
    return round(ns, -3) // 1000


def texts(times_ns: npt.NDArray[np.int64]) -> list[str]:
    """What `str(UTCDateTime(ns=...))` says of each of many times, ten times as fast."""
    whole, rest = np.divmod(times_ns, 1000)
    whole += (rest > 500) | ((rest == 500) & (whole % 2 == 1))
    return [f"{text}Z" for text in np.datetime_as_string(whole.view("datetime64[us]")).tolist()]
