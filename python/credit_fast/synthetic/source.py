"""Stations around a fault zone, its earthquakes, and their wave packets. Opens no file.

Everything follows from the seed. Each random stream has its own key (`stream`), so that nothing
depends on the order in which threads take the work.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from credit_fast.geodesy import destination, distance_azimuth
from credit_fast.synthetic.earth import travel_times
from credit_fast.synthetic.model import Arrival, SyntheticEvent, SyntheticStation
from credit_fast.times import UTCDateTime

__all__ = ["arrivals_of", "draw_events", "draw_stations", "event_id", "stream", "wave_packet"]

NETWORK = "XX"  # the FDSN code for temporary or test data without an assigned network

# The middle of the fault zone: western Yunnan. Strike as of the long north-west faults there.
FAULT_LONGITUDE_DEG, FAULT_LATITUDE_DEG = 100.1, 25.7
FAULT_STRIKE_DEG, FAULT_LENGTH_KM = 325.0, 40.0

# Shortest time per event: windows of 60 s around the picks of a station 300 km away still stay
# apart from the next event and from the ends of the archive.
SLOT_S = 400.0

# Counts per nm/s of ground velocity: a usual broad-band sensor with a 24-bit digitiser is of
# this order (1500 V s/m and 2.5 microvolt per count give 0.6).
COUNTS_PER_NM_S = 0.5
# A phase is picked when its packet is this many times higher than the noise.
PICK_SNR = 5.0
PICK_JITTER_S = 0.04  # plus at most 0.005 s of rounding to 10 ms: never above 0.05 s
PICK_STEP_NS = 10_000_000

# Peak of the packet on its main component, relative to the horizontal Sg amplitude.
_RELATIVE = {"Pg": 0.35, "Sg": 1.0, "Pn": 0.12, "Sn": 0.3}


def stream(seed: int, *key: int) -> np.random.Generator:
    """An independent random generator for a key of small whole numbers."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, *key])))


def draw_stations(count: int, seed: int) -> list[SyntheticStation]:
    """Stations spiralling outward from the fault, 10 to 280 km, the third with empty location.

    Azimuths advance by the golden angle, so that any count is spread evenly around the fault.
    """
    rng = stream(seed, 1)
    stations = []
    for index in range(count):
        part = index / max(1, count - 1)
        distance_km = 10.0 * 28.0**part * rng.uniform(0.93, 1.0)
        azimuth = (40.0 + 137.50776 * index + rng.uniform(-8, 8)) % 360.0
        lon, lat = destination(FAULT_LONGITUDE_DEG, FAULT_LATITUDE_DEG, azimuth, distance_km)
        stations.append(
            SyntheticStation(
                index=index,
                network=NETWORK,
                station=f"CF{index + 1:02d}",
                location="" if index == min(2, count - 1) else "00",
                longitude_deg=round(lon, 4),
                latitude_deg=round(lat, 4),
                elevation_m=float(round(rng.uniform(1300, 3100))),
                noise_counts=round(rng.uniform(16, 30), 1),
            )
        )
    return stations


def draw_events(
    count: int, stations: list[SyntheticStation], start_ns: int, duration_s: float, seed: int
) -> list[SyntheticEvent]:
    """Earthquakes along the fault, one per slot of time, with their arrivals at all stations.

    Magnitudes are the quantiles of a Gutenberg-Richter law between 1.5 and 5.0 in random order.
    Its b = 0.4 is flatter than nature's 1, so that a dozen events span the range. When the
    archive runs over midnight the event nearest to the first midnight is put 20 s before it:
    its waves cross the border of two day files.
    """
    slot_s = duration_s / count
    if slot_s < SLOT_S:
        raise ValueError(
            f"{count} events in {duration_s / 3600:g} h: expected at most "
            f"{int(duration_s // SLOT_S)} (one in {SLOT_S:g} s)"
        )
    rng = stream(seed, 2)
    part = 1.0 - np.arange(count) / max(1, count - 1)
    magnitudes = 1.5 - np.log10(1 - part * (1 - 10 ** (-0.4 * 3.5))) / 0.4
    magnitudes = rng.permutation(np.round(magnitudes, 1))
    offsets = (np.arange(count) + rng.uniform(0.3, 0.5, count)) * slot_s
    day_s = 86400.0
    midnight_s = day_s - (start_ns / 1e9) % day_s
    if SLOT_S < midnight_s < duration_s - SLOT_S:
        nearest = int((midnight_s - 20.0) // slot_s)
        offsets[nearest] = midnight_s - 20.0
    events = []
    for index in range(count):
        along = rng.uniform(-0.5, 0.5) * FAULT_LENGTH_KM
        lon, lat = destination(
            FAULT_LONGITUDE_DEG, FAULT_LATITUDE_DEG, FAULT_STRIKE_DEG + rng.normal(0, 6), along
        )
        event = SyntheticEvent(
            index=index,
            event_id="",
            time_ns=start_ns + round(float(offsets[index]) * 100) * PICK_STEP_NS,
            longitude_deg=round(lon, 3),
            latitude_deg=round(lat, 3),
            depth_km=round(float(rng.uniform(5, 15)), 1),
            magnitude=float(magnitudes[index]),
            arrivals=(),
        )
        event = replace(event, event_id=event_id(event.time_ns, index + 1))
        events.append(replace(event, arrivals=arrivals_of(event, stations, seed)))
    return events


def event_id(time_ns: int, number: int) -> str:
    """An id as catalogues of the region have them: its digits are Beijing time (UTC+8)."""
    beijing = UTCDateTime(ns=time_ns) + 8 * 3600
    return f"{NETWORK}.{beijing.strftime('%Y%m%d%H%M')}.{number:04d}"


def arrivals_of(
    event: SyntheticEvent, stations: list[SyntheticStation], seed: int
) -> tuple[Arrival, ...]:
    """All phases of an event at all stations, nearest station first."""
    found = []
    for station in stations:
        rng = stream(seed, 3, event.index, station.index)
        distance_km, azimuth = distance_azimuth(
            event.longitude_deg, event.latitude_deg, station.longitude_deg, station.latitude_deg
        )
        for phase, seconds in travel_times(distance_km, event.depth_km).items():
            time_ns = event.time_ns + round(seconds * 1e9)
            jitter_ns = round(float(rng.uniform(-PICK_JITTER_S, PICK_JITTER_S)) * 1e9)
            amplitude, polarity = _amplitude(event, phase, distance_km, azimuth)
            found.append(
                Arrival(
                    station=station,
                    phase=phase,
                    time_ns=time_ns,
                    pick_ns=round((time_ns + jitter_ns) / PICK_STEP_NS) * PICK_STEP_NS,
                    picked=amplitude > PICK_SNR * station.noise_counts,
                    distance_km=distance_km,
                    azimuth_deg=azimuth,
                    amplitude_counts=amplitude,
                    polarity=polarity,
                )
            )
    return tuple(sorted(found, key=lambda a: (a.distance_km, a.time_ns)))


def _amplitude(
    event: SyntheticEvent, phase: str, distance_km: float, azimuth_deg: float
) -> tuple[float, int]:
    """Peak in counts, and the sign of the first motion on Z.

    The displacement is that of the IASPEI standard local magnitude (IASPEI working group on
    magnitudes, 2013, after Hutton and Boore 1987): ML = log10(A) + 1.11 log10(R) + 0.00189 R -
    2.09 with A in nm and R the hypocentral distance in km; times 2 pi f it is a velocity. The
    pattern over azimuth is that of a vertical strike-slip fault, softened at its nodes.
    """
    r_km = math.hypot(distance_km, event.depth_km)
    log_nm = event.magnitude - 1.11 * math.log10(r_km) - 0.00189 * r_km + 2.09
    peak = 10**log_nm * 2 * math.pi * _corner_hz(event, phase, distance_km) * COUNTS_PER_NM_S
    lobes = 2 * math.radians(azimuth_deg - FAULT_STRIKE_DEG)
    pattern, polarity = 0.6 + 0.4 * abs(math.cos(lobes)), 0
    if phase.startswith("P"):
        pattern = 0.5 + 0.5 * abs(math.sin(lobes))
        polarity = 1 if math.sin(lobes) >= 0 else -1
    return peak * _RELATIVE[phase] * pattern, polarity


def _corner_hz(event: SyntheticEvent, phase: str, distance_km: float) -> float:
    """Main frequency: lower for large events and far stations, higher for P than for S."""
    hz = 6.0 * 10 ** (-0.22 * (event.magnitude - 2.5)) * math.exp(-distance_km / 500.0)
    return min(12.0, max(1.2, hz)) * (1.4 if phase.startswith("P") else 1.0)


def wave_packet(
    event: SyntheticEvent, arrival: Arrival, component: str, rate_hz: float, seed: int
) -> npt.NDArray[np.float64]:
    """One phase on one component (Z, N or E), in counts.

    The first sample is the first at or after the arrival, on a grid that holds the whole
    seconds; the last is where the coda is below half a count.
    """
    corner_hz = min(_corner_hz(event, arrival.phase, arrival.distance_km), 0.35 * rate_hz)
    is_p = arrival.phase.startswith("P")
    # Coda grows with magnitude and distance; the P coda is cut off by the S wave anyway.
    decay_s = (
        (0.8 if is_p else 1.6)
        * (1 + 0.8 * (event.magnitude - 1))
        * (1 + arrival.distance_km / 200.0)
    )
    length_s = decay_s * math.log(2 * arrival.amplitude_counts + 2)
    step_ns = round(1e9 / rate_hz)
    late_s = (-arrival.time_ns % step_ns) / 1e9
    t = np.arange(max(2, round(length_s * rate_hz))) / rate_hz + late_s
    # Head waves and far stations begin more softly.
    rise_s = (0.3 if is_p else 0.6) * (1 + arrival.distance_km / 150.0)
    envelope = (1 - np.exp(-t / rise_s)) * np.exp(-t / decay_s)
    envelope /= envelope.max()
    azimuth = math.radians(arrival.azimuth_deg)
    main, cross = _polarisation(is_p, component, azimuth)
    motion = np.zeros(t.size)
    for axis, weight in enumerate((main, cross)):
        if weight:
            rng = stream(
                seed, 4, event.index, arrival.station.index, _PHASE_KEY[arrival.phase], axis
            )
            motion += weight * _band_noise(rng, t.size, corner_hz, rate_hz) * envelope
    if is_p:
        # The first motion: one damped swing, common to all components, with the true sign.
        swing = np.sin(2 * np.pi * corner_hz * t) * np.exp(-1.2 * corner_hz * t)
        motion += 0.9 * arrival.polarity * main * swing
    return motion * arrival.amplitude_counts


_PHASE_KEY = {"Pg": 0, "Sg": 1, "Pn": 2, "Sn": 3}


def _polarisation(is_p: bool, component: str, azimuth: float) -> tuple[float, float]:
    """Weights of the main axis (P: along the ray, S: transverse) and of scattered motion."""
    if is_p:
        along = {"Z": 1.0, "N": 0.4 * math.cos(azimuth), "E": 0.4 * math.sin(azimuth)}
        return along[component], 0.12
    across = {"Z": 0.0, "N": -math.sin(azimuth), "E": math.cos(azimuth)}
    radial = {"Z": 0.35, "N": 0.6 * math.cos(azimuth), "E": 0.6 * math.sin(azimuth)}
    return across[component], radial[component]


def _band_noise(
    rng: np.random.Generator, npts: int, corner_hz: float, rate_hz: float
) -> npt.NDArray[np.float64]:
    """Noise around one frequency (log-normal band) with peaks near 1."""
    # A power of two keeps the transform fast for every length.
    size = 1 << max(6, (npts - 1).bit_length())
    frequency = np.fft.rfftfreq(size, 1 / rate_hz)
    frequency[0] = frequency[1]
    band = np.exp(-0.5 * (np.log(frequency / corner_hz) / 0.45) ** 2)
    spectrum = (rng.standard_normal(band.size) + 1j * rng.standard_normal(band.size)) * band
    noise: npt.NDArray[Any] = np.fft.irfft(spectrum, size)[:npts]
    # Three standard deviations is where the peaks of a few hundred samples lie.
    return noise / (3.0 * float(np.sqrt(np.mean(np.square(noise)))))
