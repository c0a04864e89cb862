"""Small good miniSEED files, the ways to spoil them, and short forms of the calls under test.

For the tests of bad input and of repeated runs; needs neither ObsPy nor real data. No test here.
"""

from __future__ import annotations

import struct
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import credit_fast
from credit_fast import _core
from credit_fast.errors import DataWarning, Problem

RECLEN = 512
RATE_HZ = 100.0
START_NS = 1_583_020_800_000_000_000  # 2020-03-01T00:00:00Z
TEXT = b"This is a plain text file, sixty-seven bytes long, and no miniSEED\n"
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(256)) * 20


def samples(npts: int = 4_000, seed: int = 1) -> npt.NDArray[np.int32]:
    """Noise that compresses badly, so that few samples fill a record."""
    draw = np.random.default_rng(seed)
    return draw.integers(-500_000, 500_000, npts, dtype=np.int32)


def mseed(
    channel: str = "BHZ",
    data: npt.NDArray[np.int32] | None = None,
    *,
    start_ns: int = START_NS,
    station: str = "BAD",
) -> bytes:
    """Records of 512 bytes of one channel of network XX, Steim2, 100 Hz."""
    data = samples() if data is None else data
    return bytes(
        _core.encode_mseed2("XX", station, "", channel, start_ns, RATE_HZ, data, "STEIM2", RECLEN)
    )


def multiplexed(*channels: str, npts: int = 5_000) -> bytes:
    """Records of channels of station MUX that take turns, one by one."""
    turns = []
    for seed, channel in enumerate(channels):
        whole = mseed(channel, samples(npts, seed=seed), station="MUX")
        turns.append([whole[at : at + RECLEN] for at in range(0, len(whole), RECLEN)])
    return b"".join(record for turn in zip(*turns, strict=True) for record in turn)


def npts_of_records(records: bytes) -> list[int]:
    """Number of samples of each 512-byte record, from its fixed header."""
    return [
        struct.unpack_from(">H", records, offset + 30)[0]
        for offset in range(0, len(records), RECLEN)
    ]


def overwritten(records: bytes, offset: int, by: bytes) -> bytes:
    """The same bytes with some of them replaced."""
    return records[:offset] + by + records[offset + len(by) :]


def garbage(length: int, seed: int = 3) -> bytes:
    """Random bytes."""
    return np.random.default_rng(seed).bytes(length)


def sqlite(database: Path, statement: str) -> str:
    """Run one SQL statement on a database in another process and give the printed rows."""
    script = (
        "import sqlite3, sys\n"
        "with sqlite3.connect(sys.argv[1]) as database:\n"
        "    print(database.execute(sys.argv[2]).fetchall())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(database), statement],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def sqlite_script(database: Path, script: str) -> None:
    """Run SQL statements on a database in another process."""
    change = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).executescript(sys.argv[2])"
    subprocess.run([sys.executable, "-c", change, str(database), script], check=True)


def made(root: Any, index: Path, **options: Any) -> Any:
    """The report of makeindex without its progress bar."""
    return credit_fast.makeindex(root, str(index), progress=False, **options)


def problems_of(report: Any, file: Path) -> list[Problem]:
    """Lines of a report about one file."""
    return [problem for problem in report.problems if Path(problem.path) == file.resolve()]


def cut(index: Path, station: str, *, seconds: float = 100.0) -> tuple[Any, list[str]]:
    """All data of a station in the first seconds, and the data warnings."""
    client = credit_fast.Client(str(index))
    start = credit_fast.UTCDateTime(ns=START_NS)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        stream = client.get_waveforms("XX", station, "", "*", start, start + seconds)
    return stream, [str(w.message) for w in caught if issubclass(w.category, DataWarning)]


def read(source: Any) -> tuple[Any, list[str]]:
    """One file or bytes, and the data warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        stream = credit_fast.read(source)
    return stream, [str(w.message) for w in caught if issubclass(w.category, DataWarning)]


def assert_good_is_whole(index: Path) -> None:
    """Check that the good file beside the bad one is given without a word."""
    stream, texts = cut(index, "GOOD")
    assert texts == []
    [trace] = stream
    assert np.array_equal(trace.data, samples())
