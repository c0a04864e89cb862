"""Text of a time to nanoseconds, in whole numbers: no digit of a fraction is lost in a float.

Only text is understood here; every other kind of time belongs to `credit_fast.times`.
"""

from __future__ import annotations

import datetime as dt
import re

__all__ = ["EPOCH_ORDINAL", "SECOND_NS", "day_of_year", "parse_time_text"]

#: Nanoseconds in a second.
SECOND_NS = 1_000_000_000
#: `date(1970, 1, 1).toordinal()`
EPOCH_ORDINAL = 719_163

_CLOCK = r"""
    (?P<hour>\d{2}|\d(?=:)) (?: :? (?P<minute>\d{2}) (?: :? (?P<second>\d{2})
    (?: [.,] (?P<fraction>\d+) )? )? )?
    (?: \s* (?: Z | UTC | (?P<sign>[+-]) (?P<zone_h>\d{2}) (?: :? (?P<zone_m>\d{2}) )? ) )?
"""
_SPACED = re.compile(
    r"""
    (?P<year>\d{4})
    (?: -(?P<month_a>\d{1,2})-(?P<day_a>\d{1,2})   # 2012-03-01
      | /(?P<month_b>\d{1,2})/(?P<day_b>\d{1,2})   # 2012/03/01
      | (?P<month_c>\d{2})(?P<day_c>\d{2})         # 20120301
      | [-/,]?(?P<ordinal>\d{3})                   # 2012-061, 2012,061, 2012061
    )
    (?: Z | (?: [T_,] | \s+ )"""
    + _CLOCK
    + ")?",
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
# Fourteen digits in a row: there is nothing that separates the date from the clock.
_PACKED = re.compile(
    r"(?P<year>\d{4})(?P<month_a>\d{2})(?P<day_a>\d{2})(?=\d{6})" + _CLOCK,
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
_EXPECTED = (
    "expected a form like 2012-03-01T13:22:11.000000Z, 2012-03-01, 2012/03/01 13:22:11.5, "
    "2012-061T13:22:11 or 20120301T132211, with Z or an offset such as +08:00 for the zone"
)


def parse_time_text(text: str) -> int:
    """Nanoseconds since 1970-01-01T00:00:00 UTC of a written time (ISO 8601 and its relatives).

    Fractions are read exactly to the nanosecond; digits after the ninth round it. Without a zone
    the text is UTC. Second 60 is the first second of the next minute, 24:00 the next midnight.

    Raises
    ------
    ValueError
        The text is no known form of a time, or names a day or an hour that does not exist.
    """
    stripped = text.strip()
    match = _SPACED.fullmatch(stripped) or _PACKED.fullmatch(stripped)
    if match is None:
        raise ValueError(f"time {text!r}: {_EXPECTED}")
    found = match.groupdict()
    try:
        return _day(found) * 86_400 * SECOND_NS + _clock_ns(found)
    except ValueError as error:
        raise ValueError(f"time {text!r}: {error}; {_EXPECTED}") from None


def _day(found: dict[str, str | None]) -> int:
    """Days since 1970-01-01."""
    year = int(found["year"] or 0)
    ordinal = found.get("ordinal")
    if ordinal is not None:
        return day_of_year(year, int(ordinal))
    month = found["month_a"] or found["month_b"] or found["month_c"]
    day = found["day_a"] or found["day_b"] or found["day_c"]
    return dt.date(year, int(month or 0), int(day or 0)).toordinal() - EPOCH_ORDINAL


def day_of_year(year: int, ordinal: int) -> int:
    """Days since 1970-01-01 of day `ordinal` (from 1) of a year; ValueError when there is none."""
    first = dt.date(year, 1, 1).toordinal()
    length = 366 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 365
    if not 1 <= ordinal <= length:
        raise ValueError(f"day {ordinal} of year {year}, expected 1 to {length}")
    return first + ordinal - 1 - EPOCH_ORDINAL


def _clock_ns(found: dict[str, str | None]) -> int:
    """Nanoseconds since midnight UTC."""
    hour, minute, second = (int(found[name] or 0) for name in ("hour", "minute", "second"))
    digits = found["fraction"] or ""
    fraction = int(digits[:9].ljust(9, "0")) + (digits[9:10] >= "5")
    if hour > 23 and (hour, minute, second, fraction) != (24, 0, 0, 0):
        raise ValueError(f"hour {hour}, expected 0 to 23")
    if minute > 59:
        raise ValueError(f"minute {minute}, expected 0 to 59")
    if second > 60:
        raise ValueError(f"second {second}, expected 0 to 60")
    zone = (int(found["zone_h"] or 0) * 60 + int(found["zone_m"] or 0)) * 60
    east = -zone if found["sign"] == "-" else zone
    return (hour * 3600 + minute * 60 + second - east) * SECOND_NS + fraction
