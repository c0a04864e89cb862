"""Archives with data that are there twice, and what a window of them is to hold.

Samples stand at whole numbers of sample intervals from `START`; all files have one time of change,
so that nothing decides but what a test says.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

import credit_fast
from credit_fast import Client, Stream, UTCDateTime, _core

START = UTCDateTime("2014-05-06T23:58:00")
RATE = 100.0
CODES = ("XX", "AAA", "", "HHZ")
ID = "XX.AAA..HHZ"
LETTERS = " RDQM"

_UPDATE = """
import json, sqlite3, sys
with sqlite3.connect(sys.argv[1]) as database:
    for statement, *parameters in json.loads(sys.argv[2]):
        database.execute(statement, parameters)
database.close()
"""


def at(sample: float, rate: float = RATE) -> UTCDateTime:
    """Time of a sample."""
    return START + sample / rate


def constant(value: int, npts: int) -> np.ndarray:
    """Samples that tell their file."""
    return np.full(npts, value, np.int32)


def noise(seed: int, npts: int) -> np.ndarray:
    """Samples that nearly all differ from those of another seed."""
    return np.random.default_rng(seed).integers(-9999, 9999, npts, dtype=np.int32)


def write(
    folder: Path,
    name: str,
    first: float,
    data: np.ndarray,
    *,
    version: int = 2,
    rate: float = RATE,
    mseed3: bool = False,
    changed: int = 1_500_000_000,
) -> Path:
    """Write records of 256 bytes or so into a file; behind what it has, if it is there."""
    folder.mkdir(parents=True, exist_ok=True)
    start_ns = at(first, rate).ns
    if mseed3:
        records = _core.encode_mseed3(
            *CODES, start_ns, rate, data, "STEIM2", reclen=256, version=version
        )
    else:
        letter = LETTERS[version]
        records = _core.encode_mseed2(
            *CODES, start_ns, rate, data, "STEIM2", reclen=256, quality=letter
        )
    path = folder / name
    with path.open("ab") as file:
        file.write(records)
    os.utime(path, (changed, changed))
    return path


def change_index(index: Path, *statements: Iterable[Any]) -> None:
    """Run SQL, each with its parameters, in another process: it has another SQLite."""
    text = json.dumps([list(statement) for statement in statements])
    subprocess.run([sys.executable, "-c", _UPDATE, str(index), text], check=True)


def scanned(index: Path, **times: str | None) -> None:
    """Set when files were scanned, by the beginnings of their names."""
    statement = "UPDATE tsindex SET scanned=? WHERE filename LIKE ?"
    change_index(index, *[(statement, time, f"%/{name}%") for name, time in times.items()])


def client_of(folder: Path) -> Client:
    """Index a folder, and open the index beside it."""
    index = folder.with_suffix(".db")
    credit_fast.makeindex(folder, index, progress=False)
    return Client(index)


def window(client: Client, first: float, last: float, **options: Any) -> Stream:
    """Samples `first` to `last`, both included."""
    return client.get_waveforms(*CODES, at(first), at(last), **options)


def samples(stream: Stream) -> list[tuple[int, list[int]]]:
    """Place of the first sample and the samples of each trace, all on the grid of `START`."""
    found = []
    for trace in stream:
        first = (trace.stats.starttime - START) * trace.stats.sampling_rate
        assert abs(first - round(first)) < 1e-6
        found.append((round(first), trace.data.tolist()))
    return found


def counts(stream: Stream) -> dict[str, dict[str, int]]:
    """What was left out, as plain dictionaries."""
    return {trace_id: dict(reasons) for trace_id, reasons in stream.overlaps.items()}


def runs(stream: Stream) -> list[tuple[int, int, int]]:
    """First place, value and number of equal samples one behind the other."""
    found = []
    for first, values in samples(stream):
        edges = [0, *(np.flatnonzero(np.diff(values)) + 1).tolist(), len(values)]
        found += [(first + a, values[a], b - a) for a, b in pairwise(edges)]
    return found
