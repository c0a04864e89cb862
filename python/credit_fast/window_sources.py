"""Which windows the picks of a catalogue ask for: stations with arrivals, and whose they are.

Nothing here knows of an archive.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from credit_fast.catalogs.model import Event, Pick

__all__ = ["WindowSource", "window_sources"]


@dataclass(slots=True)
class WindowSource:
    """One station of one event: where its windows come from."""

    event_id: str
    network: str
    station: str
    location: str
    #: Without the letter of the component; empty where no pick names a channel.
    band: str
    first_ns: int
    #: Earliest arrival of each phase, None without.
    arrivals_ns: list[int | None] = field(default_factory=list)


@dataclass(slots=True)
class _Arrival:
    """A pick that has a time and belongs to a column of the labels."""

    pick: Pick
    time_ns: int
    columns: list[int]


def window_sources(
    picks: Iterable[Event] | Iterable[Pick], phases: Sequence[str], within_ns: int
) -> list[WindowSource]:
    """Stations with an arrival, event after event, in the order of the picks.

    Picks without events come behind, in the order of time: those of a station that are no more
    than `within_ns` later than the first of them are one event.

    Raises
    ------
    TypeError
        One of `picks` is neither an event nor a pick.
    """
    found: list[WindowSource] = []
    loose: list[Pick] = []
    for item in _each(picks):
        if isinstance(item, Event):
            by_station = _by_station(item.picks, phases)
            found += [_source(item.event_id, arrivals, phases) for arrivals in by_station]
        elif isinstance(item, Pick):
            loose.append(item)
        else:
            raise _no_picks(item)
    apart = [
        _source("", arrivals, phases)
        for of_station in _by_station(loose, phases)
        for arrivals in _in_time(of_station, within_ns)
    ]
    apart.sort(key=lambda source: source.first_ns)
    return found + apart


def _each(picks: Any) -> Iterable[Any]:
    if isinstance(picks, str | bytes) or not isinstance(picks, Iterable):
        raise _no_picks(picks)
    return picks


def _no_picks(found: Any) -> TypeError:
    return TypeError(
        f"picks: found {found!r}: expected a catalogue (read_catalog reads a file), events or picks"
    )


def _by_station(picks: Iterable[Pick], phases: Sequence[str]) -> list[list[_Arrival]]:
    """Arrivals of each station, in the order of the picks."""
    stations: dict[tuple[str, str, str], list[_Arrival]] = {}
    for pick in picks:
        columns = [n for n, phase in enumerate(phases) if _is_of(pick.phase, phase)]
        if pick.time_ns is not None and columns:
            codes = (pick.network, pick.station, _location(pick))
            stations.setdefault(codes, []).append(_Arrival(pick, pick.time_ns, columns))
    return list(stations.values())


def _in_time(arrivals: list[_Arrival], within_ns: int) -> Iterable[list[_Arrival]]:
    """Arrivals of one station, apart where one is too late for the first before it."""
    group: list[_Arrival] = []
    for arrival in sorted(arrivals, key=lambda arrival: arrival.time_ns):
        if group and arrival.time_ns - group[0].time_ns > within_ns:
            yield group
            group = []
        group.append(arrival)
    if group:
        yield group


def _source(event_id: str, arrivals: list[_Arrival], phases: Sequence[str]) -> WindowSource:
    pick = arrivals[0].pick
    band = pick.channel[:2] if "?" not in pick.channel and "*" not in pick.channel else ""
    earliest: list[int | None] = [None] * len(phases)
    for arrival in arrivals:
        for column in arrival.columns:
            known = earliest[column]
            earliest[column] = arrival.time_ns if known is None else min(known, arrival.time_ns)
    first_ns = min(arrival.time_ns for arrival in arrivals)
    return WindowSource(
        event_id, pick.network, pick.station, _location(pick), band, first_ns, earliest
    )


def _location(pick: Pick) -> str:
    return "" if pick.location == "--" else pick.location


def _is_of(phase: str, column: str) -> bool:
    """Whether a phase belongs to a column of the labels."""
    return phase == column or (column in ("P", "S") and phase.startswith(column))
