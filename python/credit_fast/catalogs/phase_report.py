"""The phase report: `#EVENT` lines, each followed by its `PHASE` rows, words between white space.

The shape of the lines, as published by the users of the CREDIT toolkit::

    #EVENT id type YYYY MM DD DOY hh mm ss us LOC lon lat DEP km MAG type value
    PHASE id type ROWTYPE net sta loc cha phase ttime s RECORDTYPE YYYY MM DD DOY hh mm ss us
          MAGSOURCE MAGTYPE MAG DISTAZ km deg BLOCK value1 value2

Fields are found by the keywords first and by position second. Nothing else is read here: other
formats have their own file.
"""

from __future__ import annotations

import os
from collections import defaultdict
from sys import intern

from ..errors import CatalogError, Problem
from .fields import (
    NS_PER_SECOND,
    check_code,
    is_number,
    is_year,
    parse_clock_ns,
    parse_coordinates,
    parse_day_ns,
    parse_microseconds,
    parse_number,
    shorten,
)
from .model import Catalog, Event, Pick
from .packed import PackedEvents
from .text_lines import read_text_lines

__all__ = ["PROBLEM_KINDS", "ROW_TYPES", "magnitude_type_of", "read_phase_report"]

#: What a problem of a phase report can be.
PROBLEM_KINDS = {
    "encoding": "line skipped: no text (neither UTF-8 nor GB18030, NUL bytes, endless line)",
    "unknown-line": "line skipped: it is no #EVENT line, no PHASE row and no comment",
    "bad-event": "event line skipped: id, origin time or epicentre missing or impossible",
    "bad-pick": "PHASE row skipped: codes, row type or arrival time missing or impossible",
    "orphan-pick": "PHASE row skipped: no event of the file has the id that it names",
    "moved-pick": "PHASE row kept: it stands apart from its event and was given to it by its id",
    "duplicate-event": "event kept: an earlier event of the file has the same id",
    "warning": "line kept: one of its values is not believed",
}

ROW_TYPES = ("TRAVTIME", "AMPLITUD", "POLARITY")

_EXPECTED = "a phase report has lines '#EVENT id type ... LOC ... DEP ... MAG ...' and 'PHASE ...'"
# Half the Earth's circumference, rounded up.
_MAX_DISTANCE_KM = 20_100.0
# Lines without sense before the first event after which the file is taken for another format.
_MAX_PROBLEMS_BEFORE_EVENT = 10_000
# Bound of each table of known words; beyond it rows are read by the careful path.
_MAX_KNOWN = 200_000

# What stands in the place of the year where a row has no time.
_NO_TIME = frozenset({"YYYY", "NONE", "NULL", "NA", "--", "-"})

# The usual two-digit words of a clock, for the fast path.
_HOURS_NS = {f"{hour:02d}": hour * 3600 * NS_PER_SECOND for hour in range(24)}
_MINUTES_NS = {f"{minute:02d}": minute * 60 * NS_PER_SECOND for minute in range(60)}
_SECONDS_NS = {f"{second:02d}": second * NS_PER_SECOND for second in range(61)}

_Codes = tuple[str, str, str, str, str]


def read_phase_report(path: str | os.PathLike[str], *, compact: bool = False) -> Catalog:
    """Read a phase report; a damaged line is reported and skipped, the rest is kept.

    With `compact` the events are packed (`PackedEvents`).

    Times are UTC. `Catalog.problems` is in file order, each with its line number and a kind of
    `PROBLEM_KINDS`. Rules where a line is unusual:

    - A PHASE row belongs to the event whose id it names, wherever it stands: of two events with
      that id, to the one before the row. An id that no event has costs the row.
    - An event needs id, origin time and epicentre. Depth and magnitude may be missing.
    - A row needs row type, network, station, channel, phase and, unless its year is a word
      (`YYYY`), a complete arrival time. What is missing after that is None or `""`.
    - Second 60 is the next minute. The day of year is only checked.
    - A number that is not finite or not possible becomes None, with a warning.

    Raises
    ------
    FileNotFoundError, IsADirectoryError, PermissionError
        As the operating system says.
    CatalogError
        The file is empty, none of its lines is an event line, or 10,000 lines without sense
        stand before the first one (another format, a binary file).
    """
    return _PhaseReport(os.fspath(path), compact=compact).read()


class _Refused(ValueError):
    """A line that cannot be kept, and why."""


def _find(words: list[str], keyword: str, usual: int, start: int) -> int:
    """Place of a keyword: its usual place if it is there, else the first from `start`, or -1."""
    if usual < len(words) and words[usual] == keyword:
        return usual
    try:
        return words.index(keyword, start)
    except ValueError:
        return -1


def _word(words: list[str], index: int) -> str:
    return words[index] if index < len(words) else ""


def _location_at(words: list[str]) -> int:
    """Place of LOC in an event line, or where it usually is."""
    found = _find(words, "LOC", 11, 2)
    return 11 if found < 0 else found


def _depth_at(words: list[str], location_at: int) -> int:
    """Place of DEP in an event line, or where it usually is."""
    found = _find(words, "DEP", location_at + 3, location_at + 3)
    return location_at + 3 if found < 0 else found


def _magnitude_words(words: list[str], depth_at: int) -> tuple[str, str]:
    """Type and value of the magnitude of an event line; the type "" where it is unknown."""
    magnitude_at = _find(words, "MAG", depth_at + 2, depth_at + 1)
    if magnitude_at < 0:
        magnitude_at = depth_at + 2
    kind, value = _word(words, magnitude_at + 1), _word(words, magnitude_at + 2)
    if is_number(kind):
        kind, value = "", kind
    return "" if kind in ("NONE", "MAGTYPE", "--") else kind, value


def magnitude_type_of(raw: str) -> str:
    """Magnitude type of an event line whose words are joined by commas (`Event.raw`), or "".

    The same as `Event.magnitude_type` of the line.
    """
    words = raw.split(",")
    if words[0] != "EVENT":
        return ""
    return _magnitude_words(words, _depth_at(words, _location_at(words)))[0]


class _PhaseReport:
    """One reading of one file.

    The careful path reads any row and remembers the words that it has understood without doubt.
    A row in the usual shape whose words are all known takes the fast path, which only looks them
    up: so both give the same, and `fast=False` (for the tests) is the oracle.
    """

    def __init__(self, path: str, *, fast: bool = True, compact: bool = False) -> None:
        self._events: list[Event] | PackedEvents = PackedEvents() if compact else []
        self._catalog = Catalog(path, self._events)
        self._fast = fast
        self._line = 0
        self._n_rows = 0
        self._first_line = ""
        self._event: Event | None = None
        self._picks: list[Pick] = []
        # Number and line of each event.
        self._events_by_id: dict[str, list[tuple[int, int]]] = {}
        self._refused_ids: dict[str, int] = {}
        # With the id and line of the event above it.
        self._strays: list[tuple[str, Pick, tuple[str, int] | None]] = []
        self._known_codes: dict[tuple[str, ...], _Codes] = {}
        self._known_days: dict[tuple[str, ...], int] = {}
        self._known_travel: dict[str, float | None] = {}
        self._known_distance: dict[str, float | None] = {}
        self._known_azimuth: dict[str, float | None] = {}

    # ---- the file

    def read(self) -> Catalog:
        problems = self._catalog.problems
        for line, text in read_text_lines(self._catalog.path, problems):
            self._line = line
            words = text.split()
            if not words:
                continue
            if not self._first_line:
                self._first_line = text
            if words[0] == "PHASE":
                self._n_rows += 1
                pick = self._known_row(words) if self._fast else None
                if pick is None:
                    pick = self._careful_row(words)
                if pick is not None:
                    self._place(words[1], pick)
            elif words[0][0] == "#":
                self._read_hash_line(text)
            else:
                reason = f"{shorten(text)} is no event line, PHASE row or comment"
                self._report("unknown-line", reason)
                if len(problems) > _MAX_PROBLEMS_BEFORE_EVENT and not self._saw_events():
                    break
        if not self._saw_events():
            raise self._nothing_found()
        self._end_event()
        self._settle_strays()
        problems.sort(key=lambda problem: problem.line or 0)
        return self._catalog

    def _saw_events(self) -> bool:
        return bool(self._events_by_id or self._refused_ids)

    def _nothing_found(self) -> CatalogError:
        path = self._catalog.path
        if not self._first_line and not self._catalog.problems:
            return CatalogError(f"{path} is empty: {_EXPECTED}", path=path)
        found = f"{self._n_rows} PHASE rows" if self._n_rows else "no PHASE row"
        if self._first_line:
            found += f", and the file begins with {shorten(self._first_line)}"
        elif self._catalog.problems:
            found += f", and {self._catalog.problems[0].reason} in line 1"
        return CatalogError(f"{path}: no #EVENT line ({found}): {_EXPECTED}", path=path)

    def _report(self, kind: str, reason: str, line: int | None = None) -> None:
        at = self._line if line is None else line
        self._catalog.problems.append(Problem(self._catalog.path, reason, kind, line=at))

    # ---- events

    def _read_hash_line(self, text: str) -> None:
        """Read an event line; leave other `#` lines alone, they are comments."""
        words = text.lstrip()[1:].split()
        if not words or not words[0].startswith("EVENT"):
            return
        if words[0] != "EVENT":
            self._report("bad-event", f"{shorten(text)}: expected white space after #EVENT")
            return
        self._end_event()
        event_id = _word(words, 1)
        try:
            event = self._parse_event(words)
        except ValueError as error:
            self._refused_ids.setdefault(event_id, self._line)
            self._report("bad-event", f"event {event_id or 'without id'}: {error}")
            return
        same = self._events_by_id.setdefault(event.event_id, [])
        if same:
            reason = f"event {event_id} stands in line {same[0][1]} and again in line {self._line}"
            self._report("duplicate-event", reason)
        same.append((len(self._events), self._line))
        self._event = event

    def _end_event(self) -> None:
        if self._event is not None:
            self._event.picks = self._picks
            self._events.append(self._event)
        self._event, self._picks = None, []

    def _parse_event(self, words: list[str]) -> Event:
        loc = _location_at(words)
        if len(words) < loc + 3:
            raise _Refused(
                f"line ends after {len(words)} words, before the coordinates are complete"
            )
        # Without the event type everything stands one word earlier.
        if loc not in (10, 11) or not is_year(words[loc - 8]):
            raise _Refused(
                "expected id, type, year, month, day, day of year, hour, minute, second and "
                f"microsecond before LOC, found {shorten(' '.join(words[1:loc]))}"
            )
        if loc == 10 and words[1].isalpha():
            raise _Refused(f"no event id: {words[1]} is an event type")
        longitude, latitude = parse_coordinates(words[loc + 1], words[loc + 2])
        time_ns = self._parse_time(words[loc - 8 : loc])
        depth_at = _depth_at(words, loc)
        kind, value = _magnitude_words(words, depth_at)
        return Event(
            event_id=words[1],
            event_type=intern(words[2]) if loc == 11 else "",
            time_ns=time_ns,
            longitude_deg=longitude,
            latitude_deg=latitude,
            depth_km=self._number(_word(words, depth_at + 1), "depth", -10.0, 1000.0),
            magnitude=self._number(value, "magnitude", -10.0, 11.0),
            magnitude_type=intern(kind),
            raw=",".join(words),
            line=self._line,
        )

    def _parse_time(self, words: list[str]) -> int:
        """Read year, month, day, day of year, hour, minute, second and microsecond as ns."""
        day_ns, warning = parse_day_ns(words[0], words[1], words[2], words[3])
        clock_ns = parse_clock_ns(words[4], words[5], words[6])
        clock_ns += 1000 * parse_microseconds(words[7])
        # Nothing is reported before the line is sure to be kept.
        if warning is not None:
            self._report("warning", warning)
        elif len(self._known_days) < _MAX_KNOWN:
            self._known_days[tuple(words[:4])] = day_ns
        return day_ns + clock_ns

    def _number(
        self,
        word: str,
        name: str,
        low: float,
        high: float,
        known: dict[str, float | None] | None = None,
    ) -> float | None:
        """Read a number of a line that is kept in any case: None, with a warning, if it is bad."""
        if not word:
            return None
        try:
            value = parse_number(word)
            if value is not None and not low <= value <= high:
                raise ValueError(f"{word}: expected {low:g} to {high:g}")
        except ValueError as error:
            self._report("warning", f"{name} {error}; taken as unknown")
            return None
        if known is not None and len(known) < _MAX_KNOWN:
            known[word] = value
        return value

    # ---- PHASE rows

    def _known_row(self, words: list[str]) -> Pick | None:
        """Read a row of the usual shape whose words are all known; None for any other row."""
        if len(words) != 29 or words[9] != "ttime" or words[23] != "DISTAZ":
            return None
        row_type, microseconds = words[3], words[19]
        if row_type not in ROW_TYPES or len(microseconds) != 6:
            return None
        if not microseconds.isascii() or not microseconds.isdecimal():
            return None
        try:
            network, station, location, channel, phase = self._known_codes[tuple(words[4:9])]
            time_ns = (
                self._known_days[tuple(words[12:16])]
                + _HOURS_NS[words[16]]
                + _MINUTES_NS[words[17]]
                + _SECONDS_NS[words[18]]
                + 1000 * int(microseconds)
            )
            travel_time_s = self._known_travel[words[10]]
            distance_km = self._known_distance[words[24]]
            azimuth_deg = self._known_azimuth[words[25]]
        except KeyError:
            return None
        return Pick(
            network, station, location, channel, phase, time_ns, intern(row_type),
            travel_time_s, distance_km, azimuth_deg,
            intern(words[11]), intern(words[20]), intern(words[21]), intern(words[22]),
            intern(words[27]), intern(words[28]), ",".join(words), self._line,
        )  # fmt: skip

    def _careful_row(self, words: list[str]) -> Pick | None:
        try:
            return self._parse_row(words)
        except ValueError as error:
            self._report("bad-pick", f"PHASE row of event {_word(words, 1) or '?'}: {error}")
            return None

    def _parse_row(self, words: list[str]) -> Pick:
        type_at = 3 if _word(words, 3) in ROW_TYPES else 2
        if _word(words, type_at) not in ROW_TYPES:
            raise _Refused(f"row type {shorten(_word(words, 3))}: expected {', '.join(ROW_TYPES)}")
        ttime = _find(words, "ttime", type_at + 6, type_at + 5)
        has_keyword = ttime >= 0
        if not has_keyword:
            ttime = type_at + 6
        if len(words) < ttime + 3:
            raise _Refused(f"row ends after {len(words)} words, before the arrival time")
        codes = self._parse_codes(words[type_at + 1 : ttime])
        # Without the record type the time stands one word earlier.
        year = ttime + 3
        if not is_year(_word(words, year)) and (
            is_year(words[year - 1]) or words[year - 1] == "YYYY"
        ):
            year -= 1
            if not has_keyword:
                raise _Refused("neither ttime nor the arrival time stands where it is expected")
        distaz = _find(words, "DISTAZ", year + 11, ttime + 1)
        time_ns = self._parse_arrival(words, year, distaz)
        after_time = year + 8 if time_ns is not None or distaz < 0 else year + 1
        magnitude = words[after_time:distaz] if distaz >= 0 else words[after_time : after_time + 3]
        if distaz >= 0:
            # Counted from the keyword, since a word can only be missing in front of it.
            if len(magnitude) != 3 and time_ns is not None:
                self._report(
                    "warning", f"{len(magnitude)} words between time and DISTAZ, expected 3"
                )
            magnitude = ["", "", "", *magnitude][-3:]
        else:
            magnitude = [*magnitude, "", "", ""][:3]
            distaz = year + 11
        return Pick(
            *codes,
            time_ns=time_ns,
            row_type=intern(words[type_at]),
            travel_time_s=self._number(
                words[ttime + 1], "travel time", -86_400.0, 86_400.0, self._known_travel
            ),
            distance_km=self._number(
                _word(words, distaz + 1), "distance", 0.0, _MAX_DISTANCE_KM, self._known_distance
            ),
            azimuth_deg=self._number(
                _word(words, distaz + 2), "azimuth", -360.0, 360.0, self._known_azimuth
            ),
            record_type=intern(words[ttime + 2]) if year == ttime + 3 else "",
            magnitude_source=intern(magnitude[0]),
            magnitude_type=intern(magnitude[1]),
            magnitude_text=intern(magnitude[2]),
            value1=intern(_word(words, distaz + 4)),
            value2=intern(_word(words, distaz + 5)),
            raw=",".join(words),
            line=self._line,
        )

    def _parse_codes(self, words: list[str]) -> _Codes:
        """Check network, station, location, channel and phase; the location may be absent."""
        if len(words) == 4 and len(words[2]) > 2:
            words = [words[0], words[1], "--", words[2], words[3]]
        if len(words) != 5:
            raise _Refused(
                f"expected network station location channel phase before ttime, found "
                f"{shorten(' '.join(words))}"
            )
        location = "" if words[2] == "--" else check_code(words[2], "location")
        codes = (
            intern(check_code(words[0], "network")),
            intern(check_code(words[1], "station")),
            intern(location),
            intern(check_code(words[3], "channel")),
            intern(words[4]),
        )
        if len(self._known_codes) < _MAX_KNOWN:
            self._known_codes[tuple(words)] = codes
        return codes

    def _parse_arrival(self, words: list[str], year: int, distaz: int) -> int | None:
        """Read the arrival time that starts at word `year`; None where the row has none."""
        if _word(words, year) in _NO_TIME:
            return None
        end = distaz if distaz >= 0 else len(words)
        if end < year + 8:
            raise _Refused("row has no complete arrival time (year to microsecond)")
        if len(words) == year + 8 and len(words[-1]) < 6:
            # 36 may be all that is left of 360000: a time wrong by part of a second helps nobody.
            raise _Refused(f"row ends within the microseconds ({words[-1]})")
        return self._parse_time(words[year : year + 8])

    # ---- rows and their events

    def _place(self, event_id: str, pick: Pick) -> None:
        event = self._event
        if event is not None and event.event_id == event_id:
            self._picks.append(pick)
        else:
            above = None if event is None else (event.event_id, event.line)
            self._strays.append((event_id, pick, above))

    def _settle_strays(self) -> None:
        """Give rows that stand apart from their event to it; report those that have none."""
        given: defaultdict[int, list[Pick]] = defaultdict(list)
        for event_id, pick, above in self._strays:
            where = (
                f"under event {above[0]} (line {above[1]})"
                if above is not None
                else "under no readable event line"
            )
            owners = self._events_by_id.get(event_id)
            if owners is None:
                why = (
                    f"whose line {self._refused_ids[event_id]} was refused"
                    if event_id in self._refused_ids
                    else "which is not in the file"
                )
                reason = f"PHASE row of event {event_id}, {why}, stands {where}"
                self._report("orphan-pick", reason, pick.line)
                continue
            before = [owner for owner in owners if owner[1] < pick.line]
            number, line = before[-1] if before else owners[0]
            given[number].append(pick)
            reason = (
                f"PHASE row of event {event_id} stands {where}; given to event {event_id} of "
                f"line {line}"
            )
            self._report("moved-pick", reason, pick.line)
        for number, picks in given.items():
            event = self._events[number]
            event.picks = sorted([*event.picks, *picks], key=lambda pick: pick.line)
            if isinstance(self._events, PackedEvents):
                self._events.replace(number, event)
