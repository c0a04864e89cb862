"""What every catalogue and station file becomes: Event, Pick, Catalog, Station, StationTable.

Plain data with units in the names, whatever the format it came from. Nothing here reads a file,
opens a waveform or knows HDF5.

Times are int64 nanoseconds since 1970-01-01T00:00:00 UTC.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, overload

from ..errors import Problem

if TYPE_CHECKING:
    from ..times import UTCDateTime
    from .packed import PackedEvents, PackedPicks

__all__ = ["Catalog", "Event", "Pick", "Station", "StationTable"]


@dataclass(slots=True)
class Pick:
    """One phase row of an event: an arrival time, an amplitude or a polarity at one channel.

    Attributes
    ----------
    network, station, location, channel
        Codes as in the waveform files; the empty location is `""`.
    phase
        Phase name as written: `Pg`, `Sg`, `Pn`, `Sn`, `P`, ...
    time_ns
        Arrival time in ns since 1970 UTC; `None` where the row has none.
    row_type
        `TRAVTIME`, `AMPLITUD` or `POLARITY`.
    travel_time_s, distance_km, azimuth_deg
        Numbers of the row; `None` where it has none.
    record_type, magnitude_source, magnitude_type, magnitude_text
        Raw tokens, placeholders (`MAGTYPE`, `MAG`, ...) included; `""` where the row ends before.
    value1, value2
        Raw last tokens: RMS and WT, AMP and PERIOD, or UPDOWN and CLARITY, by row type.
    raw
        All tokens of the row joined by commas.
    line
        Line number in the file, from 1.
    """

    network: str
    station: str
    location: str
    channel: str
    phase: str
    time_ns: int | None = None
    row_type: str = "TRAVTIME"
    travel_time_s: float | None = None
    distance_km: float | None = None
    azimuth_deg: float | None = None
    record_type: str = ""
    magnitude_source: str = ""
    magnitude_type: str = ""
    magnitude_text: str = ""
    value1: str = ""
    value2: str = ""
    raw: str = ""
    line: int = 0

    @property
    def time(self) -> UTCDateTime | None:
        """Arrival time, or None where the row has none."""
        if self.time_ns is None:
            return None
        from ..times import UTCDateTime

        return UTCDateTime(ns=self.time_ns)

    @property
    def station_id(self) -> str:
        """`NET.STA.LOC`; `NET.STA.` when the location is empty."""
        return f"{self.network}.{self.station}.{self.location}"

    @property
    def key(self) -> str:
        """Name of the pick's attributes in the data set: row type and phase for Pg, else phase."""
        return f"{self.row_type}.Pg" if self.phase == "Pg" else self.phase


@dataclass(slots=True)
class Event:
    """One earthquake (or explosion, ...) with its picks in file order.

    Attributes
    ----------
    event_id, event_type
        As written: `SC.202001312355.0001`, `eq`. The digits of an id are no UTC time.
    time_ns
        Origin time in ns since 1970 UTC.
    longitude_deg, latitude_deg
        Epicentre, as written (east and north positive).
    depth_km, magnitude
        `None` where unknown.
    magnitude_type
        `ML`, `Ms`, ...; `""` where unknown.
    raw
        All tokens of the event line joined by commas, without the leading `#`.
    line
        Line number in the file, from 1.
    """

    event_id: str
    event_type: str
    time_ns: int
    longitude_deg: float
    latitude_deg: float
    depth_km: float | None = None
    magnitude: float | None = None
    magnitude_type: str = ""
    raw: str = ""
    line: int = 0
    picks: list[Pick] | PackedPicks = field(default_factory=list)

    @property
    def time(self) -> UTCDateTime:
        """Origin time."""
        from ..times import UTCDateTime

        return UTCDateTime(ns=self.time_ns)


@dataclass(slots=True)
class Catalog:
    """The events of one file in file order, and what was wrong with its lines.

    Two events with the same id both stay here, with a problem that names both lines. Of a part,
    `year` is the one of its origins (UTC), and `whole` the catalogue that it is of.
    """

    path: str
    events: list[Event] | PackedEvents = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    year: int | None = None
    whole: Catalog | None = field(default=None, repr=False, compare=False)

    @property
    def years(self) -> list[int]:
        """The years in which events have their origin (UTC), in order."""
        return sorted({event.time.year for event in self.events})

    def of_year(self, year: int) -> Catalog:
        """Its part of one year; lines that belong to no event are in that of the first year."""
        problems = self.problems if [year] == self.years[:1] else []
        numbers = [number for number, event in enumerate(self) if event.time.year == year]
        return Catalog(self.path, self.take(numbers), problems, year, self)

    def take(self, numbers: Sequence[int]) -> list[Event] | PackedEvents:
        """Some of the events, by their places from 0, in this order."""
        if isinstance(self.events, list):
            return [self.events[number] for number in numbers]
        return self.events.take(numbers)

    def __len__(self) -> int:
        """Number of events."""
        return len(self.events)

    def __iter__(self) -> Iterator[Event]:
        """The events in file order."""
        return iter(self.events)

    @overload
    def __getitem__(self, index: int) -> Event: ...

    @overload
    def __getitem__(self, index: slice) -> list[Event]: ...

    def __getitem__(self, index: int | slice) -> Event | list[Event]:
        """One event by its place, or a list of events."""
        return self.events[index]

    @property
    def n_picks(self) -> int:
        """Number of picks of all events."""
        return sum(len(event.picks) for event in self.events)

    def __str__(self) -> str:
        """One line: path, counts, first and last origin time."""
        text = f"{self.path}: {len(self.events)} events, {self.n_picks} picks"
        if self.events:
            times = [event.time for event in self.events]
            text += f", {min(times)} to {max(times)}"
        return f"{text}, {len(self.problems)} problems"


@dataclass(slots=True)
class Station:
    """Where an instrument stands: degrees east and north, metres above sea level."""

    network: str
    station: str
    location: str
    longitude_deg: float
    latitude_deg: float
    elevation_m: float
    line: int = 0


@dataclass(slots=True)
class StationTable:
    """The stations of one file in file order, and what was wrong with its lines.

    The lookup of `get` is made when the table is made: build a new table rather than change
    `stations`.
    """

    path: str
    stations: list[Station] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    _exact: dict[tuple[str, str, str], Station] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )
    _by_station: dict[tuple[str, str], Station] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )

    def __post_init__(self) -> None:
        """Make the lookup of `get`."""
        for station in self.stations:
            self._exact.setdefault((station.network, station.station, station.location), station)
            pair = (station.network, station.station)
            known = self._by_station.get(pair)
            if known is None or (known.location and not station.location):
                self._by_station[pair] = station

    def get(self, network: str, station: str, location: str = "") -> Station | None:
        """Find a station: first by NET.STA.LOC, then by NET.STA alone.

        A station has one place whatever its location codes, so coordinates under another
        location code are better than none. Among several, the line with the empty location is
        preferred, then the first of the file. `"--"` is the empty location.
        """
        if location == "--":
            location = ""
        exact = self._exact.get((network, station, location))
        return exact if exact is not None else self._by_station.get((network, station))

    def __len__(self) -> int:
        """Number of stations."""
        return len(self.stations)

    def __iter__(self) -> Iterator[Station]:
        """The stations in file order."""
        return iter(self.stations)

    def __str__(self) -> str:
        """One line: path, counts."""
        return f"{self.path}: {len(self.stations)} stations, {len(self.problems)} problems"
