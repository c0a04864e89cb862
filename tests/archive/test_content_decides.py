"""What is in the files decides where samples are found: not their names, not their order."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

import credit_fast
from credit_fast import Client, UTCDateTime, _core

MIDNIGHT = UTCDateTime("2022-07-02")
RATE = 20.0
RECLEN = 512
CODES = ("XX", "DAY", "", "BHZ")
#: Samples from three hours before midnight to three hours behind it, each its own number.
NPTS = round(6 * 3600 * RATE)
BEGIN = MIDNIGHT - 3 * 3600


def records(first: int, end: int) -> bytes:
    """The samples from one number up to another."""
    samples = np.arange(first, end, dtype=np.int32)
    start_ns = (BEGIN + first / RATE).ns
    return _core.encode_mseed2(*CODES, start_ns, RATE, samples, "STEIM2", RECLEN)


def indexed(folder: Path, index: Path) -> Client:
    assert credit_fast.makeindex(folder, index, progress=False).problems == []
    return Client(index)


def found(client: Client, first: float, last: float) -> list[tuple[int, int]]:
    """First and last sample of each trace of the window from one sample to another."""
    stream = client.get_waveforms(*CODES, BEGIN + first / RATE, BEGIN + last / RATE)
    for trace in stream:
        start = BEGIN + int(trace.data[0]) / RATE
        assert abs(trace.stats.starttime - start) < 1e-6
        assert np.array_equal(trace.data, np.arange(trace.data[0], trace.data[-1] + 1))
    return [(int(trace.data[0]), int(trace.data[-1])) for trace in stream]


@pytest.mark.parametrize(
    "names",
    [
        ("XX.DAY..BHZ.2022.182", "XX.DAY..BHZ.2022.183"),
        ("XX.DAY..BHZ.2022.183", "XX.DAY..BHZ.2022.182"),
        ("1999/XX.ZZZ.00.HHE.1999.001", "a"),
    ],
    ids=["right names", "names exchanged", "names of another channel"],
)
@pytest.mark.parametrize("over", [0, 37, -37, 2_000], ids=lambda n: f"{n} samples over")
def test_windows_around_midnight_are_whole_whatever_day_files_hold(
    tmp_path: Path, names: tuple[str, str], over: int
) -> None:
    """Day files reach over midnight, or begin late: records are not cut at it."""
    folder = tmp_path / "archive"
    midnight = NPTS // 2
    first_ends = midnight + abs(over)
    second_begins = midnight - over if over > 0 else first_ends
    for name, part in zip(names, (records(0, first_ends), records(second_begins, NPTS)),
                          strict=True):  # fmt: skip
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(part)
    client = indexed(folder, tmp_path / "index.db")
    for first, last in [
        (midnight, midnight),
        (midnight, midnight + 100),
        (midnight - 100, midnight),
        (midnight - 1, midnight - 1),
        (midnight - 30, midnight + 30),
        (midnight - 5_000, midnight + 5_000),
        (0, NPTS - 1),
    ]:
        assert found(client, first, last) == [(first, last)]


@pytest.mark.parametrize("hours", [0.01, 1.0, 3.5])
def test_a_window_that_begins_in_a_gap_begins_with_what_is_behind_it(
    tmp_path: Path, hours: float
) -> None:
    """One file of one row: only its spans tell of the gap."""
    folder = tmp_path / "archive"
    folder.mkdir()
    gap = round(1.5 * 3600 * RATE), round((1.5 + hours) * 3600 * RATE)
    (folder / "file").write_bytes(records(0, gap[0]) + records(gap[1], NPTS))
    client = indexed(folder, tmp_path / "index.db")
    middle = sum(gap) / 2
    assert found(client, middle, gap[1] - 1) == []
    assert found(client, middle, gap[1]) == [(gap[1], gap[1])]
    assert found(client, middle, gap[1] + 700) == [(gap[1], gap[1] + 700)]
    assert found(client, gap[0], gap[1] - 1) == []
    assert found(client, gap[0] - 700, middle) == [(gap[0] - 700, gap[0] - 1)]
    assert found(client, gap[0] - 1, gap[1]) == [(gap[0] - 1,) * 2, (gap[1],) * 2]


def test_records_in_any_order_are_all_found(tmp_path: Path) -> None:
    """Shuffled within a file of six hours: a range between two entries of time would miss some."""
    folder = tmp_path / "archive"
    folder.mkdir()
    whole = records(0, NPTS)
    parts = [whole[at : at + RECLEN] for at in range(0, len(whole), RECLEN)]
    random.Random(3).shuffle(parts)
    (folder / "shuffled").write_bytes(b"".join(parts))
    client = indexed(folder, tmp_path / "index.db")
    for first in range(0, NPTS - 30_000, 29_989):
        for length in (1, 50, 30_000):
            assert found(client, first, first + length - 1) == [(first, first + length - 1)]
    rows = [(*CODES, BEGIN + n / RATE, BEGIN + (n + 999) / RATE) for n in range(0, 100_000, 9_973)]
    assert [len(trace) for trace in client.get_waveforms_bulk(rows)] == [1_000] * len(rows)
