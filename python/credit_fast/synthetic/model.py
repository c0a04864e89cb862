"""What a synthetic archive consists of, as plain data. No chance, no waveforms, no files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from credit_fast.times import UTCDateTime

__all__ = ["Arrival", "Fault", "SyntheticArchive", "SyntheticEvent", "SyntheticStation"]


@dataclass(frozen=True, slots=True)
class SyntheticStation:
    """A three-component station.

    `has_data` is false for the station that only the catalogue knows, `listed` is false for the
    one that the station file lacks. `noise_counts` is the standard deviation of the
    high-frequency noise.
    """

    index: int
    network: str
    station: str
    location: str
    longitude_deg: float
    latitude_deg: float
    elevation_m: float
    noise_counts: float
    has_data: bool = True
    listed: bool = True

    @property
    def station_id(self) -> str:
        """`NET.STA.LOC`; ends in a dot when the location is empty."""
        return f"{self.network}.{self.station}.{self.location}"


@dataclass(frozen=True, slots=True)
class Arrival:
    """One phase of one event at one station.

    `time_ns` is the true time; `pick_ns` the time in the catalogue, None when the row has no
    time. `picked` is false when the phase drowns in the noise: it is in the waveform but not in
    the catalogue. `amplitude_counts` is the peak of the wave packet on its main component;
    `polarity` is +1 (up) or -1 for P waves on Z and 0 for S waves.
    """

    station: SyntheticStation
    phase: str
    time_ns: int
    pick_ns: int | None
    picked: bool
    distance_km: float
    azimuth_deg: float
    amplitude_counts: float
    polarity: int

    @property
    def time(self) -> UTCDateTime:
        """The true arrival time."""
        return UTCDateTime(ns=self.time_ns)


@dataclass(frozen=True, slots=True)
class SyntheticEvent:
    """An earthquake and its arrivals, nearest station first."""

    index: int
    event_id: str
    time_ns: int
    longitude_deg: float
    latitude_deg: float
    depth_km: float
    magnitude: float
    arrivals: tuple[Arrival, ...]

    @property
    def time(self) -> UTCDateTime:
        """The origin time."""
        return UTCDateTime(ns=self.time_ns)

    @property
    def picks(self) -> tuple[Arrival, ...]:
        """The arrivals that stand in the catalogue as TRAVTIME rows."""
        return tuple(arrival for arrival in self.arrivals if arrival.picked)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong on purpose.

    `kind` is one of `gap`, `overlap`, `damaged_record`, `pick_without_time`,
    `station_without_data`, `station_without_coordinates`. `source_id` is `NET.STA.LOC.CHA`, or
    `NET.STA.LOC` where the whole station is meant. Times are those of the first and last sample
    concerned (a gap: of the samples that are missing). `offset` and `length` are in bytes.
    """

    kind: str
    description: str
    source_id: str
    event_id: str | None = None
    path: Path | None = None
    start_ns: int | None = None
    end_ns: int | None = None
    offset: int | None = None
    length: int | None = None


@dataclass(frozen=True, slots=True)
class SyntheticArchive:
    """What `make_archive` wrote, and the truth about it.

    `stations` includes the one without data, when the archive has faults.
    """

    folder: Path
    data: Path
    catalog: Path
    station_file: Path
    files: tuple[Path, ...]
    stations: tuple[SyntheticStation, ...]
    events: tuple[SyntheticEvent, ...]
    faults: tuple[Fault, ...]
    start_ns: int
    end_ns: int
    rate_hz: float
    n_samples: int
    n_bytes: int

    def faults_of(self, kind: str) -> tuple[Fault, ...]:
        """The faults of one kind."""
        return tuple(fault for fault in self.faults if fault.kind == kind)
