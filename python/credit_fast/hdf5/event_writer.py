"""Puts packed station records into an HDF5 file: groups, datasets, attributes of the layout.

The only place that makes nodes of a data set. Names come from layout, bytes from pack.
"""

from __future__ import annotations

import h5py

from credit_fast.catalogs.model import Event, Station
from credit_fast.hdf5 import layout
from credit_fast.hdf5.attributes import AttributeWriter
from credit_fast.hdf5.pack import Packed, chunk_samples
from credit_fast.hdf5.record import Component, Record
from credit_fast.hdf5.settings import Settings

__all__ = ["EventWriter"]


class EventWriter:
    """Writes events into one open file."""

    def __init__(self, file: h5py.File, settings: Settings) -> None:
        self._file = file
        self._settings = settings
        self._attributes = AttributeWriter()

    def write_event(self, event: Event) -> h5py.Group:
        """Make the group of an event, for `write_station`."""
        group = self._file.create_group(event.event_id)
        self._attributes.write(group, layout.event_attributes(event))
        return group

    def write_station(self, group: h5py.Group, packed: Packed, coordinates: Station | None) -> None:
        """Make the group of a station record with its picks and components."""
        where = packed.cut.plan
        child = group.create_group(where.station_id)
        self._attributes.write(child, layout.station_attributes(where.keys, coordinates))
        self._attributes.write(child, where.attributes())
        record = packed.cut.record
        if record is None:
            return
        for name, component in sorted(record.components.items()):
            dataset = child.create_dataset(
                name,
                shape=component.data.shape,
                dtype=component.data.dtype.newbyteorder("<"),
                chunks=(chunk_samples(len(component.data)),),
                shuffle=True,
                compression="gzip",
                compression_opts=self._settings.compression_level,
                fillvalue=self._settings.fill,
            )
            for number, chunk in enumerate(packed.chunks[name]):
                dataset.id.write_direct_chunk((number * layout.CHUNK_SAMPLES,), chunk)
            self._attributes.write(dataset, _component_attributes(record, component))


def _component_attributes(record: Record, component: Component) -> layout.Attributes:
    yield layout.DELTA, 1.0 / record.rate_hz
    yield layout.BEGIN_TIME, layout.format_time(record.start_ns)
    yield layout.NPTS, len(component.data)
    yield layout.GAPS, layout.format_gaps(component.gaps)
    yield layout.COMPLETENESS, component.completeness
    if component.subsample_offset_s:
        yield layout.SUBSAMPLE_OFFSET, component.subsample_offset_s
    yield from component.notes.items()
