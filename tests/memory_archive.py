"""An archive in memory for odd cases (float data, rate changes), and a catalogue in few words.

`MemoryArchive` is any object with `get_waveforms`, as makeh5 accepts; it holds no rule of its own
beyond the window: samples nearest to both ends, both included.
"""

from __future__ import annotations

import warnings
from fnmatch import fnmatchcase
from typing import Any

import numpy as np

from credit_fast.catalogs.model import Catalog, Event, Pick, Station, StationTable
from credit_fast.errors import DataWarning
from credit_fast.times import UTCDateTime
from credit_fast.waveform import Stream, Trace

ORIGIN = UTCDateTime("2012-03-01T13:22:11.000000Z")


def at(seconds: float) -> int:
    """Nanoseconds since 1970 of a time given in seconds after the origin of the test event."""
    return ORIGIN.ns + round(seconds * 1e9)


def trace(
    source_id: str, start_s: float, data: Any, rate_hz: float = 100.0, *, dtype: Any = None
) -> Trace:
    """Trace of `NET.STA.LOC.CHA` that starts `start_s` after the origin."""
    network, station, location, channel = source_id.split(".")
    header = {
        "network": network,
        "station": station,
        "location": location,
        "channel": channel,
        "starttime": UTCDateTime(ns=at(start_s)),
        "sampling_rate": rate_hz,
    }
    return Trace(np.asarray(data, dtype=dtype), header)


def noise(seed: int, npts: int) -> np.ndarray:
    """Whole numbers that do not repeat, int32."""
    return np.random.default_rng(seed).integers(-(10**6), 10**6, npts, dtype=np.int32)


def three(station_id: str, start_s: float, npts: int, *, band: str = "HH") -> list[Trace]:
    """E, N and Z of a station, whole."""
    return [
        trace(f"{station_id}.{band}{letter}", start_s, noise(number, npts))
        for number, letter in enumerate("ENZ")
    ]


class MemoryArchive:
    """Traces in memory; `fail` maps a station code to what asking for it raises or warns."""

    def __init__(self, traces: list[Trace], fail: dict[str, BaseException] | None = None) -> None:
        self.traces = traces
        self.fail = fail or {}
        self.asked: list[str] = []

    def get_waveforms(
        self, network: str, station: str, location: str, channel: str, start: Any, end: Any
    ) -> Stream:
        self.asked.append(f"{network}.{station}.{location}.{channel}")
        failure = self.fail.get(station)
        if isinstance(failure, DataWarning):
            warnings.warn(failure, stacklevel=2)
        elif failure is not None:
            raise failure
        patterns = (network, station, location, channel)
        return Stream(
            [
                part
                for part in (self._cut(item, start.ns, end.ns) for item in self.traces)
                if part is not None and _matches(part, patterns)
            ]
        )

    def get_nslc(self) -> list[tuple[str, str, str, str]]:
        return sorted({tuple(item.id.split(".")) for item in self.traces})  # type: ignore[misc]

    def get_availability_extent(self) -> list[tuple[Any, ...]]:
        return [
            (*codes, min(item.stats.starttime for item in own), max(i.stats.endtime for i in own))
            for codes in self.get_nslc()
            if (own := [item for item in self.traces if item.id == ".".join(codes)])
        ]

    def get_availability(self, *asked: Any, **_options: Any) -> list[tuple[Any, ...]]:
        return [
            (
                *part.id.split("."),
                part.stats.starttime,
                part.stats.endtime,
                part.stats.sampling_rate,
            )
            for part in self.get_waveforms(*asked)
        ]

    def _cut(self, item: Trace, start_ns: int, end_ns: int) -> Trace | None:
        rate = item.stats.sampling_rate
        begin = item.stats.starttime.ns
        first = max(0, round((start_ns - begin) * rate / 1e9))
        last = min(len(item.data) - 1, round((end_ns - begin) * rate / 1e9))
        if first > last:
            return None
        header = dict(item.stats)
        header["starttime"] = UTCDateTime(ns=begin + round(first * 1e9 / rate))
        return Trace(item.data[first : last + 1], header)


def _matches(item: Trace, patterns: tuple[str, ...]) -> bool:
    return all(
        fnmatchcase(code, pattern)
        for code, pattern in zip(item.id.split("."), patterns, strict=True)
    )


def pick(
    phase: str,
    time_s: float | None,
    source_id: str = "X1.AAA.00.HHZ",
    *,
    row_type: str = "TRAVTIME",
    distance_km: float | None = 12.5,
    value1: str = "",
    value2: str = "",
    line: int = 2,
) -> Pick:
    """Pick `time_s` after the origin (None: no time)."""
    network, station, location, channel = source_id.split(".")
    return Pick(
        network,
        station,
        location,
        channel,
        phase,
        None if time_s is None else at(time_s),
        row_type,
        distance_km=distance_km,
        azimuth_deg=301.5,
        record_type="V",
        magnitude_source="MAGSOURCE",
        magnitude_type="MAGTYPE",
        magnitude_text="MAG",
        value1=value1 or {"TRAVTIME": "RMS", "AMPLITUD": "21.5", "POLARITY": "U"}[row_type],
        value2=value2 or {"TRAVTIME": "WT", "AMPLITUD": "0.2", "POLARITY": "I"}[row_type],
        raw=f"PHASE,{row_type},{source_id},{phase},{time_s},{line}",
        line=line,
    )


def event(*picks: Pick, evid: str = "X1.201203012122.0001", line: int = 1) -> Event:
    """An event at `ORIGIN` with these picks."""
    raw = f"EVENT,{evid},eq,2012,03,01"
    return Event(evid, "eq", ORIGIN.ns, 104.5, 29.5, 4.0, 0.5, "ML", raw, line, list(picks))


def catalog(*events: Event) -> Catalog:
    """A catalogue of these events."""
    return Catalog("events.pha", list(events))


def stations(*ids: str) -> StationTable:
    """A station table with these `NET.STA.LOC`."""
    table = [Station(*name.split("."), 104.0, 29.0, 350.0) for name in ids]
    return StationTable("stations.loc", table)
