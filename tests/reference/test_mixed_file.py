"""One file of records of every sort, one behind the other: each trace as if it were alone."""

from __future__ import annotations

import warnings
from itertools import zip_longest
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("obspy")
pytest.importorskip("pymseed")

import obspy
from made_records import Channel, split
from mseed_files import Segment, differences, from_obspy, from_ours, from_pymseed

import credit_fast
from credit_fast import UTCDateTime

START = UTCDateTime("2019-05-01T12:00:00.012345")
REAL = [
    "mspass/3channels.mseed",
    "simplemseed/bird_jsc.ms3",
    "libmseed/testdata-encoding-CDSN.mseed2",
    "libmseed/testdata-encoding-SRO.mseed2",
    "libmseed/reference-testdata-steim1-LE.mseed2",
    "libmseed/testdata-3channel-signal.mseed3",
    "libmseed-v2-tests/Int32-128byte.mseed",
    "geonet-kit/4096_float.mseed",
    "nanometrics/miniseed2-2records.mseed",
    "pymseed/testdata-60sec-period.mseed3",
]


def made() -> list[tuple[Channel, UTCDateTime, np.ndarray]]:
    """Series of one channel that must stay apart: rate, type and quality change, lengths may."""
    noise = np.random.default_rng(11).integers(-30_000, 30_000, 9000).astype(np.int32)
    floats = noise[:700].astype(np.float32) / 7
    return [
        (Channel(reclen=512), START, noise[:3000]),
        (Channel(reclen=4096), START + 30, noise[3000:6000]),
        (Channel(reclen=256, encoding="INT32"), START + 60, noise[6000:6500]),
        (Channel(reclen=512, rate_hz=40.0), START + 65, noise[6500:7000]),
        (Channel(reclen=512, encoding="FLOAT32"), START + 77.5, floats),
        (Channel(reclen=512, encoding="FLOAT64"), START + 84.5, floats.astype(np.float64)),
        (Channel(reclen=8192, quality="R"), START, noise[7000:9000]),
    ]


def alone(file: Path) -> list[Segment]:
    """What ObsPy, or libmseed for miniSEED 3, makes of a file of one sort."""
    if file.read_bytes().startswith(b"MS\x03"):
        return from_pymseed(file)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return from_obspy(obspy.read(str(file), format="MSEED"))


def mixed(folder: Path) -> tuple[bytes, list[list[Segment]]]:
    """The file, records of all sources in turn, and the traces of each source."""
    sources = [folder / "oddities" / name for name in REAL]
    files = [split(source.read_bytes()) for source in sources]
    # The made series follow each other in time; the copy of quality R is a source of its own.
    series = made()
    for group in (series[:-1], series[-1:]):
        files.append([r for channel, at, data in group for r in split(channel.records(at, data))])
    turns = zip_longest(*files)
    data = b"".join(record for turn in turns for record in turn if record is not None)
    assert {len(record) for file in files for record in file} >= {128, 256, 512, 4096, 8192}
    return data, [alone(source) for source in sources]


def test_every_trace_is_as_if_its_records_were_alone(shared_data: Path) -> None:
    data, expected = mixed(shared_data)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        stream = credit_fast.read(data)
    ours = from_ours(stream)
    for segments in expected:
        ids = {segment.id for segment in segments}
        found = [segment for segment in ours if segment.id in ids]
        assert differences(found, segments) == [], ids

    found_made = [trace for trace in stream if trace.id == "XX.AAA..HHZ"]
    best = [trace for trace in found_made if trace.stats.mseed["dataquality"] == "D"]
    raw = [trace for trace in found_made if trace.stats.mseed["dataquality"] == "R"]
    series = made()
    joined = np.concatenate([data for _, _, data in series[:3]])
    wanted = [(START, 100.0, joined)]
    wanted += [(at, channel.rate_hz, data) for channel, at, data in series[3:6]]
    assert len(best) == len(wanted)
    for trace, (at, rate_hz, samples) in zip(best, wanted, strict=True):
        assert (trace.stats.starttime, trace.stats.sampling_rate) == (at, rate_hz)
        assert trace.data.dtype == samples.dtype
        assert np.array_equal(trace.data, samples)
    assert len(raw) == 1
    assert np.array_equal(raw[0].data, series[-1][2])
    assert len(ours) == sum(map(len, expected)) + len(wanted) + 1


def test_windows_of_the_mixed_file_give_the_same_samples(shared_data: Path, tmp_path: Path) -> None:
    data, expected = mixed(shared_data)
    file = tmp_path / "mixed.mseed"
    file.write_bytes(data)
    report = credit_fast.makeindex(str(file), str(tmp_path / "index.db"), progress=False)
    assert report.problems == []
    client = credit_fast.Client(str(tmp_path / "index.db"))
    for segments in expected:
        for segment in segments:
            start = UTCDateTime(ns=segment.start_ns)
            end = start + (segment.npts - 1) / segment.rate_hz
            found = from_ours(client.get_waveforms(*segment.id.split("."), start, end))
            assert differences(found, [segment], tolerance_ns=1000) == [], segment.id
    for channel, at, samples in made()[3:6]:
        end = at + (len(samples) - 1) / channel.rate_hz
        [trace] = client.get_waveforms("XX", "AAA", "", "HHZ", at, end)
        assert np.array_equal(trace.data, samples)
