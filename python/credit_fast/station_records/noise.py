"""Windows without picks, drawn by chance from what the archive has: plans like those of events.

Each is an event of the type `noise` with one station, and those of a station lie apart. No
waveform, no HDF5, no counting.
"""

from __future__ import annotations

import math
import random
import re
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import Any

from credit_fast.catalogs.model import Catalog, Event, Station
from credit_fast.hdf5 import layout
from credit_fast.station_records.plan import EventPlan, StationPlan
from credit_fast.station_records.rotation import letters_to_ask, needed_names, turned_names
from credit_fast.station_records.selection import Selection
from credit_fast.station_records.settings import Settings
from credit_fast.times import UTCDateTime

__all__ = [
    "CLEAR_S",
    "Quiet",
    "TakenWindows",
    "check_noise_source",
    "is_noise_id",
    "noise_plan",
    "noise_plans",
]

CLEAR_S = 300.0  # between a window and any pick of its station: codas of local events last minutes
_TYPE = "noise"
_MISSES = 1000  # draws in a row, after which the archive counts as having no more
_RATE_TOLERANCE = 1e-4  # relative; what the index calls one rate
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_Codes = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class _Place:
    """A band of a station that can be whole, and between which seconds."""

    codes: _Codes
    band: str
    first_s: int
    last_s: int


class Quiet:
    """When a station has no pick, by all rows of a catalogue, asked for or not."""

    def __init__(self, events: Iterable[Event]) -> None:
        self._times: dict[tuple[str, str], list[int]] = {}
        for event in events:
            for pick in event.picks:
                if pick.time_ns is not None:
                    self._times.setdefault((pick.network, pick.station), []).append(pick.time_ns)
        for times in self._times.values():
            times.sort()

    def is_clear(self, codes: _Codes, window_ns: tuple[int, int]) -> bool:
        """Whether no pick at the station, under any location, is within `CLEAR_S` of a window."""
        times = self._times.get(codes[:2], [])
        margin_ns = round(CLEAR_S * 1e9)
        return _has_none(times, window_ns[0] - margin_ns, window_ns[1] + margin_ns)


class TakenWindows:
    """Windows of one length that lie apart: two of a station share no time, not even an end."""

    def __init__(self) -> None:
        self._starts: dict[tuple[str, str], list[int]] = {}

    def is_free(self, codes: _Codes, window_ns: tuple[int, int]) -> bool:
        """Whether no window taken at the station, under any location, overlaps this one."""
        start, end = window_ns
        return _has_none(self._starts.get(codes[:2], []), start - (end - start), end)

    def take(self, codes: _Codes, window_ns: tuple[int, int]) -> None:
        """From now on it is taken."""
        insort(self._starts.setdefault(codes[:2], []), window_ns[0])


def _has_none(times: Sequence[int], first: int, last: int) -> bool:
    """Whether none of these sorted times lies between two, both included."""
    number = bisect_left(times, first)
    return number == len(times) or times[number] > last


def is_noise_id(evid: str) -> bool:
    """Whether an event id is one that `noise_plans` gives."""
    return re.fullmatch(rf"{_TYPE}\.\d{{12}}\.\d{{4,}}", evid) is not None


def check_noise_source(settings: Settings, source: Any) -> None:
    """TypeError when noise is asked for and the archive cannot say what it has."""
    if settings.noise and not all(
        hasattr(source, name) for name in ("get_availability_extent", "get_availability")
    ):
        raise TypeError(
            f"noise: {type(source).__name__} cannot say when it has data: expected an index, or an "
            "object with get_availability_extent and get_availability"
        )


def noise_plan(
    evid: str, time_ns: int, codes: _Codes, band: str, place: Station | None
) -> EventPlan:
    """The plan of one window around `time_ns` at a station; `place` gives the event its own."""
    longitude = math.nan if place is None else place.longitude_deg
    latitude = math.nan if place is None else place.latitude_deg
    station = StationPlan(*codes, time_ns, is_noise=True)
    station.bands = [band]
    station.first_ns = station.last_ns = time_ns
    station.distance_km = layout.UNKNOWN_DISTANCE_KM
    return EventPlan(Event(evid, _TYPE, time_ns, longitude, latitude), [station])


def noise_plans(events: Catalog, selection: Selection, source: Any) -> Iterator[EventPlan]:
    """`settings.noise` windows, fewer when no more are found; the same ones for the same seed.

    Drawn are a station, each with the same chance, then a whole second of its time. A window is
    taken when the archive has all components in all of it, at one rate that is accepted, no pick
    of the catalogue is near, and no window before it was of the same station and time. Those of the
    part of a year lie in that year, and are clear of the picks of the whole catalogue.
    """
    settings = selection.settings
    if not settings.noise:
        return
    whole = events.whole or events
    quiet, known, taken = Quiet(whole), {event.event_id for event in whole}, TakenWindows()
    places = _places(selection, source)
    seed = settings.noise_seed
    if events.year is None:
        chance = random.Random(seed)
    else:
        chance = random.Random(f"{seed}:{events.year}")
        places = list(filter(None, (_within(place, events.year, settings) for place in places)))
    minutes: Counter[str] = Counter()
    number = misses = 0
    while places and number < settings.noise and misses < _MISSES:
        place = chance.choice(places)
        time_ns = chance.randint(place.first_s, place.last_s) * 10**9
        evid = _event_id(time_ns, minutes)
        window = settings.window(time_ns, (time_ns, time_ns))
        if (
            window is None
            or evid in known
            or not quiet.is_clear(place.codes, window)
            or not taken.is_free(place.codes, window)
            or not _is_whole(source, place, settings, window)
        ):
            misses += 1
            continue
        misses, number = 0, number + 1
        minutes[evid.rpartition(".")[0]] += 1
        taken.take(place.codes, window)
        yield noise_plan(evid, time_ns, place.codes, place.band, selection.place(place.codes))


def _event_id(time_ns: int, minutes: Counter[str]) -> str:
    """In the shape of a catalogue's: network, minute, number among the windows of the minute.

    Not among all: a window that is drawn again after an update then has its name again.
    """
    moment = _EPOCH + timedelta(seconds=time_ns // 10**9)
    minute = f"{_TYPE}.{moment:%Y%m%d%H%M}"
    return f"{minute}.{minutes[minute] + 1:04d}"


def _places(selection: Selection, source: Any) -> list[_Place]:
    """For each station and location the preferred band that can have all components."""
    settings = selection.settings
    letters = {*letters_to_ask(settings.components, settings.orientations)}
    extents: dict[tuple[_Codes, str], dict[str, tuple[int, int]]] = {}
    for network, station, location, channel, start, end in source.get_availability_extent():
        band = layout.band_of(channel)
        if band and selection.takes(band) and channel[2:] in letters:
            by_name = extents.setdefault(((network, station, location), band), {})
            by_name[channel] = (start.ns, end.ns)
    best: dict[_Codes, _Place] = {}
    for (codes, band), by_name in sorted(
        extents.items(), key=lambda item: (item[0][0], selection.rank(item[0][1]))
    ):
        seconds = []
        for names in (_own_names(band, settings), _sources(codes, band, settings)):
            if names and by_name.keys() >= {*names}:
                first_s = -(-max(by_name[name][0] for name in names) // 10**9)
                last_s = min(by_name[name][1] for name in names) // 10**9
                if first_s <= last_s:
                    seconds += [first_s, last_s]
        if seconds:
            best.setdefault(codes, _Place(codes, band, min(seconds), max(seconds)))
    return list(best.values())


def _within(place: _Place, year: int, settings: Settings) -> _Place | None:
    """A place in the seconds whose windows lie in a year; None without any."""
    before_ns, after_ns = settings.window(0, (0, 0)) or (0, 0)
    begin, end = (
        round((datetime(item, 1, 1, tzinfo=timezone.utc) - _EPOCH).total_seconds())
        for item in (year, year + 1)
    )
    first_s = max(place.first_s, begin - before_ns // 10**9)
    last_s = min(place.last_s, end - 1 - -(-after_ns // 10**9))
    return replace(place, first_s=first_s, last_s=last_s) if first_s <= last_s else None


def _own_names(band: str, settings: Settings) -> list[str]:
    return [band + letter for letter in settings.components]


def _sources(codes: _Codes, band: str, settings: Settings) -> list[str]:
    """Channels that the components can be made of by turning; empty where they cannot."""
    plan = StationPlan(*codes, 0)
    return needed_names(plan, band, settings.orientations, settings.components)


def _is_whole(source: Any, place: _Place, settings: Settings, window_ns: tuple[int, int]) -> bool:
    """Whether what a record is cut from has spans over all of a window, of one accepted rate.

    Where there are 1 and 2 for lack of E and N, that is what these are made of.
    """
    start, end = (UTCDateTime(ns=ns) for ns in window_ns)
    table, letters = settings.orientations, settings.components
    pattern = f"{place.band}[{letters_to_ask(letters, table)}]"
    spans = source.get_availability(
        *place.codes, pattern, start, end, include_sample_rate=True, merge_overlap=True
    )
    whole: set[tuple[str, float]] = set()
    for _, _, _, channel, first, last, rate_hz in spans:
        sample_ns = round(1e9 / rate_hz)
        if first.ns < window_ns[0] + sample_ns and last.ns > window_ns[1] - sample_ns:
            whole.add((channel, rate_hz))
    names = {*_own_names(place.band, settings)}
    present = {span[3] for span in spans}
    if turned_names(StationPlan(*place.codes, 0), place.band, table, letters, present):
        names = {*_sources(place.codes, place.band, settings)}
        if not names:
            return False
    if settings.resample_hz is not None:
        return names <= {channel for channel, _ in whole}
    rates = {rate for _, rate in whole} if settings.rate_hz is None else {settings.rate_hz}
    return any(
        names <= {channel for channel, other in whole if _is_same_rate(other, rate)}
        for rate in rates
    )


def _is_same_rate(rate_hz: float, accepted_hz: float) -> bool:
    return abs(rate_hz - accepted_hz) <= _RATE_TOLERANCE * accepted_hz
