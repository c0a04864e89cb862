"""One station record made ready to be written, by a thread that touches no HDF5.

Cutting, and the chunks as HDF5 stores them. What goes wrong becomes a refusal of the record.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from credit_fast._core import compress_chunks
from credit_fast.data_warnings import warnings_of_work
from credit_fast.hdf5 import layout
from credit_fast.hdf5.compression import parse_compression
from credit_fast.station_records.cut import (
    StationCut,
    WaveformSource,
    cut_station,
    other_orientations,
)
from credit_fast.station_records.plan import StationPlan
from credit_fast.station_records.record import Component
from credit_fast.station_records.settings import Settings

__all__ = ["Packed", "chunk_samples", "pack_station"]

#: What is raised for the state of the machine; all else is taken to be of the data, and to stay.
_MAY_PASS = (OSError, MemoryError)


@dataclass(slots=True)
class Packed:
    """A station cut with the compressed chunks of its components, by channel.

    None in place of chunks: HDF5 itself is to write the samples (all but gzip). A component with
    chunks keeps the number and type of its samples, but not these.
    """

    cut: StationCut
    chunks: dict[str, list[bytes] | None]

    @property
    def n_bytes(self) -> int:
        """What it holds in memory."""
        components = {} if self.cut.record is None else self.cut.record.components
        total = 0
        for name, chunks in self.chunks.items():
            total += components[name].data.nbytes if chunks is None else sum(map(len, chunks))
        return total


def pack_station(source: WaveformSource, station: StationPlan, settings: Settings) -> Packed:
    """Cut and compress one station record; whatever is raised refuses it.

    It waits when the machine lacked something (open files, memory, a network): there may be data.
    What the archive warns of meanwhile is among the problems of the record: they are kept with it.
    """
    with warnings_of_work() as warned:
        packed = _packed(source, station, settings)
    packed.cut.problems.update(warned)
    return packed


def _packed(source: WaveformSource, station: StationPlan, settings: Settings) -> Packed:
    try:
        cut = cut_station(source, station, settings)
        cut.others = other_orientations(source, cut, settings)
        components = cut.record.components if cut.record is not None else {}
        compression = parse_compression(settings.compression)
        chunks: dict[str, list[bytes] | None] = dict.fromkeys(components)
        if compression.is_gzip:
            chunks.update(_compressed(components, compression.level, settings.fill))
            for component in components.values():
                component.data = _without_memory(component.data)
    except Exception as error:
        packed = refused(station, f"{type(error).__name__}: {error}", settings)
        packed.cut.waits = isinstance(error, _MAY_PASS)
        return packed
    return Packed(cut, chunks)


def refused(station: StationPlan, reason: str, settings: Settings) -> Packed:
    """A record without any waveform, and why."""
    band = station.band_patterns(settings)[0]
    cut = StationCut(station, [f"{band}{letter}" for letter in settings.components])
    cut.refusal, cut.any_band = reason, station.names_no_channel
    cut.window_ns = station.window(settings)
    return Packed(cut, {})


def chunk_samples(npts: int) -> int:
    """Samples of each chunk of a trace: all, up to a limit."""
    return min(npts, layout.CHUNK_SAMPLES)


def _compressed(
    components: Mapping[str, Component], level: int, fill: int
) -> dict[str, list[bytes]]:
    """The chunks of each component as HDF5 stores them, by channel."""
    parts = {name: list(_parts(component.data, fill)) for name, component in components.items()}
    packed = iter(compress_chunks([part for some in parts.values() for part in some], level, True))
    return {name: list(islice(packed, len(some))) for name, some in parts.items()}


def _parts(data: npt.NDArray[Any], fill: int) -> Iterator[npt.NDArray[Any]]:
    """A trace in chunks: little-endian, all of full length."""
    data = np.ascontiguousarray(data, dtype=data.dtype.newbyteorder("<"))
    samples = chunk_samples(len(data))
    for first in range(0, len(data), samples):
        part = data[first : first + samples]
        if len(part) < samples:
            padding = np.full(samples - len(part), fill, dtype=data.dtype)
            part = np.concatenate([part, padding])
        yield part


def _without_memory(data: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """An array of the same length and type, of one value: many records wait to be written."""
    return np.broadcast_to(np.zeros((), data.dtype), data.shape)
