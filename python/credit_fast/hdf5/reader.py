"""Walks a CREDIT data set: events, their stations, picks and waveforms, as plain records.

Reads what `makeh5` writes and what the toolkit before it wrote (no `waveform_length_sample`,
`gaps`, `completeness` or `delta`; strings of fixed length). What cannot be understood is left
out and named in `problems` of the record it belongs to: one odd attribute never costs its event.
Samples stay in the file until `ComponentRecord.read()`. Nothing here writes, judges or plots.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from credit_fast.errors import DatasetError
from credit_fast.hdf5 import layout
from credit_fast.times import UTCDateTime

__all__ = ["ComponentRecord", "Dataset", "EventRecord", "StationRecord", "open_dataset"]


@dataclass(slots=True)
class ComponentRecord:
    """One waveform: `npts` samples from `start`, `delta_s` seconds apart.

    `gaps` holds the filled stretches as (first sample, number of samples); `completeness` is the
    share of real samples, 0 to 1; `subsample_offset_s` says how much later than the grid its
    samples were really taken.
    """

    name: str
    start: UTCDateTime
    delta_s: float
    npts: int
    gaps: list[tuple[int, int]]
    completeness: float
    subsample_offset_s: float
    attrs: Mapping[str, Any]
    _dataset: h5py.Dataset = field(repr=False)

    @property
    def rate_hz(self) -> float:
        """Samples per second."""
        return 1.0 / self.delta_s

    @property
    def end(self) -> UTCDateTime:
        """Time of the last sample."""
        return self.start + max(self.npts - 1, 0) * self.delta_s

    def read(self) -> npt.NDArray[Any]:
        """All samples, shape (npts,); DatasetError when the file is closed or damaged."""
        if not self._dataset:
            raise DatasetError(f"component {self.name} was read after its data set was closed")
        try:
            data: npt.NDArray[Any] = self._dataset[()]
        except (OSError, RuntimeError) as error:
            name = self._dataset.name
            raise DatasetError(f"samples of {name} are unreadable: {error}") from error
        return data


@dataclass(slots=True)
class StationRecord:
    """One station of one event.

    `picks` maps the key of each pick with a time (`TRAVTIME.Pg`, `Sg`, `P`) to that time, in the
    order of the catalogue; `types` has one key per pick row, timed or not.
    """

    station_id: str
    picks: dict[str, UTCDateTime]
    types: list[str]
    distance_km: float | None
    longitude_deg: float | None
    latitude_deg: float | None
    elevation_m: float | None
    components: dict[str, ComponentRecord]
    attrs: Mapping[str, Any]
    problems: list[str]

    @property
    def phases(self) -> dict[str, UTCDateTime]:
        """Arrival time by phase name without row type; TRAVTIME goes before other row types."""
        times: dict[str, UTCDateTime] = {}
        for key, time in self.picks.items():
            phase = layout.phase_of(key)
            if phase not in times or key.startswith(f"{layout.TRAVTIME}."):
                times[phase] = time
        return times

    @property
    def network(self) -> str:
        """Network code."""
        return self.station_id.split(".")[0]

    @property
    def station(self) -> str:
        """Station code."""
        return f"{self.station_id}.".split(".")[1]

    @property
    def location(self) -> str:
        """Location code; may be empty."""
        return f"{self.station_id}..".split(".")[2]


@dataclass(slots=True)
class EventRecord:
    """One event: origin, magnitude, and its stations by `NET.STA.LOC`, sorted by that name."""

    evid: str
    time: UTCDateTime
    longitude_deg: float | None
    latitude_deg: float | None
    depth_km: float | None
    magnitude: float | None
    event_type: str
    stations: dict[str, StationRecord]
    attrs: Mapping[str, Any]
    problems: list[str]


class Dataset:
    """An open data set; a context manager. Records from it read samples only while it is open."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Open for reading; FileNotFoundError, PermissionError, or DatasetError if not HDF5."""
        self.path = os.fspath(path)
        try:
            self._file = h5py.File(self.path, "r")
        except (FileNotFoundError, PermissionError, IsADirectoryError):
            raise
        except OSError as error:
            raise DatasetError(
                f"{self.path} cannot be read as HDF5: {error}", path=self.path
            ) from error

    def __enter__(self) -> Dataset:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; may be called twice."""
        self._file.close()

    def __len__(self) -> int:
        return len(self._file)

    def __contains__(self, evid: object) -> bool:
        return isinstance(evid, str) and evid in self._file

    def __iter__(self) -> Iterator[EventRecord]:
        for evid in self.events():
            yield self.event(evid)

    @property
    def root(self) -> h5py.Group:
        """The file's root group, for what the records do not show."""
        return self._file["/"]

    def events(self) -> list[str]:
        """Event ids, sorted by name."""
        return list(self._file)

    def event(self, evid: str) -> EventRecord:
        """One event with all its stations.

        KeyError when the data set has no such event; DatasetError when it is no group or has
        no readable origin time.
        """
        if evid not in self:
            raise KeyError(f"no event {evid!r} in {self.path}")
        group = self._file[evid]
        if not isinstance(group, h5py.Group):
            raise DatasetError(f"/{evid} is a {type(group).__name__}, not a group", path=self.path)
        found = _Attempts(group)
        try:
            time = UTCDateTime(ns=layout.parse_time(str(found.value(layout.EVENT_TIME))))
        except ValueError as error:
            raise DatasetError(f"/{evid} attribute time: {error}", path=self.path) from error
        stations = {}
        for name in group:
            station = open_child(group, name)
            if isinstance(station, h5py.Group):
                stations[name] = read_station(station)
            else:
                found.problems.append(f"{name} is not a readable group")
        depth = found.number(layout.EVENT_DEPTH)
        return EventRecord(
            evid=evid,
            time=time,
            longitude_deg=found.number(layout.EVENT_LONGITUDE),
            latitude_deg=found.number(layout.EVENT_LATITUDE),
            depth_km=None if depth == layout.UNKNOWN_DEPTH_KM else depth,
            magnitude=found.number(layout.EVENT_MAGNITUDE),
            event_type=str(found.value(layout.EVENT_TYPE, "")),
            stations=stations,
            attrs=found.attrs,
            problems=found.problems,
        )


def open_dataset(path: str | os.PathLike[str]) -> Dataset:
    """Open a CREDIT HDF5 file for reading; use it in a `with` block.

    Raises FileNotFoundError or PermissionError, and DatasetError for what is not HDF5.
    """
    return Dataset(path)


def read_station(group: h5py.Group) -> StationRecord:
    """The record of one station group; whatever is odd in it is listed in `problems`."""
    found = _Attempts(group)
    components = {}
    for name in group:
        try:
            components[name] = _read_component(name, open_child(group, name))
        except DatasetError as error:
            found.problems.append(str(error))
    types = [key for key in str(found.value(layout.STATION_TYPES, "")).split(",") if key]
    return StationRecord(
        station_id=str(group.name).rpartition("/")[2],
        picks=_read_picks(found, types),
        types=types,
        distance_km=_read_distance(found),
        longitude_deg=found.number(layout.STATION_LONGITUDE),
        latitude_deg=found.number(layout.STATION_LATITUDE),
        elevation_m=found.number(layout.STATION_ELEVATION),
        components=components,
        attrs=found.attrs,
        problems=found.problems,
    )


def open_child(group: h5py.Group, name: str) -> Any:
    """Member of a group, or None when it is unreadable (damage, a dangling link)."""
    try:
        return group[name]
    except (KeyError, OSError, RuntimeError):
        return None


class LazyAttributes(Mapping[str, Any]):
    """The attributes of a group or dataset, each read when it is first asked for.

    Values are Python's own (fixed-length strings become str too). DatasetError for one that is
    unreadable. A station has hundreds; most readers want a few.
    """

    def __init__(self, node: h5py.Group | h5py.Dataset) -> None:
        """Take the names; `node` must stay open."""
        self._node = node
        self._names = dict.fromkeys(node.attrs)
        self._values: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._values:
            if name not in self._names:
                raise KeyError(name)
            self._values[name] = self._read(name)
        return self._values[name]

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def _read(self, name: str) -> Any:
        try:
            value = self._node.attrs[name]
        except (KeyError, OSError, RuntimeError, TypeError, ValueError) as error:
            place = self._node.name if self._node else "a closed file"
            raise DatasetError(f"attribute {name} of {place} is unreadable: {error}") from error
        if isinstance(value, np.generic | np.ndarray) and np.ndim(value) == 0:
            value = value.item()
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


class _Attempts:
    """Reads attributes one by one; what fails is noted and counts as absent."""

    def __init__(self, node: h5py.Group | h5py.Dataset) -> None:
        self.attrs = LazyAttributes(node)
        self.problems: list[str] = []

    def value(self, name: str, default: Any = None) -> Any:
        try:
            return self.attrs.get(name, default)
        except DatasetError as error:
            self.problems.append(str(error))
            return default

    def number(self, name: str) -> float | None:
        return as_float(self.value(name))


def as_float(value: Any) -> float | None:
    """A finite number, or None for anything else (missing, NaN, not a number)."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _read_picks(found: _Attempts, types: list[str]) -> dict[str, UTCDateTime]:
    known = dict.fromkeys(key for key in types if key in found.attrs)
    known.update(dict.fromkeys(name for name in found.attrs if layout.is_pick_key(name)))
    picks = {}
    for key in known:
        try:
            picks[key] = UTCDateTime(ns=layout.parse_time(str(found.value(key))))
        except ValueError as error:
            if key in types or layout.must_be_time(key):
                found.problems.append(f"attribute {key}: {error}")
    return picks


def _read_distance(found: _Attempts) -> float | None:
    """Epicentral distance in km: the first known one, in the order of the attributes."""
    for name in found.attrs:
        if name.endswith(f".{layout.PICK_DISTANCE}"):
            distance = found.number(name)
            if distance is not None and distance != layout.UNKNOWN_DISTANCE_KM:
                return distance
    return None


def _read_component(name: str, node: Any) -> ComponentRecord:
    if not isinstance(node, h5py.Dataset) or node.ndim != 1:
        raise DatasetError(f"{name} is not a readable 1-D dataset")
    attrs = LazyAttributes(node)
    try:
        start_ns = layout.parse_time(str(attrs.get(layout.BEGIN_TIME)))
        gaps = layout.parse_gaps(str(attrs.get(layout.GAPS, "")))
    except ValueError as error:
        raise DatasetError(f"{name}: {error}") from error
    delta_s = as_float(attrs.get(layout.DELTA, layout.DEFAULT_DELTA_S))
    completeness = as_float(attrs.get(layout.COMPLETENESS))
    if delta_s is None or delta_s <= 0:
        raise DatasetError(f"{name}: {layout.DELTA} {attrs[layout.DELTA]!r} is no sample interval")
    npts = int(node.shape[0])
    filled = sum(count for _, count in gaps)
    if completeness is None:
        completeness = 1.0 - filled / npts if npts else 0.0
    return ComponentRecord(
        name=name,
        start=UTCDateTime(ns=start_ns),
        delta_s=delta_s,
        npts=npts,
        gaps=gaps,
        completeness=completeness,
        subsample_offset_s=as_float(attrs.get(layout.SUBSAMPLE_OFFSET)) or 0.0,
        attrs=attrs,
        _dataset=node,
    )
