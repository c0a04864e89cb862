"""What a picture of a data set shows, gathered and computed: the numbers behind `plotting`.

Distances, demeaned and normalised traces, times since origin, titles. No matplotlib here, and
no arithmetic there.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from credit_fast.errors import DatasetError
from credit_fast.geodesy import distance_azimuth
from credit_fast.hdf5 import layout
from credit_fast.hdf5.reader import (
    ComponentRecord,
    Dataset,
    EventRecord,
    StationRecord,
    as_float,
)

__all__ = [
    "EventMark",
    "Overview",
    "RecordSection",
    "SectionTrace",
    "StationMark",
    "StationPanel",
    "build_overview",
    "build_section",
    "build_station_panel",
    "describe_event",
    "largest_event",
]

Samples = npt.NDArray[np.float64]

LEAD_S = 10.0
TAIL_S = 20.0
_ORDER = "ZNE123"


@dataclass(frozen=True, slots=True)
class SectionTrace:
    """One line of a section: amplitudes at `times_s` after the origin, NaN in gaps.

    In a record section the amplitudes are within -1 and 1; in a station panel they are counts.
    `picks` maps phase names to seconds after the origin.
    """

    label: str
    times_s: Samples
    amplitudes: Samples
    picks: dict[str, float]
    distance_km: float | None = None


@dataclass(frozen=True, slots=True)
class RecordSection:
    """The record section of one event, nearest trace first, unknown distances last."""

    title: str
    subtitle: str
    traces: tuple[SectionTrace, ...]
    begin_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class StationPanel:
    """All components of one station record of one event."""

    title: str
    subtitle: str
    traces: tuple[SectionTrace, ...]
    begin_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class EventMark:
    """One event of an overview; `picks` counts its timed picks by phase."""

    event_id: str
    time_ns: int
    longitude_deg: float | None
    latitude_deg: float | None
    depth_km: float | None
    magnitude: float | None
    picks: dict[str, int]


@dataclass(frozen=True, slots=True)
class StationMark:
    """One station of an overview."""

    station_id: str
    longitude_deg: float
    latitude_deg: float


@dataclass(frozen=True, slots=True)
class Overview:
    """A data set on the map and in time."""

    title: str
    subtitle: str
    events: tuple[EventMark, ...]
    stations: tuple[StationMark, ...]
    n_unplaced: int


def build_section(
    dataset: Dataset,
    event_id: str,
    *,
    component: str = "Z",
    max_stations: int | None = None,
    before_s: float = LEAD_S,
    after_s: float | None = None,
) -> RecordSection:
    """Gather the record section of one event.

    Parameters
    ----------
    component
        Last letter of the channel: Z, N, E, 1, 2. Of several that fit the first by name.
    max_stations
        Only the nearest ones.
    before_s, after_s
        Where the section begins before the origin and ends after it, in seconds. Without
        `after_s` it ends 20 s, or a quarter of its time, after the last pick.

    Raises
    ------
    KeyError
        The data set has no such event.
    DatasetError
        The event has no waveform of this component in the time asked for.
    """
    event = dataset.event(event_id)
    found = _with_component(event, component)
    if not found:
        raise DatasetError(
            f"event {event_id} has no waveform of component {component} "
            f"({len(event.stations)} stations, components: {_component_letters(event)})",
            path=dataset.path,
        )
    shown = found[:max_stations]
    begin_s = -before_s
    end_s = _default_end(event, [s for _, s, _ in shown]) if after_s is None else after_s
    drawn = [_section_trace(event, *item, begin_s, end_s) for item in shown]
    traces = [trace for trace in drawn if trace is not None]
    if not traces:
        raise DatasetError(
            f"event {event_id} has no sample from {begin_s:g} to {end_s:g} s after its origin",
            path=dataset.path,
        )
    title, place = describe_event(event)
    count = f"{len(traces)} station{'s' if len(traces) > 1 else ''}, component {component}"
    nearest = f", the nearest of {len(found)}" if len(shown) < len(found) else ""
    silent = len(event.stations) - len(found) + len(shown) - len(traces)
    without = f" ({silent} more without waveform)" if silent else ""
    count += nearest + without
    return RecordSection(title, f"{place}   ·   {count}", tuple(traces), begin_s, end_s)


def _with_component(
    event: EventRecord, component: str
) -> list[tuple[float, StationRecord, ComponentRecord]]:
    """(distance, station, component) of each station that has it; infinite when unknown."""
    found = []
    for station in event.stations.values():
        chosen = [c for name, c in station.components.items() if name.endswith(component)]
        if chosen and chosen[0].npts:
            distance_km = _distance_of(event, station)
            found.append((math.inf if distance_km is None else distance_km, station, chosen[0]))
    return sorted(found, key=lambda item: (item[0], item[1].station_id))


def _section_trace(
    event: EventRecord,
    distance_km: float,
    station: StationRecord,
    record: ComponentRecord,
    begin_s: float,
    end_s: float,
) -> SectionTrace | None:
    """The normalised trace, or None without a sample between the two times."""
    times_s, amplitudes = _window(event, record, begin_s, end_s)
    if not np.isfinite(amplitudes).any():
        return None
    peak = float(np.nanmax(np.abs(amplitudes)))
    return SectionTrace(
        label=station.station_id,
        times_s=times_s,
        amplitudes=amplitudes / (peak or 1.0),
        picks=_picks_of(event, station),
        distance_km=None if distance_km == math.inf else distance_km,
    )


def build_station_panel(
    dataset: Dataset,
    event_id: str,
    station_id: str,
    *,
    component: str | None = None,
    before_s: float | None = None,
    after_s: float | None = None,
) -> StationPanel:
    """Gather the components of one station record, in counts less their mean.

    `component` takes only channels that end in it, such as "Z".
    `before_s` and `after_s` count from the origin; without them the panel begins 10 s before
    the first pick and ends as a section does, and shows the whole record when it has no pick.
    Raises KeyError for an unknown event or station, DatasetError when there is no waveform in
    the time asked for.
    """
    event = dataset.event(event_id)
    if station_id not in event.stations:
        raise KeyError(f"event {event_id} has no station {station_id!r}")
    station = event.stations[station_id]
    records = [record for record in station.components.values() if record.npts]
    if component is not None:
        records = [record for record in records if record.name.endswith(component)]
    if not records:
        which = "" if component is None else f" of component {component}"
        raise DatasetError(
            f"event {event_id} has no waveform{which} at station {station_id}", path=dataset.path
        )
    picks = _picks_of(event, station)
    begin_s = min(r.start - event.time for r in records)
    end_s = max(r.end - event.time for r in records)
    if picks:
        begin_s = max(begin_s, min(picks.values()) - LEAD_S)
        end_s = min(end_s, _default_end(event, [station]))
    begin_s = begin_s if before_s is None else -before_s
    end_s = end_s if after_s is None else after_s
    traces = []
    for record in sorted(records, key=lambda r: (_ORDER.find(r.name[-1:]), r.name)):
        times_s, amplitudes = _window(event, record, begin_s, end_s)
        if np.isfinite(amplitudes).any():
            traces.append(SectionTrace(record.name, times_s, amplitudes, picks))
    if not traces:
        raise DatasetError(
            f"station {station_id} has no sample from {begin_s:g} to {end_s:g} s after the origin",
            path=dataset.path,
        )
    distance_km = _distance_of(event, station)
    away = "distance unknown" if distance_km is None else f"{distance_km:.1f} km"
    title, place = describe_event(event)
    return StationPanel(
        f"{station_id}   ·   {away}   ·   {title}", place, tuple(traces), begin_s, end_s
    )


def build_overview(dataset: Dataset) -> Overview:
    """Count the whole data set: every event, and every station that has coordinates."""
    events = []
    places: dict[str, tuple[float, float]] = {}
    picks: dict[str, int] = {}
    n_records = 0
    for event in dataset:
        counts: dict[str, int] = {}
        for station in event.stations.values():
            name = station.station_id
            if station.longitude_deg is not None and station.latitude_deg is not None:
                places[name] = (station.longitude_deg, station.latitude_deg)
            phases = station.phases
            picks[name] = picks.get(name, 0) + len(phases)
            n_records += bool(station.components)
            for phase in phases:
                counts[phase] = counts.get(phase, 0) + 1
        events.append(
            EventMark(
                event_id=event.evid,
                time_ns=event.time.ns,
                longitude_deg=event.longitude_deg,
                latitude_deg=event.latitude_deg,
                depth_km=event.depth_km,
                magnitude=event.magnitude,
                picks=counts,
            )
        )
    stations = tuple(StationMark(name, lon, lat) for name, (lon, lat) in sorted(places.items()))
    return Overview(
        title=f"{len(events)} events, {len(picks)} stations, {sum(picks.values())} picks",
        subtitle=f"{n_records} station records with waveforms",
        events=tuple(sorted(events, key=lambda mark: mark.time_ns)),
        stations=stations,
        n_unplaced=len(picks) - len(stations),
    )


def largest_event(dataset: Dataset) -> str | None:
    """Id of the largest event that has a waveform; an unknown magnitude comes last."""
    sizes = []
    for event_id in dataset.events():
        size = as_float(dataset.root[event_id].attrs.get(layout.EVENT_MAGNITUDE))
        sizes.append((-math.inf if size is None else size, event_id))
    for _, event_id in sorted(sizes, key=lambda item: (-item[0], item[1])):
        stations = dataset.event(event_id).stations.values()
        if any(station.components for station in stations):
            return event_id
    return None


def describe_event(event: EventRecord) -> tuple[str, str]:
    """Title and place of an event: id, magnitude, time; coordinates and depth."""
    size = "magnitude unknown" if event.magnitude is None else f"M {event.magnitude:.1f}"
    when = event.time.strftime("%Y-%m-%d %H:%M:%S.%f")[:-4]
    place = "place unknown"
    if event.latitude_deg is not None and event.longitude_deg is not None:
        place = (
            f"{abs(event.latitude_deg):.3f}°{'N' if event.latitude_deg >= 0 else 'S'} "
            f"{abs(event.longitude_deg):.3f}°{'E' if event.longitude_deg >= 0 else 'W'}"
        )
    depth = "depth unknown" if event.depth_km is None else f"depth {event.depth_km:g} km"
    return f"{event.evid}   ·   {size}   ·   {when} UTC", f"{place}, {depth}"


def _distance_of(event: EventRecord, station: StationRecord) -> float | None:
    """The catalogue's distance in km; failing that the great circle; else None."""
    if station.distance_km is not None:
        return station.distance_km
    places = (event.longitude_deg, event.latitude_deg, station.longitude_deg, station.latitude_deg)
    lon1, lat1, lon2, lat2 = places
    if lon1 is None or lat1 is None or lon2 is None or lat2 is None:
        return None
    return distance_azimuth(lon1, lat1, lon2, lat2)[0]


def _picks_of(event: EventRecord, station: StationRecord) -> dict[str, float]:
    return {phase: time - event.time for phase, time in station.phases.items()}


def _default_end(event: EventRecord, stations: Iterable[StationRecord]) -> float:
    last = max(
        (s for station in stations for s in _picks_of(event, station).values()), default=60.0
    )
    return last + max(TAIL_S, 0.25 * last)


def _component_letters(event: EventRecord) -> str:
    letters = {name[-1:] for s in event.stations.values() for name in s.components}
    return " ".join(sorted(letters)) or "none"


def _window(
    event: EventRecord, record: ComponentRecord, begin_s: float, end_s: float
) -> tuple[Samples, Samples]:
    """Times after the origin and demeaned samples between two times; NaN where filled."""
    data = record.read().astype(np.float64)
    for first, count in record.gaps:
        data[first : first + count] = np.nan
    offset_s = record.start - event.time
    low = max(0, math.ceil((begin_s - offset_s) * record.rate_hz - 1e-6))
    high = max(low, math.floor((end_s - offset_s) * record.rate_hz + 1e-6) + 1)
    piece = data[low:high]
    times_s = offset_s + np.arange(low, low + piece.size) * record.delta_s
    if np.isfinite(piece).any():
        piece = piece - np.nanmean(piece)
    return times_s, piece
