"""The catalogue and the station list of a synthetic archive as text files. No waveforms."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from credit_fast.synthetic.model import Arrival, SyntheticEvent, SyntheticStation
from credit_fast.times import UTCDateTime

__all__ = ["phase_report", "station_file"]

# First motions are read where they stand out this far above the noise, nearest stations first.
POLARITY_SNR = 60.0
POLARITIES_PER_EVENT = 4
_CLARITY = ((1000.0, "I"), (200.0, "M"), (0.0, "E"))


def phase_report(events: Iterable[SyntheticEvent]) -> str:
    """The catalogue in the phase-report format: `#EVENT` lines, each followed by `PHASE` rows."""
    return "".join(f"{line}\n" for event in events for line in _event_lines(event))


def station_file(stations: Iterable[SyntheticStation]) -> str:
    """The station list: NET STA LOC lon lat elevation, of the stations that are `listed`."""
    lines = ["# network station location longitude latitude elevation_m id"]
    lines += [
        f"{s.network}   {s.station:>5} {s.location or '--'} {s.longitude_deg:9.4f} "
        f"{s.latitude_deg:9.4f} {s.elevation_m:6.0f} {s.station_id}"
        for s in stations
        if s.listed
    ]
    return "\n".join(lines) + "\n"


def _event_lines(event: SyntheticEvent) -> Iterator[str]:
    yield (
        f"#EVENT {event.event_id} eq {_time(event.time_ns)} LOC {event.longitude_deg:8.3f} "
        f"{event.latitude_deg:8.3f} DEP {event.depth_km:8.1f} MAG   ML {event.magnitude:4.1f}"
    )
    left = POLARITIES_PER_EVENT
    # Where Pn comes first, the beginning of Pg lies in its coda.
    refracted = [pick.station for pick in event.picks if pick.phase == "Pn"]
    for pick in event.picks:
        yield _row(event, pick, "TRAVTIME", "LOC_RMSWT    RMS      WT")
        snr = pick.amplitude_counts / pick.station.noise_counts
        if pick.phase == "Pg" and left and pick.station not in refracted and snr > POLARITY_SNR:
            left -= 1
            clarity = next(word for least, word in _CLARITY if snr > least)
            motion = "C" if pick.polarity > 0 else "D"
            # Nobody has published a POLARITY row: the name of its last block is ours.
            yield _row(event, pick, "POLARITY", f"FM_UPCLA   {motion:>6} {clarity:>7}")


def _row(event: SyntheticEvent, pick: Arrival, row_type: str, ending: str) -> str:
    station = pick.station
    travel = "NONE" if pick.pick_ns is None else f"{(pick.pick_ns - event.time_ns) / 1e9:.2f}"
    return (
        f"PHASE  {event.event_id} eq {row_type} {station.network} {station.station:>7} "
        f"{station.location or '--'} {channel_of(pick)} {pick.phase:>6} ttime {travel:>10}  V "
        f"{_time(pick.pick_ns)} MAGSOURCE   MAGTYPE  MAG "
        f"DISTAZ {pick.distance_km:8.1f} {pick.azimuth_deg:6.1f} {ending}"
    )


def channel_of(pick: Arrival) -> str:
    """The channel that a picker would take: Z for P, the more transverse horizontal for S."""
    if pick.phase.startswith("P"):
        return "HHZ"
    azimuth = math.radians(pick.azimuth_deg)
    return "HHN" if abs(math.sin(azimuth)) > abs(math.cos(azimuth)) else "HHE"


def _time(time_ns: int | None) -> str:
    """The eight time columns of the format, or the words that stand for a missing time."""
    if time_ns is None:
        return "YYYY MM DD JJJ HH MM SS FFFFFF"
    return UTCDateTime(ns=time_ns).strftime("%Y %m %d %j %H %M %S %f")
