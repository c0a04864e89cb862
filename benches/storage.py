"""How samples and attributes are stored and read back, beside h5py in the toolkit's way.

All of it in one process: what h5py gets was cut by credit_fast, and made ready before the clock.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from answers import Answer
from setting import COMPRESSIONS, COPIES, RANGE_S, RATE_HZ, Setting, copy_of
from workers import Case, Maker

import credit_fast
from credit_fast.catalogs import read_catalog
from credit_fast.hdf5 import layout
from credit_fast.making.event_writer import EventWriter
from credit_fast.making.pack import Packed
from credit_fast.station_records.cut import StationCut
from credit_fast.station_records.plan import EventPlan, plan_events
from credit_fast.station_records.record import Component, Record
from credit_fast.station_records.settings import Settings
from credit_fast.stations import read_stations

_NPTS = round(2 * RANGE_S * RATE_HZ) + 1


def _makeh5(setting: Setting, out: Path, compression: str = "gzip") -> None:
    index = copy_of(setting.index, out.stem)
    catalog, stations = setting.dataset_catalog, setting.stations
    credit_fast.makeh5(
        index, out, catalog, stations, range_s=RANGE_S, compression=compression,
        progress=False, overwrite=True,
    )  # fmt: skip


def _compression(compression: str, setting: Setting) -> Case:
    out = setting.scratch / f"storage-{compression.replace(':', '-')}.h5"
    return Case(lambda: _makeh5(setting, out, compression), lambda _: ("hdf5", out))


@dataclass(frozen=True)
class _Node:
    """A group, or a dataset with its samples (None: there are none), and its attributes."""

    path: str
    attributes: list[tuple[str, Any]]
    is_dataset: bool = False
    samples: Any = None


def _write_plainly(out: Path, nodes: list[_Node], options: dict[str, Any]) -> None:
    """Every node and attribute by h5py's usual calls."""
    with h5py.File(out, "w") as file:
        for node in nodes:
            if not node.is_dataset:
                made = file.create_group(node.path)
            elif node.samples is None:
                made = file.create_dataset(node.path, (_NPTS,), "<i4", **options)
            else:
                made = file.create_dataset(node.path, data=node.samples, **options)
            for name, value in node.attributes:
                made.attrs[name] = value


#: h5py chooses the chunks, gzip has its default level, and nothing is shuffled.
_TOOLKIT: dict[str, Any] = {"chunks": True, "compression": "gzip"}
_OURS: dict[str, Any] = {
    "chunks": (_NPTS,), "shuffle": True, "compression": "gzip", "compression_opts": 2,
    "fillvalue": 0,
}  # fmt: skip


def _plain_compression(setting: Setting) -> Case:
    out = setting.scratch / "storage-toolkit.h5"
    nodes = list(_nodes_of(_finished(setting)))
    return Case(lambda: _write_plainly(out, nodes, _TOOLKIT), lambda _: ("hdf5", out))


def _finished(setting: Setting) -> Path:
    """The data set of the catalogue as makeh5 writes it."""
    path = setting.scratch / "storage-finished.h5"
    if not path.exists():
        _makeh5(setting, path)
    return path


def _nodes_of(path: Path) -> Iterator[_Node]:
    with h5py.File(path) as file:
        nodes: list[Any] = []
        file.visititems(lambda _, node: nodes.append(node))
        for node in nodes:
            is_dataset = isinstance(node, h5py.Dataset)
            samples = node[()] if is_dataset else None
            yield _Node(node.name, list(node.attrs.items()), is_dataset, samples)


def _reread(read: Callable[[Path, list[tuple[str, str]]], Any], tool: bool, s: Setting) -> Case:
    """Station records of a finished file, in an order drawn at random."""
    path = _finished(s)
    if tool:
        source, path = path, s.scratch / "storage-toolkit-finished.h5"
        _write_plainly(path, list(_nodes_of(source)), _TOOLKIT)
    names = [(r.event_id, f"{r.network}.{r.station}.{r.location}") for r in s.dataset]
    random.Random(20200130).shuffle(names)

    def answer(records: list[dict[str, Any]]) -> Answer:
        return {
            f"{evid}/{station}/{channel}": {"samples": samples}
            for (evid, station), record in zip(names, records, strict=True)
            for channel, samples in record.items()
        }

    return Case(lambda: read(path, names), answer)


def _by_h5py(path: Path, names: list[tuple[str, str]]) -> list[dict[str, Any]]:
    with h5py.File(path) as file:
        return [
            {channel: node[()] for channel, node in file[evid][station].items()}
            for evid, station in names
        ]


def _by_ours(path: Path, names: list[tuple[str, str]]) -> list[dict[str, Any]]:
    with credit_fast.open_dataset(path) as dataset:
        return [dataset.waveforms(evid, station) for evid, station in names]


def _plans(setting: Setting) -> list[EventPlan]:
    events = read_catalog(setting.dataset_catalog)
    return list(
        plan_events(
            [
                replace(event, event_id=f"{event.event_id}.{number}")
                for event in events
                for number in range(COPIES)
            ]
        )
    )


def _packed(plan: EventPlan) -> list[Packed]:
    """Station records without a chunk: what is left of writing them are nodes and attributes."""
    data = np.zeros(_NPTS, np.int32)
    packed = []
    for station in plan.stations:
        names = [f"HH{letter}" for letter in "ENZ"]
        record = Record(plan.event.time_ns, RATE_HZ, _NPTS)
        record.components = {name: Component(name, data, [], 0.0, 0.0, 0, "") for name in names}
        packed.append(Packed(StationCut(station, names, record), {name: [] for name in names}))
    return packed


def _metadata(setting: Setting) -> Case:
    out = setting.scratch / "storage-metadata.h5"
    table = read_stations(setting.stations)
    plans = [(plan.event, _packed(plan)) for plan in _plans(setting)]

    def run() -> None:
        with h5py.File(out, "w") as file:
            writer = EventWriter(file, Settings())
            for event, records in plans:
                group = writer.write_event(event)
                for packed in records:
                    where = packed.cut.plan
                    place = table.get(where.network, where.station, where.location)
                    writer.write_station(group, packed, place)

    return Case(run, lambda _: ("attributes", out))


def _plain_metadata(setting: Setting) -> Case:
    out = setting.scratch / "storage-metadata-plain.h5"
    table = read_stations(setting.stations)
    nodes = []
    for plan in _plans(setting):
        event = f"/{plan.event.event_id}"
        nodes.append(_Node(event, list(layout.event_attributes(plan.event))))
        for where in plan.stations:
            name = f"{event}/{where.station_id}"
            place = table.get(where.network, where.station, where.location)
            own = [*layout.station_attributes(where.keys, place), *where.attributes()]
            nodes.append(_Node(name, own))
            component = [
                (layout.DELTA, 1.0 / RATE_HZ),
                (layout.BEGIN_TIME, layout.format_time(plan.event.time_ns)),
                (layout.NPTS, _NPTS),
                (layout.GAPS, ""),
                (layout.COMPLETENESS, 1.0),
            ]
            nodes += [_Node(f"{name}/HH{letter}", component, True) for letter in "ENZ"]
    return Case(lambda: _write_plainly(out, nodes, _OURS), lambda _: ("attributes", out))


CASES: dict[tuple[str, str], Maker] = {
    ("metadata", "credit_fast"): _metadata,
    ("metadata", "h5py"): _plain_metadata,
    **{
        ("compression", f"credit_fast.makeh5, {name}"): partial(_compression, name)
        for name in COMPRESSIONS
    },
    ("compression", "h5py, the toolkit's layout"): _plain_compression,
    ("reread", "credit_fast.Dataset.waveforms"): partial(_reread, _by_ours, False),
    ("reread", "h5py"): partial(_reread, _by_h5py, False),
    ("reread", "h5py, the toolkit's layout"): partial(_reread, _by_h5py, True),
    ("reread", "credit_fast, the toolkit's layout"): partial(_reread, _by_ours, True),
}
