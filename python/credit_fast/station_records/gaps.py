"""What becomes of a station record with gaps: filled, split, or components dropped.

A gap is what the record lists as one: a stretch that a component lacks and another component of the
record, or the component itself before and after, has. Records in, records out; no archive, no HDF5.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from credit_fast.hdf5 import layout
from credit_fast.station_records.record import Component, Record, runs_of_true
from credit_fast.station_records.selection import HAS_GAPS
from credit_fast.station_records.settings import Settings

__all__ = ["apply_gap_rule"]


def apply_gap_rule(record: Record, settings: Settings, picks_ns: Iterable[int]) -> None:
    """Change a filled record by `settings.gaps`; gaps of at most `max_gap_s` stay filled.

    - `"drop"`: a component with a longer gap is refused, and the record ends where the remaining
      ones do. At the ends one sample is no gap: so much lies between components whose clocks
      differ by less than half a sample.
    - `"split"`: the record becomes one stretch without longer gaps in any component: that with
      most of the times `picks_ns`, of several the longest, then the first. What went of a component
      is listed in its note `split_off`, as `first:npts` from the first sample of the record.
    """
    if settings.gaps == "fill" or not any(part.gaps for part in record.components.values()):
        return
    # Room for the rounding of decimals: 0.29 s at 100 Hz are 29 samples.
    longest = math.floor((settings.max_gap_s or 0.0) * record.rate_hz + 1e-6)
    if settings.gaps == "drop":
        _drop(record, longest)
    else:
        _split(record, longest, list(picks_ns))


def _drop(record: Record, longest: int) -> None:
    _refuse(record, [part for part in _parts(record) if _has_gap_inside(part, longest)])
    if not record.components:
        return
    _trim(record)
    _refuse(record, [part for part in _parts(record) if _lacks_an_end(part, max(longest, 1))])
    if record.components:
        _trim(record)


def _split(record: Record, longest: int, picks_ns: list[int]) -> None:
    common = np.ones(record.npts, dtype=bool)
    for part in _parts(record):
        for first, count in part.gaps:
            if count > longest:
                common[first : first + count] = False
    stretches = runs_of_true(common)
    if not stretches:
        _refuse(record, _parts(record))
        return
    picks = [record.index_at(time_ns) for time_ns in picks_ns]

    def worth(stretch: tuple[int, int]) -> tuple[int, int]:
        first, count = stretch
        return sum(first <= index < first + count for index in picks), count

    first, npts = max(stretches, key=worth)  # of equal ones the first
    for part in _parts(record):
        gone = _real(part)
        gone[first : first + npts] = False
        if gone.any():
            others = [(begin - first, count) for begin, count in runs_of_true(gone)]
            part.notes[layout.SPLIT_OFF] = layout.format_gaps(others)
    _cut(record, first, npts)


def _parts(record: Record) -> list[Component]:
    return list(record.components.values())


def _has_gap_inside(part: Component, longest: int) -> bool:
    npts = len(part.data)
    return any(count > longest and first > 0 and first + count < npts for first, count in part.gaps)


def _lacks_an_end(part: Component, longest: int) -> bool:
    npts = len(part.data)
    return any(
        count > longest and (first == 0 or first + count == npts) for first, count in part.gaps
    )


def _refuse(record: Record, parts: list[Component]) -> None:
    for part in parts:
        del record.components[part.name]
        record.refused[part.name] = HAS_GAPS
    if not record.components:
        record.refusal = HAS_GAPS


def _trim(record: Record) -> None:
    """End the record where the last of its components does, and begin it with the first."""
    first = min(_lead(part.gaps) for part in _parts(record))
    mirrored = [
        [(record.npts - start - count, count) for start, count in part.gaps]
        for part in _parts(record)
    ]
    behind = min(_lead(gaps) for gaps in mirrored)
    if first or behind:
        _cut(record, first, record.npts - first - behind)


def _lead(gaps: list[tuple[int, int]]) -> int:
    return next((count for first, count in gaps if first == 0), 0)


def _cut(record: Record, first: int, npts: int) -> None:
    """Keep `npts` samples from `first`; real samples that go are missing in the asked window."""
    for part in _parts(record):
        real = _real(part)
        gone = int(np.count_nonzero(real)) - int(np.count_nonzero(real[first : first + npts]))
        part.missing_s += gone / record.rate_hz
        part.data = part.data[first : first + npts]
        part.gaps = [
            (max(begin, first) - first, min(begin + count, first + npts) - max(begin, first))
            for begin, count in part.gaps
            if begin < first + npts and begin + count > first
        ]
    record.start_ns += round(first * 1e9 / record.rate_hz)
    record.npts = npts


def _real(part: Component) -> npt.NDArray[np.bool_]:
    real = np.ones(len(part.data), dtype=bool)
    for first, count in part.gaps:
        real[first : first + count] = False
    return real
