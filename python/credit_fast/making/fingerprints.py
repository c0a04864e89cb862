"""Numbers by which a later run sees whether what a data set was made of has changed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import fields
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from credit_fast.catalogs.model import Catalog, Event, Pick, Station, StationTable
from credit_fast.client import Client
from credit_fast.codes import Codes
from credit_fast.station_records.cut import WaveformSource
from credit_fast.station_records.plan import EventPlan
from credit_fast.station_records.resampling import most_reach_ns
from credit_fast.station_records.settings import Settings

__all__ = ["InArchive", "Place", "changes", "in_archive", "of_event", "of_inputs"]

#: Of these a number says nothing to a user.
_FILES = {"catalog", "stations"}

#: File, offset of its row, and begin of what is wanted: in a row later samples lie further behind.
Place: TypeAlias = tuple[str, int, int]


class InArchive(NamedTuple):
    """What the archive has for an event.

    `fingerprint` changes with the data in its windows; None where the archive cannot tell. `places`
    are where they begin, of each station; None where there are none, or nobody knows.
    """

    fingerprint: str | None
    places: list[Place | None]


# All that an event or a pick says, but where: lines before it may come and go.
_of_event, _of_pick = (
    attrgetter(*(field.name for field in fields(kind) if field.name not in ("line", "picks")))
    for kind in (Event, Pick)
)


def of_inputs(
    source: WaveformSource,
    catalog: str | os.PathLike[str] | Catalog,
    stations: str | os.PathLike[str] | StationTable | None,
) -> dict[str, Any]:
    """Numbers that change with what a run works on; of an archive that is no `Client`, none.

    Raises OSError when a file cannot be read.
    """
    found: dict[str, Any] = {
        "catalog": _of_texts(map(_event_text, catalog))
        if isinstance(catalog, Catalog)
        else _of_file(catalog)
    }
    if stations is not None:
        found["stations"] = (
            _of_texts(map(_station_text, stations.stations))
            if isinstance(stations, StationTable)
            else _of_file(stations)
        )
    if isinstance(source, Client):
        found["index"] = source.state()
    return found


def changes(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """What differs, a line for each thing."""
    lines = []
    for name in sorted(before.keys() | now.keys()):
        old, new = before.get(name), now.get(name)
        if isinstance(old, dict) and isinstance(new, dict):
            lines += [f"{name} {line}" for line in changes(old, new)]
        elif old != new and name in _FILES and None not in (old, new):
            lines.append(f"the {name} is another one, or was changed")
        elif old != new:
            lines.append(f"{name}: it was {_words(old)}, now it is {_words(new)}")
    return lines


def of_event(plan: EventPlan, stations: StationTable | None) -> str:
    """Changes with the event's lines, its picks, and the coordinates of its stations."""
    texts = [_event_text(plan.event)]
    if stations is not None:
        for station in plan.stations:
            place = stations.get(station.network, station.station, station.location)
            texts.append(_station_text(place))
    return _of_texts(texts)


def in_archive(source: WaveformSource, plan: EventPlan, settings: Settings) -> InArchive:
    """What the archive has in the windows of an event."""
    if not isinstance(source, Client):
        return InArchive(None, [None] * len(plan.stations))
    asked: list[tuple[int, tuple[Codes, tuple[int, int]]]] = []
    # What is resampled is made of data around the window, too; how far depends on their rate.
    around_ns = 0 if settings.resample_hz is None else most_reach_ns(settings.resample_hz)
    for number, station in enumerate(plan.stations):
        window = station.window(settings)
        if window is not None and station.refusal is None:
            codes = (station.network, station.station, station.location or "--", "*")
            wanted = (window[0] - around_ns, window[1] + around_ns)
            asked.append((number, (codes, wanted)))
    places: list[Place | None] = [None] * len(plan.stations)
    stored = source.stored([question for _, question in asked])
    for (number, (_, window)), found in zip(asked, stored, strict=True):
        if found.place is not None:
            places[number] = (*found.place, window[0])
    return InArchive(_of_texts(str(found.digest) for found in stored), places)


def _event_text(event: Event) -> str:
    rows = [_of_event(event), *map(_of_pick, event.picks)]
    return "\0".join(str(value) for row in rows for value in row)


def _station_text(station: Station | None) -> str:
    if station is None:
        return ""
    codes = f"{station.network}.{station.station}.{station.location}"
    return f"{codes} {station.longitude_deg!r} {station.latitude_deg!r} {station.elevation_m!r}"


def _of_texts(texts: Iterable[str]) -> str:
    digest = hashlib.blake2b(digest_size=8)
    for text in texts:
        digest.update(text.encode("utf-8", "surrogatepass"))
        digest.update(b"\n")
    return digest.hexdigest()


def _of_file(path: str | os.PathLike[str]) -> str:
    digest = hashlib.blake2b(digest_size=8)
    with Path(path).open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _words(value: Any) -> str:
    if value is None:
        return "not there"
    if isinstance(value, list):
        return "; ".join(map(_words, value))
    if isinstance(value, dict):
        return ", ".join(f"{number} {name}" for name, number in value.items())
    return repr(value)
