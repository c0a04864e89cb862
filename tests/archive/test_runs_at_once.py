"""Several programs at one index, and runs that are killed: nobody fails, and nothing is lost."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from bad_files import START_NS, made, mseed, sqlite

from credit_fast import Client, UTCDateTime
from credit_fast.errors import IndexFormatError

START = UTCDateTime(ns=START_NS)
RUN = """
import sys, credit_fast
print("go", flush=True)
credit_fast.makeindex(sys.argv[1], sys.argv[2], progress=False)
"""
#: Of each file: two rows. The summary has each channel once.
COUNTS = """
select (select count(*) from tsindex), (select count(*) from credit_fast_files),
       (select count(*) from (select 1 from tsindex group by filename having count(*) != 2)),
       (select count(*) from tsindex_summary)
"""


def write(folder: Path, station: str, files: int) -> Path:
    """A folder of files of two channels each, one record long."""
    folder.mkdir()
    few = np.arange(20, dtype=np.int32)
    for number in range(files):
        start_ns = (START + number).ns
        channels = [mseed(c, few, start_ns=start_ns, station=station) for c in ("BHN", "BHZ")]
        (folder / f"{number:04d}").write_bytes(b"".join(channels))
    return folder


def started(root: Path, index: Path) -> subprocess.Popen[str]:
    """A run of makeindex in a process of its own, about to begin."""
    words = [sys.executable, "-c", RUN, str(root), str(index)]
    process = subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "go\n"
    return process


def counts(index: Path) -> list[int]:
    assert sqlite(index, "pragma integrity_check") == "[('ok',)]"
    [row] = json.loads(sqlite(index, COUNTS).replace("(", "[").replace(")", "]"))
    return list(row)


def test_runs_and_readers_at_once_find_the_index_neither_locked_nor_harmed(
    archive: Path, index: Path, tmp_path: Path
) -> None:
    made(archive, index)
    roots = [write(tmp_path / f"root{n}", f"S{n}", 400) for n in range(2)]
    stop, failed = threading.Event(), []

    def ask() -> None:
        client = Client(index)
        try:
            while not stop.is_set():
                assert ("XX", "GOOD", "", "BHZ") in client.get_nslc()
                [trace] = client.get_waveforms("XX", "GOOD", "", "BHZ", START, START + 10)
                assert trace.stats.npts == 1001
                time.sleep(0.002)
        except BaseException as error:
            failed.append(error)

    readers = [threading.Thread(target=ask) for _ in range(2)]
    for reader in readers:
        reader.start()
    runs = [started(root, index) for root in roots for _ in range(2)]
    try:
        for run in runs:
            _, errors = run.communicate(timeout=120)
            assert (run.returncode, errors) == (0, "")
    finally:
        stop.set()
        for reader in readers:
            reader.join()
        for run in runs:
            run.kill()
    assert failed == []
    # The file of `archive` has one row.
    assert counts(index) == [2 * 2 * 400 + 1, 2 * 400 + 1, 1, 2 * 2 + 1]
    assert len(Client(index).get_waveforms("XX", "S1", "", "BHZ", START, START + 500)) == 400


@pytest.mark.skipif(sys.platform == "win32", reason="no kill -9 on this system")
def test_runs_that_are_killed_leave_an_index_of_whole_files(index: Path, tmp_path: Path) -> None:
    files = 3_000  # a batch has 2,000
    root = write(tmp_path / "root", "KILL", files)
    draw = random.Random(2)
    killed = 0
    for _ in range(7):
        with started(root, index) as run:
            time.sleep(draw.uniform(0, 0.3))
            run.kill()
        killed += run.returncode != 0
        if not index.exists():
            continue
        try:
            # Whoever opens it next takes an unfinished batch back: here our reader.
            spans = Client(index).get_availability("XX", "KILL", "", "BHZ")
        except IndexFormatError:
            # Killed before its tables were there.
            assert sqlite(index, "select * from sqlite_master") == "[]"
            continue
        rows, known, half, _ = counts(index)
        assert (rows, len(spans), half) == (2 * known, known, 0)
    assert killed > 0
    report = made(root, index)
    assert (report.files_found, report.rows) == (files, 2 * files)
    assert counts(index) == [2 * files, files, 0, 2]
    assert len(Client(index).get_nslc()) == 2
