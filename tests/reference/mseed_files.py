"""Which miniSEED files the reference tests read, and how a stream of any library is laid out flat.

Finds files and compares answers; asserts nothing about our own code and holds no expected value.
ObsPy is asked what it takes for miniSEED, so the list follows the installed version.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

NANOSECONDS = 1_000_000_000


@dataclass(frozen=True)
class Segment:
    """One continuous run of samples of one channel, as any of the libraries gave it."""

    id: str
    start_ns: int
    rate_hz: float
    data: npt.NDArray[Any]

    @property
    def npts(self) -> int:
        """Number of samples."""
        return len(self.data)


def shared_folder() -> Path | None:
    """Folder of real data by the rule of the fixture `shared_data`, for use at collection time."""
    named = os.environ.get("CREDIT_FAST_DATA")
    repository = Path(__file__).resolve().parents[2]
    folder = Path(named) if named else repository.parent / "shared" / "data"
    return folder if folder.is_dir() else None


def obspy_folder() -> Path | None:
    """Folder of the installed ObsPy, None without ObsPy."""
    try:
        import obspy
    except ImportError:
        return None
    return Path(obspy.__file__).parent


def obspy_test_files() -> list[Path]:
    """Every file in the test data of the installed ObsPy that ObsPy takes for miniSEED."""
    root = obspy_folder()
    if root is None:
        return []
    from obspy.io.mseed.core import _is_mseed

    files = (
        file
        for folder in sorted(root.rglob("tests/data"))
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    )
    return [file for file in files if _is_mseed(str(file))]


def shared_files(part: str) -> list[Path]:
    """Every file under one folder of the real data, without its notes."""
    root = shared_folder()
    if root is None:
        return []
    files = sorted(file for file in (root / part).rglob("*") if file.is_file())
    return [file for file in files if file.suffix != ".md"]


def short_name(file: Path) -> str:
    """Name of a file from the folder of ObsPy or of the real data on, the same on every machine."""
    roots = {"obspy": obspy_folder(), "shared": shared_folder()}
    for name, root in roots.items():
        if root is not None and file.is_relative_to(root):
            return f"{name}/{file.relative_to(root).as_posix()}"
    return file.name


def is_version_3(file: Path) -> bool:
    """Whether the file starts with a miniSEED 3 record."""
    with file.open("rb") as stream:
        return stream.read(3) == b"MS\x03"


def from_obspy(stream: Iterable[Any]) -> list[Segment]:
    """Lay an ObsPy stream out flat."""
    return [
        Segment(trace.id, trace.stats.starttime.ns, trace.stats.sampling_rate, trace.data)
        for trace in stream
    ]


def from_ours(stream: Iterable[Any]) -> list[Segment]:
    """Lay a credit_fast stream out flat."""
    return [
        Segment(trace.id, trace.stats.starttime.ns, trace.stats.sampling_rate, trace.data)
        for trace in stream
    ]


def from_pymseed(file: Path) -> list[Segment]:
    """Read one file with libmseed's trace list: by identifier, then by time."""
    from pymseed import MS3TraceList, sourceid2nslc

    return [
        Segment(
            ".".join(sourceid2nslc(trace_id.sourceid)),
            segment.starttime,
            segment.samprate,
            np.array(segment.np_datasamples) if segment.numsamples else np.empty(0, np.int32),
        )
        for trace_id in MS3TraceList.from_file(str(file), unpack_data=True)
        for segment in trace_id
    ]


def differences(ours: list[Segment], theirs: list[Segment], *, tolerance_ns: int = 0) -> list[str]:
    """Say in words where two flat streams differ; empty when they are equal.

    Start times may differ by `tolerance_ns`; everything else is compared exactly, NaN equal
    to NaN. The width of integers is free, the kind of number and the width of floats is not.
    """
    found: list[str] = []
    if len(ours) != len(theirs):
        found.append(f"{len(ours)} traces, expected {len(theirs)}")
    for number, (mine, other) in enumerate(zip(ours, theirs, strict=False)):
        place = f"trace {number} ({other.id})"
        if mine.id != other.id:
            found.append(f"{place}: id {mine.id}")
        if abs(mine.start_ns - other.start_ns) > tolerance_ns:
            late = mine.start_ns - other.start_ns
            found.append(f"{place}: starts {late} ns later than expected")
        if mine.rate_hz != other.rate_hz:
            found.append(f"{place}: rate {mine.rate_hz!r}, expected {other.rate_hz!r}")
        if mine.npts != other.npts:
            found.append(f"{place}: {mine.npts} samples, expected {other.npts}")
        elif not _same_samples(mine.data, other.data):
            found.append(f"{place}: samples differ ({mine.data.dtype}, {other.data.dtype})")
    return found


def _same_samples(mine: npt.NDArray[Any], other: npt.NDArray[Any]) -> bool:
    kind = mine.dtype.kind
    if kind != other.dtype.kind:
        return False
    if kind == "f":
        return mine.dtype.itemsize == other.dtype.itemsize and np.array_equal(
            mine, other, equal_nan=True
        )
    return np.array_equal(mine, other)
