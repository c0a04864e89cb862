"""Records that fail their own check: no data for a data set, samples with a warning for others."""

from __future__ import annotations

import os
import struct
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from memory_archive import at, catalog, event, noise, pick, stations

from credit_fast import Client, DataWarning, UTCDateTime, makeh5, makeindex, testh5
from credit_fast._core import encode_mseed2
from credit_fast.account import MakeH5Report
from credit_fast.station_records import Settings

RECLEN = 512
NPTS = 1000
EVENT = event(pick("P", 3.0), pick("S", 5.0))
STATION = "X1.AAA.00"


def records(channel: str, encoding: str = "STEIM2") -> bytes:
    """Ten seconds of noise from the origin of the event on."""
    data = noise(ord(channel[-1]), NPTS)
    return encode_mseed2("X1", "AAA", "00", channel, at(0.0), 100.0, data, encoding, RECLEN)


def extents(content: bytes) -> list[tuple[int, int]]:
    """First sample and number of samples of each record."""
    counts = [struct.unpack_from(">H", content, o + 30)[0] for o in range(0, len(content), RECLEN)]
    return [(sum(counts[:number]), count) for number, count in enumerate(counts)]


def last_sample(record: bytearray) -> None:
    """Another last sample than the differences lead to."""
    record[64 + 8 + 3] ^= 0x10


def first_difference(record: bytearray) -> None:
    """Samples that the last one contradicts."""
    record[64 + 16] ^= 0x01  # the first word of differences begins with one that is not used


def undefined_code(record: bytearray) -> None:
    """Code 2 whose word has no sub-code, in the second frame: the samples before it are read."""
    record[128 : 128 + 4] = bytes([0x2A, 0xAA, 0xAA, 0xAA])
    record[128 + 4 : 128 + 8] = bytes(4)


SPOILERS: dict[str, Callable[[bytearray], None]] = {
    "last sample": last_sample,
    "a difference": first_difference,
    "undefined code": undefined_code,
}


@dataclass
class Archive:
    """An archive on the disk whose HHZ has one spoilt record."""

    folder: Path
    lost: tuple[int, int]

    @property
    def index(self) -> Path:
        return self.folder / "index.db"

    def make(self, **options: Any) -> MakeH5Report:
        options = {"range_s": 2.0, "progress": False} | options
        source = options.pop("source", self.index)
        return makeh5(source, self.folder / "out.h5", catalog(EVENT), stations(STATION), **options)

    def check(self, **options: Any) -> Any:
        return testh5(
            self.folder / "out.h5", catalog(EVENT), index=self.index, progress=False, **options
        )


def spoilt(folder: Path, spoil: Callable[[bytearray], None], number: int) -> Archive:
    """Three whole components but for record `number` of HHZ."""
    (folder / "data").mkdir()
    for channel in ("HHE", "HHN", "HHZ"):
        content = bytearray(records(channel))
        if channel == "HHZ":
            lost = extents(bytes(content))[number]
            record = content[number * RECLEN : (number + 1) * RECLEN]
            spoil(record)
            content[number * RECLEN : (number + 1) * RECLEN] = record
        (folder / "data" / channel).write_bytes(content)
    makeindex(folder / "data", folder / "index.db", progress=False)
    return Archive(folder, lost)


@pytest.mark.parametrize("spoil", SPOILERS.values(), ids=SPOILERS)
def test_a_record_that_fails_its_check_is_a_gap_of_the_data_set(
    tmp_path: Path, spoil: Callable[[bytearray], None]
) -> None:
    archive = spoilt(tmp_path, spoil, 3)
    report = archive.make()
    first, count = archive.lost[0] - 100, archive.lost[1]  # the record begins at 1.0 s
    with h5py.File(tmp_path / "out.h5") as file:
        group = file[EVENT.event_id][STATION]
        whole, hurt = group["HHN"], group["HHZ"]
        assert (whole.attrs["gaps"], whole.attrs["completeness"]) == ("", 1.0)
        assert hurt.attrs["gaps"] == f"{first}:{count}"
        assert hurt.attrs["completeness"] == pytest.approx(1 - count / hurt.shape[0])
        expected = noise(ord("Z"), NPTS)[100 : 100 + hurt.shape[0]]
        expected[first : first + count] = 0
        assert np.array_equal(hurt[()], expected)
    assert (report.failed_channels, report.failed_records) == (1, 1)
    assert (report.components.written, report.components.partial) == (2, 1)
    assert report.has_problems
    assert ["HHZ" in text for text in report.damaged_files] == [True]
    assert "channels with records that failed their check" in str(report)
    assert report.to_dict()["failed_records"] == 1


@pytest.mark.parametrize("spoil", SPOILERS.values(), ids=SPOILERS)
@pytest.mark.parametrize("range_s", [None, 2.0])
def test_the_check_against_the_archive_has_the_same_rule(
    tmp_path: Path, spoil: Callable[[bytearray], None], range_s: float | None
) -> None:
    archive = spoilt(tmp_path, spoil, 3)
    archive.make()
    report = archive.check(range_s=range_s)
    assert report.is_whole
    assert report.compared_samples == 3 * 601
    (line,) = report.damaged_files
    assert str(tmp_path / "data" / "HHZ") in line
    assert f"damaged in the archive: {line}" in str(report)
    assert report.to_dict()["damaged_files"] == [line]


def test_samples_of_a_failed_record_in_a_data_set_are_found(tmp_path: Path) -> None:
    archive = spoilt(tmp_path, first_difference, 3)

    class Unchecked(Client):
        """As an archive that knows of no check."""

        def get_waveforms(self, *request: Any, **options: Any) -> Any:
            return super().get_waveforms(*request, **options)

    archive.make(source=Unchecked(archive.index))
    (finding,) = archive.check().findings
    assert finding.level == "samples"
    assert "HHZ: gaps none, the archive has" in finding.text


def test_a_window_keeps_the_samples_and_warns(tmp_path: Path) -> None:
    archive = spoilt(tmp_path, last_sample, 3)
    request = ("X1", "AAA", "00", "HHZ", UTCDateTime(ns=at(0.0)), UTCDateTime(ns=at(20.0)))
    client = Client(archive.index)
    with pytest.warns(DataWarning, match="HHZ"):
        (trace,) = client.get_waveforms(*request)
    assert np.array_equal(trace.data, noise(ord("Z"), NPTS))
    with pytest.warns(DataWarning, match="HHZ"):
        stream, failed, _ = client.get_checked_waveforms(*request)
    assert failed == {"X1.AAA.00.HHZ": 1}
    assert [len(part.data) for part in stream] == [
        archive.lost[0],
        NPTS - sum(archive.lost),
    ]
    assert stream[1].stats.starttime.ns == at(sum(archive.lost) / 100)


def test_the_same_samples_of_another_file_fill_the_gap(tmp_path: Path) -> None:
    archive = spoilt(tmp_path, first_difference, 3)
    (tmp_path / "data" / "again").write_bytes(records("HHZ"))
    # Of one scan and one time of change: a newer file would count alone.
    for file in (tmp_path / "data").iterdir():
        os.utime(file, (1_600_000_000, 1_600_000_000))
    archive.index.unlink()
    makeindex(tmp_path / "data", archive.index, progress=False)
    report = archive.make()
    assert (report.components.written, report.failed_records) == (3, 1)
    with h5py.File(tmp_path / "out.h5") as file:
        data = file[EVENT.event_id][STATION]["HHZ"]
        assert data.attrs["gaps"] == ""
        assert np.array_equal(data[()], noise(ord("Z"), NPTS)[100:701])


def all_fail(channel: str) -> bytes:
    """As `records`, each with another last sample than it says."""
    content = bytearray(records(channel))
    for start in range(0, len(content), RECLEN):
        record = content[start : start + RECLEN]
        last_sample(record)
        content[start : start + RECLEN] = record
    return bytes(content)


@pytest.mark.parametrize("channel", ["HHZ", "--"])
def test_a_station_whose_records_all_fail_is_refused_for_that(tmp_path: Path, channel: str) -> None:
    """Also where no pick names the band: that it has records is known."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "HHZ").write_bytes(all_fail("HHZ"))
    makeindex(tmp_path / "data", tmp_path / "index.db", progress=False)
    row = event(pick("P", 3.0, f"{STATION}.{channel}"))
    report = makeh5(
        tmp_path / "index.db", tmp_path / "out.h5", catalog(row), range_s=2.0, progress=False
    )
    assert report.station_records.refused == {"its records failed their own check": 1}
    assert report.components.no_data == 2
    assert report.components.n_refused == 1


def test_a_failed_east_or_north_is_there_and_nothing_is_turned_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "HHE").write_bytes(all_fail("HHE"))
    for channel in ("HH1", "HH2", "HHZ"):
        (tmp_path / "data" / channel).write_bytes(records(channel))
    makeindex(tmp_path / "data", tmp_path / "index.db", progress=False)
    axes = ["X1 AAA 00 HH1 0 0", "X1 AAA 00 HH2 90 0"]
    chosen = Settings(range_s=2.0, orientations=axes)  # type: ignore[arg-type]
    report = makeh5(
        tmp_path / "index.db", tmp_path / "out.h5", catalog(EVENT), settings=chosen, progress=False
    )
    with h5py.File(tmp_path / "out.h5") as file:
        assert list(file[EVENT.event_id][STATION]) == ["HHZ"]
    assert report.components.refused == {"its records failed their own check": 1}
    assert (report.components.no_data, report.turned) == (1, 0)


def test_a_miniseed_3_record_with_a_wrong_checksum_is_a_gap(tmp_path: Path) -> None:
    """int32 samples have no check of their own: only the checksum tells."""
    (tmp_path / "data").mkdir()
    content = bytearray()
    for number in range(10):
        content += miniseed3(noise(number, 100), at(number * 1.0))
    size = len(content) // 10
    content[4 * size + size - 2] ^= 0x40  # a sample of the fifth record
    (tmp_path / "data" / "HHZ").write_bytes(content)
    for channel in ("HHE", "HHN"):
        (tmp_path / "data" / channel).write_bytes(records(channel))
    makeindex(tmp_path / "data", tmp_path / "index.db", progress=False)
    archive = Archive(tmp_path, (400, 100))
    report = archive.make()
    with h5py.File(tmp_path / "out.h5") as file:
        assert file[EVENT.event_id][STATION]["HHZ"].attrs["gaps"] == "300:100"
    assert report.failed_records == 1
    assert archive.check().is_whole


def miniseed3(data: np.ndarray, start_ns: int) -> bytes:
    """One record of X1.AAA.00.HHZ, int32, 100 Hz, with its CRC-32C."""
    moment = UTCDateTime(ns=start_ns).datetime
    source = b"FDSN:X1_AAA_00_H_H_Z"
    payload = data.astype("<i4").tobytes()
    header = struct.pack(
        "<2sBBIHHBBBBdIIBBHI",
        b"MS",
        3,
        0,
        start_ns % 1_000_000_000,
        moment.year,
        moment.timetuple().tm_yday,
        moment.hour,
        moment.minute,
        moment.second,
        3,
        100.0,
        len(data),
        0,
        1,
        len(source),
        0,
        len(payload),
    )
    record = header + source + payload
    return record[:28] + struct.pack("<I", crc32c(record)) + record[32:]


def crc32c(data: bytes) -> int:
    """Bit by bit."""
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
    return value ^ 0xFFFFFFFF


def test_the_checksum_of_these_tests_is_the_right_one(tmp_path: Path) -> None:
    path = tmp_path / "one"
    path.write_bytes(miniseed3(noise(0, 100), at(0.0)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        makeindex(path, tmp_path / "index.db", progress=False)
        request = ("*", "*", "*", "*", UTCDateTime(ns=at(0.0)), UTCDateTime(ns=at(9.0)))
        (trace,) = Client(tmp_path / "index.db").get_waveforms(*request)
    assert np.array_equal(trace.data, noise(0, 100))


def test_samples_left_out_for_others_are_in_the_account(tmp_path: Path) -> None:
    """A better version of a second of HHZ, with the spoilt record in it, and copies of HHN."""
    archive = spoilt(tmp_path, last_sample, 3)
    lost, count = archive.lost
    assert count > 80
    first = lost - 20
    better = noise(ord("Z"), NPTS)[first : first + 100].copy()
    better[:10] += 1
    for channel, start, data, quality in [
        ("HHZ", first / 100, better, "Q"),
        ("HHN", 2.0, noise(ord("N"), NPTS)[200:300], "D"),
    ]:
        content = encode_mseed2(
            "X1", "AAA", "00", channel, at(start), 100.0, data, "STEIM2", RECLEN, quality=quality
        )
        (tmp_path / "data" / f"{channel}.more").write_bytes(content)
    makeindex(tmp_path / "data", archive.index, progress=False)
    report = archive.make()
    with h5py.File(tmp_path / "out.h5") as file:
        expected = noise(ord("Z"), NPTS)
        expected[first : first + 100] = better
        expected[first + 100 : lost + count] = 0
        assert np.array_equal(file[EVENT.event_id][STATION]["HHZ"][()], expected[100:701])
    assert report.overlap_decided_channels == 2
    # Of HHZ twenty samples, as the others are no data.
    assert report.overlap_decided_samples == {"identical": 10 + 100, "version": 10}
    assert report.overlap_conflict_samples == 0
    (line,) = [line for line in str(report).splitlines() if "left out for others" in line]
    assert line.split()[-6:] == ["2", "110", "identical,", "10", "by", "version"]
    assert report.to_dict()["overlap_decided_samples"] == {"identical": 110, "version": 10}
    assert archive.check(range_s=2.0).is_whole
