"""One station record of a data set against its plan: attributes, picks, components.

Reads attributes and shapes; samples are compared elsewhere.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable

import numpy as np

from credit_fast.catalogs.model import Station
from credit_fast.check.attributes import Difference, compare_attributes, extra_attributes
from credit_fast.check.report import DIFFERENT, EXTRA, MISSING, UNREADABLE, CheckReport
from credit_fast.errors import DatasetError
from credit_fast.hdf5 import layout
from credit_fast.hdf5.nodes import FLOAT, INTEGER, TEXT
from credit_fast.hdf5.reader import ComponentRecord, StationRecord
from credit_fast.station_records.plan import TOO_FAR, PickRow, StationPlan

__all__ = ["check_station"]

_SAMPLE_TYPES = ("i4", "f4", "f8")  # what makeh5 writes, in either byte order
_LISTED = 4  # attributes in one finding
_EXTRA_ROW = re.compile(rf"\.{layout.PICK_EXTRA}([1-9]\d{{0,8}})\.")


def check_station(
    report: CheckReport,
    place: str,
    record: StationRecord,
    plan: StationPlan,
    *,
    coordinates: Station | None,
    has_table: bool,
    is_new: bool,
    components: int,
) -> None:
    """Note everything in which the record differs from its plan.

    `coordinates` are the station's in the station table; without a table (`has_table`) the
    coordinates in the file are taken as they are. `is_new`: the file is of makeh5, not of the
    toolkit before it, which wrote fewer attributes. `components` is how many there should be.
    """
    of_station = dict(layout.station_attributes(plan.keys, coordinates))
    of_picks = dict(plan.attributes())
    optional = () if is_new else (layout.PICK_AZIMUTH,)
    station_faults = list(compare_attributes(record.attrs, of_station.items()))
    pick_faults = list(compare_attributes(record.attrs, of_picks.items(), optional))
    for extra in extra_attributes(
        record.attrs, of_station.keys() | of_picks.keys(), coordinates=has_table
    ):
        (station_faults if extra.name in layout.STATION_NAMES else pick_faults).append(extra)
    for fault in station_faults:
        report.add(fault.kind, "station record", place, fault.text)
    _note_picks(report, place, record, plan, pick_faults)
    noted = {fault.name for fault in (*station_faults, *pick_faults)}
    known = tuple(f"attribute {name}{after}" for name in noted for after in " :")
    known += tuple(f"{name}: no attribute" for name in record.undated)
    for problem in record.problems:
        if not problem.startswith(known):
            report.add(UNREADABLE, "station record", place, problem)
    _check_components(report, place, record, is_new, components)


def _note_picks(
    report: CheckReport,
    place: str,
    record: StationRecord,
    plan: StationPlan,
    faults: Iterable[Difference],
) -> None:
    """Give each fault to its row; one finding for each row and kind of fault."""
    rows = {(row.pick.key, row.extra): row for row in plan.rows if row.is_kept}
    by_row: defaultdict[tuple[str, int], list[Difference]] = defaultdict(list)
    strays: defaultdict[str, list[Difference]] = defaultdict(list)
    for fault in faults:
        owner = _owner(fault.name, rows)
        if owner is None:
            key = fault.name if layout.is_pick_key(fault.name) else fault.name.rpartition(".")[0]
            strays[key].append(fault)
        else:
            by_row[owner].append(fault)
    for row in plan.rows:
        if not row.asked:
            continue
        if row.phase_fault:
            text = f"{row.refusal}, line {row.pick.line} of the catalogue"
            report.add(MISSING, "pick", f"{place} {row.pick.key}", text)
            continue
        told = (_of_row(row, record, fault) for fault in by_row[row.pick.key, row.extra])
        own = [fault for fault in told if fault is not None]
        _note(report, f"{place} {row.pick.key}", own, f", line {row.pick.line} of the catalogue")
        report.found["pick"] += not own
    for key, stray in strays.items():
        _note(report, f"{place} {key}", stray, "")


def _owner(name: str, rows: dict[tuple[str, int], PickRow]) -> tuple[str, int] | None:
    """Row that an attribute belongs to: keys can hold a dot, so the longest that fits."""
    key = name
    while key and (key, 0) not in rows:
        key = key.rpartition(".")[0]
    if not key:
        return None
    extra = _EXTRA_ROW.match(name, len(key))
    owner = (key, int(extra.group(1)) if extra else 0)
    return owner if owner in rows else None


def _of_row(row: PickRow, record: StationRecord, fault: Difference) -> Difference | None:
    """A fault in the words of its row; None when it is none after all."""
    if fault.name != row.pick.key or row.extra:
        return fault
    if fault.kind == DIFFERENT:
        return Difference(DIFFERENT, fault.name, fault.text.replace(fault.name, "time", 1))
    if fault.kind != EXTRA:
        return fault
    try:
        stored = record.attrs.simple(fault.name)
    except DatasetError as error:
        return Difference(UNREADABLE, fault.name, str(error))
    # The toolkit wrote times that are far from the origin too, as the catalogue has them.
    time_ns = row.pick.time_ns
    if row.refusal == TOO_FAR and time_ns is not None and stored == layout.format_time(time_ns):
        return None
    return Difference(DIFFERENT, fault.name, f"time is {stored}, the catalogue has none for it")


def _note(report: CheckReport, place: str, faults: list[Difference], where: str) -> None:
    by_kind: defaultdict[str, list[str]] = defaultdict(list)
    for fault in faults:
        by_kind[fault.kind].append(fault.text)
    for kind, texts in by_kind.items():
        more = f"; and {len(texts) - _LISTED} more" if len(texts) > _LISTED else ""
        report.add(kind, "pick", place, "; ".join(texts[:_LISTED]) + more + where)


def _check_components(
    report: CheckReport, place: str, record: StationRecord, is_new: bool, expected: int
) -> None:
    components = list(record.components.values())
    present = sorted([*record.components, *record.undated])
    report.components_per_station[len(present)] += 1
    report.found["component"] += len(present)
    report.components_with_gaps += sum(bool(component.gaps) for component in components)
    names = " ".join(present) or "none"
    if len(present) < expected:
        text = f"{len(present)} of {expected} components ({names})"
        report.add(MISSING, "component", place, text)
    elif len(present) > expected:
        report.add(EXTRA, "component", place, f"{len(present)} components ({names})")
    absent = {item.name: _absent_attributes(item, is_new) for item in components}
    absent |= dict.fromkeys(record.undated, layout.BEGIN_TIME)
    for name, attributes in sorted(absent.items()):
        if attributes:
            report.add_absent(f"{place}/{name}", attributes)
    if len({(item.start, item.delta_s, item.npts) for item in components}) > 1:
        text = "components differ in start, interval or length"
        report.add(DIFFERENT, "component", place, text)
    for item in components:
        try:
            texts = _component_faults(item)
        except DatasetError as error:
            report.add(UNREADABLE, "component", f"{place}/{item.name}", str(error))
            continue
        for text in texts:
            report.add(DIFFERENT, "component", f"{place}/{item.name}", text)


def _absent_attributes(item: ComponentRecord, is_new: bool) -> str:
    """Names of the attributes that a component lacks, joined by commas."""
    required: tuple[str, ...] = (layout.DELTA, layout.BEGIN_TIME)
    if is_new:
        required += (layout.NPTS, layout.GAPS, layout.COMPLETENESS)
    return ", ".join(name for name in required if name not in item.attrs)


def _component_faults(item: ComponentRecord) -> list[str]:
    """What contradicts itself in one component; attributes that are not there do not."""
    faults = []
    dtype = np.dtype(item.dtype)
    if dtype.str[1:] not in _SAMPLE_TYPES:
        faults.append(f"samples are {dtype}, expected int32, float32 or float64")
    forms = {
        layout.BEGIN_TIME: TEXT,
        layout.GAPS: TEXT,
        layout.DELTA: FLOAT,
        layout.COMPLETENESS: FLOAT,
        layout.SUBSAMPLE_OFFSET: FLOAT,
        layout.NPTS: INTEGER,
    }
    for name, expected in forms.items():
        if name in item.attrs and item.attrs.form(name) != expected:
            faults.append(f"{name} is {item.attrs.form(name)}, expected {expected}")
        elif name == layout.NPTS and item.attrs.get(name, item.npts) != item.npts:
            faults.append(f"{name} is {item.attrs[name]}, the data set has {item.npts} samples")
    faults += _gap_faults(item)
    return faults


def _gap_faults(item: ComponentRecord) -> list[str]:
    text = layout.format_gaps(item.gaps)
    end = 0
    for first, npts in item.gaps:
        if first < end or npts < 1:
            return [f"{layout.GAPS} {text} are not stretches in order"]
        end = first + npts
    if end > item.npts:
        return [f"{layout.GAPS} {text} go beyond the {item.npts} samples"]
    stored = item.attrs.get(layout.COMPLETENESS)
    if not isinstance(stored, float):
        return []  # there is none, or its form is a fault already
    real = item.npts - sum(npts for _, npts in item.gaps)
    share = real / item.npts if item.npts else 0.0
    if layout.GAPS not in item.attrs:
        share = min(max(item.completeness, 0.0), 1.0)
    if not math.isclose(stored, share, abs_tol=1e-9):
        what = f"{layout.GAPS} {text or 'none'}"
        return [f"{layout.COMPLETENESS} is {stored}, {what} of {item.npts} samples give {share}"]
    return []
