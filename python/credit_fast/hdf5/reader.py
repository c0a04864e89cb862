"""Walks a CREDIT data set: events, their stations, picks and waveforms, as plain records.

Reads what `makeh5` writes and what the toolkit before it wrote (no `waveform_length_sample`,
`gaps`, `completeness` or `delta`; strings of fixed length), and a component without `btime` beside
one that has it. What cannot be understood is left
out and named in `problems` of the record it belongs to: one odd attribute never costs its event.
Samples stay in the file until `ComponentRecord.read()`. Nothing here writes, judges or plots.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import h5py
import numpy.typing as npt
from h5py import h5d, h5g, h5o

from credit_fast.errors import DatasetError, check_threads
from credit_fast.hdf5 import layout
from credit_fast.hdf5.nodes import (
    LazyAttributes,
    as_float,
    child_of,
    decoded,
    encoded,
    members_of,
    one_line,
)
from credit_fast.hdf5.samples import read_samples
from credit_fast.times import UTCDateTime

__all__ = [
    "ComponentRecord",
    "Dataset",
    "EventRecord",
    "StationRecord",
    "as_float",
    "open_dataset",
    "read_station",
]


@dataclass(slots=True)
class ComponentRecord:
    """One waveform: `npts` samples from `start`, `delta_s` seconds apart.

    `start` is that of a component as long as it where it has no `btime` of its own.
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
    attrs: LazyAttributes
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
        """All samples, shape (npts,); DatasetError when the file is closed or damaged.

        `Dataset.waveforms` reads all components of a station together, which is faster.
        """
        if not self._dataset:
            raise DatasetError(f"component {self.name} was read after its data set was closed")
        return read_samples([self._dataset.id])[0]

    @property
    def dtype(self) -> npt.DTypeLike:
        """Type of the samples as stored; DatasetError when it is damaged."""
        try:
            dtype: npt.DTypeLike = self._dataset.dtype
        except Exception as error:
            raise DatasetError(f"type of {self.name} is unreadable: {one_line(error)}") from error
        return dtype


@dataclass(slots=True)
class StationRecord:
    """One station of one event.

    `picks` maps the key of each pick with a time (`TRAVTIME.Pg`, `Sg`, `P`) to that time, in the
    order of the catalogue; `types` has one key per pick row, timed or not. `undated` are its
    waveforms without a begin, of their own or of another component: they are not in `components`.
    """

    station_id: str
    picks: dict[str, UTCDateTime]
    types: list[str]
    distance_km: float | None
    longitude_deg: float | None
    latitude_deg: float | None
    elevation_m: float | None
    components: dict[str, ComponentRecord]
    attrs: LazyAttributes
    problems: list[str]
    undated: list[str] = field(default_factory=list)

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
    attrs: LazyAttributes
    problems: list[str]


class Dataset:
    """An open data set; a context manager. Records from it read samples only while it is open."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Open for reading; FileNotFoundError, PermissionError, or DatasetError if not HDF5."""
        self.path = os.fspath(path)
        try:
            self._file = h5py.File(self.path, "r")
        except FileNotFoundError as error:
            text = "No such HDF5 file (credit-fast makeh5 makes one)"
            raise FileNotFoundError(error.errno, text, self.path) from None
        except (PermissionError, IsADirectoryError) as error:
            number = error.errno or 0
            raise OSError(number, os.strerror(number), self.path) from None
        except Exception as error:
            raise DatasetError(
                f"{self.path} cannot be read as HDF5: {one_line(error)}", path=self.path
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
        return len(self.events())

    def __contains__(self, evid: object) -> bool:
        return isinstance(evid, str) and evid in self.events()

    def __iter__(self) -> Iterator[EventRecord]:
        for evid in self.events():
            yield self.event(evid)

    @property
    def root(self) -> h5py.Group:
        """The file's root group, for what the records do not show."""
        return self._file["/"]

    def events(self) -> list[str]:
        """Event ids, sorted by name; DatasetError when the file cannot be listed."""
        members = members_of(self.root)
        if members.problem is not None:
            raise DatasetError(f"{self.path}: {members.problem}", path=self.path)
        return members.names

    def event(self, evid: str) -> EventRecord:
        """One event with all its stations.

        KeyError when the data set has no such event; DatasetError when it is no group or has
        no readable origin time.
        """
        try:
            group = child_of(self.root, evid)
        except KeyError:
            if evid in self:  # listed, but not found: its group's index is damaged
                raise DatasetError(f"{self.path}: /{evid} is unreadable", path=self.path) from None
            raise KeyError(f"no event {evid!r} in {self.path}") from None
        except DatasetError as error:
            raise DatasetError(f"{self.path}: {error}", path=self.path) from error
        if not isinstance(group, h5py.Group):
            raise DatasetError(f"/{evid} is a {type(group).__name__}, not a group", path=self.path)
        found = _Attempts(group)
        try:
            time = _time(found.value(layout.EVENT_TIME))
        except ValueError as error:
            raise DatasetError(f"/{evid} attribute time: {error}", path=self.path) from error
        stations = {}
        for name, station in found.children(group):
            if isinstance(station, h5py.Group):
                stations[name] = read_station(station, name)
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

    def waveforms(
        self, evid: str, station_id: str, threads: int | None = None
    ) -> dict[str, npt.NDArray[Any]]:
        """Samples of all components of a station record, by channel; nothing else is read.

        The fast way to the samples of a record, as a training loop asks for it. Components of a
        file that links to others are found as well.

        Parameters
        ----------
        evid, station_id
            Names of the event and of the station (`NET.STA.LOC`).
        threads
            Threads that decompress, one a core by default.

        Raises
        ------
        KeyError
            The data set has no such event or station.
        DatasetError
            A component is damaged, or no series of samples.
        """
        check_threads(threads)
        place = f"/{evid}/{station_id} of {self.path}"
        try:
            nodes = _sample_nodes(self.root.id, evid, station_id)
        except KeyError:
            raise KeyError(f"no station record {place}") from None
        except Exception as error:  # h5py raises almost any kind on damage
            text = f"{place} is unreadable: {one_line(error)}"
            raise DatasetError(text, path=self.path) from error
        arrays = read_samples(nodes.values(), threads or os.cpu_count() or 1)
        return dict(zip(nodes, arrays, strict=True))


def open_dataset(path: str | os.PathLike[str]) -> Dataset:
    """Open a CREDIT HDF5 file for reading; use it in a `with` block.

    Raises FileNotFoundError or PermissionError, and DatasetError for what is not HDF5.
    """
    return Dataset(path)


def read_station(group: h5py.Group, name: str) -> StationRecord:
    """The record of one station group; whatever is odd in it is listed in `problems`."""
    found = _Attempts(group)
    components, undated = _read_components(found, group)
    types = [key for key in str(found.value(layout.STATION_TYPES, "")).split(",") if key]
    return StationRecord(
        station_id=name,
        picks=_read_picks(found, types),
        types=types,
        distance_km=_read_distance(found),
        longitude_deg=found.number(layout.STATION_LONGITUDE),
        latitude_deg=found.number(layout.STATION_LATITUDE),
        elevation_m=found.number(layout.STATION_ELEVATION),
        components=components,
        attrs=found.attrs,
        problems=found.problems,
        undated=undated,
    )


def _sample_nodes(root: h5g.GroupID, evid: str, station_id: str) -> dict[str, h5d.DatasetID]:
    """Datasets of a station record by channel; KeyError when there is no such record.

    By low-level calls: what h5py does on top of them takes as long as reading the samples.
    """
    group = root
    for name in (encoded(evid), encoded(station_id)):
        if not name or b"/" in name or not group.links.exists(name):
            raise KeyError
        group = h5g.open(group, name)
    names: list[bytes] = []
    group.links.iterate(names.append)
    nodes = {}
    for name in sorted(names):
        node = h5o.open(group, name)
        if not isinstance(node, h5d.DatasetID) or len(node.shape) != 1:
            raise ValueError(f"{decoded(name)} is not a readable 1-D dataset")
        if node.shape[0] > layout.MAX_SAMPLES:
            raise ValueError(
                f"{decoded(name)} claims {node.shape[0]} samples, more than {layout.MAX_SAMPLES}"
            )
        nodes[decoded(name)] = node
    return nodes


class _NoBeginError(DatasetError):
    """A component has no `btime`."""


def _read_components(
    found: _Attempts, group: h5py.Group
) -> tuple[dict[str, ComponentRecord], list[str]]:
    """The components that can be read, and the names of those whose begin nothing tells.

    All components of a station begin together, so one without `btime` has that of another, if
    that one has as many samples.
    """
    components: dict[str, ComponentRecord] = {}
    waiting: dict[str, Any] = {}
    for channel, node in found.children(group):
        try:
            components[channel] = _read_component(channel, node, {})
        except _NoBeginError:
            waiting[channel] = node
        except DatasetError as error:
            found.problems.append(str(error))
    begins = {item.npts: item.start for item in components.values()}
    undated = []
    for channel, node in waiting.items():
        try:
            components[channel] = _read_component(channel, node, begins)
        except DatasetError as error:
            found.problems.append(str(error))
            if isinstance(error, _NoBeginError):
                undated.append(channel)
    return dict(sorted(components.items())), undated


class _Attempts:
    """Reads attributes and members one by one; what fails is noted and counts as absent."""

    def __init__(self, node: h5py.Group | h5py.Dataset) -> None:
        self.attrs = LazyAttributes(node)
        self.problems = [] if self.attrs.problem is None else [self.attrs.problem]

    def value(self, name: str, default: Any = None) -> Any:
        """One text or number; anything else is a problem."""
        try:
            return self.attrs.simple(name, default)
        except DatasetError as error:
            self.problems.append(str(error))
            return default

    def number(self, name: str) -> float | None:
        return as_float(self.value(name))

    def children(self, group: h5py.Group) -> Iterator[tuple[str, Any]]:
        """Name and node of each member; None for a node that cannot be opened."""
        members = members_of(group)
        if members.problem is not None:
            self.problems.append(members.problem)
        for name in members.names:
            try:
                yield name, child_of(group, name)
            except (DatasetError, KeyError):
                yield name, None


def _time(value: Any) -> UTCDateTime:
    """A time attribute as a time; ValueError when it is none, or beyond the year 2262."""
    try:
        return UTCDateTime(ns=layout.parse_time(str(value)))
    except OverflowError as error:
        raise ValueError(f"{value} is out of range: {error}") from error


def _read_picks(found: _Attempts, types: list[str]) -> dict[str, UTCDateTime]:
    known = dict.fromkeys(key for key in types if key in found.attrs)
    known.update(dict.fromkeys(name for name in found.attrs if layout.is_pick_key(name)))
    picks = {}
    for key in known:
        try:
            picks[key] = _time(found.attrs.simple(key))
        except ValueError as error:
            if key in types or layout.must_be_time(key):
                text = str(error)
                is_named = isinstance(error, DatasetError)
                found.problems.append(text if is_named else f"attribute {key}: {text}")
    return picks


def _read_distance(found: _Attempts) -> float | None:
    """Epicentral distance in km: the first known one, in the order of the attributes."""
    for name in found.attrs:
        if name == layout.STATION_DISTANCE or name.endswith(f".{layout.PICK_DISTANCE}"):
            distance = found.number(name)
            if distance is not None and distance != layout.UNKNOWN_DISTANCE_KM:
                return distance
    return None


def _read_component(name: str, node: Any, begins: dict[int, UTCDateTime]) -> ComponentRecord:
    """One component; `begins` has, by number of samples, the begin where it has none itself."""
    try:
        shape = node.shape if isinstance(node, h5py.Dataset) else None
    except Exception as error:
        raise DatasetError(f"{name} is damaged: {one_line(error)}") from error
    if shape is None or len(shape) != 1:
        raise DatasetError(f"{name} is not a readable 1-D dataset")
    if shape[0] > layout.MAX_SAMPLES:
        raise DatasetError(f"{name} claims {shape[0]} samples, more than {layout.MAX_SAMPLES}")
    npts = int(shape[0])
    attrs = LazyAttributes(node)
    if attrs.problem is not None:
        raise DatasetError(f"{name}: {attrs.problem}")
    delta_s = as_float(attrs.simple(layout.DELTA, layout.DEFAULT_DELTA_S))
    if delta_s is None or delta_s <= 0:
        raise DatasetError(f"{name}: {layout.DELTA} {attrs[layout.DELTA]!r} is no sample interval")
    if layout.BEGIN_TIME not in attrs and npts not in begins:
        raise _NoBeginError(f"{name}: no attribute {layout.BEGIN_TIME}")
    try:
        is_dated = layout.BEGIN_TIME in attrs
        start = _time(attrs.simple(layout.BEGIN_TIME)) if is_dated else begins[npts]
        gaps = layout.parse_gaps(str(attrs.simple(layout.GAPS, "")))
        _ = start + npts * delta_s  # its end is a time too
    except (ValueError, OverflowError) as error:
        raise DatasetError(f"{name}: {error}") from error
    completeness = as_float(attrs.simple(layout.COMPLETENESS))
    filled = sum(count for _, count in gaps)
    if completeness is None:
        completeness = 1.0 - filled / npts if npts else 0.0
    return ComponentRecord(
        name=name,
        start=start,
        delta_s=delta_s,
        npts=npts,
        gaps=gaps,
        completeness=completeness,
        subsample_offset_s=as_float(attrs.simple(layout.SUBSAMPLE_OFFSET)) or 0.0,
        attrs=attrs,
        _dataset=node,
    )
