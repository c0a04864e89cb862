"""Memory of indexing and cutting depends on what is asked for, not on the size of files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from bad_files import sqlite

import credit_fast
from credit_fast import UTCDateTime, _core

START = UTCDateTime("2018-01-01")
RATE = 500.0
#: Samples of a part of the file, 16 MB as they are written.
PART = 4_000_000
PARTS = 8

#: Prints by how many bytes the most memory grows while each line runs.
MEASURED = """
import sys
import credit_fast

def peak():
    for line in open("/proc/self/status"):
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024

client = None
for line in sys.argv[1:]:
    # The mark of the most memory starts anew.
    open("/proc/self/clear_refs", "w").write("5")
    before = peak()
    exec(line)
    print(peak() - before)
"""


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one file of 130 MB: 18 hours of one channel."""
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("only Linux tells how much memory was used at most")
    file = tmp_path_factory.mktemp("large") / "large.mseed"
    noise = np.random.default_rng(1).integers(-(2**30), 2**30, PART, dtype=np.int32)
    with file.open("wb") as stream:
        for part in range(PARTS):
            start_ns = (START + part * PART / RATE).ns
            stream.write(
                _core.encode_mseed2("XX", "BIG", "", "HHZ", start_ns, RATE, noise, "INT32", 4096)
            )
    return file.parent


def grown(*lines: str) -> list[int]:
    """By how many bytes memory grows at most in each line, in a new process."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *lines], capture_output=True, text=True, check=True
    )
    return [int(word) for word in done.stdout.split()]


def test_a_large_file_is_indexed_and_cut_in_little_memory(large: Path, tmp_path: Path) -> None:
    index = str(tmp_path / "index.db")
    late = str(START + PART / RATE * (PARTS - 0.5))
    indexed, cut, whole = grown(
        f"credit_fast.makeindex({str(large)!r}, {index!r}, progress=False)",
        f"client = credit_fast.Client({index!r}); t = credit_fast.UTCDateTime({late!r}); "
        "assert len(client.get_waveforms('XX', 'BIG', '', 'HHZ', t, t + 10)[0]) == 5001",
        f"credit_fast.read({str(large / 'large.mseed')!r})",
    )
    assert indexed < 32 * 2**20
    assert cut < 4 * 2**20
    # Holds the instrument: the samples of the whole file are in memory when it is read.
    assert whole > 120 * 2**20


def test_rows_of_many_gaps_are_not_all_kept(tmp_path: Path) -> None:
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("only Linux tells how much memory was used at most")
    gaps, rows, index = 5000, 500, tmp_path / "index.db"
    few = np.arange(2, dtype=np.int32)
    records = [
        _core.encode_mseed2("XX", "GAP", "", "HHZ", (START + 10 * n).ns, RATE, few, "STEIM2", 256)
        for n in range(gaps)
    ]
    (tmp_path / "gaps").write_bytes(b"".join(bytes(record) for record in records))
    credit_fast.makeindex(tmp_path / "gaps", index, progress=False)
    columns = sqlite(index, "select group_concat(name) from pragma_table_info('tsindex')")[3:-4]
    values = columns.replace("station", "'S'||value")
    sqlite(
        index,
        "with recursive n(value) as (select 0 union all select value+1 from n "
        f"where value<{rows - 1}) insert into tsindex ({columns}) select {values} from tsindex,n",
    )
    # The rows are what matters: their file has no such channel, which is a warning. From the second
    # question on rows are kept.
    asked = "client.get_waveforms('XX', f'S{n}', '', 'HHZ', t + 10, t + 20)"
    [first, kept] = grown(
        "import warnings; warnings.simplefilter('ignore'); "
        "t = credit_fast.UTCDateTime('2018-01-01'); "
        f"client = credit_fast.Client({str(index)!r}); [{asked} for n in range({rows})]",
        f"[{asked} for n in range({rows})]",
    )
    assert max(first, kept) < 32 * 2**20
