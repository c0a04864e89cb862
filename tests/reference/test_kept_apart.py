"""Logs, opaque records and records without samples beside the waveforms of the same channel."""

from __future__ import annotations

import struct
import subprocess
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("obspy")
pytest.importorskip("pymseed")

import obspy
from made_records import Channel, log_record, opaque_record, without_samples
from mseed_files import from_obspy
from pymseed import MS3Record
from tsindex_rows import assert_rows_are_parts_of, dump, mseedindex

import credit_fast
from credit_fast import UTCDateTime

BuildIndex = Callable[[Iterable[Path]], Path]

START = UTCDateTime("2020-01-01")
SAMPLES = np.arange(1200, dtype=np.int32)
TEXT = b"GPS lock lost; drift 12 us"


def with_between(*between: bytes) -> bytes:
    """Waveform, the given records, and the waveform going on without a gap; twice."""
    parts = [Channel().records(START + n / 100, SAMPLES[n : n + 400]) for n in (0, 400, 800)]
    return b"".join(between).join(parts)


DETECTION = without_samples("2020-01-01T00:00:01", 200, struct.pack(">fff", 1.5, 2.5, 3.5))
CALIBRATION = without_samples("2020-01-01T00:00:04", 300, bytes(range(56)))
STATE = without_samples("2020-01-01T00:00:02", 500, bytes(196), channel="SOH")
OPAQUE = opaque_record("2020-01-01T00:00:04", b"\x00\x01opaque\xff" * 9)
LOG = log_record("2020-01-01T00:00:04", TEXT)
LOG_WITHOUT_RATE = log_record("2020-01-01T00:00:04", TEXT, rate_hz=0)


@pytest.mark.parametrize(
    "between",
    [
        [DETECTION],
        [CALIBRATION],
        [STATE],
        [DETECTION, STATE, CALIBRATION, DETECTION],
        [OPAQUE],
        [LOG],
        [LOG_WITHOUT_RATE],
        [LOG, OPAQUE, STATE, LOG_WITHOUT_RATE],
    ],
    ids=[
        "detection",
        "calibration",
        "state of health",
        "all three",
        "opaque",
        "log",
        "log without rate",
        "all kinds",
    ],
)
def test_the_waveform_is_whole_and_nothing_is_wrong(
    tmp_path: Path, build_index: BuildIndex, between: list[bytes]
) -> None:
    data = with_between(*between)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        stream = credit_fast.read(data)
    logs = [trace for trace in stream if trace.data.dtype.kind == "S"]
    [waveform] = [trace for trace in stream if trace.data.dtype.kind != "S"]
    assert (waveform.id, waveform.stats.starttime) == ("XX.AAA..HHZ", START)
    assert np.array_equal(waveform.data, SAMPLES)
    wanted = 2 * sum(record in (LOG, LOG_WITHOUT_RATE) for record in between)
    assert [log.data.tobytes() for log in logs] == [TEXT] * wanted

    file = tmp_path / "mixed.mseed"
    file.write_bytes(data)
    report = credit_fast.makeindex(str(file), str(tmp_path / "index.db"), progress=False)
    assert report.problems == []
    client = credit_fast.Client(str(tmp_path / "index.db"))
    for merge in (-1, None):
        stream = client.get_waveforms("*", "*", "*", "*", START, START + 12, merge=merge)
        assert {trace.data.dtype for trace in stream} == {np.dtype(np.int32)}
        stream.merge(-1)
        assert np.array_equal(stream[0].data, SAMPLES)
    [cut] = client.get_waveforms("XX", "AAA", "", "HHZ", START + 3.5, START + 4.5)
    assert np.array_equal(cut.data, SAMPLES[350:451])


def test_a_made_log_is_one_for_obspy_too(tmp_path: Path) -> None:
    file = tmp_path / "log.mseed"
    file.write_bytes(LOG_WITHOUT_RATE)
    [theirs] = from_obspy(obspy.read(str(file)))
    [ours] = credit_fast.read(file)
    assert theirs.data.dtype == ours.data.dtype == np.dtype("S1")
    assert theirs.data.tobytes() == ours.data.tobytes() == TEXT
    # In ObsPy it parts the waveform of its channel.
    file.write_bytes(with_between(LOG))
    assert len(obspy.read(str(file))) == 5


def test_a_made_opaque_record_is_one_for_libmseed_too(tmp_path: Path) -> None:
    file = tmp_path / "opaque.mseed3"
    file.write_bytes(OPAQUE)
    found = [(record.sourceid, record.encoding) for record in MS3Record.from_file(str(file))]
    assert found == [("FDSN:XX_AAA__H_H_Z", 100)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(credit_fast.read(file)) == 0


def test_rows_of_kept_apart_records_are_mseedindexs(
    tmp_path: Path, build_index: BuildIndex
) -> None:
    file = tmp_path / "mixed.mseed"
    file.write_bytes(with_between(DETECTION, LOG_WITHOUT_RATE, OPAQUE, STATE, CALIBRATION, LOG))
    theirs = tmp_path / "theirs.db"
    subprocess.run([mseedindex(), "-sqlite", str(theirs), str(file)], check=True)
    mine, other = dump([build_index([file]), theirs])
    # What is no waveform stands at times of the waveform: rows end where time goes back.
    assert len(mine) > len(other)
    assert_rows_are_parts_of(mine, other)


@pytest.mark.parametrize("name", ["libmseed/testdata-detection.record.mseed2"])
def test_a_real_detection_ends_no_file(shared_data: Path, name: str) -> None:
    record = (shared_data / "oddities" / name).read_bytes()
    empty = (shared_data / "oddities/seisfile/nodata_dataoffset.mseed").read_bytes()
    data = with_between(record, empty)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        [waveform] = credit_fast.read(data)
    assert np.array_equal(waveform.data, SAMPLES)
