"""What is wrong on purpose, and where: chosen so that `makeh5` meets every one. Opens no file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from credit_fast.geodesy import destination
from credit_fast.synthetic.model import Arrival, Fault, SyntheticEvent, SyntheticStation
from credit_fast.synthetic.source import (
    FAULT_LATITUDE_DEG,
    FAULT_LONGITUDE_DEG,
    NETWORK,
    arrivals_of,
)
from credit_fast.times import UTCDateTime

__all__ = ["spoil_catalog", "spoil_stations", "waveform_faults", "with_place"]

GAP_S = 40.0
OVERLAP_S = 30.0
_DAY_NS = 86_400_000_000_000


def spoil_stations(
    stations: list[SyntheticStation],
) -> tuple[list[SyntheticStation], list[Fault]]:
    """The same stations, one of them no longer in the station file."""
    # Not the one with the empty location where there is a choice.
    lost = min(3, len(stations) - 1)
    if not stations[lost].location:
        lost = max(0, lost - 1)
    spoiled = [replace(s, listed=s.index != lost) for s in stations]
    fault = Fault(
        kind="station_without_coordinates",
        description=f"station {spoiled[lost].station_id} is not in the station file",
        source_id=spoiled[lost].station_id,
    )
    return spoiled, [fault]


def spoil_catalog(
    events: list[SyntheticEvent], stations: list[SyntheticStation], seed: int
) -> tuple[list[SyntheticEvent], SyntheticStation, list[Fault]]:
    """The same events with one pick that has lost its time and picks at a station without data.

    The picks without data are in the largest event, the one without time in the second largest.
    Also returned: the station without data.
    """
    largest = max(events, key=lambda event: event.magnitude)
    lon, lat = destination(FAULT_LONGITUDE_DEG, FAULT_LATITUDE_DEG, 200.0, 75.0)
    silent = SyntheticStation(
        index=len(stations),
        network=NETWORK,
        station="NODAT",
        location="00",
        longitude_deg=round(lon, 4),
        latitude_deg=round(lat, 4),
        elevation_m=1800.0,
        noise_counts=20.0,
        has_data=False,
    )
    unheard = arrivals_of(largest, [silent], seed)
    everyone = sorted(largest.arrivals + unheard, key=lambda a: (a.distance_km, a.time_ns))
    spoiled = {largest.event_id: replace(largest, arrivals=tuple(everyone))}
    # The farthest Sg of the second largest event: the largest keeps all its phases.
    second = sorted(events, key=lambda event: -event.magnitude)[:2][-1]
    target = spoiled.get(second.event_id, second)
    # Where Pg is picked too: a station without any time left would have no window at all.
    heard = {a.station for a in target.picks if a.phase == "Pg" and a.station.has_data}
    timeless = [a for a in target.picks if a.phase == "Sg" and a.station in heard][-1]
    arrivals = tuple(replace(a, pick_ns=None) if a is timeless else a for a in target.arrivals)
    spoiled[second.event_id] = replace(target, arrivals=arrivals)
    station_id = timeless.station.station_id
    faults = [
        Fault(
            kind="pick_without_time",
            description=f"{second.event_id} {station_id} {timeless.phase}: the row has no time",
            source_id=station_id,
            event_id=second.event_id,
        ),
        Fault(
            kind="station_without_data",
            description=f"{largest.event_id} has picks at {silent.station_id}, "
            "which has no waveform at all",
            source_id=silent.station_id,
            event_id=largest.event_id,
        ),
    ]
    return [spoiled.get(event.event_id, event) for event in events], silent, faults


def waveform_faults(events: list[SyntheticEvent], step_ns: int, start_ns: int) -> list[Fault]:
    """A gap, an overlap and a damaged record, each in the window of an event.

    Different events and stations as far as there are enough of them; never the largest event
    unless it is the only one, and never an event whose window crosses midnight. Paths and byte
    offsets are not known yet.
    """
    calm = [event for event in events if not _crosses_midnight(event)] or events
    by_size = sorted(calm, key=lambda event: -event.magnitude)
    largest = max(events, key=lambda event: event.magnitude)
    candidates = [event for event in by_size if event is not largest] or by_size
    faults: list[Fault] = []
    used: list[SyntheticStation] = []
    plans = (("gap", "HHN", 1), ("overlap", "HHZ", 0), ("damaged_record", "HHE", 1))
    for rank, (kind, channel, nearness) in enumerate(plans):
        event = candidates[rank % len(candidates)]
        pairs = _picked_pairs(event)
        fresh = [pair for pair in pairs if pair[0].station not in used] or pairs
        first, second = fresh[min(nearness, len(fresh) - 1)]
        used.append(first.station)
        if kind == "gap":
            begin_ns, length_s = second.time_ns + 5_000_000_000, GAP_S
        elif kind == "overlap":
            begin_ns, length_s = first.time_ns - 10_000_000_000, OVERLAP_S
        else:
            # Any sample will do: the record that holds it is the one that is damaged.
            begin_ns, length_s = second.time_ns + 2_000_000_000, 0.0
        # On the grid of the samples.
        begin_ns = start_ns + (begin_ns - start_ns) // step_ns * step_ns
        end_ns = begin_ns + max(0, round(length_s * 1e9) - step_ns)
        source_id = f"{first.station.station_id}.{channel}"
        faults.append(
            Fault(
                kind=kind,
                description=_describe(kind, source_id, begin_ns, length_s),
                source_id=source_id,
                event_id=event.event_id,
                start_ns=begin_ns,
                end_ns=end_ns,
            )
        )
    return faults


def with_place(fault: Fault, path: Path, offset: int | None, length: int | None) -> Fault:
    """The fault with the file, and the bytes, where it came to lie."""
    place = f" in {path.name}" if offset is None else f" in {path.name} at byte {offset}"
    return replace(
        fault, description=fault.description + place, path=path, offset=offset, length=length
    )


def _describe(kind: str, source_id: str, begin_ns: int, length_s: float) -> str:
    at = UTCDateTime(ns=begin_ns)
    if kind == "gap":
        return f"{source_id}: gap of {length_s:g} s from {at}"
    if kind == "overlap":
        return f"{source_id}: {length_s:g} s from {at} twice, the second time"
    return f"{source_id}: the header of the record at {at} is garbage"


def _picked_pairs(event: SyntheticEvent) -> list[tuple[Arrival, Arrival]]:
    """Pg and Sg of each station with data that has both picks; never empty-handed."""
    pairs = []
    picks = [a for a in event.picks if a.station.has_data] or list(event.arrivals)
    for first in picks:
        for second in picks:
            same = first.station is second.station
            if same and first.phase == "Pg" and second.phase == "Sg":
                pairs.append((first, second))
    if not pairs:
        near = [a for a in event.arrivals if a.station is event.arrivals[0].station]
        pairs.append((near[0], near[-1]))
    return pairs


def _crosses_midnight(event: SyntheticEvent) -> bool:
    span_ns = 200_000_000_000
    return (event.time_ns - span_ns) // _DAY_NS != (event.time_ns + span_ns) // _DAY_NS
