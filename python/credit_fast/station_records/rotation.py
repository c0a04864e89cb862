"""Components 1, 2 (and Z) of a station record turned to E, N, Z by their orientations.

The sign conventions of SEED: azimuth clockwise from north, dip down from the horizontal; Z is
positive upward. Axes need not stand at right angles: samples are changed to the other base, not
projected. Records in, records out; no archive, no HDF5.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import numpy.typing as npt

from credit_fast.hdf5 import layout
from credit_fast.station_records.orientations import Orientations
from credit_fast.station_records.plan import StationPlan
from credit_fast.station_records.record import Component, Record, runs_of_true

__all__ = ["letters_to_ask", "needed_names", "rotate_record", "turned_names"]

UPWARD = (0.0, -90.0)  # azimuth and dip of Z where the table has none
# Volume between the axes (1: right angles). Below it noise is blown up more than tenfold.
_LEAST_VOLUME = 0.1
_RAW = "12Z"
_Matrix = npt.NDArray[np.float64]


def letters_to_ask(letters: str, table: Orientations | None) -> str:
    """Orientations to ask the archive for: `letters`, and what they can be made of."""
    return "".join(dict.fromkeys(letters + ("" if table is None else _RAW)))


def turned_names(
    plan: StationPlan,
    band: str,
    table: Orientations | None,
    letters: str,
    present: Collection[str],
) -> list[str]:
    """Channels of a band that the E and N of `letters` are made of, where `present` ones have data.

    Empty where an E or N has data, neither 1 nor 2 has, or their orientations are not known.
    """
    horizontals = [band + letter for letter in letters if letter in "EN"]
    raw = _raw_names(plan, band, table)
    if not horizontals or {*horizontals} & {*present} or not {*raw[:2]} & {*present}:
        return []
    return raw


def needed_names(
    plan: StationPlan, band: str, table: Orientations | None, letters: str
) -> list[str]:
    """Those of the channels 1, 2 and Z of a band without which some of `letters` cannot be made.

    Empty where nothing can be turned: no E or N is asked for, or the orientations are not known,
    or do not do.
    """
    raw = _raw_names(plan, band, table)
    if not raw or not {*letters} & {*"EN"}:
        return []
    directions = [_direction(plan, name, table) or UPWARD for name in raw]
    is_upright = directions[2] == UPWARD
    if "Z" not in letters and is_upright and all(_is_level(item) for item in directions[:2]):
        raw, directions = raw[:2], directions[:2]
    return raw if _matrix(directions)[0] is not None else []


def _raw_names(plan: StationPlan, band: str, table: Orientations | None) -> list[str]:
    """Channels 1, 2 and Z of a band; empty without orientations of 1 and 2."""
    names = [band + letter for letter in _RAW]
    known = [_direction(plan, name, table) for name in names[:2]]
    return names if all(known) else []


def rotate_record(
    record: Record, plan: StationPlan, band: str, table: Orientations, letters: str, fill: int
) -> None:
    """Put E, N, Z in the place of the components 1, 2, Z of one band.

    A sample that one of the components lacks, is lacking in all that are made of it; what was
    refused of one is refused of these. Without Z the horizontals must be level. What cannot be
    turned is refused, for each letter of `letters`.
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
    for letter, weights in zip("ZNE", matrix, strict=True):
        if letter not in letters or not weights.any():
            continue
        name = band + letter
        used = {
            source: float(weight) for source, weight in zip(raw, weights, strict=True) if weight
        }
        record.components[name] = _made_of(
            [(parts[source], weight) for source, weight in used.items()], name, record, fill
        )
        lost = [
            refused[source] if source == letter else f"{refused[source]} ({band}{source})"
            for source in used
            if source in refused
        ]
        if lost:
            record.refused[name] = "; ".join(lost)
    if "Z" in letters and "Z" in refused and "Z" not in parts:
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
    level = [_is_level(direction) for direction in directions]
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


def _is_level(direction: tuple[float, float]) -> bool:
    return abs(direction[1]) < 1e-9


def _axis(azimuth_deg: float, dip_deg: float) -> list[float]:
    """Unit vector (up, north, east) of a direction."""
    azimuth, dip = np.deg2rad(azimuth_deg), np.deg2rad(dip_deg)
    return [
        -float(np.sin(dip)),
        float(np.cos(azimuth) * np.cos(dip)),
        float(np.sin(azimuth) * np.cos(dip)),
    ]


def _made_of(
    used: list[tuple[Component, float]], name: str, record: Record, fill: int
) -> Component:
    """The component that is the sum of others, each times its weight."""
    if [(part.name, weight) for part, weight in used] == [(name, 1.0)]:
        return used[0][0]
    lacking = np.zeros(record.npts, dtype=bool)
    for part, _ in used:
        for first, count in part.gaps:
            lacking[first : first + count] = True
    # Outside of the record all lack the same, up to half a sample: least is what no clock adds.
    outside_s = min(
        part.missing_s - sum(count for _, count in part.gaps) / record.rate_hz for part, _ in used
    )
    made = Component(
        name=name,
        data=np.zeros(0),
        gaps=runs_of_true(lacking),
        subsample_offset_s=max((part.subsample_offset_s for part, _ in used), key=abs),
        missing_s=max(0.0, outside_s) + int(lacking.sum()) / record.rate_hz,
        conflicts=sum(part.conflicts for part, _ in used),
        float_data="",
        notes=_notes([part for part, _ in used]),
    )
    if len(used) == 1 and abs(used[0][1]) == 1.0:
        _rename(made, *used[0], lacking)
    else:
        made.data = np.asarray(sum(weight * part.data for part, weight in used), dtype=np.float64)
        made.computed = True
    made.data[lacking] = fill
    return made


def _rename(made: Component, part: Component, sign: float, lacking: npt.NDArray[np.bool_]) -> None:
    """Give a component the samples of another, which keep their type, with their sign or not."""
    made.computed, made.float_data = part.computed, part.float_data
    # Of its own in any case, and 0 where there is none: a fill value may have no negative.
    made.data = np.where(lacking, part.data.dtype.type(0), part.data)
    if sign > 0:
        return
    if made.data.dtype.kind == "i" and made.data.min() == np.iinfo(made.data.dtype).min:
        made.data, made.float_data = made.data.astype(np.float64), "kept"
    made.data = -made.data


def _notes(parts: list[Component]) -> dict[str, layout.AttributeValue]:
    """From which channels, and from which rates where these were resampled."""
    texts = (str(part.notes.get(layout.RESAMPLED_FROM, "")) for part in parts)
    rates = dict.fromkeys(rate for text in texts for rate in text.split(",") if rate)
    notes: dict[str, layout.AttributeValue] = {
        layout.ROTATED_FROM: ",".join(part.name for part in parts)
    }
    if rates:
        notes[layout.RESAMPLED_FROM] = ",".join(rates)
    return notes
