"""What a table says of a station record, in the column names of SeisBench.

The same facts come from a plan and its waveforms while a data set is made, and from a file that
is read back; a row is formed from them in one place, so that table, export and check agree. Times
are whole microseconds, as the data set has them. What is unknown is an empty cell. Why codes look
as they do: docs/decisions/0015-table-and-export.md. No file is opened here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from credit_fast.catalogs.model import Event, Station
from credit_fast.catalogs.phase_report import magnitude_type_of
from credit_fast.errors import DatasetError
from credit_fast.geodesy import distance_azimuth
from credit_fast.hdf5 import layout
from credit_fast.hdf5.nodes import LazyAttributes, as_float
from credit_fast.hdf5.reader import EventRecord, StationRecord
from credit_fast.station_records.plan import StationPlan
from credit_fast.station_records.record import Record
from credit_fast.times import UTCDateTime

__all__ = ["Arrival", "Origin", "TraceFacts", "Waveform", "cell", "code_cell", "time_cell"]

NOISE = "noise"  # type of an event that stands for a window without one
#: What SeisBench calls the types of event that the CREDIT catalogues have.
CATEGORIES = {"eq": "earthquake", "ep": "explosion"}
#: First motions as the phase reports write them, and the letters of SeisBench's labeller.
POLARITIES = {"C": "U", "U": "U", "R": "D", "D": "D"}
STATUSES = {"manual": "manual", "automatic": "automatic", "auto": "automatic"}
#: Put before a code that pandas would take for a number, a truth value or a missing one.
TEXT_MARK = "'"

_HALF_WAY = 0.501  # of a sample: as in record, half way goes to the later one
_NUMBER = re.compile(r"[+-]?((\d+\.?\d*|\.\d+)(e[+-]?\d+)?|inf(inity)?)", re.IGNORECASE)
_WHOLE_NUMBER = re.compile(r"0|[1-9]\d{0,17}")
# What pandas takes for a missing value.
_MISSING = (
    "#N/A #NA -1.#IND -1.#QNAN -NaN -nan 1.#IND 1.#QNAN <NA> N/A NA NULL NaN None n/a nan null"
)
_NOT_TEXT = frozenset((*_MISSING.split(), "#N/A N/A"))


def cell(value: float | int | str | None) -> str:
    """Text of a cell: empty for None, the shortest exact form of a number."""
    return "" if value is None else str(value)


def code_cell(text: str, *, may_be_empty: bool = False) -> str:
    """A code or an id, with `TEXT_MARK` before it where pandas would not keep it.

    A whole number of usual form (`38443183`) is the same number again, so it needs no mark; where
    other cells of the column `may_be_empty` pandas would make it a float, so there it does.
    """
    lost = text in _NOT_TEXT or text.lower() in ("true", "false")
    if not lost and _NUMBER.fullmatch(text):
        lost = may_be_empty or not _WHOLE_NUMBER.fullmatch(text)
    return f"{TEXT_MARK}{text}" if lost else text


def time_cell(time_ns: int) -> str:
    """ISO 8601 with microseconds and Z."""
    return layout.format_time(time_ns).replace("/", "-").replace(" ", "T") + "Z"


@dataclass(frozen=True, slots=True)
class Origin:
    """What a table says of an event; None where it is unknown."""

    event_id: str
    event_type: str
    time_ns: int
    latitude_deg: float | None
    longitude_deg: float | None
    depth_km: float | None
    magnitude: float | None
    magnitude_type: str

    @classmethod
    def of_event(cls, event: Event) -> Origin:
        """From an event of a catalogue."""
        return cls(
            event_id=event.event_id,
            event_type=layout.clean_text(event.event_type),
            time_ns=_whole_microseconds(event.time_ns),
            latitude_deg=as_float(event.latitude_deg),
            longitude_deg=as_float(event.longitude_deg),
            depth_km=None if event.depth_km is None else float(event.depth_km),
            magnitude=None if event.magnitude is None else as_float(event.magnitude),
            magnitude_type=layout.clean_text(event.magnitude_type),
        )

    @classmethod
    def of_record(cls, record: EventRecord) -> Origin:
        """From an event of a data set, which has the magnitude's type in its line only."""
        return cls(
            event_id=record.evid,
            event_type=record.event_type,
            time_ns=record.time.ns,
            latitude_deg=record.latitude_deg,
            longitude_deg=record.longitude_deg,
            depth_km=record.depth_km,
            magnitude=record.magnitude,
            magnitude_type=magnitude_type_of(_text(record.attrs, layout.EVENT_STRS)),
        )

    @property
    def is_noise(self) -> bool:
        """Whether it stands for a window without an event: it has no source."""
        return self.event_type == NOISE

    def cells(self) -> dict[str, str]:
        """Column and text of each cell; those of noise are empty but for id and type."""
        cells = {
            "source_id": code_cell(self.event_id),
            "source_type": code_cell(self.event_type),
            "source_origin_time": time_cell(self.time_ns),
            "source_latitude_deg": cell(self.latitude_deg),
            "source_longitude_deg": cell(self.longitude_deg),
            "source_depth_km": cell(self.depth_km),
            "source_magnitude": cell(self.magnitude),
            "source_magnitude_type": code_cell(self.magnitude_type),
        }
        kept = ("source_id", "source_type")
        return {k: v if k in kept or not self.is_noise else "" for k, v in cells.items()}


@dataclass(frozen=True, slots=True)
class Arrival:
    """One arrival at a station; `polarity` is U, D or "", `status` manual, automatic or ""."""

    phase: str
    time_ns: int
    polarity: str
    status: str


@dataclass(frozen=True, slots=True)
class Waveform:
    """The grid of a station record, and by component its gaps as (first sample, samples)."""

    start_ns: int
    rate_hz: float
    npts: int
    gaps: Mapping[str, Sequence[tuple[int, int]]]

    @classmethod
    def of_record(cls, record: Record | None) -> Waveform | None:
        """From a record that was cut; None without a component."""
        if record is None or not record.components:
            return None
        return cls(
            start_ns=_whole_microseconds(record.start_ns),
            rate_hz=1.0 / (1.0 / record.rate_hz),  # as it comes back from `delta`
            npts=record.npts,
            gaps={name: part.gaps for name, part in sorted(record.components.items())},
        )

    @classmethod
    def of_stored(cls, record: StationRecord) -> Waveform | None:
        """From a data set; None without a component. ValueError when its components differ."""
        parts = list(record.components.values())
        if not parts:
            return None
        if len({(part.start.ns, part.delta_s, part.npts) for part in parts}) > 1:
            raise ValueError("components differ in start, interval or length")
        first = parts[0]
        gaps = {part.name: part.gaps for part in parts}
        return cls(first.start.ns, first.rate_hz, first.npts, gaps)

    @property
    def bands(self) -> list[str]:
        """Band and instrument letters of the components, each once."""
        return list(dict.fromkeys(name[:-1] for name in self.gaps))

    def completeness(self, name: str) -> float:
        """Share of real samples of a component, 0 to 1; 0 when it is not there."""
        if name not in self.gaps or not self.npts:
            return 0.0
        return 1.0 - sum(count for _, count in self.gaps[name]) / self.npts

    def sample_of(self, time_ns: int) -> float:
        """Sample number of a time, not rounded; below 0 or beyond `npts` outside."""
        return (time_ns - self.start_ns) * self.rate_hz / 1e9

    def has_sample_at(self, time_ns: int) -> bool:
        """Whether some component has a real sample nearest to a time."""
        index = math.floor(self.sample_of(time_ns) + _HALF_WAY)
        if not 0 <= index < self.npts:
            return False
        return any(
            not any(first <= index < first + count for first, count in gaps)
            for gaps in self.gaps.values()
        )

    def only(self, names: Collection[str]) -> Waveform:
        """The same with these components alone."""
        return replace(self, gaps={k: gaps for k, gaps in self.gaps.items() if k in names})


@dataclass(slots=True)
class TraceFacts:
    """Everything that a row says of one station record."""

    origin: Origin
    network: str
    station: str
    location: str
    arrivals: dict[str, Arrival]
    distance_km: float | None
    azimuth_deg: float | None
    longitude_deg: float | None = None
    latitude_deg: float | None = None
    elevation_m: float | None = None
    waveform: Waveform | None = None
    fate: str = ""
    reason: str = ""
    missing_s: float | None = None
    #: Path of its group in the data set; empty where it has none.
    name: str = field(default="")

    @classmethod
    def of_plan(
        cls, origin: Origin, plan: StationPlan, record: Record | None, place: Station | None
    ) -> TraceFacts:
        """While a data set is made."""
        attrs = dict(plan.attributes())
        keys = [layout.clean_text(key) for key in plan.keys]
        return cls(
            origin,
            plan.network,
            plan.station,
            plan.location,
            _arrivals(keys, attrs),
            _known(keys, attrs, layout.PICK_DISTANCE, layout.PICK_DISTANCE_AGAIN),
            _known(keys, attrs, layout.PICK_AZIMUTH),
            None if place is None else float(place.longitude_deg),
            None if place is None else float(place.latitude_deg),
            None if place is None else float(place.elevation_m),
            waveform=Waveform.of_record(record),
            name=f"{origin.event_id}/{plan.station_id}",
        )

    @classmethod
    def of_stored(cls, origin: Origin, record: StationRecord) -> TraceFacts:
        """From a data set. ValueError when its components differ in start, interval or length."""
        return cls(
            origin,
            record.network,
            record.station,
            record.location,
            _arrivals(record.types, record.attrs),
            _known(record.types, record.attrs, layout.PICK_DISTANCE, layout.PICK_DISTANCE_AGAIN),
            _known(record.types, record.attrs, layout.PICK_AZIMUTH),
            record.longitude_deg,
            record.latitude_deg,
            record.elevation_m,
            waveform=Waveform.of_stored(record),
            name=f"{origin.event_id}/{record.station_id}",
        )

    def cells(self, components: str) -> dict[str, str]:
        """Column and text of each cell but those of arrivals; `components` are letters."""
        distance_km, azimuth_deg, back_azimuth_deg = self._path()
        return {
            "trace_name": self.name,
            **self._trace_cells(components),
            "trace_category": CATEGORIES.get(
                self.origin.event_type, code_cell(self.origin.event_type)
            ),
            **self.origin.cells(),
            "station_network_code": code_cell(self.network),
            "station_code": code_cell(self.station),
            "station_location_code": code_cell(self.location, may_be_empty=True),
            "station_latitude_deg": cell(self.latitude_deg),
            "station_longitude_deg": cell(self.longitude_deg),
            "station_elevation_m": cell(self.elevation_m),
            "path_ep_distance_km": cell(distance_km),
            "path_azimuth_deg": cell(azimuth_deg),
            "path_back_azimuth_deg": cell(back_azimuth_deg),
        }

    def arrival_cells(self, phase: str, *, real_only: bool = False) -> dict[str, str]:
        """The cells of one phase; empty ones without such an arrival, or without a waveform.

        With `real_only`, an arrival where no component has a real sample has no sample number.
        """
        arrival = self.arrivals.get(phase)
        sample, travel_s = None, None
        if arrival is not None:
            travel_s = (arrival.time_ns - self.origin.time_ns) / 1e9
            waveform = self.waveform
            if waveform is not None and (not real_only or waveform.has_sample_at(arrival.time_ns)):
                sample = waveform.sample_of(arrival.time_ns)
        return {
            f"trace_{phase}_arrival_sample": cell(sample),
            f"trace_{phase}_status": "" if arrival is None else arrival.status,
            f"trace_{phase}_polarity": "" if arrival is None else arrival.polarity,
            f"path_{phase}_travel_s": cell(travel_s),
        }

    def _trace_cells(self, components: str) -> dict[str, str]:
        waveform = self.waveform
        names = [] if waveform is None else list(waveform.gaps)
        channel = "" if waveform is None else " ".join(waveform.bands)
        cells = {
            "trace_start_time": "" if waveform is None else time_cell(waveform.start_ns),
            "trace_sampling_rate_hz": cell(None if waveform is None else waveform.rate_hz),
            "trace_npts": cell(0 if waveform is None else waveform.npts),
            "trace_channel": code_cell(channel, may_be_empty=True),
            "trace_components": code_cell("".join(name[-1] for name in names), may_be_empty=True),
            "trace_completeness": cell(self.completeness(components) if names else None),
        }
        for letter in components:
            share, gaps = "", ""
            name = self._component(letter)
            if waveform is not None and name is not None:
                share = cell(waveform.completeness(name))
                gaps = layout.format_gaps(waveform.gaps[name])
            cells[f"trace_{letter}_completeness"] = share
            cells[f"trace_{letter}_gaps"] = gaps
        return cells

    def completeness(self, components: str) -> float:
        """Share of real samples in all of `components`, 0 to 1; an absent one has none."""
        waveform = self.waveform
        if waveform is None:
            return 0.0
        names = (self._component(letter) for letter in components)
        shares = [waveform.completeness(name) if name else 0.0 for name in names]
        return sum(shares) / len(shares)

    def _component(self, letter: str) -> str | None:
        names = () if self.waveform is None else self.waveform.gaps
        return next((name for name in names if name.endswith(letter)), None)

    def _path(self) -> tuple[float | None, float | None, float | None]:
        """Distance, azimuth and back azimuth: the catalogue's, else from the coordinates."""
        origin = self.origin
        if origin.is_noise:
            return None, None, None
        distance_km, azimuth_deg, back_azimuth_deg = self.distance_km, self.azimuth_deg, None
        if (
            origin.longitude_deg is not None
            and origin.latitude_deg is not None
            and self.longitude_deg is not None
            and self.latitude_deg is not None
        ):
            here = (self.longitude_deg, self.latitude_deg)
            there = (origin.longitude_deg, origin.latitude_deg)
            computed_km, computed_deg = distance_azimuth(*there, *here)
            distance_km = round(computed_km, 3) if distance_km is None else distance_km
            azimuth_deg = round(computed_deg, 2) if azimuth_deg is None else azimuth_deg
            back_azimuth_deg = round(distance_azimuth(*here, *there)[1], 2)
        return distance_km, azimuth_deg, back_azimuth_deg


def _whole_microseconds(time_ns: int) -> int:
    return (time_ns + 500) // 1000 * 1000


def _value(attrs: Mapping[str, Any], name: str) -> Any:
    """A text or number; None for what is absent, of another form, or damaged.

    HDF5 can crash on the value of a damaged attribute, so its form is looked at first.
    """
    if not isinstance(attrs, LazyAttributes):
        return attrs.get(name)
    try:
        return attrs.simple(name)
    except DatasetError:
        return None


def _text(attrs: Mapping[str, Any], name: str) -> str:
    value = _value(attrs, name)
    return value if isinstance(value, str) else ""


def _arrivals(keys: Iterable[str], attrs: Mapping[str, Any]) -> dict[str, Arrival]:
    """By phase, in the order of the rows; the time of an amplitude is no arrival."""
    found: dict[str, Arrival] = {}
    for key in dict.fromkeys(keys):
        row_type = _text(attrs, f"{key}.phasetype")
        phase = layout.phase_of(key)
        if key not in attrs or layout.AMPLITUD in (row_type, key.partition(".")[0]):
            continue
        if phase in found and row_type != layout.TRAVTIME:
            continue
        try:
            time_ns = _whole_microseconds(layout.parse_time(_text(attrs, key)))
            UTCDateTime(ns=time_ns)
        except (ValueError, OverflowError):
            continue
        found[phase] = Arrival(
            phase,
            time_ns,
            _polarity(key, phase, attrs),
            STATUSES.get(_text(attrs, f"{key}.recordtype").lower(), ""),
        )
    return found


def _polarity(key: str, phase: str, attrs: Mapping[str, Any]) -> str:
    """First motion of a phase: of its own row, or of a POLARITY row beside it."""
    field_name = layout.VALUE_FIELDS[layout.POLARITY][0]
    for owner in (f"{layout.POLARITY}.{phase}", key):
        text = _text(attrs, f"{owner}.{field_name}")
        if text:
            return POLARITIES.get(text.upper(), "")
    return ""


def _known(keys: Iterable[str], attrs: Mapping[str, Any], *fields: str) -> float | None:
    """The first number that a row states in one of the fields."""
    for key in dict.fromkeys(keys):
        for field_name in fields:
            number = as_float(_value(attrs, f"{key}.{field_name}"))
            if number is not None and number != layout.UNKNOWN_DISTANCE_KM:
                return number
    return None
