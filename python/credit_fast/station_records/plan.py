"""From the catalogue to what is asked of the archive: one plan per event and per station.

Which events and stations can have a group, which pick row owns a phase, which time window and
which bands a station record asks for. Pure rules on catalogue objects, shared by the writer and
the checker; no waveform, no HDF5 and no counting belongs here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from credit_fast.catalogs.model import Catalog, Event, Pick
from credit_fast.hdf5 import layout
from credit_fast.station_records.selection import (
    NO_ASKED_PHASE,
    NOTHING_ASKED,
    PHASE_NOT_ASKED,
    TOO_FAR_AWAY,
    TOO_FEW_PICKS,
    Selection,
    is_choice,
)
from credit_fast.station_records.settings import Settings

__all__ = ["EventPlan", "PickRow", "StationPlan", "plan_event", "plan_events", "plan_unpicked"]

MAX_PICK_FROM_ORIGIN_S = 7200.0
NO_TIME = "no time in the catalogue"
TOO_FAR = f"more than {MAX_PICK_FROM_ORIGIN_S:.0f} s from the origin"

_ARRIVAL_ORDER = {layout.TRAVTIME: 0, layout.POLARITY: 1, layout.AMPLITUD: 2}
_ALL = Selection(Settings())
_NOT_IN_A_CODE = re.compile(r"[/.,*?\[\]\0\s]")


@dataclass(slots=True)
class PickRow:
    """One pick row and what becomes of it.

    `data_ns` is the time that counts for window and account: None for a row without time and for
    one too far from the origin, `refusal` then says which. `time_ns` is the time that can stand
    under the key: the same, but None for an amplitude whose key is a bare phase name, which is
    read as an arrival. `extra` is 0 for the row that owns its key and 1, 2, ... for the further
    rows of the same key. A row with `phase_fault`, or of a phase that was not `asked` for, leaves
    nothing in the data set.
    """

    pick: Pick
    time_ns: int | None
    extra: int = 0
    refusal: str | None = None
    phase_fault: bool = False
    data_ns: int | None = None
    asked: bool = True

    @property
    def is_kept(self) -> bool:
        """Whether the row leaves anything in the data set."""
        return self.asked and not self.phase_fault

    @property
    def is_arrival(self) -> bool:
        """Whether it counts as a pick of its station: the first with a time of its phase."""
        is_first = self.is_kept and not self.extra and self.data_ns is not None
        return is_first and self.pick.row_type == layout.TRAVTIME


@dataclass(slots=True)
class StationPlan:
    """One station record to be cut: codes, origin time, pick rows in file order, window, bands.

    `first_ns` and `last_ns` are the earliest and latest usable pick, None without any. `bands`
    holds the picked bands in the order of the rows; empty: no pick names a channel, any band
    will do. `refusal` says why the station can have no group. A station that no pick names has no
    rows: the times are then those between which its arrivals should lie, `distance_km` is its own;
    of noise (`is_noise`) both are what the window goes around.
    """

    network: str
    station: str
    location: str
    origin_ns: int
    rows: list[PickRow] = field(default_factory=list)
    bands: list[str] = field(default_factory=list)
    channels: list[str] = field(default_factory=list)
    first_ns: int | None = None
    last_ns: int | None = None
    refusal: str | None = None
    distance_km: float | None = None
    is_noise: bool = False

    @property
    def station_id(self) -> str:
        """`NET.STA.LOC`, the group's name."""
        return f"{self.network}.{self.station}.{self.location}"

    @property
    def names_no_channel(self) -> bool:
        """Whether there are picks that count, and none of them says on which channel."""
        return not self.bands and any(row.asked for row in self.rows)

    @property
    def is_named(self) -> bool:
        """Whether it has a group without a waveform, too: a pick names it, or it is noise."""
        return bool(self.rows) or self.is_noise

    @property
    def keys(self) -> list[str]:
        """Pick keys in file order, one per row that the data set keeps."""
        return [row.pick.key for row in self.rows if row.is_kept]

    @property
    def picks_ns(self) -> tuple[int, int] | None:
        """Earliest and latest usable pick; None without any."""
        if self.first_ns is None or self.last_ns is None:
            return None
        return self.first_ns, self.last_ns

    @property
    def times_ns(self) -> list[int]:
        """All usable picks; without any rows the times between which arrivals should lie."""
        if not self.rows:
            return list(self.picks_ns or ())
        return [row.data_ns for row in self.rows if row.data_ns is not None]

    def band_patterns(self, settings: Settings) -> list[str]:
        """Bands to look for, preferred ones first; a window of noise was drawn for one of them."""
        return self.bands if self.is_noise else settings.band_patterns(self.bands)

    def window(self, settings: Settings) -> tuple[int, int] | None:
        """What is asked for, ns since 1970, both ends included; None when nothing can be."""
        return settings.window(self.origin_ns, self.picks_ns)

    def attributes(self) -> layout.Attributes:
        """Attributes of all pick rows, each name once; without any the distance of the station."""
        names: set[str] = set()
        distance_km = self.stated_distance_km
        if not self.rows and self.distance_km is not None:
            yield layout.STATION_DISTANCE, self.distance_km
        for row in sorted(self.rows, key=lambda row: row.extra > 0):
            if not row.is_kept:
                continue
            for name, value in _row_attributes(row, distance_km):
                if name not in names:
                    names.add(name)
                    yield name, value

    @property
    def stated_distance_km(self) -> float | None:
        """The first distance that a row states; a station has one, whatever the phase."""
        stated = (row.pick.distance_km for row in self.rows)
        return next((distance for distance in stated if distance is not None), None)


@dataclass(slots=True)
class EventPlan:
    """One event of the catalogue with its stations, in the order of their first pick."""

    event: Event
    stations: list[StationPlan]
    refusal: str | None = None
    duplicate: bool = False

    @property
    def is_noise(self) -> bool:
        """Whether it is a window without picks, and no event of the catalogue."""
        return any(station.is_noise for station in self.stations)


def plan_events(
    events: Sequence[Event] | Catalog, selection: Selection = _ALL
) -> Iterator[EventPlan]:
    """Plans in catalogue order; the second event of one id is refused, the first kept.

    An event that is left out by choice takes no id from another.
    """
    seen: dict[str, int] = {}
    for number, event in enumerate(events):
        plan = plan_event(event, selection)
        if plan.refusal is None and seen.setdefault(event.event_id, number) != number:
            first = events[seen[event.event_id]]
            same = "identical to" if _same_event(first, event) else "different from"
            plan.duplicate = True
            plan.refusal = (
                f"duplicate event id: line {event.line} is {same} line {first.line}, which is kept"
            )
        yield plan


def plan_event(event: Event, selection: Selection = _ALL) -> EventPlan:
    """The plan of one event by itself (duplicates are seen by `plan_events` only)."""
    stations: dict[tuple[str, str, str], StationPlan] = {}
    for pick in event.picks:
        location = "" if pick.location == "--" else pick.location
        codes = (pick.network, pick.station, location)
        station = stations.get(codes)
        if station is None:
            station = stations[codes] = StationPlan(*codes, event.time_ns)
            station.refusal = _station_fault(station)
        station.rows.append(_plan_row(event, pick, selection))
    for station in stations.values():
        _choose_owners(station.rows)
        _set_window_and_bands(station)
        if station.refusal is None:
            station.refusal = _left_out(event, station, selection)
    plan = EventPlan(event, list(stations.values()))
    if (fault := layout.group_name_fault(event.event_id)) is not None:
        plan.refusal = f"event id: {fault}"
        return plan
    asked = [station for station in plan.stations if not is_choice(station.refusal)]
    # Another location of a station is another instrument for the same arrival.
    arrivals = {
        (station.network, station.station, row.pick.phase)
        for station in asked
        for row in station.rows
        if row.is_arrival
    }
    if len(arrivals) < selection.settings.min_picks:
        plan.refusal = TOO_FEW_PICKS
        return plan
    further = list(_unpicked(event, stations, selection))
    if stations and not asked and not further:
        plan.refusal = NOTHING_ASKED
    plan.stations += further
    return plan


def plan_unpicked(
    event: Event, codes: tuple[str, str, str], distance_km: float, selection: Selection
) -> StationPlan:
    """The plan of a station that no pick of the event names, around its estimated arrivals."""
    station = StationPlan(*codes, event.time_ns, distance_km=distance_km)
    station.refusal = _station_fault(station)
    station.first_ns, station.last_ns = selection.estimated_arrivals(event, distance_km)
    return station


def _unpicked(
    event: Event, picked: Iterable[tuple[str, str, str]], selection: Selection
) -> Iterator[StationPlan]:
    for place, distance_km in selection.unpicked(event, {codes[:2] for codes in picked}):
        codes = (place.network, place.station, place.location)
        station = plan_unpicked(event, codes, distance_km, selection)
        station.bands = list(place.bands)
        yield station


def _left_out(event: Event, station: StationPlan, selection: Selection) -> str | None:
    """Why a picked station is left out by choice; None when it is not."""
    if not any(row.asked for row in station.rows):
        return NO_ASKED_PHASE
    distance_km = station.stated_distance_km
    if distance_km is None and selection.settings.max_distance_km is not None:
        codes = (station.network, station.station, station.location)
        distance_km = selection.distance_km(event, codes)
    return TOO_FAR_AWAY if selection.is_too_far(distance_km) else None


def _plan_row(event: Event, pick: Pick, selection: Selection) -> PickRow:
    if not selection.asks_for(pick):
        return PickRow(pick, None, refusal=PHASE_NOT_ASKED, asked=False)
    fault = layout.phase_fault(pick.phase)
    if fault is not None:
        return PickRow(pick, None, refusal=fault, phase_fault=True)
    if pick.time_ns is None:
        return PickRow(pick, None, refusal=NO_TIME)
    if abs(pick.time_ns - event.time_ns) > MAX_PICK_FROM_ORIGIN_S * 1e9:
        return PickRow(pick, None, refusal=TOO_FAR)
    # The time of an AMPLITUD row is that of the amplitude. Under a prefixed key it says so.
    is_arrival = pick.row_type != layout.AMPLITUD or pick.key != pick.phase
    return PickRow(pick, pick.time_ns if is_arrival else None, data_ns=pick.time_ns)


def _row_attributes(row: PickRow, station_distance_km: float | None) -> layout.Attributes:
    """All attributes of the row that owns its key; of a further row its raw text and values.

    The values of an amplitude beside an arrival (`Sg.AMP`) clash with nothing; those of a
    repeated row have the names of the owner's and are left out by the caller.
    """
    if not row.extra:
        yield from layout.pick_attributes(row.pick, row.time_ns, station_distance_km)
    else:
        yield from layout.extra_attributes(row.pick, row.extra)
        yield from layout.value_attributes(row.pick)


def _choose_owners(rows: list[PickRow]) -> None:
    """Per key, the first TRAVTIME row with a time owns it; without one the first POLARITY row with
    a time, as a polarity is read at the arrival. When no row has a time that can stand under the
    key (`PickRow.time_ns`), the first TRAVTIME row, else POLARITY, else AMPLITUD.
    """
    by_key: dict[str, list[PickRow]] = {}
    for row in rows:
        if row.is_kept:
            by_key.setdefault(row.pick.key, []).append(row)
    for same_key in by_key.values():
        owner = min(same_key, key=_ownership)
        others = (row for row in same_key if row is not owner)
        for number, row in enumerate(others, start=1):
            row.extra = number


def _ownership(row: PickRow) -> tuple[bool, int]:
    return (row.time_ns is None, _ARRIVAL_ORDER.get(row.pick.row_type, len(_ARRIVAL_ORDER)))


def _set_window_and_bands(station: StationPlan) -> None:
    times = station.times_ns
    if times:
        station.first_ns, station.last_ns = min(times), max(times)
    channels = dict.fromkeys(row.pick.channel for row in station.rows if row.asked)
    station.channels = [channel for channel in channels if layout.band_of(channel)]
    bands = (layout.band_of(channel) for channel in station.channels)
    station.bands = list(dict.fromkeys(band for band in bands if band))


def _station_fault(station: StationPlan) -> str | None:
    if not station.station:
        return "no station code"
    for code in (station.network, station.station, station.location):
        if (fault := layout.text_fault(code)) is not None:
            return f"code {fault}"
        if _NOT_IN_A_CODE.search(code):
            return f"code {code!r} holds a character that no code has"
    return None


def _same_event(first: Event, second: Event) -> bool:
    return first.raw == second.raw and [pick.raw for pick in first.picks] == [
        pick.raw for pick in second.picks
    ]
