"""What we write, as ObsPy and pymseed read it: the same samples, times to what the format holds."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
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
    shared_files,
    short_name,
)

import credit_fast
from credit_fast import Stream, Trace

#: A start with nanoseconds that no rounding to microseconds keeps.
START_NS = 1_330_608_131_123_456_789
RATES = [100.0, 99.999, 1 / 60, 0.1, 31.25, 1e-3, 250 / 3, 40_000.0, 1 / 86_400]
LENGTHS = [1, 2, 3, 110, 111, 112, 113, 114, 500, 4000]
RECORD_LENGTHS = [128, 256, 512, 4096, 65_536]
INTEGERS = ["STEIM1", "STEIM2", "INT16", "INT32"]
FLOATS = {"FLOAT32": np.float32, "FLOAT64": np.float64}
FORMATS = ["MSEED", "MSEED3"]


def integers(npts: int, bits: int, seed: int = 1) -> Any:
    """Samples whose differences take all widths up to `bits`, in stretches."""
    draw = np.random.default_rng(seed)
    widths = np.repeat(draw.integers(1, bits, npts // 9 + 1), 9)[:npts]
    steps = draw.integers(-(2**31), 2**31, npts) >> (32 - widths)
    limit = 2 ** (bits - 1)
    return (np.cumsum(steps) % limit - limit // 2).astype(np.int32)


def samples_for(encoding: str, npts: int) -> Any:
    if encoding in FLOATS:
        return np.random.default_rng(npts).standard_normal(npts).astype(FLOATS[encoding])
    return integers(npts, {"INT16": 16, "STEIM2": 29}.get(encoding, 32), npts)


def trace(data: Any, rate_hz: float = 100.0, start_ns: int = START_NS) -> Trace:
    made = Trace(data, {"network": "XX", "station": "WRITE", "location": "00", "channel": "HHZ"})
    made.stats.sampling_rate = rate_hz
    made.stats.starttime = credit_fast.UTCDateTime(ns=start_ns)
    return made


def readers(format: str, path: Path) -> dict[str, list[Segment]]:
    """The file as each library reads it."""
    answers = {"ours": from_ours(credit_fast.read(path)), "pymseed": from_pymseed(path)}
    if format == "MSEED":
        answers["obspy"] = from_obspy(obspy.read(path, format="MSEED"))
    return answers


def check(written: Trace | Stream, path: Path, format: str, **options: Any) -> None:
    """Write, and have all libraries read the same."""
    written.write(path, format, **options)
    expected = from_ours([written] if isinstance(written, Trace) else written)
    held_ns = 0 if format == "MSEED3" else 500
    for library, found in readers(format, path).items():
        told = differences(found, expected, tolerance_ns=held_ns)
        assert told == [], (library, options)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("encoding", [*INTEGERS, *FLOATS])
@pytest.mark.parametrize("reclen", RECORD_LENGTHS)
def test_all_read_the_samples_of_any_length(
    tmp_path: Path, format: str, encoding: str, reclen: int
) -> None:
    for npts in LENGTHS:
        data = samples_for(encoding, npts)
        check(trace(data), tmp_path / "a", format, encoding=encoding, reclen=reclen)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("rate_hz", RATES)
def test_all_read_the_rate_and_the_times_of_all_records(
    tmp_path: Path, format: str, rate_hz: float
) -> None:
    data = samples_for("STEIM2", 3000)
    written = trace(data, rate_hz)
    path = tmp_path / "a"
    written.write(path, format, reclen=256)
    # Only 99.999 has no fraction: blockette 100 has it in single precision.
    held = float(np.float32(rate_hz)) if (format, rate_hz) == ("MSEED", 99.999) else rate_hz
    tolerance_ns = 0 if format == "MSEED3" else 500
    for found in readers(format, path).values():
        assert differences(found, from_ours([trace(data, held)]), tolerance_ns=tolerance_ns) == []
    ends = _record_starts(path)
    done = 0
    for start_ns, npts in ends:
        expected_ns = START_NS + round(done * 10**9 / rate_hz)
        # Doubles of a time of years: 3000 samples at a day each.
        assert abs(start_ns - expected_ns) <= tolerance_ns + 1 + expected_ns * 2**-52
        done += npts
    assert done == 3000


def _record_starts(path: Path) -> list[tuple[int, int]]:
    from pymseed import MS3Record

    records = MS3Record.from_file(str(path), unpack_data=True)
    return [(record.starttime, record.numsamples) for record in records]


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize(
    "start_ns", [0, 1, -1, 999_999_999, -999_999_500, -1_500_000_000_123_456_789, 4_000_000_049_999]
)
def test_all_read_odd_nanoseconds_and_times_before_1970(
    tmp_path: Path, format: str, start_ns: int
) -> None:
    check(trace(samples_for("STEIM2", 1000), 100.0, start_ns), tmp_path / "a", format, reclen=512)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("encoding", ["STEIM1", "INT32", None])
def test_all_read_extreme_values(tmp_path: Path, format: str, encoding: str | None) -> None:
    low, high = -(2**31), 2**31 - 1
    data = np.array([low, high, low, 0, high, high, -1, low, 5] * 40, np.int32)
    check(trace(data), tmp_path / "a", format, encoding=encoding, reclen=256)


@pytest.mark.parametrize("format", FORMATS)
def test_all_read_special_floats(tmp_path: Path, format: str) -> None:
    data = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 5e-324, 1.7e308])
    check(trace(data), tmp_path / "a", format)


@pytest.mark.parametrize("format", FORMATS)
def test_all_read_several_channels_and_gaps(tmp_path: Path, format: str) -> None:
    first, second = trace(integers(1000, 20)), trace(integers(700, 12))
    second.stats.channel = "HHN"
    masked = trace(np.ma.masked_array(integers(900, 10), np.arange(900) // 100 % 3 == 1))
    masked.stats.channel = "HHE"
    written = Stream([second, first, masked])
    path = tmp_path / "a"
    written.write(path, format, reclen=512)
    expected = {(s.id, s.start_ns): s for s in from_ours(Stream([first, second, *masked.split()]))}
    for library, found in readers(format, path).items():
        order = sorted(expected.values(), key=lambda s: (s.id, s.start_ns))
        found.sort(key=lambda s: (s.id, s.start_ns))
        assert differences(found, order, tolerance_ns=500) == [], library


@pytest.mark.parametrize("file", shared_files("waveforms")[::9], ids=short_name)
@pytest.mark.parametrize("format", FORMATS)
def test_all_read_real_data_written_again(tmp_path: Path, file: Path, format: str) -> None:
    read = credit_fast.read(file).sort()
    path = tmp_path / "a"
    read.write(path, format, reclen=512)
    for library, found in readers(format, path).items():
        found.sort(key=lambda s: (s.id, s.start_ns))
        assert differences(found, from_ours(read), tolerance_ns=500) == [], library


def test_obspy_reads_text(tmp_path: Path) -> None:
    text = np.frombuffer(b"mass position 0.25 V\r\n" * 40, "S1")
    log = trace(text, 0.0)
    log.stats.channel = "LOG"
    log.write(tmp_path / "a", reclen=256)
    theirs = obspy.read(tmp_path / "a", format="MSEED")
    assert b"".join(np.concatenate([t.data for t in theirs]).tolist()) == text.tobytes()


def test_what_obspy_writes_is_no_smaller(tmp_path: Path) -> None:
    written = trace(integers(50_000, 12))
    for encoding in ("STEIM1", "STEIM2"):
        ours, theirs = io.BytesIO(), io.BytesIO()
        written.write(ours, encoding=encoding, reclen=512)
        written.to_obspy().write(theirs, format="MSEED", encoding=encoding, reclen=512)
        assert len(ours.getvalue()) <= len(theirs.getvalue())


def test_a_choice_without_encoding_is_that_of_obspy(tmp_path: Path) -> None:
    for dtype in (np.int16, np.int32, np.int64, np.float32, np.float64):
        written = trace(np.arange(50).astype(dtype))
        ours, theirs = io.BytesIO(), io.BytesIO()
        written.write(ours)
        written.to_obspy().write(theirs, format="MSEED")
        found, expected = (
            obspy.read(io.BytesIO(file.getvalue()))[0].stats.mseed for file in (ours, theirs)
        )
        assert found.encoding == expected.encoding
        assert found.record_length == expected.record_length == 4096
        assert found.dataquality == expected.dataquality == "D"


def test_the_quality_becomes_the_publication_version(tmp_path: Path) -> None:
    from pymseed import MS3Record

    for mseed, quality, version in [
        ({}, "D", 0),
        ({"dataquality": "M"}, "M", 4),
        ({"quality": "r"}, "R", 1),
        ({"dataquality": None, "publication_version": 9}, "D", 9),
    ]:
        written = trace(np.arange(50, dtype=np.int32))
        written.stats.mseed = mseed
        written.write(tmp_path / "2")
        written.write(tmp_path / "3", "mseed3")
        assert obspy.read(tmp_path / "2")[0].stats.mseed.dataquality == quality
        records = MS3Record.from_file(str(tmp_path / "3"))
        found = [(record.pubversion, record.sourceid) for record in records]
        assert found == [(version, "FDSN:XX_WRITE_00_H_H_Z")]
