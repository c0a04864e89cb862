"""Components 1, 2 (and Z) of a station record turned to E, N, Z by their orientations.

The sign conventions of SEED: azimuth clockwise from north, dip down from the horizontal; Z is
positive upward. Axes need not stand at right angles: samples are changed to the other base, not
projected. Records in, records out; no archive, no HDF5.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from credit_fast.hdf5 import layout
from credit_fast.station_records.orientations import Orientations
from credit_fast.station_records.plan import StationPlan
from credit_fast.station_records.record import Component, Record, runs_of_true

__all__ = ["raw_names", "rotate_record"]

UPWARD = (0.0, -90.0)  # azimuth and dip of Z where the table has none
# Volume between the axes (1: right angles). Below it noise is blown up more than tenfold.
_LEAST_VOLUME = 0.1
_RAW = "12Z"
_Matrix = npt.NDArray[np.float64]


def raw_names(plan: StationPlan, band: str, table: Orientations | None) -> list[str]:
    """Channels that the E, N and Z of a band can be made of; empty without orientations of 1, 2."""
    names = [band + letter for letter in _RAW]
    known = [_direction(plan, name, table) for name in names[:2]]
    return names if all(known) else []


def rotate_record(
    record: Record, plan: StationPlan, band: str, table: Orientations, letters: str, fill: int
) -> None:
    """Put E, N, Z in the place of the components 1, 2, Z of one band.

    A sample that one of the components lacks, is lacking in all that are made of it. Without Z
    the horizontals must be level. What cannot be turned is refused, for each letter of `letters`.
    """
    parts = {name[-1]: part for name, part in record.components.items()}
    refused = {name[-1]: reason for name, reason in record.refused.items()}
    record.components, record.refused = {}, {}
    for letter in "12":
        if letter not in parts:
            reason = refused.get(letter, "no data")
            _keep_vertical(record, parts, refused, band, letters, f"{band}{letter}: {reason}")
            return
    raw = [letter for letter in _RAW if letter in parts]
    directions = [_direction(plan, band + letter, table) or UPWARD for letter in raw]
    matrix, fault = _matrix(directions)
    if matrix is None:
        _keep_vertical(record, parts, refused, band, letters, fault)
        return
    sources = [parts[letter] for letter in raw]
    for letter, weights in zip("ZNE", matrix, strict=True):
        if letter not in letters or not weights.any():
            continue
        name = band + letter
        record.components[name] = _mixed(name, record, sources, weights, fill)
    if "Z" in letters and "Z" in refused:
        record.refused[f"{band}Z"] = refused["Z"]


def _keep_vertical(
    record: Record,
    parts: dict[str, Component],
    refused: dict[str, str],
    band: str,
    letters: str,
    fault: str,
) -> None:
    """Horizontals that cannot be turned are refused; a Z that does not need them stays."""
    reason = f"cannot be turned to E and N: {fault}"
    record.refused = {f"{band}{letter}": reason for letter in letters if letter in "EN"}
    if "Z" in letters and "Z" in parts:
        record.components[f"{band}Z"] = parts["Z"]
    elif "Z" in letters and "Z" in refused:
        record.refused[f"{band}Z"] = refused["Z"]
    if not record.components:
        record.refusal = "; ".join(sorted(set(record.refused.values())))


def _direction(
    plan: StationPlan, channel: str, table: Orientations | None
) -> tuple[float, float] | None:
    if table is None:
        return None
    return table.get(plan.network, plan.station, plan.location, channel)


def _matrix(directions: list[tuple[float, float]]) -> tuple[_Matrix | None, str]:
    """Rows Z, N, E: what each takes of the components; None, and why, when nothing does."""
    level = [abs(dip) < 1e-9 for _, dip in directions]
    axes = np.array([_axis(*direction) for direction in directions])
    if len(axes) == 2:
        if not all(level):
            return None, "they are not level, and there is no Z"
        axes = np.vstack([axes, [1.0, 0.0, 0.0]])
    volume = abs(float(np.linalg.det(axes)))
    if volume < _LEAST_VOLUME:
        return None, f"their orientations span {volume:.2g} of what right angles do"
    matrix = np.linalg.inv(axes)[:, : len(directions)]
    # What is meant as 0 or 1 shall be it: a component that is only renamed keeps its samples.
    for exact in (-1.0, 0.0, 1.0):
        matrix[np.abs(matrix - exact) < 1e-12] = exact
    return matrix, ""


def _axis(azimuth_deg: float, dip_deg: float) -> list[float]:
    """Unit vector (up, north, east) of a direction."""
    azimuth, dip = np.deg2rad(azimuth_deg), np.deg2rad(dip_deg)
    return [
        -float(np.sin(dip)),
        float(np.cos(azimuth) * np.cos(dip)),
        float(np.sin(azimuth) * np.cos(dip)),
    ]


def _mixed(
    name: str, record: Record, sources: list[Component], weights: _Matrix, fill: int
) -> Component:
    used = [(part, float(weight)) for part, weight in zip(sources, weights, strict=True) if weight]
    data = np.zeros(record.npts)
    lacking = np.zeros(record.npts, dtype=bool)
    for part, weight in used:
        data += weight * part.data
        for first, count in part.gaps:
            lacking[first : first + count] = True
    data[lacking] = fill
    # Outside of the record all lack the same, up to half a sample: least is what no clock adds.
    outside_s = min(
        part.missing_s - sum(count for _, count in part.gaps) / record.rate_hz for part, _ in used
    )
    if [(part.name, weight) for part, weight in used] == [(name, 1.0)]:
        return used[0][0]
    names = ",".join(part.name for part, _ in used)
    notes = {key: value for part, _ in used for key, value in part.notes.items()}
    return Component(
        name=name,
        data=data,
        gaps=runs_of_true(lacking),
        subsample_offset_s=max((part.subsample_offset_s for part, _ in used), key=abs),
        missing_s=max(0.0, outside_s) + int(lacking.sum()) / record.rate_hz,
        conflicts=sum(part.conflicts for part, _ in used),
        float_data="",
        notes=notes | {layout.ROTATED_FROM: names},
    )
