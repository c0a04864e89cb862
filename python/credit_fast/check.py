"""testh5: a CREDIT HDF5 file against the catalogue it was made from, and against the archive.

Collects every difference and goes on to the end; the counts come first, their text second.
Repairs nothing. What a station record should hold is asked from `hdf5.plan`, what a file holds
from `hdf5.reader`, so writer and checker cannot drift apart unseen.
"""

from __future__ import annotations

import math
import os
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from rich.console import Console
from rich.table import Table

from credit_fast.catalogs import read_catalog
from credit_fast.catalogs.model import Catalog, Event
from credit_fast.client import Client
from credit_fast.errors import DatasetError
from credit_fast.hdf5 import layout
from credit_fast.hdf5.cut import WaveformSource, cut_station, fetch
from credit_fast.hdf5.plan import NO_TIME, EventPlan, PickRow, StationPlan, plan_events
from credit_fast.hdf5.reader import (
    ComponentRecord,
    Dataset,
    LazyAttributes,
    StationRecord,
    as_float,
    open_child,
    open_dataset,
    read_station,
)
from credit_fast.hdf5.record import Component, build_record
from credit_fast.progress import work_progress

__all__ = ["CheckReport", "Finding", "testh5"]

MISSING, DIFFERENT, EXTRA, UNREADABLE = "missing", "different", "extra", "unreadable"
_LISTED = 20


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference.

    `kind` is missing, different, extra (in the file only) or unreadable; `level` is event,
    station record, component, pick or samples; `place` is the path inside the file.
    """

    kind: str
    level: str
    place: str
    text: str

    def __str__(self) -> str:
        return f"{self.kind} {self.level} {self.place}: {self.text}"


@dataclass(slots=True)
class CheckReport:
    """What `testh5` found; `str()` is the complete text, `to_dict()` the JSON form.

    `expected` and `found` count events, station records, components and picks; a pick is found
    when its attributes are there and its time is the catalogue's. `components_per_station` counts
    station records by their number of components.
    """

    path: str
    catalog: str
    expected: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    components_per_station: Counter[int] = field(default_factory=Counter)
    components_with_gaps: int = 0
    duplicate_events: int = 0
    findings: list[Finding] = field(default_factory=list)
    compared_records: int = 0
    compared_samples: int = 0

    LEVELS = ("event", "station record", "component", "pick")

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing, different, extra or unreadable."""
        return not self.findings

    def add(self, kind: str, level: str, place: str, text: str) -> None:
        """Note one difference."""
        self.findings.append(Finding(kind, level, place, text))

    def to_dict(self) -> dict[str, Any]:
        """Everything, for JSON."""
        return {
            "path": self.path,
            "catalog": self.catalog,
            "is_whole": self.is_whole,
            "levels": {
                level: {"expected": self.expected[level], "found": self.found[level]}
                for level in self.LEVELS
            },
            "components_per_station": {
                str(number): count for number, count in sorted(self._histogram().items())
            },
            "components_with_gaps": self.components_with_gaps,
            "duplicate_events": self.duplicate_events,
            "compared_records": self.compared_records,
            "compared_samples": self.compared_samples,
            "findings": [
                {"kind": item.kind, "level": item.level, "place": item.place, "text": item.text}
                for item in self.findings
            ],
        }

    def _histogram(self) -> dict[int, int]:
        return dict.fromkeys(range(4), 0) | self.components_per_station

    def _kinds(self, level: str) -> list[str]:
        counts = Counter(item.kind for item in self.findings if item.level == level)
        return [str(counts[kind]) for kind in (MISSING, DIFFERENT, EXTRA, UNREADABLE)]

    def _rows(self) -> Iterator[list[str]]:
        for level in self.LEVELS:
            counts = [str(self.expected[level]), str(self.found[level])]
            yield [f"{level}s", *counts, *self._kinds(level)]
        if self.compared_records:
            whole = sum(item.level == "samples" for item in self.findings)
            counts = [str(self.compared_records), str(self.compared_records - whole)]
            yield ["records cut again", *counts, *self._kinds("samples")]

    def _closing(self) -> Iterator[str]:
        histogram = sorted(self._histogram().items())
        parts = ", ".join(f"{number}: {count}" for number, count in histogram)
        yield f"station records by number of components: {parts}"
        yield f"components with gaps: {self.components_with_gaps}"
        if self.duplicate_events:
            yield f"events whose id came before in the catalogue: {self.duplicate_events}"
        if self.compared_records:
            yield f"samples compared with the archive: {self.compared_samples}"
        yield f"{self.path}: " + ("whole" if self.is_whole else f"{len(self.findings)} findings")

    def __str__(self) -> str:
        lines = [_plain_row(_HEADS), *map(_plain_row, self._rows()), *self._closing()]
        return "\n".join([*lines, "", *map(str, self.findings)]).rstrip() + "\n"

    def print(self, console: Console) -> None:
        """The summary as a table for a terminal, with the first findings."""
        table = Table(title=self.path, title_justify="left")
        for number, head in enumerate(_HEADS):
            table.add_column(head, justify="right" if number else "left")
        for row in self._rows():
            table.add_row(*row)
        console.print(table)
        lines = [*map(str, self.findings[:_LISTED])]
        if len(self.findings) > _LISTED:
            lines.append(f"... and {len(self.findings) - _LISTED} more findings")
        for line in (*lines, *self._closing()):
            console.print(line, markup=False, highlight=False, soft_wrap=True)


_HEADS = ["", "expected", "found", MISSING, DIFFERENT, EXTRA, UNREADABLE]


def testh5(
    path: str | os.PathLike[str],
    catalog: str | os.PathLike[str] | Catalog,
    *,
    stats: str | os.PathLike[str] | None = None,
    index: str | os.PathLike[str] | WaveformSource | None = None,
    sample: int = 200,
    seed: int = 0,
    progress: bool = True,
) -> CheckReport:
    """Compare a CREDIT HDF5 file with its catalogue, and a sample of it with the archive.

    Parameters
    ----------
    path, catalog
        The file, and the catalogue file (or what `read_catalog` returned) that it was made from.
    stats
        File for the complete text report; replaced when it exists.
    index
        Index file, or an object with `get_waveforms`: `sample` station records, chosen by chance
        from `seed`, are cut again, and every sample, the start and the interval compared.
    progress
        Show a bar on standard error when that is a terminal.

    Raises FileNotFoundError, PermissionError, DatasetError, CatalogError, IndexFormatError when
    the check cannot be made; whatever is wrong inside the file is a finding.
    """
    if stats is not None and Path(stats).exists() and Path(stats).samefile(path):
        raise ValueError(f"{stats} is the data set itself: the report needs another name")
    events = read_catalog(catalog) if isinstance(catalog, str | os.PathLike) else catalog
    source = Client(index) if isinstance(index, str | os.PathLike) else index
    report = CheckReport(os.fspath(path), str(events.path))
    with open_dataset(path) as dataset, work_progress("events", shown=progress) as bar:
        chosen = _Chosen(sample if source is not None else 0, seed)
        task = bar.add_task("testh5", total=len(events))
        known: set[str] = set()
        for plan in plan_events(events):
            known.add(plan.event.event_id)
            _check_event(report, dataset, plan, chosen)
            bar.advance(task)
        for evid in dataset.events():
            if evid not in known:
                report.add(EXTRA, "event", f"/{evid}", "the catalogue has no such event")
        if source is not None:
            task = bar.add_task("against the archive", total=len(chosen.places))
            for place, station in chosen.places:
                _check_samples(report, dataset, place, station, source)
                bar.advance(task)
    if stats is not None:
        Path(stats).write_text(str(report), encoding="utf-8")
    return report


testh5.__test__ = False  # type: ignore[attr-defined]  # its name looks like a test to pytest


class _Chosen:
    """A fair sample of station records, taken while they pass (reservoir), fixed by the seed."""

    def __init__(self, size: int, seed: int) -> None:
        self.size = size
        self.places: list[tuple[str, StationPlan]] = []
        self._seen = 0
        self._random = random.Random(seed)

    def offer(self, place: str, station: StationPlan) -> None:
        """Take the station record, or not."""
        self._seen += 1
        if len(self.places) < self.size:
            self.places.append((place, station))
        elif self.size:
            number = self._random.randrange(self._seen)
            if number < self.size:
                self.places[number] = (place, station)


def _check_event(report: CheckReport, dataset: Dataset, plan: EventPlan, chosen: _Chosen) -> None:
    place = f"/{plan.event.event_id}"
    if plan.duplicate:
        report.duplicate_events += 1
        if "different" in str(plan.refusal):
            report.add(DIFFERENT, "event", place, str(plan.refusal))
        return
    _expect(report, plan)
    if plan.refusal is not None:
        report.add(MISSING, "event", place, plan.refusal)
        return
    if plan.event.event_id not in dataset:
        report.add(MISSING, "event", place, f"line {plan.event.line} of the catalogue")
        return
    group = open_child(dataset.root, plan.event.event_id)
    if not isinstance(group, h5py.Group):
        report.add(UNREADABLE, "event", place, "not a readable group")
        return
    report.found["event"] += 1
    _check_event_attributes(report, place, group, plan.event)
    known = {station.station_id for station in plan.stations}
    for name in group:
        if name not in known:
            report.add(EXTRA, "station record", f"{place}/{name}", "no pick names this station")
    for station in plan.stations:
        _check_station(report, f"{place}/{station.station_id}", group, station, chosen)


def _expect(report: CheckReport, plan: EventPlan) -> None:
    report.expected["event"] += 1
    report.expected["station record"] += len(plan.stations)
    report.expected["component"] += 3 * len(plan.stations)
    report.expected["pick"] += len(plan.event.picks)


def _check_event_attributes(
    report: CheckReport, place: str, group: h5py.Group, event: Event
) -> None:
    attrs = LazyAttributes(group)
    for name, value in layout.event_attributes(event):
        if name not in attrs:
            report.add(MISSING, "event", place, f"no attribute {name}")
            continue
        try:
            stored = attrs[name]
        except DatasetError as error:
            report.add(UNREADABLE, "event", place, str(error))
            continue
        if isinstance(value, float):
            number = as_float(stored)
            # An unknown magnitude has no one form among the programs that write this layout.
            equal = not math.isfinite(value) or (number is not None and abs(number - value) < 1e-6)
        else:
            equal = stored == value or name != layout.EVENT_TIME
        if not equal:
            text = f"{name} is {stored}, in the catalogue {value}"
            report.add(DIFFERENT, "event", place, text)


def _check_station(
    report: CheckReport, place: str, event: h5py.Group, plan: StationPlan, chosen: _Chosen
) -> None:
    if plan.refusal is not None or plan.station_id not in event:
        report.add(MISSING, "station record", place, plan.refusal or "no group")
        return
    group = open_child(event, plan.station_id)
    if not isinstance(group, h5py.Group):
        report.add(UNREADABLE, "station record", place, "not a readable group")
        return
    report.found["station record"] += 1
    record = read_station(group)
    for problem in record.problems:
        report.add(UNREADABLE, "station record", place, problem)
    if record.types != plan.keys:
        text = f"types are {','.join(record.types)}, in the catalogue {','.join(plan.keys)}"
        report.add(DIFFERENT, "station record", place, text)
    for row in plan.rows:
        _check_pick(report, place, record, row)
    _check_components(report, place, record)
    chosen.offer(place, plan)


def _check_pick(report: CheckReport, place: str, record: StationRecord, row: PickRow) -> None:
    """The time of the row that owns its key, letter for letter; the traces of any other row."""
    key, line = row.pick.key, f"line {row.pick.line} of the catalogue"
    if row.phase_fault:
        report.add(MISSING, "pick", f"{place} {key}", f"{row.refusal}, {line}")
        return
    if row.extra:
        name = f"{key}.{layout.PICK_EXTRA}{row.extra}.{layout.PICK_STRS}"
    else:
        name = key if row.time_ns is not None else f"{key}.{layout.PICK_STRS}"
    if name not in record.attrs:
        report.add(MISSING, "pick", f"{place} {key}", f"no attribute {name}, {line}")
        return
    stored = record.attrs[name]
    if not row.extra and row.time_ns is not None:
        expected = layout.format_time(row.time_ns)
        if stored != expected:
            text = f"time is {stored}, in the catalogue {expected}, {line}"
            report.add(DIFFERENT, "pick", f"{place} {key}", text)
            return
    elif not row.extra and row.refusal == NO_TIME and key in record.attrs:
        text = f"time is {record.attrs[key]}, the catalogue has none, {line}"
        report.add(DIFFERENT, "pick", f"{place} {key}", text)
        return
    report.found["pick"] += 1


def _check_components(report: CheckReport, place: str, record: StationRecord) -> None:
    components = list(record.components.values())
    report.components_per_station[len(components)] += 1
    report.found["component"] += len(components)
    report.components_with_gaps += sum(bool(component.gaps) for component in components)
    if len(components) < 3:
        names = " ".join(record.components) or "none"
        report.add(MISSING, "component", place, f"{len(components)} of 3 components ({names})")
    elif len(components) > 3:
        names = " ".join(record.components)
        report.add(EXTRA, "component", place, f"{len(components)} components ({names})")
    if len({(item.start, item.delta_s, item.npts) for item in components}) > 1:
        text = "components differ in start, interval or length"
        report.add(DIFFERENT, "component", place, text)
    for item in components:
        stated = item.attrs.get(layout.NPTS, item.npts)
        if stated != item.npts:
            text = f"{layout.NPTS} is {stated}, the data set has {item.npts} samples"
            report.add(DIFFERENT, "component", f"{place}/{item.name}", text)


def _check_samples(
    report: CheckReport, dataset: Dataset, place: str, plan: StationPlan, source: WaveformSource
) -> None:
    """Cut the station record again over the time it covers and its picks, and compare it all."""
    report.compared_records += 1
    stored = read_station(dataset.root[place])
    try:
        text = _sample_difference(report, stored, plan, source)
    except Exception as error:  # of the archive or of a damaged chunk: a finding, not the end
        text = f"could not be compared: {type(error).__name__}: {error}"
    if text:
        report.add(DIFFERENT, "samples", place, text)


def _sample_difference(
    report: CheckReport, stored: StationRecord, plan: StationPlan, source: WaveformSource
) -> str:
    """What differs between the stored station record and the archive; empty: nothing."""
    if not stored.components:
        cut = cut_station(source, plan, range_s=0.0, rate_hz=layout.DEFAULT_RATE_HZ, fill=0)
        return "no waveform, but the archive has samples at the picks" if cut.has_waveform else ""
    names = sorted(stored.components)
    starts = [item.start.ns for item in stored.components.values()]
    ends = [item.end.ns for item in stored.components.values()]
    picks = plan.window(0.0) or (starts[0], ends[0])
    window = (min(*starts, picks[0]), max(*ends, picks[1]))
    bands = {name[:2] for name in names}
    asked = f"{names[0][:2]}[{layout.ORIENTATIONS}]" if len(bands) == 1 else ",".join(names)
    record = build_record(
        fetch(source, plan, asked, window), window, picked_channels=names, rate_hz=None
    )
    if record is None or not record.components:
        return f"the archive has no {asked} there"
    if sorted(record.components) != names:
        return f"components {' '.join(names)}, the archive has {' '.join(record.components)}"
    for name in names:
        item, again = stored.components[name], record.components[name]
        text = _component_difference(item, again, record.start_ns, record.rate_hz)
        if text:
            return f"{name}: {text}"
        report.compared_samples += item.npts
    return ""


def _component_difference(
    stored: ComponentRecord, again: Component, start_ns: int, rate_hz: float
) -> str:
    begin = layout.format_time(start_ns)
    if layout.format_time(stored.start.ns) != begin:
        return f"btime {layout.format_time(stored.start.ns)}, the archive begins {begin}"
    if not math.isclose(stored.delta_s, 1.0 / rate_hz, rel_tol=1e-9):
        return f"delta {stored.delta_s}, the archive has {1.0 / rate_hz}"
    if stored.npts != len(again.data):
        return f"{stored.npts} samples, the archive has {len(again.data)}"
    if layout.GAPS in stored.attrs and stored.gaps != again.gaps:
        filled = [layout.format_gaps(gaps) or "none" for gaps in (stored.gaps, again.gaps)]
        return f"gaps {filled[0]}, the archive has {filled[1]}"
    data = stored.read()
    unequal = data != again.data
    if data.dtype.kind == "f" and again.data.dtype.kind == "f":
        unequal &= ~(np.isnan(data) & np.isnan(again.data))
    for first, count in again.gaps:
        unequal[first : first + count] = False
    number = int(np.count_nonzero(unequal))
    return f"{number} of {len(data)} samples differ" if number else ""


def _plain_row(cells: list[str]) -> str:
    return (f"{cells[0]:<18}" + "".join(f"{cell:>11}" for cell in cells[1:])).rstrip()
