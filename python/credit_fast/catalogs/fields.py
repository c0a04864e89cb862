"""Words of a text line turned into numbers and times, strictly.

Python's own `int` and `float` take `1_000`, `nan` and the digits of every script; a catalogue
that holds such a word is damaged. Every function here raises ValueError with the reason.
"""

from __future__ import annotations

import math
import re
from datetime import date, timedelta

__all__ = [
    "NS_PER_SECOND",
    "check_code",
    "is_missing_word",
    "is_number",
    "is_year",
    "parse_clock_ns",
    "parse_coordinates",
    "parse_day_ns",
    "parse_microseconds",
    "parse_number",
    "shorten",
]

NS_PER_SECOND = 1_000_000_000
_EPOCH_DAY = date(1970, 1, 1).toordinal()
# What int64 nanoseconds since 1970 can hold in whole years.
_FIRST_YEAR, _LAST_YEAR = 1678, 2261

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?").fullmatch
_NOT_FINITE = re.compile(r"[+-]?(?:nan|inf|infinity)", re.IGNORECASE).fullmatch
_MISSING = re.compile(r"[A-Za-z_/-]+").fullmatch
_NO_CHANNEL = frozenset({"NONE", "NULL", "CHANNEL"})  # other placeholders are codes somewhere
_YEAR = re.compile(r"[0-9]{4}").fullmatch
_SMALL = re.compile(r"[0-9]{1,2}").fullmatch
_MICROSECONDS = re.compile(r"[0-9]{1,7}").fullmatch


def shorten(text: str, limit: int = 60) -> str:
    """Quote a piece of the file for a message, cut at `limit` characters."""
    text = text.strip()
    return repr(text if len(text) <= limit else text[:limit] + "...")


def is_missing_word(word: str) -> bool:
    """Tell whether a word in a number's place says that there is none.

    Formats write the name of the field or `NONE` there (MAG, RMS, WT, YYYY, ...), so any word
    of letters, `_`, `-` and `/` counts, apart from the spellings of nan and infinity.
    """
    return _MISSING(word) is not None and _NOT_FINITE(word) is None


def is_number(word: str) -> bool:
    """Tell whether a word has the shape of a decimal number."""
    return _NUMBER(word) is not None


def check_code(code: str, name: str) -> str:
    """Return a network, station, location or channel code if it can be one.

    Waveform files can hold nothing but ASCII codes, and a `.` or `/` in one would make
    `NET.STA.LOC` ambiguous. A word that says that there is no channel (`--`, `-`, `NONE`) gives
    `""`: a pick without a channel is still a pick.
    """
    if name == "channel" and (not code.strip("-") or code in _NO_CHANNEL):
        return ""
    if not code.isascii() or not code.replace("-", "").replace("_", "").isalnum():
        raise ValueError(f"{name} code {shorten(code)}: expected letters and digits")
    return code


def is_year(word: str) -> bool:
    """Tell whether a word has the shape of a year: four digits."""
    return _YEAR(word) is not None


def parse_number(word: str) -> float | None:
    """Read a finite decimal number; None for a word that stands for "missing"."""
    if _NUMBER(word) is not None:
        value = float(word)
        if math.isfinite(value):
            return value
    elif is_missing_word(word):
        return None
    raise ValueError(f"{shorten(word)}: expected a finite number")


def parse_coordinates(longitude: str, latitude: str) -> tuple[float, float]:
    """Read longitude (-180 to 360) and latitude (-90 to 90), both in degrees."""
    lon, lat = parse_number(longitude), parse_number(latitude)
    if lon is None or lat is None:
        raise ValueError(f"no coordinates: longitude {longitude!r}, latitude {latitude!r}")
    if abs(lat) > 90 and abs(lon) <= 90 and -180 <= lat <= 360:
        raise ValueError(
            f"latitude {lat:g} is outside -90 to 90: longitude ({lon:g}) and latitude seem to be "
            "swapped, longitude comes first"
        )
    if abs(lat) > 90:
        raise ValueError(f"latitude {lat:g}: expected -90 to 90")
    if not -180 <= lon <= 360:
        raise ValueError(f"longitude {lon:g}: expected -180 to 360")
    return lon, lat


def _parse_small(word: str, name: str, low: int, high: int) -> int:
    value = int(word) if _SMALL(word) is not None else -1
    if not low <= value <= high:
        raise ValueError(f"{name} {shorten(word)}: expected {low} to {high}")
    return value


def parse_day_ns(year: str, month: str, day: str, day_of_year: str) -> tuple[int, str | None]:
    """Give the start of a day in ns since 1970 UTC, and a warning or None.

    Month and day are trusted. A day of year that says something else gives the warning; a
    missing word there does not.
    """
    if not is_year(year) or not _FIRST_YEAR <= int(year) <= _LAST_YEAR:
        raise ValueError(f"year {shorten(year)}: expected {_FIRST_YEAR} to {_LAST_YEAR}")
    months, days = _parse_small(month, "month", 1, 12), _parse_small(day, "day", 1, 31)
    try:
        found = date(int(year), months, days)
    except ValueError:
        raise ValueError(f"day {year}-{month}-{day} does not exist") from None
    expected = found.timetuple().tm_yday
    warning = None
    written_number = day_of_year.isascii() and day_of_year.isdigit() and len(day_of_year) <= 3
    if not (written_number and int(day_of_year) == expected) and not is_missing_word(day_of_year):
        meant = ""
        if written_number and 1 <= int(day_of_year) <= 366:
            meant = f" ({date(found.year, 1, 1) + timedelta(int(day_of_year) - 1)})"
        warning = (
            f"day of year {shorten(day_of_year)}{meant} disagrees with {found} (day {expected}); "
            "month and day are used"
        )
    return (found.toordinal() - _EPOCH_DAY) * 86_400 * NS_PER_SECOND, warning


def parse_clock_ns(hour: str, minute: str, second: str) -> int:
    """Give hour, minute and second as ns since midnight; second 60 is the next minute's 0."""
    seconds = (
        _parse_small(hour, "hour", 0, 23) * 3600
        + _parse_small(minute, "minute", 0, 59) * 60
        + _parse_small(second, "second", 0, 60)
    )
    return seconds * NS_PER_SECOND


def parse_microseconds(word: str) -> int:
    """Read an integer count of microseconds, whatever its number of digits: `500` is 0.0005 s.

    A count of 1000000 (a fraction rounded up by its writer) is one second.
    """
    value = int(word) if _MICROSECONDS(word) is not None else -1
    if not 0 <= value <= 1_000_000:
        raise ValueError(f"microsecond {shorten(word)}: expected 0 to 999999")
    return value
