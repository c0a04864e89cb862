"""What of a catalogue is asked for: phases, distances, and stations that no pick names.

Reasons for what is left out by choice: they are counted like every refusal, and are no problem.
Plain catalogue objects and codes in, answers out; what is made of them is for plan. No waveform,
no HDF5, no counting.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from credit_fast.catalogs.model import Event, Pick, Station, StationTable
from credit_fast.geodesy import distance_azimuth
from credit_fast.hdf5 import layout
from credit_fast.station_records.resampling import require_scipy
from credit_fast.station_records.settings import Settings

__all__ = ["ArchiveStation", "Selection", "is_choice"]

PHASE_NOT_ASKED = "phase not asked for"
NO_ASKED_PHASE = "no pick of a phase that was asked for"
TOO_FAR_AWAY = "farther away than asked for"
TOO_FEW_PICKS = "fewer picks than asked for"
NOTHING_ASKED = "no station record that was asked for"
HAS_GAPS = "gaps, which were not asked for"
_CHOICES = frozenset(
    {PHASE_NOT_ASKED, NO_ASKED_PHASE, TOO_FAR_AWAY, TOO_FEW_PICKS, NOTHING_ASKED, HAS_GAPS}
)

# No first arrival of a local or regional event (up to about 2,000 km) is faster, and no phase that
# is picked slower: the window of a station without picks holds both.
FASTEST_KM_S = 8.2
SLOWEST_KM_S = 3.0


def is_choice(reason: str | None) -> bool:
    """Whether a refusal is what the user asked for, and so nothing to look into."""
    return reason in _CHOICES


@dataclass(frozen=True, slots=True)
class ArchiveStation:
    """Station and location that the archive has, with its place and the bands that would do."""

    network: str
    station: str
    location: str
    longitude_deg: float
    latitude_deg: float
    bands: tuple[str, ...]


class Selection:
    """The choices of `settings` that need a station table or a list of what the archive has.

    Parameters
    ----------
    settings
        The choices.
    table
        Places of stations, for distances that no pick states.
    channels
        (network, station, location, channel) of all that the archive has, for `all_stations`.
    """

    def __init__(
        self,
        settings: Settings,
        table: StationTable | None = None,
        channels: Iterable[tuple[str, str, str, str]] = (),
    ) -> None:
        self.settings = settings
        self.table = table
        self._stations: list[ArchiveStation] = []
        #: `NET.STA.LOC` of the archive without a place in the table: never found by distance.
        self.unplaced: list[str] = []
        if settings.all_stations:
            self._place(channels)

    @classmethod
    def of(cls, settings: Settings, table: StationTable | None, source: Any) -> Selection:
        """The selection for an archive, which is asked for its channels where that is needed.

        MissingExtraError when a library is missing that the settings need. ValueError when
        `all_stations` has no station table, TypeError when the archive cannot list its channels.
        """
        if settings.resample_hz is not None:
            require_scipy()
        if not settings.all_stations:
            return cls(settings, table)
        if table is None:
            raise ValueError(
                "all_stations: distances need the places of stations: give a station file"
            )
        listed = getattr(source, "get_nslc", None)
        if listed is None:
            raise TypeError(
                f"all_stations: {type(source).__name__} cannot list its channels: "
                "expected an index, or an object with get_nslc"
            )
        return cls(settings, table, listed())

    def asks_for(self, pick: Pick) -> bool:
        """Whether the phase of a pick row is asked for."""
        return not self.settings.phases or pick.phase in self.settings.phases

    def is_too_far(self, distance_km: float | None) -> bool:
        """Whether a distance is beyond the limit; an unknown one is not."""
        limit_km = self.settings.max_distance_km
        return limit_km is not None and distance_km is not None and distance_km > limit_km

    def place(self, codes: tuple[str, str, str]) -> Station | None:
        """Where the station table has a station; None when it does not."""
        return None if self.table is None else self.table.get(*codes)

    def distance_km(self, event: Event, codes: tuple[str, str, str]) -> float | None:
        """Epicentral distance by the station table; None without the station's place."""
        place = self.place(codes)
        if place is None:
            return None
        return _distance_km(event, place.longitude_deg, place.latitude_deg)

    def unpicked(
        self, event: Event, picked: Collection[tuple[str, str]]
    ) -> Iterator[tuple[ArchiveStation, float]]:
        """Stations of the archive within the distance, nearest first, with their distance in km.

        Not those of `picked` (network, station), under whatever location.
        """
        limit_km = self.settings.max_distance_km or 0.0  # without stations nothing is looked for
        # A degree of latitude has 111.19 km: most stations of a large table are left out by it.
        degrees = limit_km / 111.0
        found = []
        for place in self._stations:
            if abs(place.latitude_deg - event.latitude_deg) > degrees:
                continue
            if (place.network, place.station) in picked:
                continue
            distance = _distance_km(event, place.longitude_deg, place.latitude_deg)
            if distance <= limit_km:
                found.append((place, distance))
        yield from sorted(found, key=lambda item: item[1])

    def estimated_arrivals(self, event: Event, distance_km: float) -> tuple[int, int]:
        """Between which times (ns since 1970) the arrivals of a station without picks lie."""
        path_km = math.hypot(distance_km, max(0.0, event.depth_km or 0.0))
        first_ns, last_ns = (round(path_km / speed * 1e9) for speed in (FASTEST_KM_S, SLOWEST_KM_S))
        return event.time_ns + first_ns, event.time_ns + last_ns

    def _place(self, channels: Iterable[tuple[str, str, str, str]]) -> None:
        by_codes: dict[tuple[str, str, str], set[str]] = {}
        for network, station, location, channel in channels:
            band = layout.band_of(channel)
            if band and channel[2:] in set(self.settings.components) and self.takes(band):
                by_codes.setdefault((network, station, location), set()).add(band)
        for codes, bands in sorted(by_codes.items()):
            place = self.place(codes)
            if place is None:
                self.unplaced.append(".".join(codes))
                continue
            ordered = tuple(sorted(bands, key=self.rank))
            here = place.longitude_deg, place.latitude_deg
            self._stations.append(ArchiveStation(*codes, *here, ordered))

    def takes(self, band: str) -> bool:
        """Whether a band would do where no pick says which: a listed one, else a usual one."""
        patterns = self.settings.channels
        if not patterns:
            return band in layout.BAND_ORDER
        return any(_matches(band, pattern) for pattern in patterns)

    def rank(self, band: str) -> tuple[int, int, str]:
        """Sorts bands that would do by preference: the listed order, then the usual one."""
        places = (n for n, p in enumerate(self.settings.channels) if _matches(band, p))
        return next(places, 0), *layout.band_rank(band)


def _matches(band: str, pattern: str) -> bool:
    return all(wanted in ("?", letter) for wanted, letter in zip(pattern, band, strict=False))


def _distance_km(event: Event, longitude_deg: float, latitude_deg: float) -> float:
    return distance_azimuth(event.longitude_deg, event.latitude_deg, longitude_deg, latitude_deg)[0]
