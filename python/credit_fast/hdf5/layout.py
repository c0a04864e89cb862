"""Every name and every text form of the CREDIT HDF5 layout, each written down once.

    /<event id>                      group; attributes time lat lon mag depth type strs
    /<event id>/<NET.STA.LOC>        group; attributes types lon lat elevation, and per pick
                                     `<key>` (the time) and `<key>.<field>`
    /<event id>/<NET.STA.LOC>/<CHA>  1-D dataset; attributes delta btime
                                     waveform_length_sample gaps completeness

The layout is that of the CREDIT-X1local data set; known readers parse a station attribute that
ends in `Pg` or `Sg` or is named P S Pn Sn as a time, any with `dist` in its name as a distance
in km, and any dataset attribute with `btime` in its name as a time. Names added here must keep
clear of those patterns. No HDF5 call, no waveform and no catalogue reading belongs here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta, timezone

from credit_fast.catalogs.model import Event, Pick, Station

AttributeValue = str | float | int
Attributes = Iterator[tuple[str, AttributeValue]]

#: Most samples of one component: 1 GiB of them, beyond any window of one event.
MAX_SAMPLES = 1 << 28

# Event attributes.
EVENT_TIME = "time"
EVENT_LATITUDE = "lat"
EVENT_LONGITUDE = "lon"
EVENT_MAGNITUDE = "mag"
EVENT_DEPTH = "depth"
EVENT_TYPE = "type"
EVENT_STRS = "strs"

# Station attributes; pick attributes are `<key>` and `<key>.<field>`.
STATION_TYPES = "types"
STATION_LONGITUDE = "lon"
STATION_LATITUDE = "lat"
STATION_ELEVATION = "elevation"
STATION_NAMES = frozenset({STATION_TYPES, STATION_LONGITUDE, STATION_LATITUDE, STATION_ELEVATION})

PICK_DISTANCE = "dist"
PICK_DISTANCE_AGAIN = "distaz"  # readers take the alphabetically last `dist` as the distance
PICK_AZIMUTH = "azimuth"
PICK_STRS = "strs"
PICK_EXTRA = "extra"
TRAVTIME, POLARITY, AMPLITUD = "TRAVTIME", "POLARITY", "AMPLITUD"
VALUE_FIELDS: dict[str, tuple[str, str]] = {
    "TRAVTIME": ("RMS", "WT"),
    "AMPLITUD": ("AMP", "PERIOD"),
    "POLARITY": ("UPDOWN", "CLARITY"),
}
_TEXT_FIELDS = ("type", "phasetype", "recordtype", "magsource", "magtype", "mag", PICK_STRS)
PICK_FIELDS = frozenset(
    (
        *_TEXT_FIELDS,
        PICK_DISTANCE,
        PICK_DISTANCE_AGAIN,
        PICK_AZIMUTH,
        *(name for pair in VALUE_FIELDS.values() for name in pair),
    )
)

# Dataset attributes.
DELTA = "delta"
BEGIN_TIME = "btime"
NPTS = "waveform_length_sample"
GAPS = "gaps"
COMPLETENESS = "completeness"
SUBSAMPLE_OFFSET = "subsample_offset_s"
ROTATED_FROM = "rotated_from"  # channels that a component was made of, joined by commas
RESAMPLED_FROM = "resampled_from_hz"  # text: the rates before, joined by commas
SPLIT_OFF = "split_off"  # stretches of samples that went, in the form of `gaps`
COMPONENT_NOTES = (ROTATED_FROM, RESAMPLED_FROM, SPLIT_OFF)

# Values that stand for "unknown"; magnitude: NaN, which float() takes and no threshold passes.
UNKNOWN_DEPTH_KM = -1.0
UNKNOWN_DISTANCE_KM = -123.0
UNKNOWN_MAGNITUDE = math.nan

DEFAULT_DELTA_S = 0.01  # of files that lack `delta`: their readers all assume 100 Hz
DEFAULT_RATE_HZ = 100.0  # readers compute index = (pick - btime) * 100
ORIENTATIONS = "ENZ"
ORIENTATIONS_ON_REQUEST = "ENZ12"
# What the SEED manual (version 2.4, appendix A) has for seismometers: compass, turned, triaxial,
# radial and transverse, and tilted ones.
SEED_ORIENTATIONS = "ENZ123ABCRTUVW"
# Of event ids, phase names and network, station and location codes: far beyond any real one,
# and short enough for every program that makes a table or a file name of it.
MAX_NAME_LENGTH = 64
BAND_ORDER = ("HH", "BH", "EH", "SH")  # tried first when no pick names a channel

# A whole trace is one chunk up to this many samples (1 MiB of int32).
CHUNK_SAMPLES = 262_144

# Of a station without picks: the epicentral distance in km. Readers take the alphabetically last
# attribute with `dist` in its name, so no station with picks has it.
STATION_DISTANCE = "dist"

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_TIME_TEXT = re.compile(
    r"(\d{4})/(\d{1,2})/(\d{1,2}) (\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.(\d{1,9}))?\Z"
)
_BAND = re.compile(r"[A-Za-z]{2}[A-Za-z0-9]?\Z")
_MUST_BE_TIME = ("P", "S", "Pn", "Sn")


def format_time(time_ns: int) -> str:
    """Text form of a time: `%Y/%m/%d %H:%M:%S.%f`, UTC, rounded to the microsecond."""
    moment = _EPOCH + timedelta(microseconds=(time_ns + 500) // 1000)
    return moment.strftime("%m/%d %H:%M:%S.%f").join((f"{moment.year:04d}/", ""))


def parse_time(text: str) -> int:
    """Nanoseconds since 1970 UTC of a time text; the fraction may be missing (ValueError)."""
    match = _TIME_TEXT.match(text)
    if match is None:
        raise ValueError(f"not a time of the form 2012/03/01 13:22:11.000000: {text!r}")
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    moment = datetime(year, month, day, hour, minute, second, tzinfo=timezone.utc)
    whole = moment - _EPOCH
    fraction_ns = int((match.group(7) or "").ljust(9, "0"))
    return (whole.days * 86_400 + whole.seconds) * 1_000_000_000 + fraction_ns


def format_gaps(gaps: Iterable[tuple[int, int]]) -> str:
    """Text of the filled stretches: `first:npts,first:npts`, in samples; empty without any."""
    return ",".join(f"{first}:{npts}" for first, npts in gaps)


def parse_gaps(text: str) -> list[tuple[int, int]]:
    """Filled stretches as (first sample, number of samples); the inverse of `format_gaps`."""
    gaps = []
    for part in filter(None, text.split(",")):
        first, _, npts = part.partition(":")
        gaps.append((int(first), int(npts)))
    return gaps


def clean_text(text: str) -> str:
    """Text that HDF5 can hold: its strings end at a NUL and must be valid UTF-8."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def band_of(channel: str) -> str | None:
    """Band and instrument letters of a channel code (`HH` of `HHZ`); None if it is no code."""
    return channel[:2] if _BAND.match(channel) else None


def band_rank(band: str) -> tuple[int, str]:
    """Sorts bands by preference where no pick and no list says which."""
    return BAND_ORDER.index(band) if band in BAND_ORDER else len(BAND_ORDER), band


def phase_of(key: str) -> str:
    """Phase name of a pick key: without the row type that Pg carries (`TRAVTIME.Pg` -> `Pg`)."""
    row_type, _, phase = key.partition(".")
    return phase if phase and row_type in VALUE_FIELDS else key


def must_be_time(name: str) -> bool:
    """Whether every reader parses the station attribute `name` as a time."""
    return name.endswith(("Pg", "Sg")) or name in _MUST_BE_TIME


def is_pick_key(name: str) -> bool:
    """Whether a station attribute of this name is a pick's time, and not one of its fields."""
    return name not in STATION_NAMES and name.rpartition(".")[2] not in PICK_FIELDS


def text_fault(name: str) -> str | None:
    """Why `name` is no name of any kind: too long, or no Unicode text; None when it is good."""
    if len(name) > MAX_NAME_LENGTH:
        return f"{name[:16]!r}... has {len(name)} characters, more than {MAX_NAME_LENGTH}"
    if not name.isascii() and clean_text(name) != name:
        return f"{name!r} is no Unicode text"
    return None


def group_name_fault(name: str) -> str | None:
    """Why `name` cannot name an HDF5 group of the layout, or None when it can."""
    if not name:
        return "empty name"
    if (fault := text_fault(name)) is not None:
        return fault
    if name in (".", ".."):
        return f"{name!r} cannot name an HDF5 group"
    if "/" in name or "\0" in name:
        return f"{name!r} cannot name an HDF5 group: it holds '/' or NUL"
    return None


def phase_fault(phase: str) -> str | None:
    """Why a phase name would break the layout or its readers, or None when it is good."""
    if not phase:
        return "no phase name"
    if (fault := text_fault(phase)) is not None:
        return f"phase name {fault}"
    if any(character in phase for character in ",./\0"):
        return f"phase name {phase!r} holds one of , . / or NUL"
    if PICK_DISTANCE in phase:
        return f"phase name {phase!r} would be read as a distance"
    if phase in STATION_NAMES:
        return f"phase name {phase!r} is the name of another attribute"
    return None


def event_attributes(event: Event) -> Attributes:
    """Name and value of each attribute of an event group."""
    depth = UNKNOWN_DEPTH_KM if event.depth_km is None else event.depth_km
    magnitude = UNKNOWN_MAGNITUDE if event.magnitude is None else event.magnitude
    yield EVENT_TIME, format_time(event.time_ns)
    yield EVENT_LATITUDE, float(event.latitude_deg)
    yield EVENT_LONGITUDE, float(event.longitude_deg)
    yield EVENT_MAGNITUDE, float(magnitude)
    yield EVENT_DEPTH, float(depth)
    yield EVENT_TYPE, clean_text(event.event_type)
    yield EVENT_STRS, clean_text(event.raw)


def station_attributes(keys: Sequence[str], coordinates: Station | None) -> Attributes:
    """`types` (one key per pick row, in file order) and the coordinates when they are known."""
    yield STATION_TYPES, clean_text(",".join(keys))
    if coordinates is not None:
        yield STATION_LONGITUDE, float(coordinates.longitude_deg)
        yield STATION_LATITUDE, float(coordinates.latitude_deg)
        yield STATION_ELEVATION, float(coordinates.elevation_m)


def pick_attributes(
    pick: Pick, time_ns: int | None, station_distance_km: float | None = None
) -> Attributes:
    """Attributes of the pick that owns its key; `time_ns` None leaves the time out.

    `dist` is what the row says; `distaz`, the one that readers take, is `station_distance_km`
    (km, from another row of the station) where the row says nothing.
    """
    key = clean_text(pick.key)
    if time_ns is not None:
        yield key, format_time(time_ns)
    texts = (
        pick.key,
        pick.row_type,
        pick.record_type,
        pick.magnitude_source,
        pick.magnitude_type,
        pick.magnitude_text,
        pick.raw,
    )
    for field, text in zip(_TEXT_FIELDS, texts, strict=True):
        yield f"{key}.{field}", clean_text(text)
    unknown = UNKNOWN_DISTANCE_KM
    again = station_distance_km if pick.distance_km is None else pick.distance_km
    yield f"{key}.{PICK_DISTANCE}", float(unknown if pick.distance_km is None else pick.distance_km)
    yield f"{key}.{PICK_DISTANCE_AGAIN}", repr(float(unknown if again is None else again))
    if pick.azimuth_deg is not None:
        yield f"{key}.{PICK_AZIMUTH}", float(pick.azimuth_deg)
    yield from value_attributes(pick)


def value_attributes(pick: Pick) -> Attributes:
    """The two raw values of a row, named by its row type (`Sg.AMP`, `Sg.PERIOD`)."""
    key = clean_text(pick.key)
    for field, value in zip(VALUE_FIELDS.get(pick.row_type, ()), (pick.value1, pick.value2)):  # noqa: B905
        yield f"{key}.{field}", clean_text(value)


def extra_attributes(pick: Pick, number: int) -> Attributes:
    """The `number`-th further row of a key (from 1): its raw text, out of every reader's way."""
    yield f"{clean_text(pick.key)}.{PICK_EXTRA}{number}.{PICK_STRS}", clean_text(pick.raw)
