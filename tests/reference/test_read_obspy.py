"""`credit_fast.read` against `obspy.read`, and against pymseed for miniSEED 3, file by file.

`DIFFERENCES` is the whole list of files on which we do not give ObsPy's answer, each with the
reason and with what is expected instead. An entry on which we agree with ObsPy again fails.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("obspy")
pytest.importorskip("pymseed")

import obspy
from mseed_files import (
    Segment,
    differences,
    from_obspy,
    from_ours,
    from_pymseed,
    is_version_3,
    obspy_test_files,
    shared_files,
    shared_folder,
    short_name,
)

import credit_fast
from credit_fast.errors import DataWarning


def without_empty(theirs: list[Segment]) -> list[Segment]:
    """What is left when traces of no samples are dropped."""
    return [segment for segment in theirs if segment.npts]


def merged(segments: list[Segment]) -> list[Segment]:
    """Join neighbours in time with ObsPy's own `merge(-1)`."""
    stream = obspy.Stream()
    for segment in segments:
        codes = dict(
            zip(("network", "station", "location", "channel"), segment.id.split("."), strict=True)
        )
        start = obspy.UTCDateTime(ns=segment.start_ns)
        header = {**codes, "starttime": start, "sampling_rate": segment.rate_hz}
        stream.append(obspy.Trace(segment.data, header))
    return from_obspy(stream.merge(-1))


def joined_without_empty(theirs: list[Segment]) -> list[Segment]:
    """Empty traces dropped, and what they kept apart joined where nothing is missing."""
    return merged(without_empty(theirs))


def nothing(_theirs: list[Segment]) -> list[Segment]:
    """No trace at all."""
    return []


@dataclass(frozen=True)
class Difference:
    """Files on which our answer is not ObsPy's: why, and what it is."""

    pattern: str
    reason: str
    expected: Callable[[list[Segment]], list[Segment]]


EMPTY = "a record without samples makes no trace; ObsPy gives an empty float64 one"

DIFFERENCES = [
    Difference("*/bizarre/mseed_data_offset_0.mseed", EMPTY, joined_without_empty),
    Difference("*/three_records_zero_data_in_middle.mseed", EMPTY, without_empty),
    Difference("*/reference-testdata-headeronly.mseed2", EMPTY, nothing),
    Difference("*/testdata-detection.record.mseed2", EMPTY, nothing),
    Difference("*/nodata_dataoffset.mseed", EMPTY, nothing),
]

# Files that ObsPy raises on. What we give for them stands in the tests below.
OBSPY_RAISES = {"obspy/io/mseed/tests/data/infinite-loop.mseed"}

ALL = obspy_test_files() + shared_files("oddities") + shared_files("waveforms")
VERSION_2 = [file for file in ALL if not is_version_3(file)]
VERSION_3 = [file for file in ALL if is_version_3(file)]


def read_obspy(file: Path) -> list[Segment]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return from_obspy(obspy.read(str(file), format="MSEED", check_compression=False))


def read_ours(source: Any) -> tuple[list[Segment], list[str]]:
    """Our segments, and the texts of the warnings about the data."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        stream = credit_fast.read(source)
    texts = [str(item.message) for item in caught if issubclass(item.category, DataWarning)]
    return from_ours(stream), texts


def difference_for(name: str) -> Difference | None:
    found = [entry for entry in DIFFERENCES if fnmatch(name, entry.pattern)]
    assert len(found) <= 1, f"{name} is in the table twice"
    return found[0] if found else None


@pytest.mark.parametrize("file", VERSION_2, ids=short_name)
def test_same_traces_as_obspy(file: Path) -> None:
    name = short_name(file)
    if name in OBSPY_RAISES:
        with pytest.raises(obspy.core.util.obspy_types.ObsPyException):
            read_obspy(file)
        return
    theirs = read_obspy(file)
    ours, texts = read_ours(str(file))
    entry = difference_for(name)
    if entry is None:
        assert differences(ours, theirs) == []
        return
    assert differences(ours, theirs) != [], f"no longer different: {entry.reason}"
    assert differences(ours, entry.expected(theirs)) == []
    assert texts == []


def test_every_entry_of_the_table_has_its_file() -> None:
    if shared_folder() is None:
        pytest.skip("real data not found: set CREDIT_FAST_DATA to its folder")
    names = [short_name(file) for file in VERSION_2 + VERSION_3]
    unused = [e.pattern for e in DIFFERENCES if not any(fnmatch(n, e.pattern) for n in names)]
    assert unused == []
    assert set(names) >= OBSPY_RAISES


@pytest.mark.parametrize("file", VERSION_3, ids=short_name)
def test_miniseed_3_gives_the_traces_of_libmseed(file: Path) -> None:
    theirs = without_empty(from_pymseed(file))
    ours, texts = read_ours(str(file))
    if "mixedorder" in file.name:
        # libmseed heals segments by time, obspy.read and we keep the order of the file.
        assert len(ours) > len(theirs)
        ours = merged(ours)
    assert differences(ours, theirs) == []
    assert texts == []


@pytest.mark.parametrize(
    "pair",
    [
        "libmseed/reference-testdata-defaults",
        "libmseed/reference-testdata-float32",
        "libmseed/reference-testdata-int16",
        "libmseed/reference-testdata-mstlpack",
        "libmseed/reference-testdata-nsec",
        "libmseed/reference-testdata-oddrate",
        "libmseed/reference-testdata-steim1",
        "libmseed/reference-testdata-text",
        "libmseed/testdata-3channel-signal",
        "libmseed/testdata-oneseries-mixedlengths-mixedorder",
        "pymseed/packtest_sine2000",
        "simplemseed/casee",
    ],
)
def test_both_versions_of_the_same_data_give_the_same_traces(shared_data: Path, pair: str) -> None:
    base = shared_data / "oddities" / pair
    older, _ = read_ours(f"{base}.mseed2")
    newer, _ = read_ours(f"{base}.mseed3")
    # miniSEED 2 has microseconds only.
    assert differences(older, newer, tolerance_ns=500) == []


@pytest.mark.parametrize(
    "name",
    ["mspass/3channels.mseed", "simplemseed/bird_jsc.ms3", "obspy-examples-repo/fullseed_EE_VSU"],
)
def test_bytes_and_path_objects_read_like_the_file(shared_data: Path, name: str) -> None:
    file = shared_data / "oddities" / name
    by_name, _ = read_ours(str(file))
    assert by_name
    for source in (file, file.read_bytes()):
        again, _ = read_ours(source)
        assert differences(again, by_name) == []


def test_to_obspy_carries_everything_over(shared_data: Path) -> None:
    file = shared_data / "oddities" / "mspass" / "3channels.mseed"
    stream = credit_fast.read(str(file)).to_obspy()
    assert isinstance(stream, obspy.Stream)
    assert differences(from_obspy(stream), read_obspy(file)) == []
    for trace in stream:
        assert trace.stats.npts == len(trace.data)


def test_gaps_are_separate_traces() -> None:
    file = next(file for file in ALL if short_name(file).endswith("mseed/tests/data/gaps.mseed"))
    ours, texts = read_ours(str(file))
    assert [segment.npts for segment in ours] == [s.npts for s in read_obspy(file)]
    assert len(ours) == 4
    assert texts == []


def test_a_file_that_obspy_gives_up_on_is_read_to_its_end() -> None:
    """Bytes of a good file were changed all over: no record is sure, every damage is said."""
    file = next(f for f in ALL if f.name == "infinite-loop.mseed")
    ours, texts = read_ours(str(file))
    assert ours[0].id == "IU.COLA.00.LHZ"
    assert len(texts) >= 2, texts
    assert all("infinite-loop.mseed" in text for text in texts)


@pytest.mark.parametrize(
    ("name", "damage_at"),
    [("brokenlastrecord.mseed", 4096), ("corrupt_one_extra_byte_at_end.mseed", 512)],
)
def test_a_cut_end_is_said_with_its_offset(name: str, damage_at: int) -> None:
    file = next(f for f in ALL if f.name == name)
    _, texts = read_ours(str(file))
    assert len(texts) == 1
    assert name in texts[0]
    assert str(damage_at) in texts[0]
