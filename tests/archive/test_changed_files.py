"""Files that changed since they were indexed, and indexes that were written over."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from bad_files import mseed

import credit_fast
from credit_fast import Client, DataWarning, UTCDateTime, _core

START = UTCDateTime("2017-05-05T05:00:00")
RATE = 100.0
NPTS = 300_000
RECLEN = 512


def wrong_minute(number: int) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        changed = bytearray(data)
        changed[number * RECLEN + 25] ^= 16
        return bytes(changed)

    return change


def halves_exchanged(data: bytes) -> bytes:
    middle = len(data) // RECLEN // 2 * RECLEN
    return data[middle:] + data[:middle]


def reversed_records(data: bytes) -> bytes:
    records = [data[at : at + RECLEN] for at in range(0, len(data), RECLEN)]
    return b"".join(reversed(records))


@pytest.mark.parametrize(
    ("change", "lost"),
    [
        (wrong_minute(0), 1),
        (wrong_minute(300), 1),
        (wrong_minute(77), 1),
        (halves_exchanged, 0),
        (reversed_records, 0),
    ],
)
def test_a_file_that_changed_costs_no_window_but_that_of_the_change(
    archive: Path, index: Path, change: Callable[[bytes], bytes], lost: int
) -> None:
    noise = np.random.default_rng(2).integers(-500, 500, NPTS, dtype=np.int32)
    data = _core.encode_mseed2("XX", "LONG", "", "HHZ", START.ns, RATE, noise, "STEIM2", RECLEN)
    file = archive / "long.mseed"
    file.write_bytes(data)
    credit_fast.makeindex(archive, index, progress=False)
    client = Client(index)
    file.write_bytes(change(data))
    short = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        for begin in range(0, 2990, 10):
            window = (START + begin, START + begin + 9.99)
            stream = client.get_waveforms("XX", "LONG", "", "HHZ", *window)
            found = np.concatenate([trace.data for trace in stream] or [noise[:0]])
            expected = noise[begin * 100 : begin * 100 + 1000]
            # A record has about 450 samples: the wrong one reaches into two windows at most.
            short += not np.array_equal(found, expected)
    assert short <= 2 * lost


@pytest.mark.parametrize("in_place", [True, False])
def test_many_windows_are_those_of_the_file_as_it_is_now(
    archive: Path, index: Path, in_place: bool
) -> None:
    def write(seed: int) -> npt.NDArray[np.int32]:
        noise = np.random.default_rng(seed).integers(-500, 500, NPTS, dtype=np.int32)
        data = _core.encode_mseed2("XX", "LONG", "", "HHZ", START.ns, RATE, noise, "STEIM2", RECLEN)
        place = file if in_place else archive / "part"
        place.write_bytes(data)
        place.replace(file)
        return noise

    file = archive / "long.mseed"
    write(1)
    credit_fast.makeindex(archive, index, progress=False)
    client = Client(index)
    starts = [START + 10 * number for number in range(290)]
    rows = [("XX", "LONG", "", "HHZ", start) for start in starts]
    # As many records at nearly the same places: the index, which nobody made anew, leads there.
    for seed in (1, 2, 3):
        noise = write(seed)
        expected = noise[:290_000].reshape(290, 1, 1000)
        windows = client.cut(rows, 1000, components=None, dtype="int32", threads=2)
        assert np.array_equal(windows.data, expected)
        bulk = [(*row, row[-1] + 9.99) for row in rows]
        streams = client.get_waveforms_bulk(bulk, grouped=True, threads=2)
        for stream, [part] in zip(streams, expected, strict=True):
            assert np.array_equal(np.concatenate([trace.data for trace in stream]), part)


def test_an_index_that_was_written_over_in_place_is_read_anew(
    archive: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "good.mseed").write_bytes(mseed(data=np.arange(77, dtype=np.int32), station="GOOD"))
    for folder in (archive, other):
        credit_fast.makeindex(folder, tmp_path / f"{folder.name}.db", progress=False)
    used = tmp_path / "used.db"
    shutil.copyfile(tmp_path / "archive.db", used)
    client = Client(used)

    def npts() -> int:
        stream = client.get_waveforms("XX", "GOOD", "", "BHZ", "1900-01-01", "2100-01-01")
        return sum(len(trace) for trace in stream)

    before = {npts() for _ in range(3)}
    shutil.copyfile(tmp_path / "other.db", used)
    assert before != {77}
    assert {npts() for _ in range(3)} == {77}
