"""The station file: `NET STA LOC lon lat elevation_m [more]`, one instrument a line.

Reads text into a `StationTable`; what is done with coordinates is for others.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from .catalogs.fields import check_code, is_number, parse_coordinates, parse_number, shorten
from .catalogs.model import Station, StationTable
from .catalogs.text_lines import read_text_lines
from .errors import CatalogError, Problem

__all__ = ["FORMATS", "PROBLEM_KINDS", "Station", "StationTable", "read_stations"]

#: What a problem of a station file can be.
PROBLEM_KINDS = {
    "encoding": "line skipped: no text (neither UTF-8 nor GB18030, NUL bytes, endless line)",
    "bad-station": "line skipped: codes, coordinates or elevation missing or impossible",
    "duplicate-station": "line skipped: an earlier line has the same codes at another place",
}

_EXPECTED = "expected lines 'NET STA LOC longitude latitude elevation_m'"
# From below the deepest trench to above the highest mountain.
_LOWEST_M, _HIGHEST_M = -12_000.0, 9_000.0


def read_stations(path: str | os.PathLike[str], format: str | None = None) -> StationTable:
    """Read the stations of a file; a damaged line is reported and skipped, the rest is kept.

    Words between white space, `#` starts a comment line, words after the elevation are ignored.
    The empty location is `--`, or absent where the line can be read only so (`GX BSS 106.5565
    23.8951 179`). All numbers are needed: a station without elevation is refused. Two lines with
    the same codes: the first counts; the second is reported if it names another place.

    Parameters
    ----------
    path
        The file: UTF-8, or GB18030.
    format
        A name of `FORMATS`; `None` is the text table described here.

    Raises
    ------
    FileNotFoundError, IsADirectoryError, PermissionError
        As the operating system says.
    CatalogError
        No line of the file is a station.
    ValueError
        The format's name is not known.
    """
    name = "table" if format is None else format
    reader = FORMATS.get(name)
    if reader is None:
        raise ValueError(f"station format {name!r}: expected one of {', '.join(FORMATS)}")
    return reader(path)


def _read_table(path: str | os.PathLike[str]) -> StationTable:
    name = os.fspath(path)
    problems: list[Problem] = []
    stations: dict[tuple[str, str, str], Station] = {}
    for line, text in read_text_lines(path, problems):
        words = text.split()
        if not words or words[0].startswith("#"):
            continue
        try:
            station = _parse_station(words, line)
        except ValueError as error:
            problems.append(Problem(name, f"{shorten(text)}: {error}", "bad-station", line=line))
            continue
        key = (station.network, station.station, station.location)
        first = stations.setdefault(key, station)
        if first is not station and not _same_place(first, station):
            reason = (
                f"station {'.'.join(key)} has another place in line {first.line}, which is kept"
            )
            problems.append(Problem(name, reason, "duplicate-station", line=line))
    if not stations:
        found = _what_it_is(path) or (
            f"the first of {len(problems)} problems: {problems[0]}" if problems else "it is empty"
        )
        raise CatalogError(f"{name} holds no station ({found}): {_EXPECTED}", path=name)
    problems.sort(key=lambda problem: problem.line or 0)
    return StationTable(name, list(stations.values()), problems)


def _what_it_is(path: str | os.PathLike[str]) -> str:
    """What a file is that other programs take for stations; nothing for any other."""
    with Path(path).open("rb") as file:
        begin = file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()
    if begin.startswith(b"<"):
        hint = "; ObsPy's read_inventory reads it" if b"FDSNStationXML" in begin else ""
        return f"it is XML, which is not read here{hint}"
    if begin.lstrip(b"# ").lower().startswith(b"network"):
        return "its first line is that of a table of an FDSN service, with other columns"
    return ""


def _same_place(one: Station, other: Station) -> bool:
    return (one.longitude_deg, one.latitude_deg, one.elevation_m) == (
        other.longitude_deg,
        other.latitude_deg,
        other.elevation_m,
    )


def _parse_station(words: list[str], line: int) -> Station:
    # A location code has two characters; a longer number in its place is a longitude. With a
    # fourth number behind, the line is complete as it stands.
    shifted = len(words) >= 5 and len(words[2]) > 2 and all(map(is_number, words[2:5]))
    if shifted and (len(words) == 5 or not is_number(words[5])):
        words = [words[0], words[1], "--", *words[2:]]
    if len(words) < 6:
        raise ValueError(f"{len(words)} words, {_EXPECTED}")
    network, station = check_code(words[0], "network"), check_code(words[1], "station")
    location = "" if words[2] == "--" else check_code(words[2], "location")
    longitude, latitude = parse_coordinates(words[3], words[4])
    elevation = parse_number(words[5])
    if elevation is None or not _LOWEST_M <= elevation <= _HIGHEST_M:
        raise ValueError(
            f"elevation {words[5]}: expected metres from {_LOWEST_M:g} to {_HIGHEST_M:g}"
        )
    return Station(network, station, location, longitude, latitude, elevation, line)


#: Name of a format and its reader.
FORMATS: dict[str, Callable[[str | os.PathLike[str]], StationTable]] = {
    "table": _read_table,
}
