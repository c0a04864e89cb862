"""Where the axes of seismometers point: a table that the user gives, and nothing is guessed.

Text `NET STA LOC CHA azimuth_deg dip_deg`, or CSV. What is made of it is for rotation.
"""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from credit_fast.catalogs.fields import check_code, parse_number, shorten
from credit_fast.catalogs.text_lines import read_text_lines
from credit_fast.errors import CatalogError, Problem

__all__ = ["Orientations"]

_EXPECTED = "expected 'NET STA LOC CHA azimuth_deg dip_deg', or a CSV of these columns"
_COLUMNS = {
    "network": ("network", "net"),
    "station": ("station", "sta"),
    "location": ("location", "loc"),
    "channel": ("channel", "cha", "chan"),
    "azimuth": ("azimuth", "azimuth_deg", "az"),
    "dip": ("dip", "dip_deg"),
}
_Codes = tuple[str, str, str, str]


@dataclass(frozen=True)
class Orientations:
    """Azimuth and dip of channels as SEED has them: degrees clockwise from north, down from level.

    `rows` holds (network, station, location, channel, azimuth, dip).
    """

    rows: tuple[tuple[str, str, str, str, float, float], ...]
    _by_codes: dict[_Codes, tuple[float, float]] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )

    def __post_init__(self) -> None:
        for *codes, azimuth, dip in self.rows:
            self._by_codes[codes[0], codes[1], codes[2], codes[3]] = (azimuth, dip)

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Orientations:
        """Read a file; CatalogError, with the line, for the first line that is not understood.

        No line is skipped: a station that is turned the wrong way is worse than none. Words
        between white space, the empty location is `--`, `#` begins a comment. A CSV names its
        columns (network station location channel azimuth dip) in the first line, or has them in
        this order.
        """
        name = os.fspath(path)
        problems: list[Problem] = []
        lines = list(read_text_lines(path, problems))
        if problems:
            raise CatalogError(str(problems[0]), path=name)
        return cls.parse(lines, name)

    @classmethod
    def parse(cls, lines: Iterable[tuple[int, str]], name: str) -> Orientations:
        """The table of numbered lines; `name` stands in messages. CatalogError as in `read`."""
        found: dict[_Codes, tuple[float, float]] = {}
        for line, words in _split(lines):
            try:
                codes, direction = _row(words)
            except ValueError as error:
                text = shorten(" ".join(words))
                raise CatalogError(f"{name}:{line}: {text}: {error}", path=name) from error
            if found.setdefault(codes, direction) != direction:
                raise CatalogError(
                    f"{name}:{line}: {'.'.join(codes)} has another orientation above: "
                    "expected one for all of its time",
                    path=name,
                )
        if not found:
            raise CatalogError(f"{name} holds no orientation: {_EXPECTED}", path=name)
        return cls(tuple((*codes, *direction) for codes, direction in found.items()))

    def to_rows(self) -> list[str]:
        """The lines of a file that gives this table."""
        return [
            f"{network} {station} {location or '--'} {channel} {azimuth!r} {dip!r}"
            for network, station, location, channel, azimuth, dip in self.rows
        ]

    def get(
        self, network: str, station: str, location: str, channel: str
    ) -> tuple[float, float] | None:
        """Azimuth and dip of a channel in degrees; None when the table does not have it."""
        return self._by_codes.get((network, station, location, channel))


def _split(lines: Iterable[tuple[int, str]]) -> Iterator[tuple[int, list[str]]]:
    """Line number and the six words of each line that is no comment and no header."""
    order: list[int] | None = None
    for line, text in lines:
        text = text.strip()
        if not text or text.startswith("#"):
            continue
        if "," not in text:
            yield line, text.split()
            continue
        words = [word.strip() for word in next(csv.reader([text]))]
        header = [word.lower() for word in words]
        if order is None and any(word in header for word in _COLUMNS["azimuth"]):
            order = [_column(header, names) for names in _COLUMNS.values()]
            continue
        if order is not None:
            words = [words[place] if 0 <= place < len(words) else "?" for place in order]
        yield line, words


def _column(header: list[str], names: tuple[str, ...]) -> int:
    return next((header.index(name) for name in names if name in header), -1)


def _row(words: list[str]) -> tuple[_Codes, tuple[float, float]]:
    if len(words) != 6:
        raise ValueError(f"{len(words)} words, {_EXPECTED}")
    location = "" if words[2].strip("-") == "" else check_code(words[2], "location")
    codes = (
        check_code(words[0], "network"),
        check_code(words[1], "station"),
        location,
        check_code(words[3], "channel"),
    )
    azimuth, dip = parse_number(words[4]), parse_number(words[5])
    if azimuth is None or not -360 <= azimuth <= 360:
        raise ValueError(f"azimuth {words[4]}: expected -360 to 360 degrees")
    if dip is None or not -90 <= dip <= 90:
        raise ValueError(f"dip {words[5]}: expected -90 (up) to 90 degrees")
    return codes, (math.fmod(azimuth, 360.0), dip)
