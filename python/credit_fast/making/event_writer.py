"""Puts packed station records into an HDF5 file: groups, datasets, attributes of the layout.

The only place that makes nodes of a data set. Names come from layout, bytes from pack. A station
record goes through h5py's low-level calls: its high-level ones take twice as long for the same
file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
from h5py import h5d, h5g, h5p, h5s, h5t, h5z

from credit_fast.catalogs.model import Event, Station
from credit_fast.hdf5 import layout
from credit_fast.hdf5.compression import parse_compression
from credit_fast.hdf5.models import Models, copy_node, link_named
from credit_fast.making.pack import Packed, chunk_samples
from credit_fast.station_records.record import Component, Record
from credit_fast.station_records.settings import Settings

__all__ = ["EventWriter", "copy_event"]

Array = npt.NDArray[Any]
_ASIDE = "/set aside"  # no event id has a space


class EventWriter:
    """Writes events into one open file."""

    def __init__(self, file: h5py.File, settings: Settings) -> None:
        self._file = file
        self._models = Models()
        self._datasets = _DatasetMaker(settings)

    def write_event(self, event: Event) -> h5py.Group:
        """Make the group of an event, for `write_station`."""
        return h5py.Group(
            self._group(self._file["/"].id, event.event_id, layout.event_attributes(event))
        )

    def set_aside(self, event_id: str) -> None:
        """Take an event out of the data set; its room is not used again before `remove_aside`.

        HDF5 gives freed room to what is written next. Of a file that comes from one whole state to
        the next all of that would have to be held back; what stands at its end need not.
        """
        if event_id in self._file:
            self._file.require_group(_ASIDE)
            self._file.move(event_id, f"{_ASIDE}/{event_id}")

    def remove_aside(self) -> Iterator[None]:
        """Remove what was set aside, one event for each turn."""
        aside = self._file.get(_ASIDE)
        if aside is None:
            return
        for event_id in list(aside):
            del aside[event_id]
            yield
        del self._file[_ASIDE]
        yield

    def _group(
        self,
        parent: h5g.GroupID,
        name: str,
        attributes: Iterable[tuple[str, layout.AttributeValue]],
    ) -> h5g.GroupID:
        create = partial(h5g.create, parent, name.encode("utf-8"), link_named(name))
        return self._models.make(parent, name, "group", create, attributes)

    def write_station(self, group: h5py.Group, packed: Packed, coordinates: Station | None) -> None:
        """Make the group of a station record with its picks and components."""
        where = packed.cut.plan
        of_station = layout.station_attributes(where.keys, coordinates)
        child = self._group(group.id, where.station_id, chain(of_station, where.attributes()))
        record = packed.cut.record
        if record is None:
            return
        begin = layout.format_time(record.start_ns)
        components = sorted(record.components.items())
        nodes: list[h5d.DatasetID] = []
        made: dict[object, str] = {}
        for name, component in components:
            attributes = tuple(_component_attributes(record, begin, component))
            alike = made.setdefault((component.data.dtype, *attributes), name)
            if alike == name:
                data = component.data
                kind = (data.dtype, len(data))
                create = partial(self._datasets.make, child, name, data)
                nodes.append(self._models.make(child, name, kind, create, attributes))
            else:  # without samples yet
                nodes.append(copy_node(child, alike, child, name))
        for node, (name, component) in zip(nodes, components, strict=True):
            _write_samples(node, component.data, packed.chunks[name])


def copy_event(source: h5py.File, target: h5py.File, event_id: str) -> None:
    """Copy the group of an event with all that is below it."""
    copy_node(source["/"].id, event_id, target["/"].id, event_id)


class _DatasetMaker:
    """Makes datasets; what HDF5 has to know of them is made once for each type of samples."""

    def __init__(self, settings: Settings) -> None:
        self._compression = parse_compression(settings.compression)
        self._fill = settings.fill
        self._forms: dict[np.dtype[Any], tuple[h5t.TypeID, h5p.PropDCID]] = {}

    def make(self, parent: h5g.GroupID, name: str, data: Array) -> h5d.DatasetID:
        """A new dataset for these samples; it has none yet."""
        npts = len(data)
        kind, properties = self._form(data.dtype.newbyteorder("<"))
        if self._compression.method != "none":
            properties.set_chunk((chunk_samples(npts),))
        space = h5s.create_simple((npts,))
        return h5d.create(parent, name.encode("utf-8"), kind, space, properties, link_named(name))

    def _form(self, dtype: np.dtype[Any]) -> tuple[h5t.TypeID, h5p.PropDCID]:
        """Type and properties for samples of a type; the size of a chunk is left to the caller."""
        if dtype not in self._forms:
            properties = h5p.create(h5p.DATASET_CREATE)
            if self._compression.method == "none":
                properties.set_fill_time(h5d.FILL_TIME_NEVER)  # every sample is written
            else:
                properties.set_chunk((1,))  # HDF5 takes no filter before it
                properties.set_shuffle()
            if self._compression.is_gzip:
                properties.set_deflate(self._compression.level)
            elif self._compression.method == "lzf":
                properties.set_filter(h5z.FILTER_LZF, h5z.FLAG_OPTIONAL)
            properties.set_fill_value(np.array(self._fill))
            properties.set_obj_track_times(False)  # the same input makes the same bytes
            self._forms[dtype] = h5t.py_create(dtype, logical=True), properties
        return self._forms[dtype]


def _write_samples(node: h5d.DatasetID, data: Array, chunks: list[bytes] | None) -> None:
    """Write chunks that are compressed already, or None: HDF5 compresses, if anything does."""
    if chunks is None:
        node.write(h5s.ALL, h5s.ALL, np.ascontiguousarray(data))
        return
    for number, chunk in enumerate(chunks):
        node.write_direct_chunk((number * layout.CHUNK_SAMPLES,), chunk)


def _component_attributes(record: Record, begin: str, component: Component) -> layout.Attributes:
    yield layout.DELTA, 1.0 / record.rate_hz
    yield layout.BEGIN_TIME, begin
    yield layout.NPTS, len(component.data)
    yield layout.GAPS, layout.format_gaps(component.gaps)
    yield layout.COMPLETENESS, component.completeness
    if component.subsample_offset_s:
        yield layout.SUBSAMPLE_OFFSET, component.subsample_offset_s
    yield from component.notes.items()
